//! Saving a text. Start at [`Wiki::save`]. What was edited is named by its revision ([`Base`]); if the page's text has
//! changed since, nothing is written and the caller gets both texts to merge ([`Saved::Moved`]), so that no acknowledged
//! text is ever covered by one whose author had not seen it.

use rusqlite::{Connection, OptionalExtension, params};

use super::change::{self, Entry};
use super::{By, ChangeKind, PageHead, PageName, Rendered, Stale, Wiki, derive, head, next_change, signed, text};
use crate::Error;

/// Longest text of a page.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Longest summary of a change.
pub const SUMMARY_BYTES_MAX: usize = 500;

/// What the text at hand was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing: the page is to be new (or a deleted one begun again).
    New,
    /// This revision.
    Rev(u64),
    /// A page that only leads elsewhere, in this revision: it becomes a page of its own.
    Redirect(u64),
}

/// Why a text is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveKind {
    /// Somebody wrote it.
    Edit,
    /// It is the text of this earlier revision.
    Revert {
        /// Which.
        rev: u64,
    },
}

/// A text to be saved.
#[derive(Clone, Copy, Debug)]
pub struct Save<'a> {
    /// The page.
    pub name: &'a PageName,
    /// What was edited.
    pub base: Base,
    /// The whole new text, with LF line ends; it may be empty.
    pub text: &'a str,
    /// What it leads to.
    pub rendered: &'a Rendered,
    /// Why.
    pub kind: SaveKind,
    /// Who.
    pub by: By<'a>,
}

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is on the disk.
    Done {
        /// Under this number.
        rev: u64,
    },
    /// It is the page's text already; nothing was written.
    Unchanged {
        /// Since this revision or an earlier one.
        rev: u64,
    },
    /// The page's text is another one by now; nothing was written. Merge, and save again with the base `rev`.
    Moved {
        /// The text of the base; empty for [`Base::New`], `None` if there is no such revision or it was erased.
        base: Option<String>,
        /// The page's text.
        current: String,
        /// Its revision.
        rev: u64,
    },
    /// The page has another name by now; nothing was written. Save there with the same base.
    Renamed {
        /// The name.
        to: PageName,
    },
    /// The page was deleted since; nothing was written. [`Base::New`] begins it again.
    Gone,
}

impl Wiki<'_> {
    /// Saves a text.
    ///
    /// # Errors
    /// The editor may not, the text is too long, or the database is busy or cannot be written.
    pub fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let bytes = save.text.len();
        if bytes > PAGE_BYTES_MAX {
            return Err(Error::PageLength { bytes });
        }
        self.db.change("save a page", |transaction| {
            let page = head::find(transaction, save.name)?;
            let protection = page.as_ref().and_then(|page| page.protection);
            self.settings().check_edit(&save.by.editor, protection)?;
            Ok(apply(transaction, page.as_ref(), save)?)
        })
    }

    /// Stores what a stale page's text leads to by now; no revision. `false` if something has happened since it was
    /// looked at: then it is to be rendered once more.
    ///
    /// # Errors
    /// The database is busy or cannot be written; the html at hand may be shown all the same.
    pub fn store_rendered(&self, seen: &Stale, rendered: &Rendered) -> Result<bool, Error> {
        self.db.change("store a page's html", |transaction| {
            if !derive::is_current(transaction, seen.page, seen.stale, seen.text)? {
                return Ok(false);
            }
            let change = next_change(transaction)?;
            let name: String =
                transaction.query_row("SELECT name FROM page WHERE id = ?1", [seen.page], |row| row.get(0))?;
            derive::freshen(transaction, seen.page, change)?;
            derive::replace(transaction, seen.page, &PageName::stored(name), rendered, change)?;
            Ok(true)
        })
    }
}

