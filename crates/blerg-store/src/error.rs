//! What can go wrong in the store, and the questions a caller may ask about it. Start at `Error`.
//!
//! `Display` says one level; the chain behind it is for the operator's log. What a visitor may see is
//! decided by the caller from the questions (`is_not_found`, `retry_after_secs`, ...), never from the text:
//! that names paths and SQL.

use std::error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use blerg_log::RecordNo;
use rustix::io::Errno;

use crate::name::NameError;
use crate::page::{PageNameError, Who};

/// Why the store refused or could not do something.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The record log refused or is damaged.
    Log(blerg_log::Error),
    /// SQLite refused; `doing` is the step.
    Sqlite {
        /// The step, as a phrase.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A file of the data directory could not be used.
    Io {
        /// The file.
        path: PathBuf,
        /// The step, as a verb.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The database was made by a newer version of this program.
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A file of ours holds something that this program did not write.
    Damaged {
        /// Which thing, as a phrase.
        what: String,
    },
    /// The user name breaks the rules.
    Name(NameError),
    /// The name is taken, or was once and is not given out again.
    NameTaken,
    /// The password's length is out of bounds.
    PasswordLength {
        /// Its bytes.
        bytes: usize,
        /// The fewest allowed.
        min: usize,
    },
    /// The name and the password do not belong together.
    WrongPassword,
    /// The operator has disabled the account.
    Disabled,
    /// No account of that name (asked by the operator's tool or for one's own account).
    NoSuchAccount,
    /// Nobody may sign up here.
    RegistrationClosed,
    /// Signing up needs an invitation, and this one is missing, wrong, used or too old.
    Invite,
    /// Too much at once: hashing, or the database; the visitor may come again.
    Busy {
        /// When to come again.
        retry_after_secs: u64,
    },
    /// The rate limit of this address or account is used up.
    Limited {
        /// When to come again.
        retry_after_secs: u64,
    },
    /// No author of that name or number, or one who left.
    NoSuchAuthor,
    /// The author has no such record, or no longer.
    NoSuchRecord {
        /// The number asked for.
        record: RecordNo,
    },
    /// A text is empty or too long.
    TextLength {
        /// Its bytes.
        bytes: usize,
    },
    /// A tag span lies outside its text, or there are too many.
    TagSpans,
    /// A query has no tags, or too many.
    TagCount {
        /// How many it has.
        found: usize,
    },
    /// A range of numbers is empty or too long.
    Range,
    /// The author follows as many others as one may.
    FollowLimit,
    /// A line of an import or a restore cannot be taken; the lines before it were.
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A dump can only be restored into an empty directory.
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// A directory is to become a site's and holds other things.
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// One of the things in it.
        name: String,
    },
    /// A site's file FORMAT is gone, and others of its files are there.
    FormatLost {
        /// The directory.
        dir: PathBuf,
        /// One of the site's files.
        name: String,
    },
    /// What is dumped or exported could not be written, or what is imported could not be read.
    Stream {
        /// The step, as a verb.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A setting could not be understood.
    Setting {
        /// What was wanted.
        wanted: &'static str,
        /// What was found.
        found: String,
    },
    /// There is no such page; or, where only living pages count, it was deleted.
    NoSuchPage,
    /// The page has no such revision.
    NoSuchRevision {
        /// The number asked for.
        rev: u64,
    },
    /// The text of the revision is the page's text, and cannot be erased before another one is.
    RevisionInUse {
        /// Its number.
        rev: u64,
    },
    /// The page has no such file, or no longer.
    NoSuchFile,
    /// Only these may do that to the page.
    NotAllowed {
        /// Who.
        needs: Who,
    },
    /// Nobody changes the wiki at the moment.
    WikiReadOnly,
    /// The name of a page or file breaks the rules.
    PageName(PageNameError),
    /// A page's text is too long.
    PageLength {
        /// Its bytes.
        bytes: usize,
    },
    /// A file is empty or too large.
    FileLength {
        /// Its bytes.
        bytes: u64,
        /// The most allowed.
        max: u64,
    },
    /// The files of a page, or of the wiki, may not be more.
    FilesFull {
        /// So many bytes.
        max: u64,
    },
    /// There was not enough memory to hash a password.
    Memory {
        /// How much was wanted.
        bytes: usize,
    },
}

impl Error {
    /// Does the thing asked for not exist?
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Error::NoSuchAccount
                | Error::NoSuchAuthor
                | Error::NoSuchRecord { .. }
                | Error::NoSuchPage
                | Error::NoSuchRevision { .. }
                | Error::NoSuchFile
        )
    }

    /// Seconds after which the same request may succeed, where that is so.
    pub fn retry_after_secs(&self) -> Option<u64> {
        match self {
            Error::Busy { retry_after_secs } | Error::Limited { retry_after_secs } => Some(*retry_after_secs),
            Error::Memory { .. } => Some(5),
            Error::Log(source) if source.is_busy() || source.is_out_of_files() => Some(2),
            Error::Log(source) if source.is_recovering() => Some(10),
            Error::Io { source, .. } if is_out_of_files(source) => Some(2),
            _ => None,
        }
    }

    /// Is a disk or a quota full?
    pub fn is_full(&self) -> bool {
        match self {
            Error::Log(source) => source.is_full(),
            Error::Sqlite { source, .. } => source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Error::Io { source, .. } => {
                use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
                matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
            }
            _ => false,
        }
    }

    /// Can nothing be written until the operator acts, although there may be room?
    pub fn is_read_only(&self) -> bool {
        match self {
            Error::Log(source) => source.is_poisoned() || source.is_read_only(),
            Error::Sqlite { source, .. } => source.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly),
            Error::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
            }
            _ => false,
        }
    }

    /// Has only writing become impossible, and reading may go on?
    pub(crate) fn leaves_reading_possible(&self) -> bool {
        let failed = match self {
            Error::Sqlite { source, .. } => source.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure),
            _ => false,
        };
        failed || self.is_read_only() || self.is_full() || matches!(self, Error::Busy { .. })
    }

    /// Is the log's index being rebuilt by another process?
    pub fn is_recovering(&self) -> bool {
        matches!(self, Error::Log(source) if source.is_recovering())
    }

    /// Has a failed sync stopped all writing?
    pub fn is_poisoned(&self) -> bool {
        matches!(self, Error::Log(source) if source.is_poisoned())
    }

    /// An error of SQLite while `doing`; being busy past the wait becomes [`Error::Busy`].
    pub(crate) fn sqlite(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Error::Busy { retry_after_secs: 2 }
            }
            _ => Error::Sqlite { doing, source },
        }
    }

    /// An error of the file system while `doing` something with `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { path, doing, source }
    }
}

