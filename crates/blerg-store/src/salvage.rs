//! A sound site from a damaged one. Start at [`Store::salvage`]. Of the log everything that a checksum vouches for is kept, with
//! its numbers; of the databases, which have no checksums, every row that can be read, fits its table and agrees with the log.
//! The damaged site is only read, and nobody may be using it.

mod accounts;
mod pages;
mod rows;

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use blerg_log::{AuthorId, Log, Position, RealDisk, Wreck};

use crate::db::SITE;
use crate::page::WIKI;
use crate::portable::{OnProgress, Progress, index, move_up};
use crate::{Error, Store, ready};
use accounts::Accounts;
use rows::Old;

/// Where the new site is built, inside its directory.
const PARTIAL_DIR: &str = "salvage.partial";
/// Where copies of the damaged databases lie meanwhile, inside that.
const OLD_DIR: &str = "old";
/// Most losses that are told one by one.
pub const LOSSES_MAX: usize = 1_000;

/// What a new site was made of, and what is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Authors.
    pub authors: u64,
    /// Records that are there.
    pub records: u64,
    /// Accounts.
    pub accounts: u64,
    /// Pages of the wiki; their html is still to be made ([`Wiki::stale_pages`](crate::Wiki::stale_pages)).
    pub pages: u64,
    /// What was lost, in sentences for the operator; at most [`LOSSES_MAX`].
    pub lost: Vec<String>,
    /// How many losses there are in all.
    pub lost_len: u64,
}

impl Salvaged {
    fn lose(&mut self, what: impl Into<String>) {
        self.lost_len += 1;
        if self.lost.len() < LOSSES_MAX {
            self.lost.push(what.into());
        }
    }
}

impl Store {
    /// Makes in `to`, a new or empty directory, a sound site of everything that can be read of this one. Takes all or nothing of
    /// `to`, and changes nothing in this site's directory.
    ///
    /// # Errors
    /// `to` is not empty; there is no log to be read, or it is of a later version; the disk refuses.
    pub fn salvage(&self, now_us: u64, to: &Path, on_progress: OnProgress<'_>) -> Result<Salvaged, Error> {
        ready::make_private_dir(to)?;
        clear(to)?;
        let partial = to.join(PARTIAL_DIR);
        ready::make_private_dir(&partial.join(OLD_DIR))?;
        let made = self.salvage_into(now_us, &partial, on_progress);
        let removed = fs::remove_dir_all(partial.join(OLD_DIR));
        match made {
            Ok(salvaged) => {
                removed.map_err(Error::io(&partial, "remove"))?;
                move_up(&partial, to)?;
                Ok(salvaged)
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&partial);
                Err(error)
            }
        }
    }

    fn salvage_into(&self, now_us: u64, partial: &Path, on_progress: OnProgress<'_>) -> Result<Salvaged, Error> {
        let mut done = Salvaged::default();
        let wreck = Wreck::open(self.dir(), Arc::new(RealDisk), self.settings().random, &mut |progress| {
            on_progress(Progress { doing: "look for records", done: progress.done, total: Some(progress.total) });
        })?;
        for problem in &wreck.lost().problems {
            done.lose(format!("{} at byte {}: {}", problem.path.display(), problem.offset, problem.what));
        }
        done.lost_len = wreck.lost().len;
        Log::create(partial, wreck.identity(), Arc::new(RealDisk))?;
        let mut settings = self.settings().clone();
        settings.durability = None;
        let new = Store::new(partial, settings);
        let accounts = match self.old(&SITE, partial, &mut done)? {
            Some(old) => Accounts::read(&old, &mut done),
            None => {
                done.lose(format!("{}: missing; all accounts are lost", self.dir().join(SITE.file).display()));
                Accounts::default()
            }
        };
        let moved = salvage_log(&wreck, &new, &accounts, now_us, &mut done, on_progress)?;
        done.accounts = accounts.write(&new, &moved, &mut done)?;
        if let Some(old) = self.old(&WIKI, partial, &mut done)? {
            on_progress(Progress { doing: "salvage the wiki", done: 0, total: None });
            done.pages = pages::salvage(&old, &new, now_us, &mut done)?;
        }
        index(&new, on_progress)?;
        new.close()?;
        Ok(done)
    }

    /// A copy of one of the damaged databases, if there is one.
    fn old(
        &self,
        layout: &'static crate::db::Layout,
        partial: &Path,
        done: &mut Salvaged,
    ) -> Result<Option<Old>, Error> {
        let path = self.dir().join(layout.file);
        if !path.exists() {
            return Ok(None);
        }
        match Old::open(&path, &partial.join(OLD_DIR), layout, self.settings().random)? {
            Ok(old) => {
                for what in old.findings() {
                    done.lose(format!("{}: {what}", path.display()));
                }
                Ok(Some(old))
            }
            Err(why) => {
                done.lose(format!("{}: {why}; all of it is lost", path.display()));
                Ok(None)
            }
        }
    }
}

/// Fills the new log. Returns where the positions are that accounts remember.
fn salvage_log(
    wreck: &Wreck,
    new: &Store,
    accounts: &Accounts,
    now_us: u64,
    done: &mut Salvaged,
    on_progress: OnProgress<'_>,
) -> Result<HashMap<u64, u64>, Error> {
    let names = |author| accounts.name_of(author);
    let refilled = wreck.refill(new.log()?, now_us, &names, &accounts.positions(), &mut |progress| {
        on_progress(Progress { doing: "write records", done: progress.done, total: Some(progress.total) });
    })?;
    (done.authors, done.records) = (refilled.authors, refilled.records);
    for (AuthorId(author), name) in &refilled.renamed {
        done.lose(format!("the name of author {author} is lost in the log; it is {name:?} now"));
    }
    let snapshot = new.log()?.snapshot()?;
    for (author, record) in &refilled.lost {
        let name = snapshot.author(*author)?.map_or_else(String::new, |author| author.name);
        done.lose(format!("record {} of {name:?} is lost", record.0));
    }
    done.lost_len += refilled.lost_len.saturating_sub(u64::try_from(refilled.lost.len()).unwrap_or(u64::MAX));
    Ok(refilled.moved.into_iter().map(|(Position(old), Position(new))| (old, new)).collect())
}

/// Sees that nothing is in the directory but what an earlier try has left.
fn clear(to: &Path) -> Result<(), Error> {
    let partial = to.join(PARTIAL_DIR);
    for entry in fs::read_dir(to).map_err(Error::io(to, "list"))? {
        if entry.map_err(Error::io(to, "list"))?.file_name() != PARTIAL_DIR {
            return Err(Error::NotEmpty { dir: to.to_owned() });
        }
    }
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&partial, "remove")(error)),
        _ => File::open(to).and_then(|dir| dir.sync_all()).map_err(Error::io(to, "sync")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
