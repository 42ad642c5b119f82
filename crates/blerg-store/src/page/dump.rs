//! All of the wiki as lines, and back. Start at [`Wiki::dump`] and [`Restoring`]. A dump is one consistent state, read page
//! by page; a restore writes in batches into a site that nobody uses yet.

use std::collections::BTreeMap;

use blake2::{Blake2s256, Digest};
use rusqlite::{Connection, params};

use super::change::{self, Entry};
use super::head::{COLUMNS, FROM, read_head};
use super::save::add_page;
use super::{
    By, Editor, FileName, PAGE_BYTES_MAX, PageHead, PageName, Who, Wiki, file, next_change, past, signed, text,
    unsigned,
};
use crate::Error;
use crate::db::Stop;
use crate::portable::wiki::{FileLine, PageLine, RevisionLine, RevisionText, WikiLine};

/// Bytes of text and files after which what was read is written.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Lines after which what was read is written.
const BATCH_LINES_MAX: usize = 1_000;

/// Revisions read at once.
const REVISIONS_MAX: u64 = 64;

impl Wiki<'_> {
    /// Hands every line of the wiki to `take`.
    pub(crate) fn dump(&self, take: &mut dyn FnMut(WikiLine) -> Result<(), Error>) -> Result<(), Error> {
        let mut refused = None;
        let result = self.look("dump the wiki", |connection| match all(connection, take) {
            Ok(()) => Ok(()),
            Err(Stop::Sqlite(error)) => Err(error),
            Err(Stop::Refused(error)) => {
                refused = Some(error);
                Ok(())
            }
        });
        refused.map_or(result, |error| Err(*error))
    }
}

type Take<'t> = &'t mut dyn FnMut(WikiLine) -> Result<(), Error>;

fn all(connection: &Connection, take: Take<'_>) -> Result<(), Stop> {
    let mut pages = connection.prepare(&format!("SELECT {COLUMNS} FROM {FROM} ORDER BY p.id"))?;
    let mut rows = pages.query(())?;
    while let Some(row) = rows.next()? {
        let head = read_head(row)?;
        take(WikiLine::Page(PageLine {
            name: head.name.to_string(),
            created_us: head.created_us,
            protection: head.protection.map(|who| who.as_str().to_owned()),
            is_deleted: head.is_deleted,
            redirect: head.redirect.as_ref().map(PageName::to_string),
        }))?;
        revisions(connection, &head, take)?;
        files(connection, &head, take)?;
    }
    Ok(())
}

fn revisions(connection: &Connection, head: &PageHead, take: Take<'_>) -> Result<(), Stop> {
    let mut last = None;
    let mut after = 0;
    while after < head.rev {
        for source in past::range(connection, head, after, REVISIONS_MAX)? {
            let text = match source.text {
                None => RevisionText::Erased,
                text if text == last => RevisionText::Same,
                Some(text) => RevisionText::New(text),
            };
            match &text {
                RevisionText::New(text) => last = Some(text.clone()),
                RevisionText::Erased => last = None,
                RevisionText::Same => {}
            }
            let change = source.change;
            take(WikiLine::Revision(RevisionLine {
                id: change.id,
                kind: change.kind,
                at_us: change.at_us,
                author: change.author,
                summary: change.summary,
                is_minor: change.is_minor,
                bytes: change.bytes,
                text,
            }))?;
        }
        after += REVISIONS_MAX;
    }
    Ok(())
}

fn files(connection: &Connection, head: &PageHead, take: Take<'_>) -> Result<(), Stop> {
    let sql = "SELECT id, name, version, media_type, at_us, author, deleted FROM file WHERE page = ?1 ORDER BY id";
    let mut files = connection.prepare(sql)?;
    let mut pieces = connection.prepare("SELECT data FROM piece WHERE file = ?1 ORDER BY no")?;
    let mut rows = files.query([head.id.0])?;
    while let Some(row) = rows.next()? {
        take(WikiLine::File(FileLine {
            name: row.get(1)?,
            version: unsigned(row.get(2)?),
            media_type: row.get(3)?,
            at_us: unsigned(row.get(4)?),
            author: row.get(5)?,
            is_deleted: row.get(6)?,
        }))?;
        let mut data = pieces.query([row.get::<_, i64>(0)?])?;
        while let Some(piece) = data.next()? {
            take(WikiLine::Piece(piece.get(0)?))?;
        }
    }
    Ok(())
}

