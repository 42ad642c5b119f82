//! What an operator asks of a whole site: is everything as it should be ([`Store::check`]), make what is derived anew
//! ([`Store::rebuild`]), how much is there ([`Store::stats`]). Reads everything, changes nothing but in a rebuild.

use std::collections::HashSet;
use std::fs;

use blerg_log::{AuthorId, Body, Frame, ListKey, Position, RecordNo};

use crate::list::TagKey;
use crate::portable::{OnProgress, Progress};
use crate::search::Index;
use crate::{Error, Reader, Store};

/// Most problems that a report tells one by one.
pub const PROBLEMS_MAX: usize = 100;

/// Frames between two reports of progress.
const REPORT_FRAMES: u64 = 4_096;

/// Rows of the full-text index looked at together.
const ROWS_MAX: usize = 1_000;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, in sentences for the operator; at most [`PROBLEMS_MAX`].
    pub problems: Vec<String>,
    /// How many problems there are in all.
    pub problems_len: u64,
    /// Frames of the log.
    pub frames: u64,
    /// Authors, with those who left.
    pub authors: u64,
    /// Records that are there.
    pub records: u64,
    /// Accounts.
    pub accounts: u64,
    /// Authors without an account: from imports.
    pub without_account: u64,
    /// Records in the full-text index.
    pub indexed: u64,
    /// Bytes of log that the full-text index does not cover yet; a search or a background job brings them in.
    pub search_behind: u64,
}

/// How much a site holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Authors, with those who left.
    pub authors: u64,
    /// Record numbers used up, those of deleted records included.
    pub puts: u64,
    /// Records deleted.
    pub deletes: u64,
    /// Bytes of log in use.
    pub log_bytes: u64,
    /// Bytes of log that the full-text index covers.
    pub search_bytes: u64,
    /// Bytes of all files of the data directory.
    pub disk_bytes: u64,
    /// Frames that could not be read since the store was opened.
    pub damaged: u64,
}

impl Report {
    fn problem(&mut self, text: impl Into<String>) {
        self.problems_len += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(text.into());
        }
    }
}

impl Store {
    /// Verifies every checksum, that every list is what the log says, that both databases are sound, that accounts and
    /// authors belong together, and that the full-text index holds just the records that are there.
    ///
    /// # Errors
    /// Something cannot even be read; what is readable and wrong is in the report.
    pub fn check(&self, on_progress: OnProgress<'_>) -> Result<Report, Error> {
        let reader = self.reader()?;
        let mut report = Report::default();
        check_log(&reader, &mut report, on_progress)?;
        on_progress(Progress { doing: "check accounts", done: 0, total: None });
        self.check_site_db(&mut report)?;
        self.check_search(&reader, &mut report, on_progress)?;
        if reader.damaged() > 0 {
            report.problem(format!("{} damaged frames were met while reading", reader.damaged()));
        }
        Ok(report)
    }

    fn check_site_db(&self, report: &mut Report) -> Result<(), Error> {
        for problem in self.check_accounts()? {
            report.problem(problem);
        }
        let mut with_account = 0;
        self.each_account(|row| {
            report.accounts += 1;
            with_account += u64::from(row.account.author.is_some());
            Ok(())
        })?;
        report.without_account = report.authors.saturating_sub(with_account);
        Ok(())
    }

    fn check_search(&self, reader: &Reader, report: &mut Report, on_progress: OnProgress<'_>) -> Result<(), Error> {
        let index = self.search_index()?;
        on_progress(Progress { doing: "check search", done: 0, total: Some(report.records) });
        let (problems, indexed) = index.check()?;
        report.indexed = indexed;
        for problem in problems {
            report.problem(format!("search.db: {problem}"));
        }
        let covered = match index.fits(reader.snapshot())? {
            Some(next) => next,
            // It is of another log, and the next search begins it anew.
            None => Position(0),
        };
        let visible = reader.stamp().visible;
        report.search_behind = visible.0.saturating_sub(covered.0);
        if covered == Position(0) {
            return Ok(());
        }
        check_rows(&index, reader, covered, report, on_progress)
    }

