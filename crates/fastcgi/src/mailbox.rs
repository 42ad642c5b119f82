//! [`Mailbox`]: how pool threads and handles wake an event loop. It carries tokens of connections that have something to
//! send; the loop is woken once for any number of them.

use std::sync::{Mutex, PoisonError};

use mio::Waker;

/// An event loop's mailbox.
#[derive(Debug)]
pub(crate) struct Mailbox {
    waker: Waker,
    /// Bounded: one post per chunk that fits a flow's window.
    tokens: Mutex<Vec<usize>>,
}

impl Mailbox {
    pub(crate) const fn new(waker: Waker) -> Mailbox {
        Mailbox { waker, tokens: Mutex::new(Vec::new()) }
    }

    /// A connection has something to send.
    pub(crate) fn post(&self, token: usize) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.push(token);
        let first = tokens.len() == 1;
        drop(tokens);
        if first {
            self.wake();
        }
    }

    /// Wakes the loop for another reason.
    pub(crate) fn wake(&self) {
        // A wake-up only fails when the loop is gone.
        let _ = self.waker.wake();
    }

    pub(crate) fn take(&self, into: &mut Vec<usize>) {
        into.append(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