/// A wiki being restored.
#[derive(Default)]
pub(crate) struct Restoring {
    /// Lines that are not written yet, each with its number.
    batch: Vec<(u64, WikiLine)>,
    batch_bytes: usize,
    /// The page that the next lines belong to.
    page: Option<Current>,
    file: Option<CurrentFile>,
    /// Names that lead to others, with their lines.
    redirects: BTreeMap<String, (u64, String)>,
    pages: u64,
}

struct Current {
    id: i64,
    rev: u64,
    /// The newest text's row and bytes.
    text: Option<(i64, u64)>,
}

struct CurrentFile {
    id: i64,
    pieces: i64,
    bytes: u64,
    hash: Blake2s256,
}

/// Why a line cannot be taken.
enum Bad {
    Sqlite(rusqlite::Error),
    Line(String),
}

impl From<rusqlite::Error> for Bad {
    fn from(error: rusqlite::Error) -> Bad {
        Bad::Sqlite(error)
    }
}

impl From<&str> for Bad {
    fn from(problem: &str) -> Bad {
        Bad::Line(problem.to_owned())
    }
}

impl Restoring {
    /// Whether a line has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.pages > 0 || !self.batch.is_empty()
    }

    /// Takes a line.
    pub(crate) fn take(&mut self, store: &crate::Store, number: u64, line: WikiLine) -> Result<(), Error> {
        self.batch_bytes += match &line {
            WikiLine::Revision(RevisionLine { text: RevisionText::New(text), .. }) => text.len(),
            WikiLine::Piece(data) => data.len(),
            _ => 0,
        };
        self.batch.push((number, line));
        if self.batch.len() >= BATCH_LINES_MAX || self.batch_bytes >= BATCH_BYTES_MAX {
            self.flush(store)?;
        }
        Ok(())
    }

    /// Writes what is left, and lets names lead to pages; returns how many pages there are.
    pub(crate) fn finish(mut self, store: &crate::Store) -> Result<u64, Error> {
        self.flush(store)?;
        if self.pages == 0 {
            return Ok(0);
        }
        store.wiki()?.db.change("restore names that lead to pages", |transaction| {
            end_file(transaction, self.file.take())?;
            let mut lead = transaction.prepare(
                "UPDATE page SET redirect = (SELECT t.id FROM page AS t WHERE t.name = ?2 AND t.name <> ?1) \
                 WHERE name = ?1 RETURNING redirect IS NOT NULL",
            )?;
            for (name, (line, target)) in &self.redirects {
                let is_known: bool = lead.query_row(params![name, target], |row| row.get(0))?;
                if !is_known || self.redirects.contains_key(target) {
                    return Err(wrong(*line, format!("{name:?} leads to {target:?}, which is no page")).into());
                }
            }
            Ok(())
        })?;
        Ok(self.pages)
    }

    fn flush(&mut self, store: &crate::Store) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        store.wiki()?.db.change("restore pages", |transaction| {
            for (number, line) in batch {
                self.apply(transaction, number, line).map_err(|bad| match bad {
                    Bad::Line(problem) => Stop::from(wrong(number, problem)),
                    Bad::Sqlite(error) if is_contradiction(&error) => {
                        Stop::from(wrong(number, "contradicts a line before".to_owned()))
                    }
                    Bad::Sqlite(error) => Stop::Sqlite(error),
                })?;
            }
            Ok(())
        })
    }

    fn apply(&mut self, transaction: &Connection, number: u64, line: WikiLine) -> Result<(), Bad> {
        if !matches!(line, WikiLine::Piece(_)) {
            end_file(transaction, self.file.take())?;
        }
        match line {
            WikiLine::Page(page) => {
                self.page = Some(add(transaction, &page)?);
                self.pages += 1;
                if let Some(target) = page.redirect {
                    self.redirects.insert(page.name, (number, target));
                }
                Ok(())
            }
            WikiLine::Revision(revision) => {
                add_revision(transaction, self.page.as_mut().ok_or("no page came before")?, &revision)
            }
            WikiLine::File(file) => {
                self.file = Some(add_file(transaction, self.page.as_ref().ok_or("no page came before")?, &file)?);
                Ok(())
            }
            WikiLine::Piece(data) => {
                add_piece(transaction, self.file.as_mut().ok_or("no file came before")?, &data)?;
                Ok(())
            }
        }
    }
}

