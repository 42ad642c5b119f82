//! The microblog's posts that link to pages. Start at [`Wiki::post_backlinks`]. The list is derived from the log and
//! follows it like the full-text index does: [`Wiki::index_posts`] looks at what is new, and what the list offers is
//! compared with the log before it is shown, so that no deleted or edited-away link ever is.

use blerg_log::{Body, Frame, ListKey, Position, Snapshot, Stamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{PageName, Wiki, count, next_change};
use crate::list::Step;
use crate::search::cover::{Cover, is_same_log, read_cover, signed, unsigned, write_cover};
use crate::{Cursor, Error, Page, lock};

/// Finds the pages that a post links to; this crate does not know the grammar.
pub type FindPageLinks = fn(&str) -> Vec<String>;

/// Most pages listed of one post.
const POST_LINKS_MAX: usize = 100;

/// Most frames of one transaction.
const BATCH_FRAMES_MAX: u64 = 2_000;

/// Most transactions that somebody who looks at a page waits for.
const BATCHES_MAX: usize = 4;

/// So many bytes of log without any link are rather read again than noted: a write costs a sync.
const UNNOTED_BYTES_MAX: u64 = 64 * 1024;

/// Most candidates fetched from the list at once.
const HITS_MAX: usize = 200;

/// What a batch of frames means for the list.
struct Batch {
    cover: Cover,
    /// The list is of another log.
    is_reset: bool,
    changes: Vec<PostLinks>,
}

/// The pages that a post links to now.
struct PostLinks {
    put: Position,
    version: Position,
    targets: Vec<String>,
}

impl Wiki<'_> {
    /// Brings the list of posts that link to pages up to the end of the log; a bounded part of the way if it is far
    /// behind. Cheap where nothing is new. Asked before a page's version or its posts are looked at.
    ///
    /// # Errors
    /// The log or the database cannot be read or written.
    pub fn index_posts(&self, find: FindPageLinks) -> Result<(), Error> {
        self.index_posts_a_little(find).map(drop)
    }

    /// The same; whether the end was reached.
    pub(crate) fn index_posts_a_little(&self, find: FindPageLinks) -> Result<bool, Error> {
        let snapshot = self.store.log()?.snapshot()?;
        let stamp = snapshot.stamp();
        if *lock(&self.store.wiki_seen) == Some(stamp) {
            return Ok(true);
        }
        for _ in 0..BATCHES_MAX {
            if self.extend(&snapshot, find)? {
                *lock(&self.store.wiki_seen) = Some(stamp);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks at the next frames; whether those were the last.
    fn extend(&self, snapshot: &Snapshot, find: FindPageLinks) -> Result<bool, Error> {
        let site = self.store.site_id()?;
        let before = self.db.read("read what posts are covered", read_cover)?;
        if before.as_ref().is_some_and(|cover| cover.covers(site, snapshot.stamp())) {
            return Ok(true);
        }
        let batch = self.look_ahead(snapshot, before.as_ref(), site, find)?;
        let is_last = batch.cover.next >= snapshot.stamp().visible;
        let from = before.as_ref().map_or(0, |cover| cover.next.0);
        let is_same = before.as_ref().is_none_or(|cover| cover.log == batch.cover.log);
        let is_little = is_same && batch.cover.next.0.saturating_sub(from) < UNNOTED_BYTES_MAX;
        if batch.changes.is_empty() && !batch.is_reset && is_last && is_little {
            return Ok(true);
        }
        let is_done = self.db.write("list posts that link to pages", |transaction| {
            // Somebody else may have been quicker; then this goes on from where they came to.
            if read_cover(transaction)? != before {
                return Ok(false);
            }
            apply(transaction, &batch).map(|()| true)
        })?;
        Ok(is_done && is_last)
    }

    fn look_ahead(
        &self,
        snapshot: &Snapshot,
        before: Option<&Cover>,
        site: [u8; 16],
        find: FindPageLinks,
    ) -> Result<Batch, Error> {
        let stamp = snapshot.stamp();
        let same = before.filter(|cover| is_same_log(cover, snapshot, site));
        let is_reset = before.is_some() && same.is_none();
        let mut cover = Cover::nothing(site, stamp);
        if let Some(same) = same {
            cover = Cover { epoch: stamp.epoch, generation: stamp.generation, ..same.clone() };
        }
        let mut changes = Vec::new();
        let mut frames = 0;
        for frame in snapshot.frames(cover.next) {
            let frame = match frame {
                Ok(frame) => frame,
                // Damage costs the damaged record only.
                Err(error) if error.is_damaged() => continue,
                Err(error) => return Err(error.into()),
            };
            changes.extend(self.links_of(snapshot, &frame, find)?);
            (cover.next, cover.last, cover.last_us) = (frame.next, frame.position, frame.time_us);
            frames += 1;
            if frames == BATCH_FRAMES_MAX {
                return Ok(Batch { cover, is_reset, changes });
            }
        }
        cover.next = cover.next.max(stamp.visible);
        Ok(Batch { cover, is_reset, changes })
    }

    /// What a frame changes about the list.
    fn links_of(&self, snapshot: &Snapshot, frame: &Frame, find: FindPageLinks) -> Result<Option<PostLinks>, Error> {
        match frame.body {
            Body::Put { author, record, .. } | Body::Edit { author, record, .. } => {
                // The newest version, whichever frame this is.
                let found = match snapshot.record(author, record) {
                    Err(error) if error.is_damaged() => None,
                    found => found?,
                };
                let Some(found) = found else { return Ok(None) };
                let targets = if found.text.contains("[[") { targets(&find(&found.text)) } else { Vec::new() };
                let is_listed = matches!(frame.body, Body::Edit { .. }) && self.is_listed(found.put)?;
                let change = PostLinks { put: found.put, version: found.element, targets };
                Ok((is_listed || !change.targets.is_empty()).then_some(change))
            }
            Body::Delete { author, record } => {
                let put = snapshot.list(&ListKey::Timeline(author))?.get(record.0)?;
                let change = PostLinks { put, version: put, targets: Vec::new() };
                Ok(self.is_listed(put)?.then_some(change))
            }
            _ => Ok(None),
        }
    }

    fn is_listed(&self, put: Position) -> Result<bool, Error> {
        self.db.read("look for a post", |connection| {
            let sql = "SELECT 1 FROM post_link WHERE put = ?1 LIMIT 1";
            Ok(connection.query_row(sql, [signed(put.0)], |_| Ok(())).optional()?.is_some())
        })
    }

    /// Posts that link to a page, newest first, from below a cursor or the newest; as far as [`Wiki::index_posts`] has
    /// come.
    ///
    /// # Errors
    /// The cursor names no record, or the log or the database cannot be read.
    pub fn post_backlinks(&self, name: &PageName, before: Option<&Cursor>, n: usize) -> Result<Page, Error> {
        let reader = self.store.reader()?;
        let mut below = match before {
            Some(cursor) => reader.place(cursor)?.put,
            None => reader.stamp().visible,
        };
        let mut ahead: Vec<(Position, Position)> = Vec::new();
        let mut fetch = n.saturating_add(1).min(HITS_MAX);
        reader.walk(n, || {
            if ahead.is_empty() && fetch > 0 {
                ahead = self.posts_below(name, reader.stamp().log, below, fetch)?;
                ahead.reverse();
                // Fewer than asked for were the last.
                fetch = if ahead.len() < fetch { 0 } else { HITS_MAX };
            }
            let Some((put, version)) = ahead.pop() else { return Ok(None) };
            below = put;
            let found = reader.snapshot().element(&ListKey::Latest, put)?;
            let found = found.filter(|record| record.element == version);
            Ok(Some(found.map_or(Step::Dead(put), Step::Live)))
        })
    }

    /// None if the list is of another log than number `log`.
    fn posts_below(
        &self,
        name: &PageName,
        log: u64,
        below: Position,
        n: usize,
    ) -> Result<Vec<(Position, Position)>, Error> {
        let sql = "SELECT put, version FROM post_link WHERE target = ?1 AND put < ?2 ORDER BY put DESC LIMIT ?3";
        self.db.read("list posts that link to a page", |connection| {
            let connection = connection.unchecked_transaction()?;
            if read_cover(&connection)?.is_some_and(|cover| cover.log != log) {
                return Ok(Vec::new());
            }
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map(params![name.as_str(), signed(below.0), count(n)], |row| {
                Ok((Position(unsigned(row.get(0)?)), Position(unsigned(row.get(1)?))))
            })?;
            rows.collect()
        })
    }

    /// Takes deleted posts of the log number `log` off the list, and their words off the disk. A list of the log before knows them by
    /// other positions: it goes whole.
    pub(crate) fn forget_posts(&self, log: u64, puts: &[Position]) -> Result<(), Error> {
        let cover = self.db.read("read what posts are covered", read_cover)?;
        if cover.is_some_and(|cover| cover.log < log) {
            self.db.write("forget posts that link to pages", |transaction| {
                transaction.execute_batch("DELETE FROM post_link; DELETE FROM cover;")
            })?;
            return self.db.truncate_wal();
        }
        let mut is_listed = false;
        for put in puts {
            is_listed |= self.is_listed(*put)?;
        }
        if !is_listed {
            return Ok(());
        }
        self.db.write("forget posts that link to pages", |transaction| {
            let change = next_change(transaction)?;
            puts.iter().try_for_each(|put| forget(transaction, *put, change))
        })?;
        self.db.truncate_wal()
    }
}

/// The names that pages can have, each once.
fn targets(found: &[String]) -> Vec<String> {
    let mut targets: Vec<String> = Vec::new();
    for name in found.iter().filter_map(|name| PageName::parse(name).ok()).take(POST_LINKS_MAX) {
        if !targets.iter().any(|known| known == name.as_str()) {
            targets.push(name.as_str().to_owned());
        }
    }
    targets
}

fn apply(transaction: &Connection, batch: &Batch) -> Result<(), rusqlite::Error> {
    if batch.is_reset {
        transaction.execute("DELETE FROM post_link", ())?;
    }
    if !batch.changes.is_empty() {
        let change = next_change(transaction)?;
        let mut insert =
            transaction.prepare("INSERT OR REPLACE INTO post_link (target, put, version) VALUES (?1, ?2, ?3)")?;
        let mut touch = transaction.prepare("UPDATE page SET version = ?2 WHERE name = ?1")?;
        for post in &batch.changes {
            forget(transaction, post.put, change)?;
            for target in &post.targets {
                insert.execute(params![target, signed(post.put.0), signed(post.version.0)])?;
                touch.execute(params![target, change])?;
            }
        }
    }
    write_cover(transaction, &batch.cover)
}

/// Takes a post off the list.
fn forget(transaction: &Connection, put: Position, change: i64) -> Result<(), rusqlite::Error> {
    let touch = "UPDATE page SET version = ?2 WHERE name IN (SELECT target FROM post_link WHERE put = ?1)";
    transaction.execute(touch, params![signed(put.0), change])?;
    transaction.execute("DELETE FROM post_link WHERE put = ?1", [signed(put.0)]).map(|_| ())
}

/// Up to where this process has seen that no post changes the list.
pub(crate) type Seen = Option<Stamp>;

#[cfg(test)]
mod tests;