    /// Makes the index of the log and the full-text index anew.
    ///
    /// # Errors
    /// The log or the index cannot be read or written.
    pub fn rebuild(&self, on_progress: OnProgress<'_>) -> Result<(), Error> {
        self.log()?.rebuild(&mut |progress| {
            on_progress(Progress { doing: "index records", done: progress.done, total: Some(progress.total) });
        })?;
        self.reset_search()?;
        crate::portable::index(self, on_progress)
    }

    /// Counts.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn stats(&self) -> Result<Stats, Error> {
        let reader = self.reader()?;
        let len = |key: &ListKey<'_>| -> Result<u64, Error> { Ok(reader.snapshot().list(key)?.len()) };
        let authors = len(&ListKey::Authors)?;
        let mut puts = 0;
        for author in (0..authors).filter_map(|id| u32::try_from(id).ok()) {
            // The list of all loses the deleted ones when it is made anew; the timelines keep them.
            puts += reader.record_count(AuthorId(author))?;
        }
        Ok(Stats {
            authors,
            puts,
            deletes: len(&ListKey::Deletes)?,
            log_bytes: reader.stamp().visible.0,
            search_bytes: self.search_index()?.next()?.0,
            disk_bytes: disk_bytes(self.dir())?,
            damaged: reader.damaged(),
        })
    }
}

fn disk_bytes(dir: &std::path::Path) -> Result<u64, Error> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        let entry = entry.map_err(Error::io(dir, "list"))?;
        let meta = entry.metadata().map_err(Error::io(entry.path(), "look at"))?;
        bytes += if meta.is_dir() { disk_bytes(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}

/// The log read from its start to its end, with what is yet to be explained.
struct Reading<'r> {
    reader: &'r Reader,
    report: &'r mut Report,
    /// Numbers used up.
    puts: u64,
    /// Records that are not there and whose deletion was not met yet: few, and none at the end.
    missing: HashSet<(AuthorId, RecordNo)>,
}

