//! Records that have several tags at once: a leapfrog over their sorted lists from the newest down. Start at
//! `Reader::intersection`. It works because a record lists all its tags at one position, that of its current text.

use blerg_log::{List, ListKey, Position};

use super::{Page, Reader, Step, TagKey};
use crate::{Error, TAGS_MAX};

/// Most jumps of one request: lists of millions that hardly meet must not hold a worker. It then gives a cursor.
const JUMPS_MAX: u64 = 100_000;

/// One list and how much of it is still ahead.
struct Lane<'s> {
    list: List<'s>,
    end: u64,
}

/// The lists of all tags, walked together.
struct Leapfrog<'s> {
    lanes: Vec<Lane<'s>>,
    jumps: u64,
    /// The last position met that not all lists have.
    passed: Option<Position>,
}

/// What the next jump found.
enum Met {
    /// All lists have this position.
    All(Position),
    /// Enough for one request; at this position and above, nothing more is common.
    Tired(Position),
    /// One list is used up.
    Nothing,
}

impl Leapfrog<'_> {
    /// Goes down to the next position that all lists have.
    fn next(&mut self) -> Result<Met, Error> {
        let Some(mut goal) = self.top(0)? else { return Ok(Met::Nothing) };
        let mut agreed = 1;
        let mut i = 0;
        while agreed < self.lanes.len() {
            if let (true, Some(passed)) = (self.jumps >= JUMPS_MAX, self.passed) {
                return Ok(Met::Tired(passed));
            }
            self.jumps += 1;
            i = (i + 1) % self.lanes.len();
            let Some(found) = self.descend(i, goal)? else { return Ok(Met::Nothing) };
            if found == goal {
                agreed += 1;
            } else {
                self.passed = Some(goal);
                goal = found;
                agreed = 1;
            }
        }
        // The next search starts below what was met.
        if let Some(lane) = self.lanes.first_mut() {
            lane.end = lane.list.lower_bound(goal)?;
        }
        Ok(Met::All(goal))
    }

    /// The newest element of list `i` that is still ahead.
    fn top(&self, i: usize) -> Result<Option<Position>, Error> {
        let Some(lane) = self.lanes.get(i) else { return Ok(None) };
        match lane.end.checked_sub(1) {
            Some(last) => Ok(Some(lane.list.get(last)?)),
            None => Ok(None),
        }
    }

    /// Lowers list `i` to the newest element that is not above `goal`, and says which that is.
    fn descend(&mut self, i: usize, goal: Position) -> Result<Option<Position>, Error> {
        if let Some(lane) = self.lanes.get_mut(i) {
            let above = lane.list.lower_bound(Position(goal.0.saturating_add(1)))?;
            lane.end = lane.end.min(above);
        }
        self.top(i)
    }
}

impl Reader {
    /// A page of the records that have all the tags, below `below` or from the newest.
    pub(crate) fn intersection(&self, keys: &[TagKey], below: Option<Position>, n: usize) -> Result<Page, Error> {
        if keys.is_empty() || keys.len() > TAGS_MAX {
            return Err(Error::TagCount { found: keys.len() });
        }
        let Some(first) = keys.first() else { return Ok(Page::default()) };
        let mut leapfrog = self.leapfrog(keys, below)?;
        let mut tired_at = None;
        let mut page = self.walk(n, || {
            let position = match leapfrog.next()? {
                Met::All(position) => position,
                Met::Nothing => return Ok(None),
                Met::Tired(position) => {
                    tired_at = Some(position);
                    return Ok(None);
                }
            };
            Ok(Some(match self.snapshot().element(&first.list_key(), position)? {
                Some(record) => Step::Live(record),
                None => Step::Dead(position),
            }))
        })?;
        if let (Some(position), None) = (tired_at, &page.next) {
            page.next = self.cursor_at(position)?;
        }
        Ok(page)
    }

    fn leapfrog(&self, keys: &[TagKey], below: Option<Position>) -> Result<Leapfrog<'_>, Error> {
        let mut lanes = Vec::with_capacity(keys.len());
        for key in keys {
            let list = self.snapshot().list(&key.list_key())?;
            let end = below.map_or(Ok(list.len()), |position| list.lower_bound(position))?;
            lanes.push(Lane { list, end });
        }
        // The shortest list leads: fewest jumps.
        lanes.sort_by_key(|lane| lane.end);
        Ok(Leapfrog { lanes, jumps: 0, passed: None })
    }

    /// What an answer about these tags depends on.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn tags_version(&self, keys: &[TagKey]) -> Result<super::Version, Error> {
        let keys: Vec<ListKey<'_>> = keys.iter().map(TagKey::list_key).collect();
        self.version_of(&keys)
    }
}
