//! Lists of positions: timelines, tags, mentions, threads, follows. Start at [`List`].

use std::cell::RefCell;
use std::fmt;

use crate::index::Head;
use crate::memory::FileMemory;
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
pub struct List<'s> {
    snapshot: &'s Snapshot,
    head: Option<Head<'s, FileMemory>>,
    len: u64,
    /// Elements around the last one asked for: they never change, and whoever asks for two asks for many.
    block: RefCell<Block>,
}

/// Some elements of a list.
#[derive(Default)]
struct Block {
    is_wanted: bool,
    from: u64,
    elements: Vec<Position>,
}

/// As many elements are read together.
const BLOCK: u64 = 64;

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<'s> List<'s> {
    /// The elements of a list that a snapshot sees.
    pub(crate) fn new(snapshot: &'s Snapshot, head: Option<Head<'s, FileMemory>>) -> Result<List<'s>, Error> {
        let len = match &head {
            Some(head) => head.lower_bound(snapshot.stamp().visible)?,
            None => 0,
        };
        Ok(List { snapshot, head, len, block: RefCell::default() })
    }

    /// How many elements there are, dead ones included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The position of the last frame that touched the list: a put, an edit or a delete; 0 if there was none. It may lie
    /// behind what the snapshot sees.
    pub fn changed(&self) -> Position {
        self.head.as_ref().map_or(Position(0), Head::changed)
    }

    /// The element number `i`.
    ///
    /// # Errors
    /// There is none, or the index cannot be read.
    pub fn get(&self, i: u64) -> Result<Position, Error> {
        let head = match &self.head {
            Some(head) if i < self.len => head,
            _ => return Err(Error::Index { what: format!("element {i} of a list of {}", self.len) }),
        };
        let mut block = self.block.borrow_mut();
        if !std::mem::replace(&mut block.is_wanted, true) {
            return self.snapshot.noted(head.get(i));
        }
        let from = i - i % BLOCK;
        if block.elements.is_empty() || block.from != from {
            block.from = from;
            let count = (self.len - from).min(BLOCK) as usize;
            block.elements.clear();
            block.elements.resize(count, Position(0));
            let filled = head.fill(from, &mut block.elements).inspect_err(|_| block.elements.clear());
            self.snapshot.noted(filled)?;
        }
        let place = (i - from) as usize;
        block.elements.get(place).copied().ok_or_else(|| Error::Index { what: format!("element {i} was not read") })
    }

    /// The elements from number `from` on, as many as `into` takes; fewer reads than one [`List::get`] each.
    ///
    /// # Errors
    /// There are not as many, or the index cannot be read.
    pub fn fill(&self, from: u64, into: &mut [Position]) -> Result<(), Error> {
        match &self.head {
            Some(head) if from.checked_add(into.len() as u64).is_some_and(|end| end <= self.len) => {
                self.snapshot.noted(head.fill(from, into))
            }
            _ => Err(Error::Index { what: format!("{} elements from {from} of a list of {}", into.len(), self.len) }),
        }
    }

    /// The number of the first element that is not before `position`; the length if there is none.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn lower_bound(&self, position: Position) -> Result<u64, Error> {
        match &self.head {
            Some(head) => Ok(self.snapshot.noted(head.lower_bound(position))?.min(self.len)),
            None => Ok(0),
        }
    }
}
