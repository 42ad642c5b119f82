//! A lock between threads and processes that the kernel drops with its holder. Start at [`Lock`]. Waits are bounded: a
//! holder that is stopped must not hang the site.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// flock knows descriptors, not threads: those of this process exclude each other here.
    file: Mutex<File>,
    wait: Duration,
}

/// The lock held.
pub(crate) struct Held<'l> {
    file: MutexGuard<'l, File>,
}

impl Lock {
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path, wait_ms: u64) -> Result<Lock, Error> {
        let file = Mutex::new(File::open(&**disk, path, OpenMode::Create)?);
        Ok(Lock { disk: Arc::clone(disk), path: path.into(), file, wait: Duration::from_millis(wait_ms) })
    }

    /// Waits for the lock.
    pub(crate) fn hold(&self) -> Result<Held<'_>, Error> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut waited, mut pause) = (Duration::ZERO, PAUSE_FIRST);
        loop {
            if file.try_lock()? {
                // Somebody may have put another directory in the place of this one: its lock is the one that the others take.
                match self.renew(&file) {
                    Ok(None) => return Ok(Held { file }),
                    Ok(Some(new)) => *file = new,
                    Err(e) => {
                        // Who goes away with an error keeps nobody waiting.
                        let _ = file.unlock();
                        return Err(e);
                    }
                }
                continue;
            }
            if waited >= self.wait {
                let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                return Err(Error::Busy { path: self.path.clone(), waited_ms });
            }
            thread::sleep(pause);
            waited += pause;
            pause = (pause * 2).min(PAUSE_LAST);
        }
    }
}

impl Lock {
    /// The file that has the name now, if it is another one.
    fn renew(&self, file: &File) -> Result<Option<File>, Error> {
        match self.disk.inode(&self.path) {
            Ok(inode) if inode == file.inode()? => Ok(None),
            _ => File::open(&*self.disk, &self.path, OpenMode::Create).map(Some),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Closing the file would give it back too; an error here has nobody to tell it to.
        let _ = self.file.unlock();
    }
}