fn wrong(line: u64, problem: String) -> Error {
    Error::Line { line, problem }
}

fn is_contradiction(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

fn add(transaction: &Connection, page: &PageLine) -> Result<Current, Bad> {
    let name = PageName::parse(&page.name).map_err(|error| Bad::Line(error.to_string()))?;
    let protection: Option<Who> =
        page.protection.as_deref().map(str::parse).transpose().map_err(|error: Error| Bad::Line(error.to_string()))?;
    let id = add_page(transaction, &name, page.created_us)?;
    let sql = "UPDATE page SET deleted = ?2, protection = ?3 WHERE id = ?1";
    transaction.execute(sql, params![id, page.is_deleted, protection])?;
    Ok(Current { id, rev: 0, text: None })
}

fn add_revision(transaction: &Connection, page: &mut Current, line: &RevisionLine) -> Result<(), Bad> {
    match &line.text {
        RevisionText::New(text) if text.len() > PAGE_BYTES_MAX => return Err("the text is too long".into()),
        RevisionText::New(text) => {
            let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
            page.text = Some((text::add(transaction, page.id, text)?, bytes));
        }
        RevisionText::Same => {}
        RevisionText::Erased => page.text = None,
    }
    page.rev += 1;
    let by = By {
        editor: Editor::Operator { name: line.author.as_deref() },
        now_us: line.at_us,
        summary: &line.summary,
        is_minor: line.is_minor,
    };
    let is_erased = line.text == RevisionText::Erased;
    let (text, bytes) = match page.text {
        Some(text) => text,
        None if is_erased => (0, line.bytes),
        None => return Err("the revision before has no text".into()),
    };
    change::insert(transaction, page.id, &Entry { kind: &line.kind, rev: page.rev, text, bytes }, &by)?;
    let row = transaction.last_insert_rowid();
    let sql = "UPDATE revision SET id = ?2, text = iif(?3, NULL, text) WHERE id = ?1";
    transaction.execute(sql, params![row, signed(line.id), is_erased])?;
    if !is_erased {
        let change = next_change(transaction)?;
        transaction.execute(
            "UPDATE page SET rev = ?2, text = ?3, bytes = ?4, version = ?5, changed_us = ?6 WHERE id = ?1",
            params![page.id, signed(page.rev), text, signed(bytes), change, signed(line.at_us)],
        )?;
    }
    Ok(())
}

fn add_file(transaction: &Connection, page: &Current, line: &FileLine) -> Result<CurrentFile, Bad> {
    let name = FileName::parse(&line.name).map_err(|error| Bad::Line(error.to_string()))?;
    let by = By {
        editor: Editor::Operator { name: line.author.as_deref() },
        now_us: line.at_us,
        summary: "",
        is_minor: false,
    };
    let new = super::NewFile { name: &name, media_type: &line.media_type, bytes: &[] };
    let id = file::insert(transaction, page.id, &new, &[0; 32], line.version, &by)?;
    // All versions of a file are deleted together, and the newest comes last.
    let sql = "UPDATE file SET deleted = ?3 WHERE page = ?1 AND name = ?2";
    transaction.execute(sql, params![page.id, line.name, line.is_deleted])?;
    Ok(CurrentFile { id, pieces: 0, bytes: 0, hash: Blake2s256::new() })
}

fn add_piece(transaction: &Connection, file: &mut CurrentFile, data: &[u8]) -> Result<(), Bad> {
    if data.is_empty()
        || data.len() > file::PIECE_BYTES
        || !file.bytes.is_multiple_of(unsigned(super::count(file::PIECE_BYTES)))
    {
        return Err("a piece is empty, too long, or comes after a short one".into());
    }
    let sql = "INSERT INTO piece (file, no, data) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, params![file.id, file.pieces, data])?;
    file.pieces += 1;
    file.bytes += u64::try_from(data.len()).unwrap_or(0);
    file.hash.update(data);
    Ok(())
}

/// Writes what is known of a file when all its pieces are there.
fn end_file(transaction: &Connection, file: Option<CurrentFile>) -> Result<(), rusqlite::Error> {
    let Some(file) = file else { return Ok(()) };
    let hash: [u8; 32] = file.hash.finalize().into();
    let sql = "UPDATE file SET bytes = ?2, hash = ?3 WHERE id = ?1";
    transaction.execute(sql, params![file.id, signed(file.bytes), hash]).map(|_| ())
}

#[cfg(test)]
mod tests;
