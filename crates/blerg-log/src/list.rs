//! Lists of positions: timelines, tags, mentions, threads, follows. Start at [`List`].

use crate::{AuthorId, Error, Position, RecordNo, Snapshot};

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListKey<'a> {
    /// All authors; the index is the author's number.
    Authors,
    /// Every put of every author.
    Latest,
    /// The records of one author, deleted ones included; the index is the record's number.
    Timeline(AuthorId),
    /// The records with a tag; without the `#`, in any case.
    Tag(&'a str),
    /// The records with a mention; without the `@`, in any case.
    Mention(&'a str),
    /// The answers to a record.
    Replies(AuthorId, RecordNo),
    /// The follow frames of an author.
    Follows(AuthorId),
    /// The follow frames whose target is an author.
    Followers(AuthorId),
    /// The unfollow frames whose target is an author.
    Unfollows(AuthorId),
    /// Follow, unfollow, follow... of one by another: an odd length means that the first follows the second.
    FollowPair(AuthorId, AuthorId),
    /// Every delete frame.
    Deletes,
}

/// A list as one snapshot sees it: strictly increasing positions.
#[derive(Debug)]
pub struct List<'s> {
    snapshot: &'s Snapshot,
}

impl List<'_> {
    /// How many elements there are, dead ones included.
    pub fn len(&self) -> u64 {
        let _ = self.snapshot;
        0
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of the last frame that touched the list: a put, an edit or a delete; 0 if there was none.
    pub fn changed(&self) -> Position {
        Position(0)
    }

    /// The element number `i`.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn get(&self, i: u64) -> Result<Position, Error> {
        Ok(Position(i))
    }

    /// The number of the first element that is not before `position`; the length if there is none.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn lower_bound(&self, position: Position) -> Result<u64, Error> {
        Ok(position.0)
    }
}
