//! Writes a whole site as lines. Start at [`Store::dump`]. Two equal sites give the same bytes, whatever their logs
//! look like inside: deleted records are holes, and no byte of a deleted text is in it. Sessions are not in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};

use blerg_log::{AuthorId, Body, Frame, ListKey, Position, RecordNo};

use super::line::{AccountLine, Line};
use super::wiki::WikiLine;
use super::{DUMP_VERSION, OnProgress, Progress};
use crate::{Error, Reader, Store};

/// Frames between two reports of progress.
const REPORT_FRAMES: u64 = 4_096;

/// What a dump holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dumped {
    /// Lines, the first and the last included.
    pub lines: u64,
    /// Authors, with those who left.
    pub authors: u64,
    /// Records that are there.
    pub records: u64,
    /// Pages of the wiki: all that ever were.
    pub pages: u64,
    /// Records that could not be read because their bytes are damaged.
    pub damaged: u64,
}

/// A dump being written.
struct Dump<'a> {
    reader: &'a Reader,
    out: &'a mut dyn Write,
    done: Dumped,
    /// Lines of the log's part so far.
    steps: u64,
    names: HashMap<AuthorId, String>,
    next_record: HashMap<AuthorId, u64>,
    /// Authors whose accounts were closed when the dump began, whether the log knew yet or not.
    leaving: HashSet<AuthorId>,
    /// Authors whose leaving is in the dump.
    left: HashSet<AuthorId>,
    /// Positions that somebody has seen up to, and how many steps came before each.
    seen: BTreeMap<Position, Option<u64>>,
}

impl Store {
    /// Writes the whole site to `out`: what [`Store::restore`] reads.
    ///
    /// # Errors
    /// The site cannot be read, or `out` not written.
    pub fn dump(&self, out: &mut dyn Write, on_progress: OnProgress<'_>) -> Result<Dumped, Error> {
        let reader = self.reader()?;
        let mut dump = Dump {
            reader: &reader,
            out,
            done: Dumped::default(),
            steps: 0,
            names: HashMap::new(),
            next_record: HashMap::new(),
            leaving: HashSet::new(),
            left: HashSet::new(),
            seen: BTreeMap::new(),
        };
        let stamp = reader.stamp();
        self.each_account(|row| {
            let Some(author) = row.account.author else { return Ok(()) };
            if row.account.closed {
                dump.leaving.insert(author);
            }
            let seen = self.seen(author, stamp)?;
            dump.seen.extend([(seen.feed, None), (seen.mentioned, None)]);
            Ok(())
        })?;
        dump.write(&Line::Dump { version: DUMP_VERSION, site: self.site_id()? })?;
        dump.log(on_progress)?;
        self.dump_leavers(&mut dump)?;
        self.dump_accounts(&mut dump)?;
        self.dump_wiki(&mut dump, on_progress)?;
        let lines = dump.done.lines;
        dump.write(&Line::End { lines })?;
        dump.out.flush().map_err(output)?;
        dump.done.damaged = reader.damaged();
        Ok(dump.done)
    }

    /// Ends what the log of this dump has not ended: of authors who leave, the account is closed first, and at last comes the frame
    /// that says so.
    fn dump_leavers(&self, dump: &mut Dump<'_>) -> Result<(), Error> {
        let mut leavers = Vec::new();
        self.each_account(|row| {
            let author = row.account.author.filter(|author| row.account.closed && !dump.left.contains(author));
            leavers.extend(author.filter(|author| dump.names.contains_key(author)));
            Ok(())
        })?;
        leavers.into_iter().try_for_each(|author| dump.close(author))
    }

    fn dump_wiki(&self, dump: &mut Dump<'_>, on_progress: OnProgress<'_>) -> Result<(), Error> {
        if !self.has_wiki() {
            return Ok(());
        }
        self.wiki()?.dump(&mut |line| {
            if matches!(line, WikiLine::Page(_)) {
                on_progress(Progress { doing: "dump pages", done: dump.done.pages, total: None });
                dump.done.pages += 1;
            }
            dump.write(&Line::Wiki(line))
        })
    }

