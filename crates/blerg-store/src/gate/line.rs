//! A queue of threads for one place, bounded in number and time. Start at `Line::enter`.
//!
//! It is what `Mutex` lacks: nobody waits past a deadline, so a stopped process that holds a file's lock cannot
//! make the threads of this one wait for each other without end.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The queue; one thread at a time has the place.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<State>,
    moved: Condvar,
    waiting_max: usize,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    waiting: usize,
}

/// The place, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'l>(&'l Line);

impl Line {
    /// A queue in which at most `waiting_max` threads wait.
    pub(crate) fn new(waiting_max: usize) -> Line {
        Line { state: Mutex::default(), moved: Condvar::new(), waiting_max }
    }

    /// Waits for the place; `None` past the deadline, or at once if too many wait already.
    pub(crate) fn enter(&self, deadline: Instant) -> Option<Place<'_>> {
        let mut state = self.state();
        if state.taken && state.waiting >= self.waiting_max {
            return None;
        }
        state.waiting += 1;
        while state.taken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.waiting -= 1;
                return None;
            }
            state = self.moved.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting -= 1;
        state.taken = true;
        Some(Place(self))
    }

    /// How many threads wait now.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state whole: it changes only in single steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().taken = false;
        self.0.moved.notify_one();
    }
}