/// Compares with what is there, and writes.
pub(crate) fn apply(
    transaction: &Connection,
    page: Option<&PageHead>,
    save: &Save<'_>,
) -> Result<Saved, rusqlite::Error> {
    let Some(page) = page else {
        return match save.base {
            Base::New => write(transaction, None, save),
            Base::Rev(_) | Base::Redirect(_) => Ok(Saved::Gone),
        };
    };
    match (save.base, &page.redirect) {
        _ if page.is_deleted && save.base == Base::New => write(transaction, Some(page), save),
        _ if page.is_deleted => Ok(Saved::Gone),
        (Base::New | Base::Rev(_), Some(to)) => Ok(Saved::Renamed { to: to.clone() }),
        (Base::Redirect(rev), Some(_)) if rev == page.rev => write(transaction, Some(page), save),
        (Base::Redirect(_), _) => moved(transaction, page, Some(String::new())),
        (Base::New, None) => moved_unless_equal(transaction, page, save, Some(String::new())),
        (Base::Rev(rev), None) => match text_of(transaction, page.id.0, rev)? {
            Some(row) if row == page.text => write_unless_equal(transaction, page, save),
            Some(row) => {
                let base = text::read(transaction, row)?;
                moved_unless_equal(transaction, page, save, base)
            }
            None => moved_unless_equal(transaction, page, save, None),
        },
    }
}

/// The row of a revision's text.
fn text_of(transaction: &Connection, page: i64, rev: u64) -> Result<Option<i64>, rusqlite::Error> {
    let sql = "SELECT text FROM revision WHERE page = ?1 AND rev = ?2";
    Ok(transaction.query_row(sql, params![page, signed(rev)], |row| row.get(0)).optional()?.flatten())
}

fn current(transaction: &Connection, page: &PageHead) -> Result<String, rusqlite::Error> {
    text::read(transaction, page.text)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

fn moved(transaction: &Connection, page: &PageHead, base: Option<String>) -> Result<Saved, rusqlite::Error> {
    Ok(Saved::Moved { base, current: current(transaction, page)?, rev: page.rev })
}

/// Two who wrote the same are no conflict; nor is somebody who sends a form twice.
fn moved_unless_equal(
    transaction: &Connection,
    page: &PageHead,
    save: &Save<'_>,
    base: Option<String>,
) -> Result<Saved, rusqlite::Error> {
    match moved(transaction, page, base)? {
        Saved::Moved { current, rev, .. } if current == save.text => Ok(Saved::Unchanged { rev }),
        moved => Ok(moved),
    }
}

fn write_unless_equal(transaction: &Connection, page: &PageHead, save: &Save<'_>) -> Result<Saved, rusqlite::Error> {
    if current(transaction, page)? == save.text {
        return Ok(Saved::Unchanged { rev: page.rev });
    }
    write(transaction, Some(page), save)
}

/// Writes the next revision of a page, or the first of a new one.
fn write(transaction: &Connection, page: Option<&PageHead>, save: &Save<'_>) -> Result<Saved, rusqlite::Error> {
    let change = next_change(transaction)?;
    let id = match page {
        Some(page) => page.id.0,
        None => add_page(transaction, save.name, save.by.now_us)?,
    };
    let rev = page.map_or(0, |page| page.rev) + 1;
    let bytes = u64::try_from(save.text.len()).unwrap_or(u64::MAX);
    let text = text::add(transaction, id, save.text)?;
    let kind = match save.kind {
        SaveKind::Edit => ChangeKind::Edit,
        SaveKind::Revert { rev } => ChangeKind::Revert { rev },
    };
    change::insert(transaction, id, &Entry { kind: &kind, rev, text, bytes }, &save.by)?;
    transaction.execute(
        "UPDATE page SET rev = ?2, text = ?3, bytes = ?4, deleted = 0, redirect = NULL, version = ?5, stale = 0, \
         changed_us = ?6 WHERE id = ?1",
        params![id, signed(rev), text, signed(bytes), change, signed(save.by.now_us)],
    )?;
    derive::replace(transaction, id, save.name, save.rendered, change)?;
    if page.is_none_or(|page| page.is_deleted) {
        derive::mark_links_to(transaction, save.name, change)?;
    }
    Ok(Saved::Done { rev })
}

/// Adds the row of a page that has no revision yet.
pub(crate) fn add_page(transaction: &Connection, name: &PageName, now_us: u64) -> Result<i64, rusqlite::Error> {
    transaction.execute(
        "INSERT INTO page (name, rev, text, bytes, version, created_us, changed_us) VALUES (?1, 0, 0, 0, 0, ?2, ?2)",
        params![name.as_str(), signed(now_us)],
    )?;
    Ok(transaction.last_insert_rowid())
}

#[cfg(test)]
mod tests;
