//! The thread that syncs a store which does not sync each commit, about once a second, while a long-lived program has it open.
//! Start at [`Background`].

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Backend;
use crate::core::Core;

/// How old a commit that is not durable can become, about.
const INTERVAL: Duration = Duration::from_secs(1);

/// A running thread; ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts the thread, if the store and the program are such that it is needed. Without a thread (the system has none to give)
    /// commits themselves sync now and then.
    pub(crate) fn start(core: &Arc<Core>) -> Option<Background> {
        if core.is_durable() || core.options.backend != Backend::Mapped {
            return None;
        }
        let core: Weak<Core> = Arc::downgrade(core);
        let (stop, stopped) = channel();
        let body = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let Some(core) = core.upgrade() else { return };
                // What others commit, they see to. A failure poisons the store; the next commit says so.
                if core.last_writer().is_some() {
                    let _ = core.sync_all();
                }
            }
        };
        let thread = std::thread::Builder::new().name("blerg-log sync".into()).spawn(body).ok()?;
        Some(Background { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
