//! Stopping without dropping anything: [`Stop`] knows every connection and wakes them all once. Costs a request nothing:
//! a connection looks at one flag when it is woken anyway.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// The connections of the server and whether it is stopping.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    stopping: AtomicBool,
    next: AtomicU64,
    wakers: Mutex<HashMap<u64, Option<Waker>>>,
}

impl Stop {
    /// Tells every connection to finish.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for waker in self.lock().values().flatten() {
            waker.wake_by_ref();
        }
    }

    /// Whether connections are to finish.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        self.lock().len()
    }

    /// A connection begins; it ends when the value is dropped.
    pub(crate) fn enter(&self) -> Entered<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, None);
        Entered { stop: self, id, registered: false }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Option<Waker>>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is known to [`Stop`].
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    stop: &'a Stop,
    id: u64,
    registered: bool,
}

impl Entered<'_> {
    /// Looks whether to finish; the first call leaves the waker, which stays the same for a task.
    pub(crate) fn is_stopping(&mut self, waker: &Waker) -> bool {
        if !self.registered {
            self.stop.lock().insert(self.id, Some(waker.clone()));
            self.registered = true;
        }
        self.stop.is_stopping()
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.stop.lock().remove(&self.id);
    }
}
