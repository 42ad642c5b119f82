//! A consistent copy of a whole site while others use it. Start at [`Store::backup`]. The databases come first and the log
//! after them, so every account of the copy has its author there; what left meanwhile is made to have left in both. The copy
//! is built in a directory inside, and the file that makes it a site comes last: half a backup is none.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use blerg_log::AuthorId;

use crate::account::leave_in_copy;
use crate::portable::{OnProgress, Progress};
use crate::ready;
use crate::{Error, Store};

/// Where a backup is built, inside its directory; while it is there and FORMAT is not, the backup is not whole.
const PARTIAL_DIR: &str = "backup.partial";
/// What a backup consists of, besides FORMAT and the directory of the log.
const DATABASES: [&str; 2] = ["site.db", "wiki.db"];

/// What a backup holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Bytes of log.
    pub log_bytes: u64,
    /// Frames of the log.
    pub frames: u64,
    /// Segments of the log.
    pub segments: u64,
    /// Bytes of the accounts' database.
    pub site_bytes: u64,
    /// Bytes of the wiki's database.
    pub wiki_bytes: u64,
    /// What is damaged, in the site as in the backup: sentences for the operator.
    pub problems: Vec<String>,
    /// How many problems there are in all.
    pub problems_len: u64,
}

impl Store {
    /// Writes a copy of the site to `to`, a new or empty directory: everything that was acknowledged when this is called, and
    /// perhaps some that came later. Sessions come along; both full-text indexes, counters and pending pings do not.
    ///
    /// # Errors
    /// The directory holds something else; the site cannot be read, or the copy not be written.
    pub fn backup(&self, to: &Path, on_progress: OnProgress<'_>) -> Result<BackedUp, Error> {
        let log = self.log()?;
        ready::make_private_dir(to)?;
        clear(to)?;
        let partial = to.join(PARTIAL_DIR);
        ready::make_private_dir(&partial)?;
        on_progress(Progress { doing: "copy accounts", done: 0, total: None });
        let site_bytes = self.copy_accounts(&partial)?;
        on_progress(Progress { doing: "copy the wiki", done: 0, total: None });
        let wiki_bytes = self.copy_wiki(&partial)?;
        let copied = log.copy_to(&partial, &mut |progress| {
            on_progress(Progress { doing: "copy the log", done: progress.done, total: Some(progress.total) });
        })?;
        let left: Vec<u32> = copied.closed.iter().map(|AuthorId(author)| *author).collect();
        leave_in_copy(&partial, &left)?;
        sync(&partial)?;
        for part in [copied.log_dir.as_str()].into_iter().chain(DATABASES) {
            match fs::rename(partial.join(part), to.join(part)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                moved => moved.map_err(Error::io(to.join(part), "move"))?,
            }
        }
        sync(to)?;
        log.finish_copy(&copied, to)?;
        fs::remove_dir(&partial).map_err(Error::io(&partial, "remove"))?;
        sync(to)?;
        let shown = |problem: &blerg_log::Problem| {
            format!("{} at byte {}: {}", problem.path.display(), problem.offset, problem.what)
        };
        Ok(BackedUp {
            log_bytes: copied.log_bytes,
            frames: copied.frames,
            segments: copied.segments,
            site_bytes,
            wiki_bytes,
            problems: copied.problems.iter().map(shown).collect(),
            problems_len: copied.problems_len,
        })
    }
}

fn sync(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io(dir, "sync"))
}

/// Sees that nothing is in the directory but what a backup that was cut short has left; that goes.
fn clear(to: &Path) -> Result<(), Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(to).map_err(Error::io(to, "list"))? {
        names.push(entry.map_err(Error::io(to, "list"))?.file_name());
    }
    let is_left_over = |name: &std::ffi::OsString| {
        *name == *PARTIAL_DIR
            || *name == *"FORMAT.tmp"
            || DATABASES.iter().any(|part| *name == **part)
            || *name == *"log"
            || name.to_str().is_some_and(|name| name.starts_with("log."))
    };
    let has_mark = names.is_empty() || names.iter().any(|name| *name == *PARTIAL_DIR);
    if !has_mark || !names.iter().all(is_left_over) {
        return Err(Error::NotEmpty { dir: to.to_owned() });
    }
    // The mark that it is one of ours goes last.
    names.sort_by_key(|name| *name == *PARTIAL_DIR);
    for name in names {
        let path = to.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(Error::io(&path, "remove"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
