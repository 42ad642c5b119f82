//! What an operator asks of a whole site: is everything as it should be ([`Store::check`]), make what is derived anew
//! ([`Store::rebuild`]), how much is there ([`Store::stats`]). Reads everything, changes nothing but in a rebuild.

use std::fs;

use blerg_log::{AuthorId, ListKey, Position, RecordNo};

use crate::portable::{OnProgress, Progress};
use crate::search::{Hit, Index};
use crate::{Error, Reader, Store, WikiStats};

/// Most problems that a report tells one by one.
pub const PROBLEMS_MAX: usize = 100;

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
    /// Pages of the wiki.
    pub pages: u64,
    /// Revisions of the wiki's pages.
    pub revisions: u64,
    /// Bytes of log that the full-text index does not cover yet; a search or a background job brings them in.
    pub search_behind: u64,
}

/// What a rebuild could not do.
#[derive(Debug, Default)]
#[must_use = "not everything may have been made anew"]
pub struct Rebuilt {
    /// The databases in which what is derived is as it was, and why.
    pub failed: Vec<(&'static str, Error)>,
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
    /// What the wiki holds.
    pub wiki: WikiStats,
    /// Frames that could not be read since the store was opened.
    pub damaged: u64,
}

impl Report {
    /// Notes that a database cannot be read; an error of anything else ends the check.
    fn unreadable(&mut self, file: &str, checked: Result<(), Error>) -> Result<(), Error> {
        match checked {
            Err(Error::Sqlite { source, .. }) => self.problem(format!("{file}: {source}")),
            Err(Error::Damaged { what }) => self.problem(format!("{file}: {what}")),
            Err(Error::SchemaVersion { found, known, .. }) => {
                self.problem(format!("{file}: of version {found}, this program knows {known}"));
            }
            other => return other,
        }
        Ok(())
    }

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
        check_log(self, &reader, &mut report, on_progress)?;
        on_progress(Progress { doing: "check accounts", done: 0, total: None });
        // What cannot be read at all is wrong like any other; the next file may be sound.
        let checked = self.check_site_db(&mut report);
        report.unreadable("site.db", checked)?;
        let checked = self.check_search(&reader, &mut report, on_progress);
        report.unreadable("search.db", checked)?;
        let checked = self.check_wiki(&mut report, on_progress);
        report.unreadable("wiki.db", checked)?;
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

    fn check_wiki(&self, report: &mut Report, on_progress: OnProgress<'_>) -> Result<(), Error> {
        if !self.has_wiki() {
            return Ok(());
        }
        on_progress(Progress { doing: "check the wiki", done: 0, total: None });
        let wiki = self.wiki()?;
        for problem in wiki.check()? {
            report.problem(format!("wiki.db: {problem}"));
        }
        let stats = wiki.stats()?;
        (report.pages, report.revisions) = (stats.pages, stats.revisions);
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
        check_rows(&Rows { store: self, index: &index, reader, covered }, report, on_progress)
    }

    /// Makes the index of the log, the full-text index and what follows from the wiki's pages anew. A database that keeps one of
    /// them from it does not keep the others.
    ///
    /// # Errors
    /// The log or its index cannot be read or written.
    pub fn rebuild(&self, on_progress: OnProgress<'_>) -> Result<Rebuilt, Error> {
        self.log()?.rebuild(&mut |progress| {
            on_progress(Progress { doing: "index records", done: progress.done, total: Some(progress.total) });
        })?;
        let mut rebuilt = Rebuilt::default();
        if let Err(error) = self.rebuild_search(on_progress) {
            rebuilt.failed.push(("search.db", error));
        }
        if self.has_wiki()
            && let Err(error) = self.wiki().and_then(|wiki| wiki.rebuild())
        {
            rebuilt.failed.push(("wiki.db", error));
        }
        Ok(rebuilt)
    }