    fn dump_accounts(&self, dump: &mut Dump<'_>) -> Result<(), Error> {
        let stamp = dump.reader.stamp();
        self.each_account(|row| {
            // Who signed up after this dump began is not in it.
            let Some(author) = row.account.author else { return Ok(()) };
            if !dump.names.contains_key(&author) {
                return Ok(());
            }
            let seen = self.seen(author, stamp)?;
            let line = Line::Account(AccountLine {
                name: row.account.name.clone(),
                role: row.account.role.as_str().to_owned(),
                is_disabled: row.account.disabled,
                created_us: row.account.created_us,
                password: row.password_hash.clone(),
                feed_seen: dump.steps_before(seen.feed),
                mentioned_seen: dump.steps_before(seen.mentioned),
            });
            dump.write(&line)
        })
    }

    /// Calls `each` for all accounts, in order of their folded names.
    pub(crate) fn each_account(
        &self,
        mut each: impl FnMut(&crate::AccountRow) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let rows = self.accounts(after.as_deref())?;
            let Some(last) = rows.last() else { return Ok(()) };
            let next = last.account.name.to_ascii_lowercase();
            // A name that is not the one it is found by would begin the same page again, for ever.
            if after.as_ref().is_some_and(|after| next <= *after) {
                return Err(Error::Damaged { what: "accounts do not stand in the order of their names".to_owned() });
            }
            after = Some(next);
            for row in &rows {
                each(row)?;
            }
        }
    }
}

