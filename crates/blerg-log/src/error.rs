//! What can go wrong with a log, as one [`Error`] that answers questions. Names the file and what was found.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why an operation on the log did not succeed.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The operating system refused.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was to be done with it, as a verb.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room left; nothing was written.
    Full {
        /// The file or directory that could not grow.
        path: PathBuf,
    },
    /// A sync failed and so did the one try to mend it: no writes until the operator acts.
    Poisoned {
        /// The data directory.
        dir: PathBuf,
    },
    /// The store needs a recovery longer than this process may take.
    Recovering {
        /// The data directory.
        dir: PathBuf,
        /// How much of the log has to be read.
        log_bytes: u64,
    },
    /// Another process held a lock for longer than this one may wait.
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long this process waited.
        waited_ms: u64,
    },
    /// Bytes on the disk are not what was written there.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What was wanted and what was found.
        what: String,
    },
    /// The store can be read but not written: damage, a newer kind of frame, or no permission.
    ReadOnly {
        /// The data directory.
        dir: PathBuf,
        /// Why.
        why: String,
    },
    /// The directory is on a network file system, where locks and maps are not to be relied on.
    NetworkFs {
        /// The data directory.
        dir: PathBuf,
        /// Which file system.
        kind: &'static str,
    },
    /// The directory holds no store of ours, or one of another format version.
    Format {
        /// The file.
        path: PathBuf,
        /// What was wanted and what was found.
        what: String,
    },
    /// A store is there already.
    Exists {
        /// The data directory.
        dir: PathBuf,
    },
}

impl Error {
    /// No room left on the disk or in the quota.
    pub fn is_full(&self) -> bool {
        matches!(self, Error::Full { .. })
    }

    /// A sync failed; the store takes no writes.
    pub fn is_poisoned(&self) -> bool {
        matches!(self, Error::Poisoned { .. })
    }

    /// A recovery longer than this process may take is due.
    pub fn is_recovering(&self) -> bool {
        matches!(self, Error::Recovering { .. })
    }

    /// A lock was not to be had in time; trying again later may help.
    pub fn is_busy(&self) -> bool {
        matches!(self, Error::Busy { .. })
    }

    /// Bytes on the disk are damaged.
    pub fn is_damaged(&self) -> bool {
        matches!(self, Error::Damaged { .. })
    }

    /// The store can be read but not written.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Error::ReadOnly { .. })
    }

    /// The directory is on a network file system.
    pub fn is_network_fs(&self) -> bool {
        matches!(self, Error::NetworkFs { .. })
    }

    /// There is no store in the directory.
    pub fn is_missing(&self) -> bool {
        matches!(self, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { path, action, .. } => write!(f, "{action} {}", path.display()),
            Error::Full { path } => write!(f, "{}: no space left", path.display()),
            Error::Poisoned { dir } => write!(f, "{}: a sync failed, writes are off", dir.display()),
            Error::Recovering { dir, log_bytes } => {
                write!(f, "{}: {log_bytes} bytes of log await recovery", dir.display())
            }
            Error::Busy { path, waited_ms } => {
                write!(f, "{}: still locked after {waited_ms} ms", path.display())
            }
            Error::Damaged { path, offset, what } => {
                write!(f, "{} at byte {offset}: {what}", path.display())
            }
            Error::ReadOnly { dir, why } => write!(f, "{}: read-only: {why}", dir.display()),
            Error::NetworkFs { dir, kind } => write!(f, "{}: on {kind}, a network file system", dir.display()),
            Error::Format { path, what } => write!(f, "{}: {what}", path.display()),
            Error::Exists { dir } => write!(f, "{}: a store is there already", dir.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
