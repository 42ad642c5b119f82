//! Full-text search over the records. Start at [`Store::search`]. The index is derived and follows the log at its own
//! pace: it knows the position it covers and catches up, in bounded batches, before a search and in the background
//! ([`Store::index_search`]). What it offers is compared with the log before it is shown, so that no deleted or
//! edited-away text is ever found.

pub(crate) mod cover;
pub(crate) mod expr;
pub(crate) mod fold;
mod index;
mod query;

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use blerg_log::{AuthorId, ListKey, Position, RecordNo, Snapshot};

use crate::list::Step;
use crate::{Cursor, Error, Page, Reader, Store, lock};

pub(crate) use expr::TERMS_MAX;
#[cfg(test)]
pub(crate) use index::logs;
pub(crate) use index::{Hit, Index, path};
pub use query::QueryError;

/// Most batches that a search waits for; a site that was just filled is indexed by who filled it.
const SEARCH_BATCHES_MAX: u64 = 4;

/// So often a search begins anew because the log was compacted meanwhile.
const READERS_MAX: usize = 4;

/// Most candidates fetched from the index at once.
const HITS_MAX: usize = 200;

/// What to look for; all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words that must be there.
    pub words: Vec<String>,
    /// Words in this order, next to each other.
    pub phrases: Vec<String>,
    /// Whose records.
    pub from: Option<String>,
    /// Tags the record must have, without the `#`.
    pub tags: Vec<String>,
    /// Names the record must mention, without the `@`.
    pub mentions: Vec<String>,
    /// Written before this moment.
    pub before_us: Option<u64>,
    /// Written at this moment or later.
    pub after_us: Option<u64>,
    /// Words and phrases that must not be there.
    pub exclude: Vec<String>,
}

/// How far the full-text index has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchCover {
    /// The first position not covered.
    pub next: Position,
    /// The end of the log when it was compared.
    pub visible: Position,
}

impl SearchCover {
    /// Whether all of the log is covered.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.next >= self.visible
    }
}

