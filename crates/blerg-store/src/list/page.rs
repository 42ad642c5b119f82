//! Turns stretches of lists into pages of posts. Start at [`Page`]; the one loop that every list uses is
//! `Reader::walk`, which steps over dead elements and knows when to stop.

use std::{collections::HashMap, ops::RangeInclusive};

use blerg_log::{AuthorId, List, ListKey, Position, Record, RecordNo};

use super::{Cursor, DEAD_MAX, PAGE_MAX, Reader};
use crate::Error;

/// Most elements of a list fetched at once: a usual page of 50 and the one after it, and some that are dead.
const RUN_MAX: u64 = 64;

/// One record as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The author's number inside the log.
    pub author: AuthorId,
    /// The author's name.
    pub author_name: String,
    /// Its number.
    pub record: RecordNo,
    /// When it was written.
    pub timestamp_us: u64,
    /// When it was edited last.
    pub edited_us: Option<u64>,
    /// What it answers, unless that was deleted.
    pub reply_to: Option<(String, RecordNo)>,
    /// Its text.
    pub text: String,
}

/// A stretch of a list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub posts: Vec<Post>,
    /// Where it goes on, if it does.
    pub next: Option<Cursor>,
}

/// Gives authors their names, each looked up once a page.
pub(crate) struct Namer<'r> {
    reader: &'r Reader,
    names: HashMap<AuthorId, Option<String>>,
}

impl Namer<'_> {
    /// The author's name; `None` for one who left.
    pub(crate) fn name(&mut self, id: AuthorId) -> Result<Option<String>, Error> {
        if let Some(known) = self.names.get(&id) {
            return Ok(known.clone());
        }
        let name = self.reader.snapshot().author(id)?.filter(|author| !author.closed).map(|author| author.name);
        self.names.insert(id, name.clone());
        Ok(name)
    }

    /// The record as a post; its author is known not to have left.
    pub(crate) fn post(&mut self, record: &Record<'_>) -> Result<Post, Error> {
        let author_name = self.name(record.author)?.unwrap_or_default();
        let reply_to = match record.reply_to {
            // A link to what was deleted would lead nowhere.
            Some((author, no)) if self.reader.live_record(author, no)?.is_some() => {
                self.name(author)?.map(|name| (name, no))
            }
            _ => None,
        };
        Ok(Post {
            author: record.author,
            author_name,
            record: record.no,
            timestamp_us: record.created_us,
            edited_us: record.edited_us,
            reply_to,
            text: record.text.clone().into_owned(),
        })
    }
}

/// One step of a walk from newer to older elements.
pub(crate) enum Step<'s> {
    /// A record that counts.
    Live(Record<'s>),
    /// Something to step over.
    Dead(Position),
}

