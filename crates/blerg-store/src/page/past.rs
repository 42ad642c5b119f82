//! Pages with the history they had elsewhere, and all there is of a page. Start at [`Wiki::import_page`] and
//! [`Wiki::revisions`]. What is imported has no html and no words in the index until it is rendered: whoever imports goes
//! through [`Wiki::stale_pages`] afterwards, when every page that a link leads to is there.

use rusqlite::{Connection, params};

use super::change::{self, Entry};
use super::link::{limit, text as after_text};
use super::save::add_page;
use super::view::revision;
use super::{
    By, ChangeKind, Editor, PAGE_BYTES_MAX, PageHead, PageName, PageSource, Wiki, derive, head, next_change, signed,
    text,
};
use crate::Error;

/// A revision that was made elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRevision {
    /// When.
    pub at_us: u64,
    /// By whom.
    pub author: Option<String>,
    /// What they said about it.
    pub summary: String,
    /// The whole text, with LF line ends.
    pub text: String,
}

impl Wiki<'_> {
    /// Makes a new page of what it was elsewhere, the oldest revision first; for the operator. Returns how many revisions
    /// it has; `None` if there is such a page already, or was: nothing was written.
    ///
    /// # Errors
    /// A text is too long, or the database is busy or cannot be written.
    pub fn import_page(&self, name: &PageName, revisions: &[PastRevision]) -> Result<Option<u64>, Error> {
        let too_long = revisions.iter().map(|revision| revision.text.len()).find(|bytes| *bytes > PAGE_BYTES_MAX);
        if let Some(bytes) = too_long {
            return Err(Error::PageLength { bytes });
        }
        self.db.write("import a page", |transaction| {
            let (Some(first), Some(last)) = (revisions.first(), revisions.last()) else { return Ok(None) };
            if head::find(transaction, name)?.is_some() {
                return Ok(None);
            }
            let change = next_change(transaction)?;
            let id = add_page(transaction, name, first.at_us)?;
            let mut row = 0;
            for (rev, revision) in (1..).zip(revisions) {
                row = text::add(transaction, id, &revision.text)?;
                let by = By {
                    editor: Editor::Operator { name: revision.author.as_deref() },
                    now_us: revision.at_us,
                    summary: &revision.summary,
                    is_minor: false,
                };
                let bytes = u64::try_from(revision.text.len()).unwrap_or(u64::MAX);
                let entry = Entry { kind: &ChangeKind::Import, rev, text: row, bytes };
                change::insert(transaction, id, &entry, &by)?;
            }
            let rev = u64::try_from(revisions.len()).unwrap_or(u64::MAX);
            transaction.execute(
                "UPDATE page SET rev = ?2, text = ?3, bytes = ?4, version = ?5, changed_us = ?6 WHERE id = ?1",
                params![
                    id,
                    signed(rev),
                    row,
                    signed(u64::try_from(last.text.len()).unwrap_or(u64::MAX)),
                    change,
                    signed(last.at_us)
                ],
            )?;
            derive::mark_links_to(transaction, name, change)?;
            Ok(Some(rev))
        })
    }

    /// Every page there is or was, redirects and deleted ones too, in order of names.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn every(&self, after: Option<&PageName>, n: usize) -> Result<Vec<PageHead>, Error> {
        self.heads("p.name > ?1 ORDER BY p.name LIMIT ?2", params![after_text(after), limit(n)])
    }

    /// A page's revisions with their texts, the oldest first, from behind number `after`: at most `n`.
    ///
    /// # Errors
    /// There was never such a page, or the database cannot be read.
    pub fn revisions(&self, name: &PageName, after: u64, n: usize) -> Result<Vec<PageSource>, Error> {
        let found = self.look("read a page's revisions", |connection| {
            let Some(head) = head::find(connection, name)? else { return Ok(None) };
            range(connection, &head, after, u64::try_from(n).unwrap_or(u64::MAX)).map(Some)
        })?;
        found.ok_or(Error::NoSuchPage)
    }
}

/// Revisions of a page from behind number `after`.
pub(crate) fn range(
    connection: &Connection,
    head: &PageHead,
    after: u64,
    n: u64,
) -> Result<Vec<PageSource>, rusqlite::Error> {
    let mut found = Vec::new();
    let end = head.rev.min(after.saturating_add(n));
    for rev in after.saturating_add(1)..=end {
        found.extend(revision(connection, head, rev)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
