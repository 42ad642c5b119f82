//! The wiki: pages with all their revisions, files and links, in `wiki.db`. Start at [`Store::wiki`]; everything is a
//! function of [`Wiki`]. A change is one transaction that asks the rules, compares with what is there and writes all
//! that follows from it.
//!
//! It knows nothing of Markdown or HTML: whoever saves a text hands over what it leads to ([`Rendered`]), and shows what
//! was stored until a page that it links to comes or goes; then the page is *stale*, and whoever shows it next renders
//! it anew.

mod change;
mod check;
mod derive;
mod dump;
mod editor;
mod erase;
mod fate;
mod file;
mod head;
mod history;
mod link;
mod name;
mod past;
mod post_link;
mod rename;
mod save;
mod schema;
mod search;
mod snippet;
mod tag;
mod text;
mod view;

use std::fmt;

use rusqlite::Connection;

use crate::db::{Checkpoints, Db, Syncing};
use crate::{Durability, Error, Recovery, Store, lock};

pub use change::{ChangeKind, PageChange};
pub use check::WikiStats;
pub use derive::{PAGE_LINKS_MAX, PageLink, Rendered};
pub(crate) use dump::Restoring;
pub use editor::{By, Editor, Who, WikiSettings};
pub use file::{FileId, FileView, NewFile};
pub use head::{PageHead, PageId};
pub use history::ChangeCursor;
pub use link::{PAGES_MAX, Wanted};
pub use name::{FileName, PAGE_NAME_BYTES_MAX, PageName, PageNameError};
pub use past::PastRevision;
pub use post_link::FindPageLinks;
pub(crate) use post_link::Seen;
pub use rename::{Fix, Leave, Renamed};
pub use save::{Base, PAGE_BYTES_MAX, SUMMARY_BYTES_MAX, Save, SaveKind, Saved};
pub(crate) use schema::WIKI;
pub use search::PageHit;
pub use snippet::{HIT_MARKS_MAX, SNIPPET_CHARS, Snippet};
pub use tag::PageTag;
pub(crate) use text::read as read_text;
pub use view::{PageSource, PageView, Stale, Target, View};

/// The wiki of a site.
#[derive(Clone, Copy)]
pub struct Wiki<'s> {
    store: &'s Store,
    db: &'s Db,
}

impl fmt::Debug for Wiki<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wiki").finish_non_exhaustive()
    }
}

impl Store {
    /// The wiki, opened on first use; nothing but the wiki's own pages comes here.
    ///
    /// # Errors
    /// The directory or the database cannot be made or opened.
    pub fn wiki(&self) -> Result<Wiki<'_>, Error> {
        Ok(Wiki { store: self, db: self.wiki_db()? })
    }

    /// Whether this site ever had a wiki.
    pub(crate) fn has_wiki(&self) -> bool {
        self.dir().join(schema::WIKI.file).exists()
    }

    pub(crate) fn wiki_db(&self) -> Result<&Db, Error> {
        if let Some(db) = self.wiki.get() {
            return Ok(db);
        }
        // The log comes first: it makes the directory, and knows how durable the site is.
        let syncing = match self.log()?.identity().durability {
            Durability::Sync => Syncing::Full,
            Durability::None => Syncing::Normal,
        };
        let checkpoints = match self.settings().recovery {
            Recovery::Refuse => Checkpoints::WhenGrown,
            Recovery::Inline => Checkpoints::AtClose,
        };
        let _one_at_a_time = lock(&self.opening);
        if let Some(db) = self.wiki.get() {
            return Ok(db);
        }
        let db = Db::open(self.dir(), &schema::WIKI, syncing, checkpoints)?;
        Ok(self.wiki.get_or_init(|| db))
    }
}

impl Wiki<'_> {
    /// The operator's rules.
    #[must_use]
    pub fn settings(&self) -> &WikiSettings {
        &self.store.settings().wiki
    }

    /// A number that grows with every change of anything in the wiki: what lists (recent changes, all pages, tags)
    /// depend on. One look-up.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn version(&self) -> Result<u64, Error> {
        self.db.read("read the wiki's version", |connection| {
            let sql = "SELECT change FROM state";
            connection.query_row(sql, (), |row| row.get(0)).map(unsigned)
        })
    }

    /// Runs several statements on one consistent state.
    fn look<T>(
        &self,
        doing: &'static str,
        look: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        self.db.read(doing, |connection| {
            let transaction = connection.unchecked_transaction()?;
            look(&transaction)
        })
    }
}

/// The number of a change; nothing that a client holds of an earlier state equals it.
fn next_change(transaction: &Connection) -> Result<i64, rusqlite::Error> {
    transaction.query_row("UPDATE state SET change = change + 1 RETURNING change", (), |row| row.get(0))
}

/// SQLite's integers have a sign; no number of ours comes near it.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
