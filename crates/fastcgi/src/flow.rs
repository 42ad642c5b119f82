//! [`Flow`]: the bounded way of one answer from a handler on the pool to its connection's event loop.
//! The handler waits while the window is full; the loop takes what the client has room for, and tells when nobody wants
//! the rest. A stream does not keep a thread waiting: it is parked here and resumed by the loop.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::answer::Rest;
use crate::mailbox::Mailbox;

/// One answer on its way.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) id: u16,
    window_bytes: usize,
    mailbox: Arc<Mailbox>,
    token: usize,
    state: Mutex<State>,
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Vec<u8>>,
    queued_bytes: usize,
    parked: Option<Rest>,
    /// Whether a handler waits for room.
    waiting: bool,
    begun: bool,
    ended: bool,
    abandoned: bool,
}

/// What the event loop gets.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Whole records, and a stream to resume on the pool if there is one.
    Records(Vec<u8>, Option<Rest>),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    Ended,
}

impl Flow {
    pub(crate) fn new(id: u16, window_bytes: usize, mailbox: Arc<Mailbox>, token: usize) -> Flow {
        Flow { id, window_bytes, mailbox, token, state: Mutex::default(), room: Condvar::new() }
    }

    /// From the pool: whole records, after waiting for room.
    pub(crate) fn pass(&self, records: Vec<u8>) -> io::Result<()> {
        let mut state = self.lock();
        while state.queued_bytes >= self.window_bytes && !state.abandoned {
            state.waiting = true;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
        if state.abandoned {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone"));
        }
        state.put(records);
        drop(state);
        self.mailbox.post(self.token);
        Ok(())
    }

    /// From the pool: the last records.
    pub(crate) fn end(&self, records: Vec<u8>) {
        let mut state = self.lock();
        state.put(records);
        state.ended = true;
        drop(state);
        self.mailbox.post(self.token);
    }

    /// From the pool: records of a stream. The stream comes back if there is room for more, else it waits here.
    pub(crate) fn park(&self, records: Vec<u8>, rest: Rest) -> Option<Rest> {
        let mut state = self.lock();
        state.put(records);
        let back = if state.abandoned {
            drop(state);
            return None;
        } else if state.queued_bytes < self.window_bytes {
            Some(rest)
        } else {
            state.parked = Some(rest);
            None
        };
        drop(state);
        self.mailbox.post(self.token);
        back
    }

    /// From the event loop.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        let Some(records) = state.queue.pop_front() else {
            return if state.ended { Taken::Ended } else { Taken::Nothing };
        };
        state.queued_bytes -= records.len();
        let low = state.queued_bytes <= self.window_bytes / 2;
        let resumed = if low { state.parked.take() } else { None };
        drop(state);
        if low {
            self.room.notify_one();
        }
        Taken::Records(records, resumed)
    }

    /// Whether a thread of the pool waits for the client.
    pub(crate) fn holds_thread(&self) -> bool {
        self.lock().waiting
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.lock().queued_bytes
    }

    /// From the event loop: nobody wants the rest.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        let parked = state.parked.take();
        state.abandoned = true;
        state.queue.clear();
        drop(state);
        drop(parked);
        self.room.notify_all();
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    /// Whether records have been passed on.
    pub(crate) fn has_begun(&self) -> bool {
        self.lock().begun
    }

    /// No handler runs while the lock is held, so a poisoned one holds nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, records: Vec<u8>) {
        if !records.is_empty() && !self.abandoned {
            self.queued_bytes += records.len();
            self.begun = true;
            self.queue.push_back(records);
        }
    }
}
