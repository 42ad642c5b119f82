//! Tags and mentions on pages. Start at [`Wiki::tags`]. The microblog's tags are lists of its log; that a tag has both is
//! seen where it is shown.

use rusqlite::params;

use super::link::{limit, text};
use super::{PageHead, PageName, Wiki, unsigned};
use crate::Error;

/// A tag of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageTag {
    /// In one of the spellings that pages use.
    pub name: String,
    /// How many pages have it.
    pub pages: u64,
}

impl Wiki<'_> {
    /// All tags in alphabetical order, from behind `after`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn tags(&self, after: Option<&str>, n: usize) -> Result<Vec<PageTag>, Error> {
        let sql = "SELECT min(spelling), count(*) FROM tag WHERE tag > ?1 GROUP BY tag ORDER BY tag LIMIT ?2";
        self.db.read("list tags of pages", |connection| {
            let mut statement = connection.prepare(sql)?;
            let after = after.unwrap_or_default().to_ascii_lowercase();
            let rows = statement.query_map(params![after, limit(n)], |row| {
                Ok(PageTag { name: row.get(0)?, pages: unsigned(row.get(1)?) })
            })?;
            rows.collect()
        })
    }

    /// Pages that have a tag, in any case, in order of names.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn tagged(&self, tag: &str, after: Option<&PageName>, n: usize) -> Result<Vec<PageHead>, Error> {
        let filter = "p.id IN (SELECT page FROM tag WHERE tag = ?1) AND p.name > ?2 ORDER BY p.name LIMIT ?3";
        self.heads(filter, params![tag.to_ascii_lowercase(), text(after), limit(n)])
    }

    /// Pages that mention a user, in order of names.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn mentioning(&self, user: &str, after: Option<&PageName>, n: usize) -> Result<Vec<PageHead>, Error> {
        let filter = "p.id IN (SELECT page FROM mention WHERE name = ?1) AND p.name > ?2 ORDER BY p.name LIMIT ?3";
        self.heads(filter, params![user.to_ascii_lowercase(), text(after), limit(n)])
    }
}
