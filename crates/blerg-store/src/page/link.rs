//! Which pages link to which. Start at [`Wiki::backlinks`]. Lists are paged by name; deleted pages are on none of them.

use std::collections::BTreeSet;

use rusqlite::{Params, params};

use super::head::{COLUMNS, FROM, read_head};
use super::{PageHead, PageName, Wiki, count, unsigned};
use crate::Error;

/// Most entries of one answer; a caller's larger wish is cut to it.
pub const PAGES_MAX: usize = 1_000;

/// Most names leading to a page whose links count as links to it.
const REDIRECTS_MAX: usize = 100;

/// The pages that link to a name: one stretch of one index, however many they are.
const BACKLINKS: &str = "SELECT name FROM link WHERE target = ?1 AND name > ?2 ORDER BY name LIMIT ?3";

/// A page that is linked to and not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: PageName,
    /// How many pages link to it.
    pub links: u64,
}

impl Wiki<'_> {
    /// Names of pages that link to this name, also by way of a name that leads to it; in order of names from behind
    /// `after`, at most `n`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn backlinks(&self, name: &PageName, after: Option<&PageName>, n: usize) -> Result<Vec<PageName>, Error> {
        let redirects = "SELECT r.name FROM page AS q JOIN page AS r ON r.redirect = q.id \
                         WHERE q.name = ?1 AND r.deleted = 0 ORDER BY r.name LIMIT ?2";
        self.look("list backlinks", |connection| {
            let mut statement = connection.prepare(redirects)?;
            let rows = statement.query_map(params![name.as_str(), count(REDIRECTS_MAX)], |row| row.get(0))?;
            let mut targets: Vec<String> = rows.collect::<Result<_, _>>()?;
            targets.push(name.as_str().to_owned());
            // Each list is in order and read no further than wanted.
            let mut statement = connection.prepare(BACKLINKS)?;
            let mut found = BTreeSet::new();
            for target in targets {
                let rows = statement.query_map(params![target, text(after), limit(n)], |row| row.get(0))?;
                for name in rows {
                    found.insert(PageName::stored(name?));
                }
            }
            Ok(found.into_iter().take(n.min(PAGES_MAX)).collect())
        })
    }

    /// Names of the pages that link to just this name: whose links a rename may mend.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn direct_backlinks(
        &self,
        name: &PageName,
        after: Option<&PageName>,
        n: usize,
    ) -> Result<Vec<PageName>, Error> {
        self.names(BACKLINKS, params![name.as_str(), text(after), limit(n)])
    }

    /// Names that lead to this page.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn redirects(&self, name: &PageName, after: Option<&PageName>, n: usize) -> Result<Vec<PageName>, Error> {
        let sql = "SELECT r.name FROM page AS q JOIN page AS r ON r.redirect = q.id \
                   WHERE q.name = ?1 AND r.deleted = 0 AND r.name > ?2 ORDER BY r.name LIMIT ?3";
        self.names(sql, params![name.as_str(), text(after), limit(n)])
    }

    /// Pages that are linked to and not there, those with most links first, without the first `skip`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn wanted(&self, skip: usize, n: usize) -> Result<Vec<Wanted>, Error> {
        let sql = "SELECT l.target, count(*) AS links FROM link AS l \
                   WHERE NOT EXISTS (SELECT 1 FROM page AS p WHERE p.name = l.target AND p.deleted = 0) \
                   GROUP BY l.target ORDER BY links DESC, l.target LIMIT ?2 OFFSET ?1";
        self.db.read("list wanted pages", |connection| {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map(params![count(skip), limit(n)], |row| {
                Ok(Wanted { name: PageName::stored(row.get(0)?), links: unsigned(row.get(1)?) })
            })?;
            rows.collect()
        })
    }

    /// Names of pages that no other page links to.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn orphans(&self, after: Option<&PageName>, n: usize) -> Result<Vec<PageName>, Error> {
        let sql = "SELECT p.name FROM page AS p WHERE p.deleted = 0 AND p.redirect IS NULL AND p.name > ?1 \
                   AND NOT EXISTS (SELECT 1 FROM link AS l WHERE l.target = p.name AND l.page <> p.id) \
                   AND NOT EXISTS (SELECT 1 FROM page AS r JOIN link AS l ON l.target = r.name \
                   WHERE r.redirect = p.id AND r.deleted = 0 AND l.page <> p.id) \
                   ORDER BY p.name LIMIT ?2";
        self.names(sql, params![text(after), limit(n)])
    }

    /// All pages, without redirects, in order of names.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn all(&self, after: Option<&PageName>, n: usize) -> Result<Vec<PageHead>, Error> {
        let filter = "p.deleted = 0 AND p.redirect IS NULL AND p.name > ?1 ORDER BY p.name LIMIT ?2";
        self.heads(filter, params![text(after), limit(n)])
    }

    /// All deleted pages, in order of names: for those who may undelete them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn deleted(&self, after: Option<&PageName>, n: usize) -> Result<Vec<PageHead>, Error> {
        let filter = "p.deleted = 1 AND p.name > ?1 ORDER BY p.name LIMIT ?2";
        self.heads(filter, params![text(after), limit(n)])
    }

    pub(super) fn heads(&self, filter: &str, values: impl Params) -> Result<Vec<PageHead>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE {filter}");
        self.db.read("list pages", |connection| {
            let mut statement = connection.prepare(&sql)?;
            statement.query_map(values, read_head)?.collect()
        })
    }

    fn names(&self, sql: &str, values: impl Params) -> Result<Vec<PageName>, Error> {
        self.db.read("list names of pages", |connection| {
            let mut statement = connection.prepare(sql)?;
            statement.query_map(values, |row| Ok(PageName::stored(row.get(0)?)))?.collect()
        })
    }
}

/// Every name is behind the empty text.
pub(super) fn text(after: Option<&PageName>) -> &str {
    after.map_or("", PageName::as_str)
}

pub(super) fn limit(n: usize) -> i64 {
    count(n.min(PAGES_MAX))
}

#[cfg(test)]
mod tests;
