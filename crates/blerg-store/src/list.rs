//! Reading records: one consistent state of the log behind every answer of one request. Start at [`Reader`].
//! Lists come newest first and are paged by record (`author/record`), because entry numbers may close up when a
//! rebuild drops dead elements. No page looks at more than [`DEAD_MAX`] dead elements; it then ends early with a cursor.

mod cursor;
mod history;
mod intersect;
mod page;
mod tag;
mod thread;

use blerg_log::{AuthorId, ListKey, Position, Record, RecordNo, Snapshot, Stamp};

use crate::{Error, Store};

pub use cursor::{Cursor, CursorError};
pub use history::History;
pub(crate) use page::Step;
pub use page::{Page, Post};
pub(crate) use tag::is_tag_name;
pub use tag::{TagCount, TagKey, TagKeyError};
pub use thread::Thread;

/// Most dead elements one page steps over: whoever posts and deletes a million times must not slow other readers.
pub const DEAD_MAX: u64 = 1_000;

/// Most records one answer holds; a caller's larger wish is cut to it.
pub const PAGE_MAX: usize = 1_000;

/// An author as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorView {
    /// The number inside the log.
    pub id: AuthorId,
    /// The name in its own spelling.
    pub name: String,
    /// When the account was made.
    pub created_us: u64,
    /// The next record's number: how many there are, deleted ones included.
    pub record_count: u64,
}

/// What an answer depends on: equal versions mean equal answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Elements of all lists together.
    pub len: u64,
    /// The last frame that touched one of the lists.
    pub changed: Position,
    /// When that was; 0 if never.
    pub changed_us: u64,
    /// The log's own part: recoveries and rebuilt indexes.
    pub stamp: Stamp,
}

/// One earlier or current text of a record.
pub type Revision = blerg_log::Version;

/// One consistent state of the log.
#[derive(Debug)]
pub struct Reader {
    snapshot: Snapshot,
}

impl Store {
    /// The newest published state.
    ///
    /// # Errors
    /// The log cannot be opened or read.
    pub fn reader(&self) -> Result<Reader, Error> {
        Ok(Reader { snapshot: self.log()?.snapshot()? })
    }
}

impl Reader {
    /// The log's snapshot behind this reader.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What this reader sees: the log's epoch, generation and end.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        self.snapshot.stamp()
    }

    /// The author of that name, in any ASCII case; `None` for nobody and for a closed account.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn author(&self, name: &str) -> Result<Option<AuthorView>, Error> {
        match self.snapshot.author_by_name(name)? {
            Some(author) if !author.closed => Ok(Some(self.view(author)?)),
            _ => Ok(None),
        }
    }

    /// The author of that number; `None` for nobody and for a closed account.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn author_by_id(&self, id: AuthorId) -> Result<Option<AuthorView>, Error> {
        match self.snapshot.author(id)? {
            Some(author) if !author.closed => Ok(Some(self.view(author)?)),
            _ => Ok(None),
        }
    }

    fn view(&self, author: blerg_log::Author) -> Result<AuthorView, Error> {
        let record_count = self.record_count(author.id)?;
        Ok(AuthorView { id: author.id, name: author.name, created_us: author.created_us, record_count })
    }

    /// How many numbers an author has used up, deleted records included.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn record_count(&self, author: AuthorId) -> Result<u64, Error> {
        Ok(self.snapshot.list(&ListKey::Timeline(author))?.len())
    }

    /// One record; `None` if it was deleted or never was.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn post(&self, author: AuthorId, record: RecordNo) -> Result<Option<Post>, Error> {
        match self.live_record(author, record)? {
            Some(found) => Ok(Some(self.namer().post(&found)?)),
            None => Ok(None),
        }
    }

    /// A record of an author who has not left.
    pub(crate) fn live_record(&self, author: AuthorId, record: RecordNo) -> Result<Option<Record<'_>>, Error> {
        match self.snapshot.author(author)? {
            Some(found) if !found.closed => Ok(self.snapshot.record(author, record)?),
            _ => Ok(None),
        }
    }

    /// What an answer made of these lists depends on.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn version_of(&self, keys: &[ListKey<'_>]) -> Result<Version, Error> {
        self.dated(self.undated_version_of(keys)?)
    }

    /// The same with `changed_us` 0: enough to compare two versions, and read without touching any record.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn undated_version_of(&self, keys: &[ListKey<'_>]) -> Result<Version, Error> {
        let mut version = Version { len: 0, changed: Position(0), changed_us: 0, stamp: self.stamp() };
        for key in keys {
            let list = self.snapshot.list(key)?;
            version.len = version.len.saturating_add(list.len());
            version.changed = version.changed.max(list.changed());
        }
        Ok(version)
    }

    /// The version of what shows records or names of others besides: who leaves takes records, and the `reply_to` of every
    /// answer to them, along at once, before the lists they stood on are told one by one.
    #[must_use]
    pub fn with_leavers(&self, mut version: Version) -> Version {
        version.changed = version.changed.max(self.snapshot.last_closing());
        version
    }

    /// The version with its `changed_us`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn dated(&self, mut version: Version) -> Result<Version, Error> {
        if version.changed > Position(0) {
            version.changed_us = self.time_at(version.changed)?;
        }
        // A compaction takes the deletes along, and the times that they have left: a copy from before it is of no date.
        version.changed_us = version.changed_us.max(self.snapshot.compacted_us());
        Ok(version)
    }

    /// When the frame at `position` was written; 0 if it cannot be read.
    fn time_at(&self, position: Position) -> Result<u64, Error> {
        Ok(match self.snapshot.frames(position).next() {
            Some(frame) => frame?.time_us,
            None => 0,
        })
    }

    /// How many frames this reader had to skip because their bytes are damaged.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.snapshot.damaged()
    }
}

#[cfg(test)]
mod tests;
