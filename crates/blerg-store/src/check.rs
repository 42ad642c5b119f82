//! What an operator asks of a whole site: is everything as it should be ([`Store::check`]), make what is derived anew
//! ([`Store::rebuild`]), how much is there ([`Store::stats`]). Reads everything, changes nothing but in a rebuild.

use std::collections::HashMap;
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
        self.search_index()?.reset()?;
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

/// What the log says about one record.
#[derive(Clone, Copy)]
struct Told {
    put: Position,
    newest: Position,
    is_live: bool,
}

/// Reads the whole log and compares each list with what the log says must be on it.
fn check_log(reader: &Reader, report: &mut Report, on_progress: OnProgress<'_>) -> Result<(), Error> {
    let visible = reader.stamp().visible;
    let mut told: HashMap<(AuthorId, RecordNo), Told> = HashMap::new();
    for (i, frame) in (0_u64..).zip(reader.snapshot().frames(Position(0))) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if error.is_damaged() => {
                report.problem(format!("log: {error}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        report.frames += 1;
        if i % REPORT_FRAMES == 0 {
            on_progress(Progress { doing: "check the log", done: frame.position.0, total: Some(visible.0) });
        }
        check_frame(reader, &frame, &mut told, report)?;
    }
    for ((author, record), told) in &told {
        check_record(reader, *author, *record, *told, report)?;
    }
    let latest = reader.snapshot().list(&ListKey::Latest)?.len();
    let puts = told.len() as u64;
    if latest > puts {
        report.problem(format!("index: {latest} records on the list of all, {puts} in the log"));
    }
    Ok(())
}

fn check_frame(
    reader: &Reader,
    frame: &Frame,
    told: &mut HashMap<(AuthorId, RecordNo), Told>,
    report: &mut Report,
) -> Result<(), Error> {
    let at = frame.position;
    match &frame.body {
        Body::AddAuthor { author, name, .. } => {
            report.authors += 1;
            let found = reader.snapshot().author_by_name(name)?.map(|found| found.id);
            if found != Some(*author) {
                report.problem(format!("index: author {name:?} at {} is not found by name", at.0));
            }
            on_list(reader, &ListKey::Authors, at, report)
        }
        Body::Put { author, record, .. } => {
            told.insert((*author, *record), Told { put: at, newest: at, is_live: true });
            Ok(())
        }
        Body::PutHole { author, record } => {
            told.insert((*author, *record), Told { put: at, newest: at, is_live: false });
            Ok(())
        }
        Body::Edit { author, record, .. } => {
            if let Some(told) = told.get_mut(&(*author, *record)) {
                told.newest = at;
            }
            Ok(())
        }
        Body::Delete { author, record } => {
            if let Some(told) = told.get_mut(&(*author, *record)) {
                told.is_live = false;
            }
            on_list(reader, &ListKey::Deletes, at, report)
        }
        Body::CloseAuthor { author } => {
            for (_, told) in told.iter_mut().filter(|((owner, _), _)| owner == author) {
                told.is_live = false;
            }
            Ok(())
        }
        Body::Follow { author, target } => {
            on_list(reader, &ListKey::Follows(*author), at, report)?;
            on_list(reader, &ListKey::Followers(*target), at, report)?;
            on_list(reader, &ListKey::FollowPair(*author, *target), at, report)
        }
        Body::Unfollow { author, target } => {
            on_list(reader, &ListKey::Unfollows(*target), at, report)?;
            on_list(reader, &ListKey::FollowPair(*author, *target), at, report)
        }
        _ => Ok(()),
    }
}

/// A record's lists: its number on the timeline, and where it stands with its current text.
fn check_record(reader: &Reader, author: AuthorId, no: RecordNo, told: Told, report: &mut Report) -> Result<(), Error> {
    let snapshot = reader.snapshot();
    let timeline = snapshot.list(&ListKey::Timeline(author))?;
    if no.0 >= timeline.len() || timeline.get(no.0)? != told.put {
        report.problem(format!("index: record {} of author {} is not at its number", no.0, author.0));
        return Ok(());
    }
    let found = snapshot.record(author, no)?;
    match (&found, told.is_live) {
        (Some(record), true) if record.element == told.newest && record.put == told.put => {
            report.records += 1;
            on_list(reader, &ListKey::Latest, told.put, report)?;
            for span in &record.tags {
                match TagKey::at(&record.text, *span) {
                    Some(key) => on_list(reader, &key.list_key(), told.newest, report)?,
                    None => report.problem(format!("log: a tag of record {} of author {} is none", no.0, author.0)),
                }
            }
            match record.reply_to {
                Some((to, replied)) => on_list(reader, &ListKey::Replies(to, replied), told.put, report),
                None => Ok(()),
            }
        }
        (None, false) => Ok(()),
        (Some(_), true) => {
            report.problem(format!("index: record {} of author {} shows another text than its newest", no.0, author.0));
            Ok(())
        }
        (Some(_), false) => {
            report.problem(format!("index: record {} of author {} was deleted and is shown", no.0, author.0));
            Ok(())
        }
        (None, true) => {
            report.problem(format!("log: record {} of author {} is damaged or lost", no.0, author.0));
            Ok(())
        }
    }
}

/// Says so if a list lacks a position.
fn on_list(reader: &Reader, key: &ListKey<'_>, at: Position, report: &mut Report) -> Result<(), Error> {
    let list = reader.snapshot().list(key)?;
    let i = list.lower_bound(at)?;
    if i >= list.len() || list.get(i)? != at {
        report.problem(format!("index: position {} is missing on list {key:?}", at.0));
    }
    Ok(())
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
