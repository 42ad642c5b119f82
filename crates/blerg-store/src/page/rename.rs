//! Renaming a page. Start at [`Wiki::rename_page`]. The page keeps its number, so its history and files go along, and a
//! name that leads to it leads to it still: no chain of redirects ever grows, whatever is renamed how often.

use rusqlite::{Connection, params};

use super::change::{self, Entry};
use super::fate::{hide, living};
use super::save::{add_page, apply};
use super::{
    Base, By, ChangeKind, PageHead, PageName, Rendered, Save, SaveKind, Saved, Wiki, derive, head, next_change, signed,
    text,
};
use crate::Error;

/// What is left at the old name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// A name that leads to the new one.
    Redirect,
    /// Nothing.
    Nothing,
}

/// The new text of a page that linked to the old name.
#[derive(Clone, Debug)]
pub struct Fix {
    /// The page.
    pub name: PageName,
    /// The revision that was changed.
    pub base: u64,
    /// Its new text.
    pub text: String,
    /// What that leads to, with the new name there.
    pub rendered: Rendered,
}

/// What became of a rename.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// The page has its new name.
    Done {
        /// Its newest revision.
        rev: u64,
        /// Pages whose links were not mended: edited meanwhile, or not the editor's to edit. By a redirect their links
        /// still lead to the page.
        unfixed: Vec<PageName>,
    },
    /// There is a page of that name; nothing was written.
    Taken {
        /// It is a deleted one: to be undeleted first, or erased by the operator.
        is_deleted: bool,
    },
}

impl Wiki<'_> {
    /// Gives a page another name and its links new texts, all at once. A name that led to this page may become its own
    /// again; then the two change places.
    ///
    /// # Errors
    /// There is no such page (a redirect is none), the editor may not, or the database is busy or cannot be written.
    pub fn rename_page(
        &self,
        from: &PageName,
        to: &PageName,
        leave: Leave,
        fixes: &[Fix],
        by: &By<'_>,
    ) -> Result<Renamed, Error> {
        self.db.change("rename a page", |transaction| {
            let page = living(transaction, from)?;
            self.settings().check_edit(&by.editor, page.protection)?;
            if page.redirect.is_some() {
                return Err(Error::NoSuchPage.into());
            }
            if from == to {
                return Ok(Renamed::Done { rev: page.rev, unfixed: Vec::new() });
            }
            let there = head::find(transaction, to)?;
            let own = match there {
                None => None,
                Some(there) if there.redirect.as_ref() == Some(from) => Some(there),
                Some(there) => return Ok(Renamed::Taken { is_deleted: there.is_deleted }),
            };
            if let Some(own) = &own {
                self.settings().check_edit(&by.editor, own.protection)?;
            }
            let names = Names { from, to, leave };
            let rev = move_page(transaction, &page, own.as_ref(), &names, by)?;
            let unfixed = self.fix(transaction, &names, fixes, by)?;
            Ok(Renamed::Done { rev, unfixed })
        })
    }

    /// Saves the texts with mended links; returns the pages that could not be.
    fn fix(
        &self,
        transaction: &Connection,
        names: &Names<'_>,
        fixes: &[Fix],
        by: &By<'_>,
    ) -> Result<Vec<PageName>, rusqlite::Error> {
        let mut unfixed = Vec::new();
        for fix in fixes {
            // The page may link to itself.
            let name = if fix.name == *names.from { names.to } else { &fix.name };
            let page = head::find(transaction, name)?;
            let protection = page.as_ref().and_then(|page| page.protection);
            let save = Save {
                name,
                base: Base::Rev(fix.base),
                text: &fix.text,
                rendered: &fix.rendered,
                kind: SaveKind::Edit,
                by: By { is_minor: true, ..*by },
            };
            let is_fixed = self.settings().may_edit(&by.editor, protection)
                && fix.text.len() <= super::PAGE_BYTES_MAX
                && matches!(apply(transaction, page.as_ref(), &save)?, Saved::Done { .. } | Saved::Unchanged { .. });
            if !is_fixed {
                unfixed.push(fix.name.clone());
            }
        }
        Ok(unfixed)
    }
}

struct Names<'n> {
    from: &'n PageName,
    to: &'n PageName,
    leave: Leave,
}

fn move_page(
    transaction: &Connection,
    page: &PageHead,
    own: Option<&PageHead>,
    names: &Names<'_>,
    by: &By<'_>,
) -> Result<u64, rusqlite::Error> {
    let change = next_change(transaction)?;
    let kind = ChangeKind::Rename { from: names.from.clone(), to: names.to.clone() };
    let rev = change::note(transaction, page, &kind, by, change)?;
    if let Some(own) = own {
        // Names are unique at any moment, and no name of ours holds a control character.
        set_name(transaction, own.id.0, "\u{1}")?;
    }
    set_name(transaction, page.id.0, names.to.as_str())?;
    // Its html leads to its own files and forms.
    transaction.execute("UPDATE page SET stale = ?2 WHERE id = ?1", [page.id.0, change])?;
    derive::retitle(transaction, page.id.0, names.to)?;
    derive::touch_targets(transaction, page.id.0, change)?;
    let left = match (own, names.leave) {
        (Some(own), _) => {
            set_name(transaction, own.id.0, names.from.as_str())?;
            Some(own.clone())
        }
        (None, Leave::Redirect) => {
            add_redirect(transaction, names.from, page.id.0, by)?;
            head::find(transaction, names.from)?
        }
        (None, Leave::Nothing) => None,
    };
    if let Some(left) = left {
        leave_redirect(transaction, &PageHead { name: names.from.clone(), ..left }, names, by, change)?;
    }
    if names.leave == Leave::Nothing {
        derive::mark_links_to(transaction, names.from, change)?;
    }
    derive::mark_links_to(transaction, names.to, change)?;
    Ok(rev)
}

fn set_name(transaction: &Connection, page: i64, name: &str) -> Result<(), rusqlite::Error> {
    transaction.execute("UPDATE page SET name = ?2 WHERE id = ?1", params![page, name]).map(|_| ())
}

/// Adds a page of no text that leads to another; its first revision is still to be written.
pub(crate) fn add_redirect(
    transaction: &Connection,
    name: &PageName,
    target: i64,
    by: &By<'_>,
) -> Result<i64, rusqlite::Error> {
    let id = add_page(transaction, name, by.now_us)?;
    let text = text::add(transaction, id, "")?;
    let sql = "UPDATE page SET redirect = ?2, text = ?3 WHERE id = ?1";
    transaction.execute(sql, params![id, target, text])?;
    Ok(id)
}

/// Writes what the page at the old name is now.
fn leave_redirect(
    transaction: &Connection,
    left: &PageHead,
    names: &Names<'_>,
    by: &By<'_>,
    change: i64,
) -> Result<(), rusqlite::Error> {
    let rev = left.rev + 1;
    let kind = match names.leave {
        Leave::Redirect => ChangeKind::Redirect { to: names.to.clone() },
        Leave::Nothing => ChangeKind::Delete,
    };
    change::insert(transaction, left.id.0, &Entry { kind: &kind, rev, text: left.text, bytes: left.bytes }, by)?;
    transaction.execute(
        "UPDATE page SET rev = ?2, version = ?3, changed_us = ?4 WHERE id = ?1",
        params![left.id.0, signed(rev), change, signed(by.now_us)],
    )?;
    match names.leave {
        Leave::Redirect => Ok(()),
        Leave::Nothing => hide(transaction, left, change),
    }
}

#[cfg(test)]
mod tests;