impl Dump<'_> {
    fn log(&mut self, on_progress: OnProgress<'_>) -> Result<(), Error> {
        let reader = self.reader;
        let visible = reader.stamp().visible;
        for (i, frame) in (0_u64..).zip(reader.snapshot().frames(Position(0))) {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) if error.is_damaged() => continue,
                Err(error) => return Err(error.into()),
            };
            if i % REPORT_FRAMES == 0 {
                on_progress(Progress { doing: "dump records", done: frame.position.0, total: Some(visible.0) });
            }
            self.note_seen(frame.position);
            self.frame(frame)?;
        }
        self.note_seen(visible);
        self.fill_all()?;
        on_progress(Progress { doing: "dump records", done: visible.0, total: Some(visible.0) });
        Ok(())
    }

    /// Whoever has seen up to here has seen as many steps as were written so far.
    fn note_seen(&mut self, position: Position) {
        // The entries are few and passed in order, so those done are taken from the front once.
        let steps = self.steps;
        for (_, seen) in self.seen.range_mut(..=position).rev().take_while(|(_, seen)| seen.is_none()) {
            *seen = Some(steps);
        }
    }

    fn steps_before(&self, seen: Position) -> u64 {
        if seen == Position(0) {
            return 0;
        }
        self.seen.range(..=seen).next_back().and_then(|(_, steps)| *steps).unwrap_or(0)
    }

    fn frame(&mut self, frame: Frame) -> Result<(), Error> {
        match frame.body {
            Body::AddAuthor { author, name, at_us } => {
                self.names.insert(author, name.clone());
                self.done.authors += 1;
                self.step(&Line::Author { name, at_us })
            }
            Body::Put { author, record, text, reply_to, at_us } => {
                // Numbers of deleted records come with the next one that is there: so it does not matter where they stood.
                let Some(live) = self.live(author, record)? else { return Ok(()) };
                self.fill(author, record.0)?;
                self.next_record.insert(author, record.0 + 1);
                let (text, tags) = text.unwrap_or(live);
                let reply_to = match reply_to {
                    Some((to, record)) if self.live(to, record)?.is_some() => {
                        self.name(to).map(|name| (name, record.0))
                    }
                    _ => None,
                };
                let Some(author) = self.name(author) else { return Ok(()) };
                self.done.records += 1;
                self.step(&Line::Put { author, record: record.0, at_us, text, tags, reply_to })
            }
            Body::Edit { author, record, text, at_us } => {
                let (Some(live), Some(name)) = (self.live(author, record)?, self.name(author)) else { return Ok(()) };
                let (text, tags) = text.unwrap_or(live);
                self.step(&Line::Edit { author: name, record: record.0, at_us, text, tags })
            }
            Body::Follow { author, target } if self.holds(author, target, frame.position)? => {
                self.pair(author, target, |author, target| Line::Follow { author, target })
            }
            Body::CloseAuthor { author } => self.close(author),
            // A delete has made holes of its record's frames.
            _ => Ok(()),
        }
    }

    /// The current text and tags of a record that is to be in the dump.
    fn live(&self, author: AuthorId, record: RecordNo) -> Result<Option<(String, Vec<blerg_log::TagSpan>)>, Error> {
        if self.leaving.contains(&author) {
            return Ok(None);
        }
        let found = self.reader.live_record(author, record)?;
        Ok(found.map(|record| (record.text.into_owned(), record.tags)))
    }

    /// Whether a following that began at `position` has not ended since, nor the one who follows has left.
    fn holds(&self, author: AuthorId, target: AuthorId, position: Position) -> Result<bool, Error> {
        let pair = self.reader.snapshot().list(&ListKey::FollowPair(author, target))?;
        let is_last = pair.len() % 2 == 1 && pair.get(pair.len() - 1)? == position;
        Ok(is_last && !self.leaving.contains(&author))
    }

    /// Keeps the numbers before `next` whose records are not there: deleted, or too damaged to be met.
    fn fill(&mut self, author: AuthorId, next: u64) -> Result<(), Error> {
        for missing in self.next_record.get(&author).copied().unwrap_or(0)..next {
            self.hole(author, RecordNo(missing))?;
            self.next_record.insert(author, missing + 1);
        }
        Ok(())
    }

    /// The same for all numbers that were ever used.
    fn fill_all(&mut self) -> Result<(), Error> {
        let mut authors: Vec<AuthorId> =
            self.names.keys().filter(|author| !self.left.contains(author)).copied().collect();
        authors.sort_unstable_by_key(|author| author.0);
        for author in authors {
            self.fill(author, self.reader.record_count(author)?)?;
        }
        Ok(())
    }

    fn hole(&mut self, author: AuthorId, record: RecordNo) -> Result<(), Error> {
        match self.name(author) {
            Some(author) => self.step(&Line::Hole { author, record: record.0 }),
            None => Ok(()),
        }
    }

    fn close(&mut self, author: AuthorId) -> Result<(), Error> {
        self.fill(author, self.reader.record_count(author)?)?;
        self.left.insert(author);
        match self.name(author) {
            Some(author) => self.step(&Line::Close { author }),
            None => Ok(()),
        }
    }

    fn pair(&mut self, author: AuthorId, target: AuthorId, line: fn(String, String) -> Line) -> Result<(), Error> {
        match (self.name(author), self.name(target)) {
            (Some(author), Some(target)) => self.step(&line(author, target)),
            _ => Ok(()),
        }
    }

    /// The name of an author in this dump; `None` if the frame that created the author is damaged.
    fn name(&self, author: AuthorId) -> Option<String> {
        self.names.get(&author).cloned()
    }

    fn step(&mut self, line: &Line) -> Result<(), Error> {
        self.steps += 1;
        self.write(line)
    }

    fn write(&mut self, line: &Line) -> Result<(), Error> {
        self.done.lines += 1;
        self.out.write_all(line.write().as_bytes()).map_err(output)
    }
}

fn output(source: io::Error) -> Error {
    Error::Stream { doing: "write the dump", source }
}