/// Reads the whole log and compares each list with what the log says must be on it.
fn check_log(reader: &Reader, report: &mut Report, on_progress: OnProgress<'_>) -> Result<(), Error> {
    let visible = reader.stamp().visible;
    let mut reading = Reading { reader, report, puts: 0, missing: HashSet::new() };
    for (i, frame) in (0_u64..).zip(reader.snapshot().frames(Position(0))) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if error.is_damaged() => {
                reading.report.problem(format!("log: {error}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if i % REPORT_FRAMES == 0 {
            on_progress(Progress { doing: "check the log", done: frame.position.0, total: Some(visible.0) });
        }
        reading.report.frames += 1;
        reading.frame(&frame)?;
    }
    let Reading { puts, missing, .. } = reading;
    for (author, no) in missing {
        report.problem(format!("log: record {} of author {} is damaged or lost", no.0, author.0));
    }
    let latest = reader.snapshot().list(&ListKey::Latest)?.len();
    if latest > puts {
        report.problem(format!("index: {latest} records on the list of all, {puts} in the log"));
    }
    Ok(())
}

impl Reading<'_> {
    fn frame(&mut self, frame: &Frame) -> Result<(), Error> {
        let at = frame.position;
        match &frame.body {
            Body::AddAuthor { author, name, .. } => {
                self.report.authors += 1;
                let found = self.reader.snapshot().author_by_name(name)?.map(|found| found.id);
                if found != Some(*author) {
                    self.report.problem(format!("index: author {name:?} at {} is not found by name", at.0));
                }
                self.on_list(&ListKey::Authors, at)
            }
            Body::Put { author, record, .. } => self.put(*author, *record, at),
            Body::PutHole { author, record } => {
                self.puts += 1;
                self.on_timeline(*author, *record, at).map(drop)
            }
            Body::Edit { author, record, .. } => self.edit(*author, *record, at),
            Body::Delete { author, record } => {
                self.missing.remove(&(*author, *record));
                if self.reader.snapshot().record(*author, *record)?.is_some() {
                    self.problem_of(*author, *record, "was deleted and is shown");
                }
                self.on_list(&ListKey::Deletes, at)
            }
            Body::CloseAuthor { author } => {
                let found = self.reader.snapshot().author(*author)?;
                if found.is_none_or(|found| !found.closed) {
                    self.report.problem(format!("index: author {} has left and is shown", author.0));
                }
                Ok(())
            }
            Body::Follow { author, target } => {
                self.on_list(&ListKey::Follows(*author), at)?;
                self.on_list(&ListKey::Followers(*target), at)?;
                self.on_list(&ListKey::FollowPair(*author, *target), at)
            }
            Body::Unfollow { author, target } => {
                self.on_list(&ListKey::Unfollows(*target), at)?;
                self.on_list(&ListKey::FollowPair(*author, *target), at)
            }
            _ => Ok(()),
        }
    }

    /// A record's lists: its number on the timeline, and where it stands with its current text.
    fn put(&mut self, author: AuthorId, no: RecordNo, at: Position) -> Result<(), Error> {
        self.puts += 1;
        if !self.on_timeline(author, no, at)? {
            return Ok(());
        }
        let snapshot = self.reader.snapshot();
        let Some(record) = snapshot.record(author, no)? else {
            if snapshot.author(author)?.is_some_and(|author| !author.closed) {
                self.missing.insert((author, no));
            }
            return Ok(());
        };
        self.report.records += 1;
        self.on_list(&ListKey::Latest, at)?;
        for span in &record.tags {
            match TagKey::at(&record.text, *span) {
                Some(key) => self.on_list(&key.list_key(), record.element)?,
                None => self.problem_of(author, no, "has a tag that is none"),
            }
        }
        match record.reply_to {
            Some((to, replied)) => self.on_list(&ListKey::Replies(to, replied), at),
            None => Ok(()),
        }
    }

    fn edit(&mut self, author: AuthorId, no: RecordNo, at: Position) -> Result<(), Error> {
        let found = self.reader.snapshot().record(author, no)?;
        if found.is_some_and(|record| record.element < at) {
            self.problem_of(author, no, "shows another text than its newest");
        }
        Ok(())
    }

    fn on_timeline(&mut self, author: AuthorId, no: RecordNo, at: Position) -> Result<bool, Error> {
        let timeline = self.reader.snapshot().list(&ListKey::Timeline(author))?;
        let is_there = no.0 < timeline.len() && timeline.get(no.0)? == at;
        if !is_there {
            self.problem_of(author, no, "is not at its number");
        }
        Ok(is_there)
    }

    fn problem_of(&mut self, author: AuthorId, no: RecordNo, problem: &str) {
        self.report.problem(format!("index: record {} of author {} {problem}", no.0, author.0));
    }

    /// Says so if a list lacks a position.
    fn on_list(&mut self, key: &ListKey<'_>, at: Position) -> Result<(), Error> {
        let list = self.reader.snapshot().list(key)?;
        let i = list.lower_bound(at)?;
        if i >= list.len() || list.get(i)? != at {
            self.report.problem(format!("index: position {} is missing on list {key:?}", at.0));
        }
        Ok(())
    }
}

/// Each row is a record that is there, in its newest version, and there are as many as records covered.
fn check_rows(
    index: &Index,
    reader: &Reader,
    covered: Position,
    report: &mut Report,
    on_progress: OnProgress<'_>,
) -> Result<(), Error> {
    let mut above = None;
    let mut current = 0;
    loop {
        let rows = index.rows_above(above, ROWS_MAX)?;
        let Some(last) = rows.last() else { break };
        above = Some(last.put);
        for row in &rows {
            match reader.snapshot().element(&ListKey::Latest, row.put)? {
                Some(record) if record.element == row.version => current += 1,
                // What happened after the part of the log that is covered is not known to the index yet.
                Some(record) if record.element >= covered => current += 1,
                None if covered < reader.stamp().visible => {}
                _ => report.problem(format!("search.db: the text of position {} is not the record's", row.put.0)),
            }
        }
        on_progress(Progress { doing: "check search", done: current, total: Some(report.records) });
    }
    if covered >= reader.stamp().visible && current != report.records {
        report.problem(format!("search.db: {current} records indexed, {} are there", report.records));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
