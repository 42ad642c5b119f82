//! The words of the log: positions, numbers, the operations that can be committed and what becomes of them.
//! Start at [`Op`]. One operation is one frame.

/// A place in the log; the order of positions is the order of everything that happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// An author, numbered from 0 in order of creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorId(pub u32);

/// A record of one author, numbered from 0; a number is never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNo(pub u64);

/// Where a tag or mention stands in a text: bytes, the `#` or `@` included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagSpan {
    /// Byte offset of the sigil.
    pub start: u16,
    /// Length in bytes, the sigil included.
    pub len: u8,
}

/// One operation; it becomes one frame, so it is there whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Creates an author.
    AddAuthor {
        /// The name as it is to be shown; unique without regard to ASCII case.
        name: String,
        /// The time of an import; otherwise the time of the commit counts.
        at_us: Option<u64>,
    },
    /// Adds a record.
    Put {
        /// Who writes.
        author: AuthorId,
        /// What is written.
        text: String,
        /// The tags and mentions in `text`.
        tags: Vec<TagSpan>,
        /// The record that this one answers.
        reply_to: Option<(AuthorId, RecordNo)>,
        /// The time of an import; otherwise the time of the commit counts.
        at_us: Option<u64>,
    },
    /// Uses up a record number without a record, as a deleted record does.
    PutHole {
        /// Whose number.
        author: AuthorId,
    },
    /// Gives a record a new text; the old one stays as an earlier version.
    Edit {
        /// Whose record.
        author: AuthorId,
        /// Which record.
        record: RecordNo,
        /// The new text.
        text: String,
        /// The tags and mentions in `text`.
        tags: Vec<TagSpan>,
        /// The time of an import; otherwise the time of the commit counts.
        at_us: Option<u64>,
    },
    /// Removes a record and erases all its texts.
    Delete {
        /// Whose record.
        author: AuthorId,
        /// Which record.
        record: RecordNo,
    },
    /// Ends an author: the records are dead at once, the name stays taken.
    CloseAuthor {
        /// Who leaves.
        author: AuthorId,
    },
    /// Makes `author` follow `target`.
    Follow {
        /// Who follows.
        author: AuthorId,
        /// Who is followed.
        target: AuthorId,
    },
    /// Ends a following.
    Unfollow {
        /// Who followed.
        author: AuthorId,
        /// Who was followed.
        target: AuthorId,
    },
}

/// What an accepted operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An author was created.
    Author(AuthorId),
    /// A record was added.
    Record(RecordNo),
    /// Done.
    Done,
    /// It was so already (following twice, say); nothing was written.
    Unchanged,
}

/// Why one operation was refused; the others of its batch are not concerned.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// An author of that name, in some spelling of case, exists or existed.
    NameTaken,
    /// The name is empty or longer than [`Op::NAME_BYTES_MAX`].
    NameLength,
    /// There is no author of that number.
    NoSuchAuthor,
    /// The author has been closed.
    AuthorClosed,
    /// There is no such record, or it was deleted.
    NoSuchRecord,
    /// The text is empty or longer than [`Op::TEXT_BYTES_MAX`].
    TextLength,
    /// A span lies outside the text, holds no tag, or there are more than [`Op::TAGS_MAX`].
    TagSpans,
    /// The author follows [`Op::FOLLOWS_MAX`] others already.
    FollowLimit,
}

impl Op {
    /// The longest text of a record.
    pub const TEXT_BYTES_MAX: usize = 65_535;
    /// The most tags of a record: a list entry each, so a post cannot cost more than this.
    pub const TAGS_MAX: usize = 1_024;
    /// The longest tag without its sigil.
    pub const TAG_BYTES_MAX: usize = 64;
    /// The longest name: what one length byte holds; the site's own limit is smaller.
    pub const NAME_BYTES_MAX: usize = 255;
    /// The most others that one author follows: a feed merges as many lists.
    pub const FOLLOWS_MAX: u64 = 5_000;
}
