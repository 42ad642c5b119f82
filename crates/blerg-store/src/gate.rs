//! The one place on a data directory where a password hash may be computed. Start at `Gate::enter`.
//!
//! A hash takes 64 MiB, so at most one is computed at a time across all processes: whoever holds the kernel's
//! lock on `hash.lock` may. The kernel drops the lock with the process. Threads of one process queue here
//! first, so that only one of them asks the kernel. Waiting is bounded in time and in number; past that the
//! caller is told when to come again. Opens nothing but the lock file. Its holder is also the only one who
//! makes an account, which is what makes a half-made one recognisable (`account/create.rs`).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::error::Error;
use crate::ready::NO_LINK;

mod line;

pub(crate) use line::{Line, Place};

/// The lock file's name in the data directory; it stays empty and is never deleted.
pub(crate) const HASH_LOCK_FILE: &str = "hash.lock";

/// Most threads of one process that wait: with hashes of 0.2 s those behind them would wait past any bound.
pub(crate) const WAITERS_MAX: usize = 32;

const POLL_FIRST: Duration = Duration::from_millis(1);
const POLL_LAST: Duration = Duration::from_millis(25);
const RETRY_AFTER_SECS: u64 = 2;

/// The queue of one process for the one hashing place of its data directory.
#[derive(Debug)]
pub(crate) struct Gate {
    path: PathBuf,
    wait: Duration,
    line: Line,
}

/// The right to compute one hash at a time, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass<'g> {
    // Dropped in this order: the kernel's lock first, so that the next thread finds it free.
    _lock: File,
    _place: Place<'g>,
}

impl Gate {
    /// The gate of the data directory `dir`; touches nothing yet.
    pub(crate) fn new(dir: &Path, wait_ms: u64) -> Gate {
        Gate { path: dir.join(HASH_LOCK_FILE), wait: Duration::from_millis(wait_ms), line: Line::new(WAITERS_MAX) }
    }

    /// Waits for the hashing place, in a bounded way. The directory must exist.
    ///
    /// # Errors
    /// `Busy` past the bound; `Io` if the lock file cannot be used.
    pub(crate) fn enter(&self) -> Result<Pass<'_>, Error> {
        let deadline = Instant::now() + self.wait;
        let place = self.line.enter(deadline).ok_or_else(busy)?;
        let lock = self.lock_file(deadline)?;
        Ok(Pass { _lock: lock, _place: place })
    }

    fn lock_file(&self, deadline: Instant) -> Result<File, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(NO_LINK)
            .open(&self.path)
            .map_err(Error::io(&self.path, "open"))?;
        let mut pause = POLL_FIRST;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(errno) => {
                    return Err(Error::io(&self.path, "lock")(io::Error::from(errno)));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(busy());
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(POLL_LAST);
        }
    }

    /// How many threads of this process wait now.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.line.waiting()
    }
}

fn busy() -> Error {
    Error::Busy { retry_after_secs: RETRY_AFTER_SECS }
}

#[cfg(test)]
mod tests;