impl Store {
    /// Records that match a query, newest first, from below a cursor or the newest.
    ///
    /// # Errors
    /// The query has too many terms, the cursor names no record, or the log or the index cannot be read.
    pub fn search(&self, query: &SearchQuery, before: Option<&Cursor>, n: usize) -> Result<Page, Error> {
        if expr::terms(query) > expr::TERMS_MAX {
            return Err(Error::TagCount { found: expr::terms(query) });
        }
        for _ in 0..READERS_MAX {
            let reader = self.reader()?;
            match self.search_in(&reader, query, before, n) {
                Ok(Some(page)) => return Ok(page),
                Ok(None) => {}
                // The index went with the log that it was of.
                Err(_) if self.reader()?.stamp().log != reader.stamp().log => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy { retry_after_secs: 1 })
    }

    /// `None` if the index is of another log than the reader: a compaction is going on.
    fn search_in(
        &self,
        reader: &Reader,
        query: &SearchQuery,
        before: Option<&Cursor>,
        n: usize,
    ) -> Result<Option<Page>, Error> {
        let below = match before {
            Some(cursor) => reader.place(cursor)?.put,
            None => reader.stamp().visible,
        };
        let from = match &query.from {
            Some(name) => match reader.author(name)? {
                Some(author) => Some(author.id),
                None => return Ok(Some(Page::default())),
            },
            None => None,
        };
        let Some(expression) = expr::match_expression(query, from) else { return Ok(Some(Page::default())) };
        let index = self.search_index_of(reader.stamp().log)?;
        match extend(&index, reader, SEARCH_BATCHES_MAX) {
            // Without room for the newest records the earlier ones are found.
            Err(error) if error.is_full() || error.is_read_only() => {}
            result => drop(result?),
        }
        hits_page(&index, reader, query, &Wanted { expression, below, n })
    }

    /// Extends the full-text index by at most `batches` transactions of some thousand records.
    ///
    /// # Errors
    /// The log or the index cannot be read or written.
    pub fn index_search(&self, batches: u64) -> Result<SearchCover, Error> {
        let reader = self.reader()?;
        extend(&*self.search_index_of(reader.stamp().log)?, &reader, batches)
    }

    /// Takes the records of a range of numbers out of the full-text index. The log has their deletion, so an index
    /// that cannot be written now (another process writes it) catches up with it later; that is no failure of a delete.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn search_erase(&self, author: AuthorId, records: Range<RecordNo>) -> Result<(), Error> {
        let logs = index::logs(self.dir())?;
        if logs.is_empty() && !self.has_wiki() {
            return Ok(());
        }
        let snapshot = self.log()?.snapshot()?;
        let timeline = snapshot.list(&ListKey::Timeline(author))?;
        let mut puts = Vec::new();
        for no in records.start.0..records.end.0.min(timeline.len()) {
            puts.push(timeline.get(no)?);
        }
        let log = snapshot.stamp().log;
        let erased = if logs.contains(&log) {
            self.search_index_of(log).and_then(|index| erase(&index, log, &puts))
        } else {
            Ok(())
        };
        if logs.iter().any(|found| *found != log) {
            self.remove_other_searches(log)?;
        }
        let forgotten =
            if self.has_wiki() { self.wiki().and_then(|wiki| wiki.forget_posts(log, &puts)) } else { Ok(()) };
        for result in [erased, forgotten] {
            match result {
                Ok(()) | Err(Error::Sqlite { .. }) => {}
                Err(error) if error.leaves_reading_possible() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Forgets the full-text index; one that is too damaged for that, or says that it is of another version, is removed.
    pub(crate) fn reset_search(&self) -> Result<(), Error> {
        let reset = || {
            let index = self.search_index()?;
            index.reset()?;
            // What is empty now may still have tables that are not what they should be.
            index.next()?;
            match index.check()?.0.pop() {
                Some(what) => Err(Error::Damaged { what }),
                None => Ok(()),
            }
        };
        match reset() {
            Err(Error::Sqlite { .. } | Error::Damaged { .. } | Error::SchemaVersion { .. }) => self.remove_search(),
            result => result,
        }
    }

    /// Removes the full-text index.
    pub(crate) fn remove_search(&self) -> Result<(), Error> {
        *lock(&self.search) = None;
        index::remove(self.dir(), |_| true)
    }

    /// Removes the indexes of other logs than number `log`, which counts; not that of one that is being made.
    pub(crate) fn remove_other_searches(&self, log: u64) -> Result<(), Error> {
        let is_next_wanted = self.log()?.is_compacting()?;
        index::remove(self.dir(), |found| found < log || (found > log && !is_next_wanted))
    }

    /// The index of a log that is being made, of which nothing is indexed yet.
    pub(crate) fn begin_search_of(&self, log: u64) -> Result<Index, Error> {
        index::remove(self.dir(), |found| found == log)?;
        Index::open(self, log)
    }

    /// The full-text index of the log that counts.
    pub(crate) fn search_index(&self) -> Result<Arc<Index>, Error> {
        self.search_index_of(self.reader()?.stamp().log)
    }

    /// The full-text index of a log, opened on first use.
    fn search_index_of(&self, log: u64) -> Result<Arc<Index>, Error> {
        let mut slot = lock(&self.search);
        match &*slot {
            Some(index) if index.log == log => return Ok(Arc::clone(index)),
            _ => {}
        }
        let index = Arc::new(Index::open(self, log)?);
        *slot = Some(Arc::clone(&index));
        Ok(index)
    }
}

/// Takes records of the log number `log` out of the index. One of the log before knows them by other positions: it goes whole.
fn erase(index: &Index, log: u64, puts: &[Position]) -> Result<(), Error> {
    match index.covered_log()?.cmp(&log) {
        Ordering::Less => index.reset(),
        Ordering::Equal => index.erase(puts),
        // Who indexed the later one met the deletes.
        Ordering::Greater => Ok(()),
    }
}

/// Indexes all that a log holds so far.
pub(crate) fn cover(index: &Index, snapshot: &Snapshot, tell: &mut dyn FnMut(Position)) -> Result<(), Error> {
    while !index.covers(snapshot.stamp())? {
        let batch = index.catch_up(snapshot)?;
        tell(batch.next);
        if batch.frames == 0 {
            break;
        }
    }
    Ok(())
}

fn extend(index: &Index, reader: &Reader, batches: u64) -> Result<SearchCover, Error> {
    let visible = reader.stamp().visible;
    let mut next = index.next()?;
    for _ in 0..batches {
        if index.covers(reader.stamp())? {
            break;
        }
        let batch = index.catch_up(reader.snapshot())?;
        next = batch.next;
        if batch.frames == 0 {
            break;
        }
    }
    Ok(SearchCover { next, visible })
}

struct Wanted {
    expression: String,
    below: Position,
    n: usize,
}

fn hits_page(index: &Index, reader: &Reader, query: &SearchQuery, wanted: &Wanted) -> Result<Option<Page>, Error> {
    let mut is_of_another = false;
    // The list is newest first, so its end is where the next ones are taken from.
    let mut ahead = Vec::new();
    let mut below = wanted.below;
    let mut fetch = wanted.n.saturating_add(1).min(HITS_MAX);
    let page = reader.walk(wanted.n, || {
        if ahead.is_empty() && fetch > 0 {
            let Some(hits) = index.hits(&wanted.expression, reader.stamp().log, below, fetch)? else {
                is_of_another = true;
                return Ok(None);
            };
            ahead = hits;
            ahead.reverse();
            // Fewer than asked for were the last.
            fetch = if ahead.len() < fetch { 0 } else { HITS_MAX };
        }
        let Some(hit) = ahead.pop() else { return Ok(None) };
        below = hit.put;
        let found = reader.snapshot().element(&ListKey::Latest, hit.put)?;
        let found = found.filter(|record| {
            record.element == hit.version
                && query.after_us.is_none_or(|after_us| record.created_us >= after_us)
                && query.before_us.is_none_or(|before_us| record.created_us < before_us)
        });
        Ok(Some(found.map_or(Step::Dead(hit.put), Step::Live)))
    })?;
    Ok((!is_of_another).then_some(page))
}

#[cfg(test)]
mod tests;