impl Reader {
    /// A name table for one answer.
    pub(crate) fn namer(&self) -> Namer<'_> {
        Namer { reader: self, names: HashMap::new() }
    }

    /// The last `n` records of an author.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn last(&self, author: AuthorId, n: usize) -> Result<Page, Error> {
        self.timeline(author, None, n)
    }

    /// Records of an author, from below a cursor or the newest.
    ///
    /// # Errors
    /// The cursor names no record, or the log cannot be read.
    pub fn timeline(&self, author: AuthorId, before: Option<&Cursor>, n: usize) -> Result<Page, Error> {
        self.page_by_put(&ListKey::Timeline(author), before, n)
    }

    /// The records `start` to `end` of an author, both included, newest first: cut at the author's last, deleted
    /// ones left out. `None` if there is no such number yet.
    ///
    /// # Errors
    /// The range is empty or too long, or the log cannot be read.
    pub fn range(&self, author: AuthorId, range: RangeInclusive<u64>) -> Result<Option<Vec<Post>>, Error> {
        self.range_of(&ListKey::Timeline(author), range)
    }

    /// The newest records of all authors.
    ///
    /// # Errors
    /// The cursor names no record, or the log cannot be read.
    pub fn latest(&self, before: Option<&Cursor>, n: usize) -> Result<Page, Error> {
        self.page_by_put(&ListKey::Latest, before, n)
    }

    /// A page of a list whose elements are puts.
    pub(crate) fn page_by_put(&self, key: &ListKey<'_>, before: Option<&Cursor>, n: usize) -> Result<Page, Error> {
        let list = self.snapshot().list(key)?;
        let end = match before {
            Some(cursor) => list.lower_bound(self.place(cursor)?.put)?,
            None => list.len(),
        };
        self.page_below(key, &list, end, n)
    }

    /// A page of the elements of `list` below index `end`.
    pub(crate) fn page_below(&self, key: &ListKey<'_>, list: &List<'_>, end: u64, n: usize) -> Result<Page, Error> {
        let mut elements = Downwards::from(list, end);
        self.walk(n, || {
            let Some(position) = elements.next()? else { return Ok(None) };
            Ok(Some(match self.snapshot().element(key, position)? {
                Some(record) => Step::Live(record),
                None => Step::Dead(position),
            }))
        })
    }

    /// Takes steps until the page is full, everything was seen or too much was dead. One live record more than asked
    /// for is looked for, so that a page that ends the list says so.
    pub(crate) fn walk<'s>(
        &self,
        n: usize,
        mut step: impl FnMut() -> Result<Option<Step<'s>>, Error>,
    ) -> Result<Page, Error> {
        let n = n.min(PAGE_MAX);
        let mut namer = self.namer();
        let mut page = Page::default();
        let mut dead = 0;
        while let Some(stepped) = step()? {
            match stepped {
                Step::Live(_) if page.posts.len() == n => {
                    page.next = page.posts.last().map(Cursor::of);
                    return Ok(page);
                }
                Step::Live(record) => page.posts.push(namer.post(&record)?),
                Step::Dead(position) => {
                    dead += 1;
                    if dead >= DEAD_MAX
                        && let Some(next) = self.cursor_after(&page, n, position)?
                    {
                        page.next = Some(next);
                        return Ok(page);
                    }
                }
            }
        }
        Ok(page)
    }

    /// Where a page goes on that met too much dead. A full page goes on below its last record: the dead ones are met
    /// again, but on a page of their own. `None` if the dead element is damaged and does not say whose it is.
    fn cursor_after(&self, page: &Page, n: usize, dead: Position) -> Result<Option<Cursor>, Error> {
        match page.posts.last() {
            Some(post) if page.posts.len() == n => Ok(Some(Cursor::of(post))),
            _ => self.cursor_at(dead),
        }
    }

    /// The elements `range` of a list, newest first; `None` if it ends before the range begins.
    pub(crate) fn range_of(&self, key: &ListKey<'_>, range: RangeInclusive<u64>) -> Result<Option<Vec<Post>>, Error> {
        let (start, end) = range.into_inner();
        let max = u64::try_from(PAGE_MAX).unwrap_or(u64::MAX);
        if start > end || end - start >= max {
            return Err(Error::Range);
        }
        let list = self.snapshot().list(key)?;
        if start >= list.len() {
            return Ok(None);
        }
        let mut namer = self.namer();
        let mut posts = Vec::new();
        let mut elements = Downwards::from(&list, end.saturating_add(1).min(list.len()));
        for _ in start..=end.min(list.len() - 1) {
            let Some(position) = elements.next()? else { break };
            if let Some(record) = self.snapshot().element(key, position)? {
                posts.push(namer.post(&record)?);
            }
        }
        Ok(Some(posts))
    }
}

/// Elements of a list from an index downwards, fetched in runs: without maps each element alone would be two or three
/// reads.
struct Downwards<'l, 's> {
    list: &'l List<'s>,
    /// The index that the run begins at; what is below has not been fetched.
    from: u64,
    /// What is left of the run, the next one last.
    run: Vec<Position>,
}

impl<'l, 's> Downwards<'l, 's> {
    /// Begins below `end`.
    fn from(list: &'l List<'s>, end: u64) -> Self {
        Downwards { list, from: end, run: Vec::new() }
    }

    fn next(&mut self) -> Result<Option<Position>, Error> {
        if self.run.is_empty() && self.from > 0 {
            let count = self.from.min(RUN_MAX);
            self.from -= count;
            self.run.resize(usize::try_from(count).unwrap_or(0), Position(0));
            self.list.fill(self.from, &mut self.run)?;
        }
        Ok(self.run.pop())
    }
}

impl Cursor {
    /// The cursor below a post.
    #[must_use]
    pub fn of(post: &Post) -> Cursor {
        Cursor { author: post.author_name.clone(), record: post.record, at: None, log: 0 }
    }
}
