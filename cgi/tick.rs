//! Work that a server does beside its requests: letting the full-text index catch up. Start at [`Tick::start`].
//! One thread; it stops when its [`Tick`] is dropped.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use blerg_store::Store;

use crate::error::chain;
use crate::site::log;

/// How often; a search catches up by itself, so this only keeps it quick.
const INTERVAL: Duration = Duration::from_secs(5);
/// Batches of the full-text index per tick, so that a stop never waits long.
const BATCHES: u64 = 8;

/// The running thread.
#[derive(Debug)]
pub(crate) struct Tick {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tick {
    /// Starts the thread; a system without room for one more thread does without.
    pub(crate) fn start(store: Arc<Store>) -> Tick {
        let (stop, stopped) = channel();
        let work = move || {
            let mut told = false;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(INTERVAL) {
                match store.index_search(BATCHES) {
                    Ok(_) => told = false,
                    Err(error) if !told => {
                        log(&format!("full-text index: {}", chain(&error)));
                        told = true;
                    }
                    Err(_) => {}
                }
            }
        };
        let thread = std::thread::Builder::new().name("blerg-tick".to_owned()).stack_size(512 * 1024).spawn(work).ok();
        Tick { stop: Some(stop), thread }
    }
}

impl Drop for Tick {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
