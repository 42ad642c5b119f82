//! What is known of a page without its text: [`PageHead`]. Every change begins by looking at it.

use rusqlite::{Connection, OptionalExtension, Row};

use super::{PageName, Who, unsigned};

/// The number of a page inside the database; it keeps it when it is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId(pub(crate) i64);

/// A page without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageHead {
    /// Its number.
    pub id: PageId,
    /// Its name.
    pub name: PageName,
    /// Its newest revision.
    pub rev: u64,
    /// Bytes of its text.
    pub bytes: u64,
    /// It was deleted: only its history is there.
    pub is_deleted: bool,
    /// It leads to this page and has no text.
    pub redirect: Option<PageName>,
    /// Who may edit it, where that is stricter than the wiki's rule.
    pub protection: Option<Who>,
    /// Grows with everything that changes what is shown.
    pub version: u64,
    /// When its first revision was made.
    pub created_us: u64,
    /// When its newest revision was made.
    pub changed_us: u64,
    /// The row of its text.
    pub(crate) text: i64,
}

/// The columns of [`read_head`], from `page AS p` left joined with [`JOIN`].
pub(crate) const COLUMNS: &str = "p.id, p.name, p.rev, p.bytes, p.deleted, t.name, p.protection, p.version, \
                                  p.created_us, p.changed_us, p.text";

/// The page with the one it leads to.
pub(crate) const FROM: &str = "page AS p LEFT JOIN page AS t ON t.id = p.redirect";

pub(crate) fn read_head(row: &Row<'_>) -> Result<PageHead, rusqlite::Error> {
    Ok(PageHead {
        id: PageId(row.get(0)?),
        name: PageName::stored(row.get(1)?),
        rev: unsigned(row.get(2)?),
        bytes: unsigned(row.get(3)?),
        is_deleted: row.get(4)?,
        redirect: row.get::<_, Option<String>>(5)?.map(PageName::stored),
        protection: row.get(6)?,
        version: unsigned(row.get(7)?),
        created_us: unsigned(row.get(8)?),
        changed_us: unsigned(row.get(9)?),
        text: row.get(10)?,
    })
}

/// The page of that name, deleted ones too.
pub(crate) fn find(connection: &Connection, name: &PageName) -> Result<Option<PageHead>, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE p.name = ?1");
    connection.query_row(&sql, [name.as_str()], read_head).optional()
}

impl PageHead {
    /// Whether it has a text to show: neither deleted nor leading elsewhere.
    #[must_use]
    pub fn is_page(&self) -> bool {
        !self.is_deleted && self.redirect.is_none()
    }
}
