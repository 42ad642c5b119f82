//! The shared storage of a Blërg site: authors, records, tags, follows, feeds and search over the record log, and
//! accounts, sessions and limits in SQLite. Start at [`Store`]; reading goes through a [`Reader`], which is one
//! consistent state. It never knows of HTTP, HTML or JSON answers, and takes time and randomness from its caller.
#![forbid(unsafe_code)]

mod account;
mod backup;
mod check;
mod compact;
mod db;
mod error;
mod feed;
mod gate;
mod job;
mod limit;
mod list;
mod name;
mod page;
mod password;
mod portable;
mod post;
mod ready;
mod salvage;
mod search;
mod session;
mod settings;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use blerg_log::Log;

pub use account::{Account, AccountRow, Closings, NewAccount, Registration, Role, Seen, SeenKind};
pub use backup::BackedUp;
pub use blerg_log::{AuthorId, Backend, Durability, ListKey, Position, RecordNo, Recovery, Stamp, TagSpan};
pub use check::{PROBLEMS_MAX, Rebuilt, Report, Stats};
pub use compact::CompactedSite;
pub use error::Error;
pub use feed::NEW_MAX;
pub use job::{JOB_ATTEMPTS_MAX, JOB_LEASE_US, JOB_WAIT_MAX_US, JOB_WAIT_US, JOBS_MAX, Job, JobTurn, JobView};
pub use limit::{LimitKind, Limits, Rate};
pub use list::{
    AuthorView, Cursor, CursorError, History, Page, Post, Reader, Revision, TagCount, TagKey, TagKeyError, Thread,
    Version,
};
pub use name::{AuthorName, NameError};
pub use page::{
    Base, By, ChangeCursor, ChangeKind, Editor, FileId, FileName, FileView, FindPageLinks, Fix, HIT_MARKS_MAX, Leave,
    NewFile, PAGE_BYTES_MAX, PAGE_LINKS_MAX, PAGE_NAME_BYTES_MAX, PAGES_MAX, PageChange, PageHead, PageHit, PageId,
    PageLink, PageName, PageNameError, PageSource, PageTag, PageView, PastRevision, Renamed, Rendered, SNIPPET_CHARS,
    SUMMARY_BYTES_MAX, Save, SaveKind, Saved, Snippet, Stale, Target, View, Wanted, Who, Wiki, WikiSettings, WikiStats,
};
pub use password::{Argon2Cost, PASSWORD_BYTES_MAX};
pub use portable::{
    DUMP_VERSION, Dumped, FindTags, ImportFormat, ImportOptions, Imported, OnProgress, Progress, Restored,
};
pub use post::PutText;
pub use ready::{Place, look};
pub use salvage::{LOSSES_MAX, Salvaged};
pub use search::{QueryError, SearchCover, SearchQuery};
pub use session::{ClientInfo, Session, SessionId, SessionView, Token};
pub use settings::Settings;

/// Longest text of a record in bytes: the contract's limit.
pub const TEXT_BYTES_MAX: usize = 65_535;

/// Most tags that one query may intersect: the contract's limit.
pub const TAGS_MAX: usize = 8;

/// One data directory. Making one touches nothing; the log and SQLite are each opened when first needed.
pub struct Store {
    dir: PathBuf,
    settings: Settings,
    opening: Mutex<()>,
    log: OnceLock<Log>,
    db: OnceLock<db::Db>,
    jobs: OnceLock<db::Db>,
    wiki: OnceLock<db::Db>,
    wiki_seen: Mutex<page::Seen>,
    gate: gate::Gate,
    limits: OnceLock<limit::Table>,
    search: Mutex<Option<Arc<search::Index>>>,
}

impl Store {
    /// A store over the data directory `dir`, which need not exist yet.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, settings: Settings) -> Store {
        let dir = dir.into();
        Store {
            gate: gate::Gate::new(&dir, settings.hash_wait_ms),
            limits: OnceLock::new(),
            dir,
            settings,
            opening: Mutex::new(()),
            log: OnceLock::new(),
            db: OnceLock::new(),
            jobs: OnceLock::new(),
            wiki: OnceLock::new(),
            wiki_seen: Mutex::new(None),
            search: Mutex::new(None),
        }
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the store was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The record log, opened (and made ready in an empty directory) on first use.
    ///
    /// # Errors
    /// The directory cannot be made or opened, is being recovered, or was made for another durability.
    pub fn log(&self) -> Result<&Log, Error> {
        if let Some(log) = self.log.get() {
            return Ok(log);
        }
        let _one_at_a_time = lock(&self.opening);
        match self.log.get() {
            Some(log) => Ok(log),
            None => {
                let log = ready::open_log(&self.dir, &self.settings)?;
                Ok(self.log.get_or_init(|| log))
            }
        }
    }

    /// Whether the record log's index was found wrong, and this process may not build a new one: another one has to.
    pub fn is_rebuild_due(&self) -> bool {
        self.log.get().is_some_and(Log::is_rebuild_due)
    }

    /// What an acknowledged write survives here: `sync` or `none`.
    ///
    /// # Errors
    /// As for [`Store::log`].
    pub fn durability(&self) -> Result<&'static str, Error> {
        Ok(match self.log()?.identity().durability {
            Durability::Sync => "sync",
            Durability::None => "none",
        })
    }

    /// Closes what was opened and marks the log clean.
    ///
    /// # Errors
    /// The mark could not be written; nothing is lost.
    pub fn close(self) -> Result<(), Error> {
        drop(self.search);
        drop(self.db);
        drop(self.jobs);
        drop(self.wiki);
        match self.log.into_inner() {
            Some(log) => Ok(log.close()?),
            None => Ok(()),
        }
    }

    /// The site's random id, which never changes.
    ///
    /// # Errors
    /// As for [`Store::log`].
    pub fn site_id(&self) -> Result<[u8; 16], Error> {
        Ok(self.log()?.identity().site_id)
    }
}

/// Locks, whatever a thread that panicked left behind: every guarded value is replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
