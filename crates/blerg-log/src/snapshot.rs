//! Reading: one published commit, seen whole. Start at [`Snapshot`]. Takes no lock and returns no byte whose
//! checksum it has not compared.

use std::borrow::Cow;
use std::marker::PhantomData;

use crate::{AuthorId, Error, List, ListKey, Position, RecordNo, TagSpan};

/// What a snapshot has seen; equal stamps mean equal answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Random number of the last recovery.
    pub epoch: u64,
    /// Counts the indexes built.
    pub generation: u64,
    /// Frames before this position are seen.
    pub visible: Position,
}

/// An author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The number.
    pub id: AuthorId,
    /// The name as it is shown.
    pub name: String,
    /// When the author was created.
    pub created_us: u64,
    /// Whether the author has been closed.
    pub closed: bool,
}

/// A record in its current version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'s> {
    /// Whose.
    pub author: AuthorId,
    /// Which.
    pub no: RecordNo,
    /// Where it was put.
    pub put: Position,
    /// Where its current version stands: `put`, or that of the last edit.
    pub element: Position,
    /// When it was put.
    pub created_us: u64,
    /// When it was edited last.
    pub edited_us: Option<u64>,
    /// The record that it answers.
    pub reply_to: Option<(AuthorId, RecordNo)>,
    /// The text.
    pub text: Cow<'s, str>,
    /// The tags and mentions in the text.
    pub tags: Vec<TagSpan>,
}

/// One version of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// When it was written.
    pub at_us: u64,
    /// Its text.
    pub text: String,
}

/// One frame of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it stands.
    pub position: Position,
    /// Where the next one stands.
    pub next: Position,
    /// When it was written; never before the frame before it.
    pub time_us: u64,
    /// What it says.
    pub body: Body,
}

/// What a frame says.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// An author was created.
    AddAuthor {
        /// Number.
        author: AuthorId,
        /// Name.
        name: String,
        /// When: the import's time, or the frame's.
        at_us: u64,
    },
    /// A record was added. No text: it was erased, or is damaged.
    Put {
        /// Whose.
        author: AuthorId,
        /// Which.
        record: RecordNo,
        /// The text and its tags, unless erased.
        text: Option<(String, Vec<TagSpan>)>,
        /// What it answers.
        reply_to: Option<(AuthorId, RecordNo)>,
        /// When: the import's time, or the frame's.
        at_us: u64,
    },
    /// A number was used up.
    PutHole {
        /// Whose.
        author: AuthorId,
        /// Which.
        record: RecordNo,
    },
    /// A record got a new text. No text: it was erased, or is damaged.
    Edit {
        /// Whose.
        author: AuthorId,
        /// Which.
        record: RecordNo,
        /// The text and its tags, unless erased.
        text: Option<(String, Vec<TagSpan>)>,
        /// When: the import's time, or the frame's.
        at_us: u64,
    },
    /// A record was removed.
    Delete {
        /// Whose.
        author: AuthorId,
        /// Which.
        record: RecordNo,
    },
    /// An author left.
    CloseAuthor {
        /// Who.
        author: AuthorId,
    },
    /// A following began.
    Follow {
        /// Who follows.
        author: AuthorId,
        /// Who is followed.
        target: AuthorId,
    },
    /// A following ended.
    Unfollow {
        /// Who followed.
        author: AuthorId,
        /// Who was followed.
        target: AuthorId,
    },
    /// Housekeeping, or a kind that this program does not know and may skip.
    Other {
        /// The kind byte.
        kind: u8,
    },
}

/// One published commit, seen whole.
#[derive(Debug)]
pub struct Snapshot {}

/// The frames from a position on, in log order.
#[derive(Debug)]
pub struct Frames<'s> {
    snapshot: PhantomData<&'s Snapshot>,
}

impl Iterator for Frames<'_> {
    type Item = Result<Frame, Error>;
    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

/// What this file cannot do yet.
fn unfinished<T>() -> Result<T, Error> {
    Err(Error::Format { path: "log".into(), what: "reading is not written yet".into() })
}

impl Snapshot {
    /// What this snapshot has seen, for entity tags.
    pub fn stamp(&self) -> Stamp {
        Stamp { epoch: 0, generation: 0, visible: Position(0) }
    }

    /// The author of that name, in any ASCII case.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn author_by_name(&self, _name: &str) -> Result<Option<Author>, Error> {
        unfinished()
    }

    /// The author of that number.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn author(&self, _id: AuthorId) -> Result<Option<Author>, Error> {
        unfinished()
    }

    /// A list; empty if nothing was ever put on it.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn list(&self, _key: &ListKey<'_>) -> Result<List<'_>, Error> {
        unfinished()
    }

    /// The newest version of a record; `None` if it was deleted, never was, is a hole, or is damaged.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn record(&self, _author: AuthorId, _no: RecordNo) -> Result<Option<Record<'_>>, Error> {
        unfinished()
    }

    /// The record of one element of the list of `key`, in its current version; `None` if the element is dead or does not belong
    /// there, and is to be skipped. In a tag's or a mention's list only the current version's own element counts.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn element(&self, _key: &ListKey<'_>, _position: Position) -> Result<Option<Record<'_>>, Error> {
        unfinished()
    }

    /// Whom a follow frame on `author`'s [`ListKey::Follows`] names, if `author` follows them still by that very frame.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn following(&self, _author: AuthorId, _position: Position) -> Result<Option<AuthorId>, Error> {
        unfinished()
    }

    /// All versions of a record, oldest first; none if it was deleted.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn versions(&self, _author: AuthorId, _no: RecordNo) -> Result<Vec<Version>, Error> {
        unfinished()
    }

    /// The frames from `from` on, in log order; `Position(0)` is the start.
    pub fn frames(&self, _from: Position) -> Frames<'_> {
        Frames { snapshot: PhantomData }
    }

    /// How many frames this snapshot skipped for a wrong checksum.
    pub fn damaged(&self) -> u64 {
        0
    }
}