    fn rebuild_search(&self, on_progress: OnProgress<'_>) -> Result<(), Error> {
        self.reset_search()?;
        match crate::portable::index(self, on_progress) {
            // Its tables look right and take no rows.
            Err(Error::Sqlite { .. } | Error::Damaged { .. }) => {
                self.remove_search()?;
                crate::portable::index(self, on_progress)
            }
            indexed => indexed,
        }
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
            wiki: if self.has_wiki() { self.wiki()?.stats()? } else { WikiStats::default() },
            damaged: reader.damaged(),
        })
    }
}

pub(crate) fn disk_bytes(dir: &std::path::Path) -> Result<u64, Error> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        let entry = entry.map_err(Error::io(dir, "list"))?;
        let meta = match entry.metadata() {
            // SQLite removes its write-ahead log when the last program closes it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            meta => meta.map_err(Error::io(entry.path(), "look at"))?,
        };
        bytes += if meta.is_dir() { disk_bytes(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}

/// Lets the log verify itself, and counts what is in it.
fn check_log(store: &Store, reader: &Reader, report: &mut Report, on_progress: OnProgress<'_>) -> Result<(), Error> {
    let verified = store.log()?.verify(&mut |progress| {
        on_progress(Progress { doing: "check the log", done: progress.done, total: Some(progress.total) });
    })?;
    for problem in &verified.problems {
        report.problem(format!("{} at byte {}: {}", problem.path.display(), problem.offset, problem.what));
    }
    report.problems_len = report.problems_len.max(verified.problems_len);
    // What lies behind the damage is not published, so it was not looked at.
    if let Some(problem) = store.log()?.wound()? {
        report.problem(format!("{} at byte {}: {}", problem.path.display(), problem.offset, problem.what));
    }
    report.frames = verified.frames;
    report.authors = reader.snapshot().list(&ListKey::Authors)?.len();
    for author in (0..report.authors).filter_map(|id| u32::try_from(id).ok()).map(AuthorId) {
        for no in 0..reader.record_count(author)? {
            report.records += u64::from(reader.snapshot().record(author, RecordNo(no))?.is_some());
        }
    }
    Ok(())
}

/// Each row is a record that is there, in its newest version, and there are as many as records covered. The site may be
/// changed meanwhile: what looks wrong is looked at again, and only what nobody can have changed is counted.
fn check_rows(rows: &Rows<'_>, report: &mut Report, on_progress: OnProgress<'_>) -> Result<(), Error> {
    let Rows { store, index, reader, covered } = *rows;
    let mut above = None;
    let mut current = 0;
    loop {
        let rows = index.rows_above(above, ROWS_MAX)?;
        let Some(last) = rows.last() else { break };
        // In a damaged tree the rows behind one may be those before it, for ever.
        if above.is_some_and(|above| last.put <= above) {
            report.problem("search.db: rows do not stand in order");
            break;
        }
        above = Some(last.put);
        for row in &rows {
            let found = reader.snapshot().element(&ListKey::Latest, row.put)?;
            if found.is_some_and(|record| record.element == row.version || record.element >= covered) {
                current += 1;
            } else if !is_explained(store, index, *row)? {
                report.problem(format!("search.db: the text of position {} is not the record's", row.put.0));
            }
        }
        on_progress(Progress { doing: "check search", done: current, total: Some(report.records) });
    }
    let visible = reader.stamp().visible;
    let is_quiet = index.next()? == covered && store.reader()?.stamp().visible == visible;
    if is_quiet && covered >= visible && current != report.records {
        report.problem(format!("search.db: {current} records indexed, {} are there", report.records));
    }
    Ok(())
}

/// The full-text index, and what a check compares it with.
struct Rows<'r> {
    store: &'r Store,
    index: &'r Index,
    reader: &'r Reader,
    covered: Position,
}

/// Whether a row that did not fit is right by now, or belongs to what the index has not covered yet.
fn is_explained(store: &Store, index: &Index, row: Hit) -> Result<bool, Error> {
    let reader = store.reader()?;
    if index.next()? < reader.stamp().visible {
        return Ok(true);
    }
    let version = index.row(row.put)?.map(|row| row.version);
    let found = reader.snapshot().element(&ListKey::Latest, row.put)?.map(|record| record.element);
    Ok(version.is_none() || version == found)
}

#[cfg(test)]
mod tests;
