//! Follows, and feeds by pull: the newest records of all one follows, merged from their timelines when asked for, so
//! that a put costs nothing for each follower. Start at [`Reader::feed`].

use std::collections::{BinaryHeap, HashSet};

use blerg_log::{AuthorId, List, ListKey, Op, Position};

use crate::list::Step;
use crate::{Cursor, Error, Page, Reader, Version};

/// Most follow frames that are looked through for whom one follows now; whoever follows and unfollows without end
/// keeps the newest.
const FOLLOW_SCAN_MAX: u64 = 4 * Op::FOLLOWS_MAX;

/// Counts of new things stop here; people are shown "1000".
pub const NEW_MAX: u64 = 1_000;

/// Most elements that one count looks at, dead ones included.
const NEW_SCAN_MAX: u64 = 5_000;

/// One followed author's timeline, and how much of it is still ahead.
struct Lane<'s> {
    author: AuthorId,
    list: List<'s>,
    end: u64,
}

/// The timelines of all one follows, from the newest record down.
struct Merge<'s> {
    lanes: Vec<Lane<'s>>,
    heads: BinaryHeap<(Position, usize)>,
}

impl Merge<'_> {
    fn new(lanes: Vec<Lane<'_>>) -> Result<Merge<'_>, Error> {
        let mut merge = Merge { heads: BinaryHeap::with_capacity(lanes.len()), lanes };
        for i in 0..merge.lanes.len() {
            merge.push_head(i)?;
        }
        Ok(merge)
    }

    /// Puts the newest element of lane `i` that is still ahead onto the heap.
    fn push_head(&mut self, i: usize) -> Result<(), Error> {
        if let Some(lane) = self.lanes.get_mut(i)
            && let Some(last) = lane.end.checked_sub(1)
        {
            lane.end = last;
            self.heads.push((lane.list.get(last)?, i));
        }
        Ok(())
    }

    /// The next element, newest first, and whose it is.
    fn next(&mut self) -> Result<Option<(AuthorId, Position)>, Error> {
        let Some((position, i)) = self.heads.pop() else { return Ok(None) };
        self.push_head(i)?;
        Ok(self.lanes.get(i).map(|lane| (lane.author, position)))
    }
}

impl Reader {
    /// Whom an author follows and since which position, newest first.
    pub(crate) fn followees(&self, author: AuthorId) -> Result<Vec<(AuthorId, Position)>, Error> {
        let list = self.snapshot().list(&ListKey::Follows(author))?;
        let most = usize::try_from(Op::FOLLOWS_MAX).unwrap_or(usize::MAX);
        let first = list.len().saturating_sub(FOLLOW_SCAN_MAX);
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for i in (first..list.len()).rev() {
            let position = list.get(i)?;
            if let Some(target) = self.snapshot().following(author, position)?
                && seen.insert(target)
            {
                found.push((target, position));
                if found.len() == most {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Whether `author` follows `target`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn follows(&self, author: AuthorId, target: AuthorId) -> Result<bool, Error> {
        Ok(self.snapshot().list(&ListKey::FollowPair(author, target))?.len() % 2 == 1)
    }

    /// How many follow an author.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn followers_len(&self, author: AuthorId) -> Result<u64, Error> {
        let begun = self.snapshot().list(&ListKey::Followers(author))?.len();
        let ended = self.snapshot().list(&ListKey::Unfollows(author))?.len();
        Ok(begun.saturating_sub(ended))
    }

    /// How many others an author follows.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn following_len(&self, author: AuthorId) -> Result<u64, Error> {
        Ok(self.following(author)?.len() as u64)
    }

    /// Whom an author follows, newest first; who left is left out.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn following(&self, author: AuthorId) -> Result<Vec<AuthorId>, Error> {
        let mut found = Vec::new();
        for (target, _) in self.followees(author)? {
            if self.author_by_id(target)?.is_some() {
                found.push(target);
            }
        }
        Ok(found)
    }

    /// The newest records of all whom an author follows, from below a cursor or the newest.
    ///
    /// # Errors
    /// The cursor names no record, or the log cannot be read.
    pub fn feed(&self, author: AuthorId, before: Option<&Cursor>, n: usize) -> Result<Page, Error> {
        let below = before.map(|cursor| self.place(cursor)).transpose()?.map(|place| place.put);
        let followees = self.followees(author)?;
        let mut lanes = Vec::with_capacity(followees.len());
        for (target, _) in followees {
            let list = self.snapshot().list(&ListKey::Timeline(target))?;
            let end = below.map_or(Ok(list.len()), |position| list.lower_bound(position))?;
            lanes.push(Lane { author: target, list, end });
        }
        let mut merge = Merge::new(lanes)?;
        self.walk(n, || {
            let Some((target, position)) = merge.next()? else { return Ok(None) };
            let key = ListKey::Timeline(target);
            let found = self.snapshot().element(&key, position)?;
            Ok(Some(found.map_or(Step::Dead(position), Step::Live)))
        })
    }

    /// What a feed depends on.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn feed_version(&self, author: AuthorId) -> Result<Version, Error> {
        let mut keys = vec![ListKey::Follows(author)];
        keys.extend(self.followees(author)?.into_iter().map(|(target, _)| ListKey::Timeline(target)));
        self.version_of(&keys)
    }

    /// How many records those whom an author follows have written since `since` and since they were followed; at
    /// most [`NEW_MAX`].
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn feed_new(&self, author: AuthorId, since: Position) -> Result<u64, Error> {
        let mut count = Count::default();
        for (target, followed) in self.followees(author)? {
            self.count_since(&ListKey::Timeline(target), since.max(followed), &mut count)?;
            if count.is_full() {
                break;
            }
        }
        Ok(count.live)
    }

    /// How many records have mentioned a name since `since`; at most [`NEW_MAX`].
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn mentions_new(&self, name: &str, since: Position) -> Result<u64, Error> {
        let mut count = Count::default();
        self.count_since(&ListKey::Mention(name), since, &mut count)?;
        Ok(count.live)
    }

    fn count_since(&self, key: &ListKey<'_>, since: Position, count: &mut Count) -> Result<(), Error> {
        let list = self.snapshot().list(key)?;
        for i in (list.lower_bound(since)?..list.len()).rev() {
            if count.is_full() {
                break;
            }
            count.seen += 1;
            if self.snapshot().element(key, list.get(i)?)?.is_some() {
                count.live += 1;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Count {
    live: u64,
    seen: u64,
}

impl Count {
    fn is_full(&self) -> bool {
        self.live >= NEW_MAX || self.seen >= NEW_SCAN_MAX
    }
}

#[cfg(test)]
mod tests;
