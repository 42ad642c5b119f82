//! Erasing for good, by the operator: [`Wiki::erase_page`] and [`Wiki::erase_revision`]. What is erased is overwritten in
//! the database and in the full-text index, and the write-ahead log that still had it is emptied.

use rusqlite::{Connection, OptionalExtension, params};

use super::{PageName, Wiki, derive, head, next_change, signed, text};
use crate::Error;

impl Wiki<'_> {
    /// Erases a page with all its revisions and files, and the names that lead to it. Returns how many revisions there
    /// were.
    ///
    /// # Errors
    /// There was never such a page, or the database is busy or cannot be written.
    pub fn erase_page(&self, name: &PageName) -> Result<u64, Error> {
        let erased = self.db.change("erase a page", |transaction| {
            let page = head::find(transaction, name)?.ok_or(Error::NoSuchPage)?;
            let change = next_change(transaction)?;
            let mut names = transaction.prepare("SELECT id, name FROM page WHERE id = ?1 OR redirect = ?1")?;
            let rows = names.query_map([page.id.0], |row| Ok((row.get(0)?, PageName::stored(row.get(1)?))))?;
            let rows: Vec<(i64, PageName)> = rows.collect::<Result<_, _>>()?;
            for (id, name) in &rows {
                derive::remove(transaction, *id, change)?;
                derive::mark_links_to(transaction, name, change)?;
                remove(transaction, *id)?;
            }
            Ok(page.rev)
        })?;
        self.db.truncate_wal()?;
        Ok(erased)
    }

    /// Erases the text of a revision, its summary and its author; its number stays. Revisions that had the very same
    /// text (a rename, a protection) lose it too.
    ///
    /// # Errors
    /// There was never such a page or revision, its text is the page's text still (save another one first), or the
    /// database is busy or cannot be written.
    pub fn erase_revision(&self, name: &PageName, rev: u64) -> Result<(), Error> {
        self.db.change("erase a revision", |transaction| {
            let page = head::find(transaction, name)?.ok_or(Error::NoSuchPage)?;
            let sql = "SELECT text FROM revision WHERE page = ?1 AND rev = ?2";
            let found: Option<Option<i64>> =
                transaction.query_row(sql, params![page.id.0, signed(rev)], |row| row.get(0)).optional()?;
            let row = found.ok_or(Error::NoSuchRevision { rev })?;
            if row == Some(page.text) {
                return Err(Error::RevisionInUse { rev }.into());
            }
            let change = next_change(transaction)?;
            transaction.execute("UPDATE page SET version = ?2 WHERE id = ?1", [page.id.0, change])?;
            let blank = "UPDATE revision SET summary = '', author = NULL WHERE page = ?1 AND rev = ?2";
            transaction.execute(blank, params![page.id.0, signed(rev)])?;
            if let Some(row) = row {
                transaction
                    .execute("UPDATE revision SET text = NULL WHERE page = ?1 AND text = ?2", [page.id.0, row])?;
                text::erase(transaction, row)?;
            }
            Ok(())
        })?;
        self.db.truncate_wal()
    }
}

/// Removes the rows of a page from which nothing follows any more.
fn remove(transaction: &Connection, page: i64) -> Result<(), rusqlite::Error> {
    for sql in [
        "DELETE FROM piece WHERE file IN (SELECT id FROM file WHERE page = ?1)",
        "DELETE FROM file WHERE page = ?1",
        "DELETE FROM revision WHERE page = ?1",
        "DELETE FROM text WHERE page = ?1",
        "DELETE FROM page WHERE id = ?1",
    ] {
        transaction.execute(sql, [page])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
