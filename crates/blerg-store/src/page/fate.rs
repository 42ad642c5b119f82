//! Deleting, undeleting and protecting pages. Start at [`Wiki::delete_page`]. A deleted page keeps its revisions and files
//! and its name; nobody finds it by search, lists or links.

use rusqlite::{Connection, params};

use super::{By, ChangeKind, PageHead, PageName, Rendered, Who, Wiki, change, derive, head, next_change};
use crate::Error;

impl Wiki<'_> {
    /// Hides a page, or a name that leads to one. Returns its newest revision's number.
    ///
    /// # Errors
    /// There is no such page, the editor may not, or the database is busy or cannot be written.
    pub fn delete_page(&self, name: &PageName, by: &By<'_>) -> Result<u64, Error> {
        self.db.change("delete a page", |transaction| {
            self.settings().check_administer(&by.editor)?;
            let page = living(transaction, name)?;
            let change = next_change(transaction)?;
            let rev = change::note(transaction, &page, &ChangeKind::Delete, by, change)?;
            hide(transaction, &page, change)?;
            Ok(rev)
        })
    }

    /// Shows a deleted page again, with the text it had; `rendered` is what that text leads to by now (of a name that led
    /// to another page nothing is taken).
    ///
    /// # Errors
    /// No deleted page has this name, the editor may not, or the database is busy or cannot be written.
    pub fn undelete_page(&self, name: &PageName, rendered: &Rendered, by: &By<'_>) -> Result<u64, Error> {
        self.db.change("undelete a page", |transaction| {
            self.settings().check_administer(&by.editor)?;
            let page = head::find(transaction, name)?.filter(|page| page.is_deleted).ok_or(Error::NoSuchPage)?;
            let change = next_change(transaction)?;
            let rev = change::note(transaction, &page, &ChangeKind::Undelete, by, change)?;
            transaction.execute("UPDATE page SET deleted = 0, stale = 0 WHERE id = ?1", [page.id.0])?;
            if page.redirect.is_none() {
                derive::replace(transaction, page.id.0, name, rendered, change)?;
            }
            derive::mark_links_to(transaction, name, change)?;
            Ok(rev)
        })
    }

    /// Decides who may edit a page; `None`: whom the wiki's rule allows. A deleted page can be protected too: then its
    /// name stays unused.
    ///
    /// # Errors
    /// There is no such page, the editor may not, or the database is busy or cannot be written.
    pub fn protect_page(&self, name: &PageName, who: Option<Who>, by: &By<'_>) -> Result<u64, Error> {
        self.db.change("protect a page", |transaction| {
            self.settings().check_administer(&by.editor)?;
            let page = head::find(transaction, name)?.ok_or(Error::NoSuchPage)?;
            if page.protection == who {
                return Ok(page.rev);
            }
            let change = next_change(transaction)?;
            let rev = change::note(transaction, &page, &ChangeKind::Protect(who), by, change)?;
            transaction.execute("UPDATE page SET protection = ?2 WHERE id = ?1", params![page.id.0, who])?;
            Ok(rev)
        })
    }
}

/// A page, or a name that leads to one, that is there.
pub(crate) fn living(transaction: &Connection, name: &PageName) -> Result<PageHead, Error> {
    let page = head::find(transaction, name).map_err(Error::sqlite("look at a page"))?;
    page.filter(|page| !page.is_deleted).ok_or(Error::NoSuchPage)
}

/// Takes a page out of everything but the histories.
pub(crate) fn hide(transaction: &Connection, page: &PageHead, change: i64) -> Result<(), rusqlite::Error> {
    transaction.execute("UPDATE page SET deleted = 1 WHERE id = ?1", [page.id.0])?;
    derive::remove(transaction, page.id.0, change)?;
    derive::mark_links_to(transaction, &page.name, change)
}

#[cfg(test)]
mod tests;
