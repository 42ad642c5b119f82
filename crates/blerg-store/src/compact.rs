//! Making a site small, and what was deleted gone from every file. Start at [`Store::compact`]. The site goes on meanwhile; each
//! step can be cut short and is done again by the next compaction.

use blerg_log::{Disk as _, Followers, RealDisk, Snapshot};

use crate::check::disk_bytes;
use crate::db::SITE;
use crate::job::JOBS;
use crate::page::WIKI;
use crate::portable::{OnProgress, Progress};
use crate::{Error, FindPageLinks, Position, Store, search};

/// Longest wait for those who still read the old log: servers look for news every few seconds.
const READERS_WAIT_MS: u64 = 15_000;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactedSite {
    /// What became of the log.
    pub log: blerg_log::Compacted,
    /// Bytes of all files of the data directory before.
    pub disk_bytes_before: u64,
    /// Bytes of all files of the data directory now.
    pub disk_bytes: u64,
    /// Databases in whose write-ahead logs something from before may still lie, because somebody was reading all the time.
    pub unfinished: u64,
}

impl Store {
    /// Writes a new log of what is there, goes over to it, and takes what is gone out of the databases too. `find` finds the pages
    /// that posts link to.
    ///
    /// # Errors
    /// Another compaction runs, there is no room, the log is damaged or takes no writes, or a database is locked for too long.
    pub fn compact(
        &self,
        now_us: u64,
        find: FindPageLinks,
        on_progress: OnProgress<'_>,
    ) -> Result<CompactedSite, Error> {
        let disk_bytes_before = disk_bytes(self.dir())?;
        self.guard_databases()?;
        // What one before has left to do.
        self.move_seen()?;
        let log = self.compact_log(now_us, READERS_WAIT_MS, on_progress)?;
        self.move_seen()?;
        crate::portable::index(self, on_progress)?;
        self.remove_other_searches(self.reader()?.stamp().log)?;
        if self.has_wiki() {
            on_progress(Progress { doing: "list links", done: 0, total: None });
            while !self.wiki()?.index_posts_a_little(find)? {}
        }
        let unfinished = self.shrink(on_progress)?;
        Ok(CompactedSite { log, disk_bytes_before, disk_bytes: disk_bytes(self.dir())?, unfinished })
    }

    /// A new log, and its full-text index, so that searches find as much behind the switch as before it.
    fn compact_log(
        &self,
        now_us: u64,
        readers_wait_ms: u64,
        on_progress: OnProgress<'_>,
    ) -> Result<blerg_log::Compacted, Error> {
        let told = std::cell::RefCell::new(on_progress);
        let mut index = None;
        let copied = |snapshot: &Snapshot| {
            let log = snapshot.stamp().log;
            let index = match &index {
                Some(index) => index,
                None => index.insert(self.begin_search_of(log)?),
            };
            let total = Some(snapshot.stamp().visible.0);
            search::cover(index, snapshot, &mut |Position(done)| {
                told.borrow_mut()(Progress { doing: "index words", done, total });
            })
        };
        let followers = Followers { noted: || self.seen_positions(), copied };
        let compacted = self.log()?.compact_followed(now_us, readers_wait_ms, followers, &mut |progress| {
            told.borrow_mut()(Progress { doing: "copy records", done: progress.done, total: Some(progress.total) });
        });
        compacted.inspect_err(|_| {
            // What cannot be removed now, the next delete or compaction removes.
            let _ = self.reader().and_then(|reader| self.remove_other_searches(reader.stamp().log));
        })
    }

    /// That there is room for the largest database twice: once in a temporary file, once in its write-ahead log.
    fn guard_databases(&self) -> Result<(), Error> {
        let dir = self.dir();
        let mut largest = 0;
        let search = search::path(dir, self.reader()?.stamp().log);
        let others = [&SITE, &WIKI, &JOBS].map(|layout| dir.join(layout.file));
        for path in others.into_iter().chain([search]) {
            match std::fs::metadata(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                found => largest = largest.max(found.map_err(Error::io(&path, "look at"))?.len()),
            }
        }
        let wanted = 2 * largest;
        let free = RealDisk.space(dir).map_err(Error::io(dir, "look at the room of"))?.free;
        if free >= wanted {
            return Ok(());
        }
        Err(blerg_log::Error::NoRoom { dir: dir.to_owned(), wanted, free }.into())
    }

    /// Writes every database anew, without the room of what is gone; in how many the write-ahead log could not be emptied.
    fn shrink(&self, on_progress: OnProgress<'_>) -> Result<u64, Error> {
        on_progress(Progress { doing: "shrink databases", done: 0, total: None });
        let mut unfinished = u64::from(!self.db()?.shrink(self.dir())?);
        unfinished += u64::from(!self.search_index()?.shrink(self.dir())?);
        if self.has_wiki() {
            unfinished += u64::from(!self.wiki_db()?.shrink(self.dir())?);
        }
        if self.has_jobs() {
            unfinished += u64::from(!self.jobs_db()?.shrink(self.dir())?);
        }
        Ok(unfinished)
    }
}

#[cfg(test)]
mod tests;
