//! What can go wrong with a log, as one [`Error`] that answers questions. Names the file and what was found.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::index::Fault;

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
    /// There is less room than what was to be done needs; nothing was begun.
    NoRoom {
        /// The data directory.
        dir: PathBuf,
        /// Bytes that would be needed.
        wanted: u64,
        /// Bytes that are free.
        free: u64,
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
    /// The index is not sound; it is mended by building a new one from the log.
    Index {
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
    /// What the system answered, sorted.
    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::Full { path: path.into() }
            }
            _ => Error::Io { path: path.into(), action, source },
        }
    }

    /// Bytes that are not what was written.
    pub(crate) fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> Error {
        Error::Damaged { path: path.into(), offset, what: what.into() }
    }

    /// The same error for another of those who wait for one result.
    pub(crate) fn again(&self) -> Error {
        match self {
            Error::Io { path, action, source } => {
                let source = match source.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => io::Error::new(source.kind(), source.to_string()),
                };
                Error::Io { path: path.clone(), action, source }
            }
            Error::Full { path } => Error::Full { path: path.clone() },
            Error::Poisoned { dir } => Error::Poisoned { dir: dir.clone() },
            Error::Recovering { dir, log_bytes } => Error::Recovering { dir: dir.clone(), log_bytes: *log_bytes },
            Error::Busy { path, waited_ms } => Error::Busy { path: path.clone(), waited_ms: *waited_ms },
            Error::Damaged { path, offset, what } => {
                Error::Damaged { path: path.clone(), offset: *offset, what: what.clone() }
            }
            Error::ReadOnly { dir, why } => Error::ReadOnly { dir: dir.clone(), why: why.clone() },
            Error::NetworkFs { dir, kind } => Error::NetworkFs { dir: dir.clone(), kind },
            Error::Format { path, what } => Error::Format { path: path.clone(), what: what.clone() },
            Error::Index { what } => Error::Index { what: what.clone() },
            Error::Exists { dir } => Error::Exists { dir: dir.clone() },
            Error::NoRoom { dir, wanted, free } => Error::NoRoom { dir: dir.clone(), wanted: *wanted, free: *free },
        }
    }

    /// No room left on the disk or in the quota.
    pub fn is_full(&self) -> bool {
        matches!(self, Error::Full { .. } | Error::NoRoom { .. })
    }

    /// The process or the system has too many files open; nothing was done.
    pub fn is_out_of_files(&self) -> bool {
        let codes = [Errno::MFILE, Errno::NFILE].map(|code| Some(code.raw_os_error()));
        matches!(self, Error::Io { source, .. } if codes.contains(&source.raw_os_error()))
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
        matches!(self, Error::Damaged { .. } | Error::Index { .. })
    }

    /// The store can be read but not written.
    pub fn is_read_only(&self) -> bool {
        match self {
            Error::ReadOnly { .. } => true,
            Error::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
            }
            _ => false,
        }
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
            Error::NoRoom { dir, wanted, free } => {
                write!(f, "{}: {wanted} bytes of room wanted, {free} are free", dir.display())
            }
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
            Error::Index { what } => f.write_str(what),
            Error::Exists { dir } => write!(f, "{}: a store is there already", dir.display()),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        Error::Index { what: fault.to_string() }
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