/// Has the process or the system too many files open?
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].map(|code| Some(code.raw_os_error())).contains(&error.raw_os_error())
}

impl From<blerg_log::Error> for Error {
    fn from(source: blerg_log::Error) -> Error {
        Error::Log(source)
    }
}

impl From<NameError> for Error {
    fn from(source: NameError) -> Error {
        Error::Name(source)
    }
}

impl From<PageNameError> for Error {
    fn from(source: PageNameError) -> Error {
        Error::PageName(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Log(_) => write!(f, "record log"),
            Error::Sqlite { doing, .. } => write!(f, "database: {doing}"),
            Error::Io { path, doing, .. } => write!(f, "{doing} {}", path.display()),
            Error::SchemaVersion { path, found, known } => {
                write!(f, "{}: schema version {found}, this program knows up to {known}", path.display())
            }
            Error::Damaged { what } => write!(f, "{what}"),
            Error::Name(_) => write!(f, "user name"),
            Error::NameTaken => write!(f, "user name is taken"),
            Error::PasswordLength { bytes, min } => {
                write!(f, "password of {bytes} bytes, want {min} to {}", crate::password::PASSWORD_BYTES_MAX)
            }
            Error::WrongPassword => write!(f, "wrong user name or password"),
            Error::Disabled => write!(f, "account is disabled"),
            Error::NoSuchAccount => write!(f, "no such account"),
            Error::RegistrationClosed => write!(f, "registration is closed"),
            Error::Invite => write!(f, "invitation is missing, wrong, used or too old"),
            Error::Busy { retry_after_secs } => {
                write!(f, "busy, try again in {retry_after_secs} s")
            }
            Error::Limited { retry_after_secs } => {
                write!(f, "too many requests, try again in {retry_after_secs} s")
            }
            Error::NoSuchAuthor => write!(f, "no such author"),
            Error::NoSuchRecord { record } => write!(f, "no record {}", record.0),
            Error::TextLength { bytes } => write!(f, "text of {bytes} bytes, want 1 to {}", crate::TEXT_BYTES_MAX),
            Error::TagSpans => write!(f, "tags outside the text, or too many"),
            Error::TagCount { found } => write!(f, "{found} tags, want 1 to {}", crate::TAGS_MAX),
            Error::Range => write!(f, "range is empty or too long"),
            Error::FollowLimit => write!(f, "nobody may follow that many others"),
            Error::Line { line, problem } => write!(f, "line {line}: {problem}"),
            Error::NotEmpty { dir } => {
                write!(f, "{}: not empty, a dump is restored into an empty directory", dir.display())
            }
            Error::Foreign { dir, name } => write!(
                f,
                "{}: no site, but not empty: {name:?} is in it; want a directory that is empty or does not exist yet",
                dir.display()
            ),
            Error::FormatLost { dir, name } => write!(
                f,
                "{}: a site without its file FORMAT, for {name:?} is there; put FORMAT back from a backup, or restore \
                 a dump into an empty directory",
                dir.display()
            ),
            Error::Stream { doing, .. } => write!(f, "{doing}"),
            Error::Setting { wanted, found } => write!(f, "want {wanted}, found {found:?}"),
            Error::NoSuchPage => write!(f, "no such page"),
            Error::NoSuchRevision { rev } => write!(f, "no revision {rev}"),
            Error::RevisionInUse { rev } => write!(f, "text of revision {rev} is the page's, save another one first"),
            Error::NoSuchFile => write!(f, "no such file"),
            Error::NotAllowed { needs } => write!(f, "not allowed, only to {}", needs.as_str()),
            Error::WikiReadOnly => write!(f, "wiki is read-only"),
            Error::PageName(_) => write!(f, "name of a page or file"),
            Error::PageLength { bytes } => {
                write!(f, "page of {bytes} bytes, want at most {}", crate::page::PAGE_BYTES_MAX)
            }
            Error::FileLength { bytes, max } => write!(f, "file of {bytes} bytes, want 1 to {max}"),
            Error::FilesFull { max } => write!(f, "files would be more than {max} bytes"),
            Error::Memory { bytes } => write!(f, "no memory to hash a password: {bytes} bytes"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::Log(source) => Some(source),
            Error::Sqlite { source, .. } => Some(source),
            Error::Io { source, .. } | Error::Stream { source, .. } => Some(source),
            Error::Name(source) => Some(source),
            Error::PageName(source) => Some(source),
            _ => None,
        }
    }
}
