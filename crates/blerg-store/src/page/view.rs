//! Looking at pages. Start at [`Wiki::view`], one statement that finds a page by name with its html; [`Wiki::source`]
//! has a revision's text.

use rusqlite::{Connection, OptionalExtension, params};

use super::change::{PageChange, read_change};
use super::head::{COLUMNS, FROM, PageHead, find, read_head};
use super::{PageId, PageName, Wiki, change, count, signed, text, unsigned};
use crate::Error;
use crate::search::expr;

/// What stands at a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// A page.
    Page(Box<PageView>),
    /// A name that leads to another.
    Redirect {
        /// Which.
        to: PageName,
    },
    /// A page that was deleted; its history is there.
    Deleted(Box<PageHead>),
    /// Nothing.
    Missing,
}

/// A page as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageView {
    /// The page.
    pub head: PageHead,
    /// Who made its newest revision.
    pub author: Option<String>,
    /// Its html; empty if it was never rendered.
    pub html: String,
    /// Which version of the renderer made it.
    pub renderer: u32,
    /// The state in which it was read, for [`Wiki::store_rendered`].
    pub seen: Stale,
    /// A page that it links to came or went, or it was never rendered: to be rendered anew.
    pub is_stale: bool,
}

/// The state of a page at the moment when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    pub(crate) page: i64,
    pub(crate) stale: i64,
    pub(crate) text: i64,
}

/// A revision with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSource {
    /// The page as it is now.
    pub head: PageHead,
    /// The revision.
    pub change: PageChange,
    /// The page's text at that revision; `None` if the operator has erased it.
    pub text: Option<String>,
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing.
    Missing,
    /// A page.
    Page,
    /// A name that leads to this one.
    Redirect(PageName),
}

impl Wiki<'_> {
    /// What stands at a name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn view(&self, name: &PageName) -> Result<View, Error> {
        let sql = format!(
            "SELECT {COLUMNS}, p.stale, r.author, s.renderer, s.html FROM {FROM} \
             LEFT JOIN shown AS s ON s.page = p.id \
             LEFT JOIN revision AS r ON r.page = p.id AND r.rev = p.rev WHERE p.name = ?1"
        );
        let found = self.db.read("show a page", |connection| {
            let row = |row: &rusqlite::Row<'_>| {
                let head = read_head(row)?;
                let stale: i64 = row.get(11)?;
                let renderer: Option<u32> = row.get(13)?;
                Ok(PageView {
                    author: row.get(12)?,
                    html: row.get::<_, Option<String>>(14)?.unwrap_or_default(),
                    renderer: renderer.unwrap_or(0),
                    seen: Stale { page: head.id.0, stale, text: head.text },
                    is_stale: stale != 0 || renderer.is_none(),
                    head,
                })
            };
            connection.query_row(&sql, [name.as_str()], row).optional()
        })?;
        Ok(match found {
            None => View::Missing,
            Some(page) if page.head.is_deleted => View::Deleted(Box::new(page.head)),
            Some(PageView { head: PageHead { redirect: Some(to), .. }, .. }) => View::Redirect { to },
            Some(page) => View::Page(Box::new(page)),
        })
    }

    /// What a page is, without its text; `None` if there was never one. Deleted pages and redirects are found too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn head(&self, name: &PageName) -> Result<Option<PageHead>, Error> {
        self.db.read("look at a page", |connection| find(connection, name))
    }

    /// The version of what stands at a name, for conditional requests; `None` if there is no page to show. One look-up.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn page_version(&self, name: &PageName) -> Result<Option<u64>, Error> {
        let sql = "SELECT version FROM page WHERE name = ?1 AND deleted = 0 AND redirect IS NULL";
        self.db.read("read a page's version", |connection| {
            Ok(connection.query_row(sql, [name.as_str()], |row| row.get(0)).optional()?.map(unsigned))
        })
    }

    /// A page's text at a revision, or its newest; of deleted pages too, which only some may see.
    ///
    /// # Errors
    /// There was never such a page or revision, or the database cannot be read.
    pub fn source(&self, name: &PageName, rev: Option<u64>) -> Result<PageSource, Error> {
        self.look("read a page's text", |connection| {
            let Some(head) = find(connection, name)? else { return Ok(Err(Error::NoSuchPage)) };
            let rev = rev.unwrap_or(head.rev);
            match revision(connection, &head, rev)? {
                Some(source) => Ok(Ok(source)),
                None => Ok(Err(Error::NoSuchRevision { rev })),
            }
        })?
    }

    /// What each of these names leads to, in their order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn targets(&self, names: &[PageName]) -> Result<Vec<Target>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE p.name = ?1 AND p.deleted = 0");
        self.look("look up links", |connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut targets = Vec::with_capacity(names.len());
            for name in names {
                let head = statement.query_row([name.as_str()], read_head).optional()?;
                targets.push(match head {
                    None => Target::Missing,
                    Some(PageHead { redirect: Some(to), .. }) => Target::Redirect(to),
                    Some(_) => Target::Page,
                });
            }
            Ok(targets)
        })
    }

    /// Pages whose names hold the words of this one, whatever their case and accents: what is offered where a page is
    /// missing.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn similar(&self, name: &PageName, n: usize) -> Result<Vec<PageName>, Error> {
        let Some(words) = expr::quoted(name.as_str()) else { return Ok(Vec::new()) };
        let sql = "SELECT p.name FROM found JOIN page AS p ON p.id = found.rowid WHERE found MATCH ?1 \
                   ORDER BY length(p.name), p.name LIMIT ?2";
        self.db.read("look for similar names", |connection| {
            let mut statement = connection.prepare(sql)?;
            let expression = format!("title : ({words})");
            let rows = statement.query_map(params![expression, count(n)], |row| Ok(PageName::stored(row.get(0)?)))?;
            rows.collect()
        })
    }

    /// Pages whose html is to be made anew, at most `n`, for the operator's tool and after an import.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn stale_pages(&self, n: usize) -> Result<Vec<PageName>, Error> {
        let sql = "SELECT name FROM page WHERE deleted = 0 AND redirect IS NULL \
                   AND (stale <> 0 OR NOT EXISTS (SELECT 1 FROM shown WHERE shown.page = page.id)) LIMIT ?1";
        self.db.read("list stale pages", |connection| {
            let mut statement = connection.prepare(sql)?;
            statement.query_map([count(n)], |row| Ok(PageName::stored(row.get(0)?)))?.collect()
        })
    }
}

/// A revision of a page with its text.
pub(crate) fn revision(
    connection: &Connection,
    head: &PageHead,
    rev: u64,
) -> Result<Option<PageSource>, rusqlite::Error> {
    let sql = format!(
        "SELECT {}, r.text FROM revision AS r JOIN page AS p ON p.id = r.page WHERE r.page = ?1 AND r.rev = ?2",
        change::COLUMNS
    );
    let found = connection
        .query_row(&sql, params![head.id.0, signed(rev)], |row| Ok((read_change(row)?, row.get::<_, Option<i64>>(13)?)))
        .optional()?;
    let Some((change, row)) = found else { return Ok(None) };
    let text = row.map_or(Ok(None), |row| text::read(connection, row))?;
    Ok(Some(PageSource { head: head.clone(), change, text }))
}

impl PageId {
    /// The number, for an ETag or a log line.
    #[must_use]
    pub fn number(&self) -> u64 {
        unsigned(self.0)
    }
}

#[cfg(test)]
mod tests;
