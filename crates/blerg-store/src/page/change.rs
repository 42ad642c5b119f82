//! One line of a page's history: [`PageChange`]. Recent changes, histories and feeds are all lists of these.

use rusqlite::{Connection, Row, params};

use super::{By, PageHead, PageName, SUMMARY_BYTES_MAX, Who, signed, unsigned};

/// What a revision did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new text.
    Edit,
    /// The text of an earlier revision again.
    Revert {
        /// Which.
        rev: u64,
    },
    /// Another name.
    Rename {
        /// The name before.
        from: PageName,
        /// The name after.
        to: PageName,
    },
    /// The page became, or was made as, one that only leads to another.
    Redirect {
        /// That one's name at that time.
        to: PageName,
    },
    /// The page was hidden.
    Delete,
    /// The page was shown again.
    Undelete,
    /// Who may edit it; `None`: whom the wiki's rule allows.
    Protect(Option<Who>),
    /// A file was attached, or a new version of it.
    Attach {
        /// The file's name.
        file: String,
    },
    /// A file was deleted.
    Detach {
        /// The file's name.
        file: String,
    },
    /// A deleted file was shown again.
    Reattach {
        /// The file's name.
        file: String,
    },
    /// A text from elsewhere.
    Import,
}

/// A revision without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageChange {
    /// Its number among all changes of the wiki: never changes, never used again; the id of a feed's entry.
    pub id: u64,
    /// The page's name now.
    pub name: PageName,
    /// Its number on the page, from 1.
    pub rev: u64,
    /// What it did.
    pub kind: ChangeKind,
    /// When.
    pub at_us: u64,
    /// Who; `None`: somebody without an account.
    pub author: Option<String>,
    /// What they said about it.
    pub summary: String,
    /// They called it a minor one.
    pub is_minor: bool,
    /// Bytes of the page's text after it.
    pub bytes: u64,
    /// Bytes of the page's text before it; `None` for the first.
    pub bytes_before: Option<u64>,
    /// The operator has erased its text.
    pub is_erased: bool,
    /// The page is deleted now.
    pub is_deleted: bool,
}

/// A revision to be written.
pub(crate) struct Entry<'a> {
    pub(crate) kind: &'a ChangeKind,
    pub(crate) rev: u64,
    pub(crate) text: i64,
    pub(crate) bytes: u64,
}

/// Writes the next revision of a page that stays as it is but for what `kind` says, and its head.
pub(crate) fn note(
    transaction: &Connection,
    page: &PageHead,
    kind: &ChangeKind,
    by: &By<'_>,
    change: i64,
) -> Result<u64, rusqlite::Error> {
    let rev = page.rev + 1;
    insert(transaction, page.id.0, &Entry { kind, rev, text: page.text, bytes: page.bytes }, by)?;
    transaction.execute(
        "UPDATE page SET rev = ?2, version = ?3, changed_us = ?4 WHERE id = ?1",
        params![page.id.0, signed(rev), change, signed(by.now_us)],
    )?;
    Ok(rev)
}

/// Writes a revision.
pub(crate) fn insert(transaction: &Connection, page: i64, row: &Entry<'_>, by: &By<'_>) -> Result<(), rusqlite::Error> {
    let (code, detail) = row.kind.stored();
    let values = params![
        page,
        signed(row.rev),
        code,
        signed(by.now_us),
        by.editor.name(),
        cut(by.summary, SUMMARY_BYTES_MAX),
        by.is_minor,
        signed(row.bytes),
        row.text,
        detail,
    ];
    let sql = "INSERT INTO revision (page, rev, kind, at_us, author, summary, minor, bytes, text, detail) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    transaction.execute(sql, values).map(|_| ())
}

/// The beginning of a text, cut between characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The columns of [`read_change`], from `revision AS r` joined with `page AS p`.
pub(crate) const COLUMNS: &str = "r.id, p.name, r.rev, r.kind, r.at_us, r.author, r.summary, r.minor, r.bytes, \
    (SELECT b.bytes FROM revision AS b WHERE b.page = r.page AND b.rev = r.rev - 1), r.text IS NULL, p.deleted, r.detail";

pub(crate) fn read_change(row: &Row<'_>) -> Result<PageChange, rusqlite::Error> {
    Ok(PageChange {
        id: unsigned(row.get(0)?),
        name: PageName::stored(row.get(1)?),
        rev: unsigned(row.get(2)?),
        kind: ChangeKind::read(row.get(3)?, &row.get::<_, String>(12)?)?,
        at_us: unsigned(row.get(4)?),
        author: row.get(5)?,
        summary: row.get(6)?,
        is_minor: row.get(7)?,
        bytes: unsigned(row.get(8)?),
        bytes_before: row.get::<_, Option<i64>>(9)?.map(unsigned),
        is_erased: row.get(10)?,
        is_deleted: row.get(11)?,
    })
}

impl ChangeKind {
    /// The number and the text that the database keeps. Names hold no line ends.
    pub(crate) fn stored(&self) -> (i64, String) {
        match self {
            ChangeKind::Edit => (0, String::new()),
            ChangeKind::Revert { rev } => (1, rev.to_string()),
            ChangeKind::Rename { from, to } => (2, format!("{from}\n{to}")),
            ChangeKind::Redirect { to } => (3, to.to_string()),
            ChangeKind::Delete => (4, String::new()),
            ChangeKind::Undelete => (5, String::new()),
            ChangeKind::Protect(who) => (6, who.map_or_else(String::new, |who| who.as_str().to_owned())),
            ChangeKind::Attach { file } => (7, file.clone()),
            ChangeKind::Detach { file } => (8, file.clone()),
            ChangeKind::Reattach { file } => (9, file.clone()),
            ChangeKind::Import => (10, String::new()),
        }
    }

    /// What [`ChangeKind::stored`] gave.
    pub(crate) fn read(code: i64, detail: &str) -> Result<ChangeKind, rusqlite::Error> {
        let file = || detail.to_owned();
        let name = |text: &str| PageName::stored(text.to_owned());
        Ok(match code {
            0 => ChangeKind::Edit,
            1 => ChangeKind::Revert { rev: detail.parse().unwrap_or(0) },
            2 => {
                let (from, to) = detail.split_once('\n').unwrap_or((detail, detail));
                ChangeKind::Rename { from: name(from), to: name(to) }
            }
            3 => ChangeKind::Redirect { to: name(detail) },
            4 => ChangeKind::Delete,
            5 => ChangeKind::Undelete,
            6 => ChangeKind::Protect(detail.parse().ok()),
            7 => ChangeKind::Attach { file: file() },
            8 => ChangeKind::Detach { file: file() },
            9 => ChangeKind::Reattach { file: file() },
            10 => ChangeKind::Import,
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(3, other)),
        })
    }
}
