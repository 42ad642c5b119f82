//! Lists of changes: of the wiki, of a page. Start at [`Wiki::recent`]. Newest first, paged by time and number, so that
//! revisions which were imported with their old dates stand where they belong.

use rusqlite::{Connection, params};

use super::change::{COLUMNS, PageChange, read_change};
use super::link::PAGES_MAX;
use super::{PageName, Wiki, count, signed};
use crate::Error;

/// Where a list of changes goes on: below this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    /// The change's time.
    pub at_us: u64,
    /// Its number.
    pub id: u64,
}

impl ChangeCursor {
    /// The cursor below a change.
    #[must_use]
    pub fn of(change: &PageChange) -> ChangeCursor {
        ChangeCursor { at_us: change.at_us, id: change.id }
    }

    const NEWEST: ChangeCursor = ChangeCursor { at_us: u64::MAX, id: u64::MAX };
}

impl Wiki<'_> {
    /// The newest changes of all pages from below a cursor, at most `n` (and [`PAGES_MAX`]): those of deleted pages too,
    /// with `with_minor` the minor ones.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn recent(&self, before: Option<ChangeCursor>, n: usize) -> Result<Vec<PageChange>, Error> {
        self.changes("", before, n)
    }

    /// The same without the changes that their authors call minor.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn recent_major(&self, before: Option<ChangeCursor>, n: usize) -> Result<Vec<PageChange>, Error> {
        self.changes("AND r.minor = 0", before, n)
    }

    fn changes(&self, filter: &str, before: Option<ChangeCursor>, n: usize) -> Result<Vec<PageChange>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM revision AS r JOIN page AS p ON p.id = r.page \
             WHERE (r.at_us, r.id) < (?1, ?2) {filter} ORDER BY r.at_us DESC, r.id DESC LIMIT ?3"
        );
        let before = before.unwrap_or(ChangeCursor::NEWEST);
        self.db.read("list changes", |connection| {
            let mut statement = connection.prepare(&sql)?;
            let values = params![signed(before.at_us), signed(before.id), count(n.min(PAGES_MAX))];
            statement.query_map(values, read_change)?.collect()
        })
    }

    /// A page's revisions below number `before` (or all), newest first, at most `n`; a deleted page has them too.
    ///
    /// # Errors
    /// There was never such a page, or the database cannot be read.
    pub fn history(&self, name: &PageName, before: Option<u64>, n: usize) -> Result<Vec<PageChange>, Error> {
        let found = self.look("read a page's history", |connection| {
            let Some(page) = super::head::find(connection, name)? else { return Ok(None) };
            of_page(connection, page.id.0, before, n.min(PAGES_MAX)).map(Some)
        })?;
        found.ok_or(Error::NoSuchPage)
    }
}

/// A page's revisions below `before`.
fn of_page(
    connection: &Connection,
    page: i64,
    before: Option<u64>,
    n: usize,
) -> Result<Vec<PageChange>, rusqlite::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM revision AS r JOIN page AS p ON p.id = r.page \
         WHERE r.page = ?1 AND r.rev < ?2 ORDER BY r.rev DESC LIMIT ?3"
    );
    let mut statement = connection.prepare(&sql)?;
    let values = params![page, signed(before.unwrap_or(u64::MAX)), count(n)];
    statement.query_map(values, read_change)?.collect()
}

#[cfg(test)]
mod tests;
