//! A lock between threads and processes that the kernel drops with its holder. Start at [`Lock`]. Waits are bounded: a
//! holder that is stopped must not hang the site.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::file::File;
use crate::{Disk, Error, OpenMode};

/// The lock of those who write.
pub(crate) const LOCK_FILE: &str = "lock";
/// The lock of those who sync; taken after the other, if both.
pub(crate) const SYNC_LOCK_FILE: &str = "sync.lock";

const PAUSE_FIRST: Duration = Duration::from_micros(20);
const PAUSE_LAST: Duration = Duration::from_micros(2_000);

/// A lock file.
pub(crate) struct Lock {
    file: File,
    /// flock knows descriptors, not threads: those of this process exclude each other here.
    threads: Mutex<()>,
    wait: Duration,
}

/// The lock held.
pub(crate) struct Held<'l> {
    file: &'l File,
    _threads: MutexGuard<'l, ()>,
}

impl Lock {
    pub(crate) fn open(disk: &dyn Disk, path: &Path, wait_ms: u64) -> Result<Lock, Error> {
        let file = File::open(disk, path, OpenMode::Create)?;
        Ok(Lock { file, threads: Mutex::new(()), wait: Duration::from_millis(wait_ms) })
    }

    /// Waits for the lock.
    pub(crate) fn hold(&self) -> Result<Held<'_>, Error> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut waited, mut pause) = (Duration::ZERO, PAUSE_FIRST);
        while !self.file.try_lock()? {
            if waited >= self.wait {
                let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                return Err(Error::Busy { path: self.file.path().into(), waited_ms });
            }
            thread::sleep(pause);
            waited += pause;
            pause = (pause * 2).min(PAUSE_LAST);
        }
        Ok(Held { file: &self.file, _threads: threads })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Closing the file would give it back too; an error here has nobody to tell it to.
        let _ = self.file.unlock();
    }
}
