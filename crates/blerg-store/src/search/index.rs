//! The full-text index of one log: `search.db`, or `search.N.db` for the log number N; derived from it and thrown away whenever it does
//! not fit it. Start at [`Index`]. A compaction makes that of the new log beside the old one. It keeps its own folded copy of each text, because a deleted record's text is gone from the log when
//! its words are to be taken out of the index; secure-delete then takes them out at once, not at some later merge.

use std::path::{Path, PathBuf};
use std::{fs, io};

use blerg_log::{Body, Frame, ListKey, Position, Record, Snapshot, Stamp};
use rusqlite::{OptionalExtension, Statement, Transaction, params};

use super::cover::{Cover, is_same_log, read_cover, signed, unsigned, write_cover};
use super::{expr, fold};
use crate::db::{Checkpoints, Db, Layout, Syncing};
use crate::list::TagKey;
use crate::{Error, Store};

/// The file. A power cut may take its newest transactions, which are then indexed again.
pub(crate) const SEARCH: Layout = Layout {
    file: "search.db",
    application_id: 0x424c_5253,
    migrations: &[
        "
CREATE TABLE cover (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    site BLOB NOT NULL,
    epoch BLOB NOT NULL,
    generation INTEGER NOT NULL,
    next INTEGER NOT NULL,
    last INTEGER NOT NULL,
    last_us INTEGER NOT NULL
) STRICT;
CREATE VIRTUAL TABLE post USING fts5(
    body, meta, version UNINDEXED,
    columnsize = 0,
    tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'\"
);
INSERT INTO post(post, rank) VALUES ('secure-delete', 1);
",
        "
ALTER TABLE cover ADD COLUMN log INTEGER NOT NULL DEFAULT 0;
",
    ],
};

/// What makes the table anew; the same words as in the migration.
const RESET: &str = "
DELETE FROM cover;
DROP TABLE post;
CREATE VIRTUAL TABLE post USING fts5(
    body, meta, version UNINDEXED,
    columnsize = 0,
    tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'\"
);
INSERT INTO post(post, rank) VALUES ('secure-delete', 1);
";

/// Most frames of one transaction, so that other processes get their turn.
const BATCH_FRAMES_MAX: u64 = 2_000;

/// Most bytes of text of one transaction.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A record that the index offers: where it was put and which version was indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub put: Position,
    pub version: Position,
}

/// What one batch did.
pub(crate) struct Batch {
    /// Frames looked at.
    pub frames: u64,
    /// The first position not covered.
    pub next: Position,
    /// Deleted records that were taken out.
    pub deletes: u64,
}

/// The full-text index of a data directory.
#[derive(Debug)]
pub(crate) struct Index {
    db: Db,
    site: [u8; 16],
    /// The log that it is meant for.
    pub(crate) log: u64,
}

/// The index of the log number `log`.
pub(crate) fn path(dir: &Path, log: u64) -> PathBuf {
    match log {
        0 => dir.join(SEARCH.file),
        log => dir.join(format!("search.{log}.db")),
    }
}

/// Of which log a file is the index, or belongs to it.
fn log_of(file: &str) -> Option<u64> {
    let name = ["-wal", "-shm", "-journal"].into_iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
    if name == SEARCH.file {
        return Some(0);
    }
    name.strip_prefix("search.")?.strip_suffix(".db")?.parse().ok()
}

/// Removes the indexes in `dir` of those logs that `is_unwanted`. Who has one open keeps what it has until it ends; nobody believes it more
/// than the log.
pub(crate) fn remove(dir: &Path, is_unwanted: impl Fn(u64) -> bool) -> Result<(), Error> {
    for file in files(dir)? {
        if log_of(&file).is_some_and(&is_unwanted) {
            let path = dir.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(&path, "remove")(error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The logs that have an index in `dir`.
pub(crate) fn logs(dir: &Path) -> Result<Vec<u64>, Error> {
    let mut logs: Vec<u64> = files(dir)?.iter().filter_map(|file| log_of(file)).collect();
    logs.sort_unstable();
    logs.dedup();
    Ok(logs)
}

fn files(dir: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(dir).map_err(Error::io(dir, "list"))?;
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    entries.map(name).collect::<io::Result<Vec<String>>>().map_err(Error::io(dir, "list"))
}

impl Index {
    /// Opens the index of the log number `log`, making it where there is none.
    pub(crate) fn open(store: &Store, log: u64) -> Result<Index, Error> {
        let site = store.site_id()?;
        let db = Db::open_at(path(store.dir(), log), &SEARCH, Syncing::Normal, Checkpoints::WhenGrown)?;
        Ok(Index { db, site, log })
    }

    /// Whether everything that `stamp` sees is covered; saves a search the write lock.
    pub(crate) fn covers(&self, stamp: Stamp) -> Result<bool, Error> {
        let cover = self.cover()?;
        Ok(cover.is_some_and(|cover| cover.covers(self.site, stamp)))
    }

    /// The number of the log that its rows are of.
    pub(crate) fn covered_log(&self) -> Result<u64, Error> {
        Ok(self.cover()?.map_or(0, |cover| cover.log))
    }

    /// Writes the file anew, without the room of what is gone; whether its write-ahead log is empty.
    pub(crate) fn shrink(&self, dir: &Path) -> Result<bool, Error> {
        self.db.shrink(dir)
    }

    /// The first position not covered.
    pub(crate) fn next(&self) -> Result<Position, Error> {
        Ok(self.cover()?.map_or(Position(0), |cover| cover.next))
    }

    /// The first position not covered; `None` if the index is of another log, or empty.
    pub(crate) fn fits(&self, snapshot: &Snapshot) -> Result<Option<Position>, Error> {
        let cover = self.cover()?;
        Ok(cover.filter(|cover| is_same_log(cover, snapshot, self.site)).map(|cover| cover.next))
    }

    fn cover(&self) -> Result<Option<Cover>, Error> {
        self.db.read("read the search index's cover", read_cover)
    }

    /// Indexes the next frames that `snapshot` sees, in one transaction.
    pub(crate) fn catch_up(&self, snapshot: &Snapshot) -> Result<Batch, Error> {
        // An error of the log inside the transaction has to come out through SQLite's.
        let mut failed = None;
        let result =
            self.db.write("extend the search index", |transaction| match catch_up(transaction, snapshot, self.site)? {
                Ok(batch) => Ok(Some(batch)),
                Err(error) => {
                    failed = Some(error);
                    Err(rusqlite::Error::QueryReturnedNoRows)
                }
            });
        match (failed, result?) {
            (Some(error), _) => Err(error),
            (None, Some(batch)) => {
                if batch.deletes > 0 {
                    self.db.truncate_wal()?;
                }
                Ok(batch)
            }
            (None, None) => Ok(Batch { frames: 0, next: Position(0), deletes: 0 }),
        }
    }

    /// The next records below `below` that match, newest first; `None` if the index follows another log than number `log`.
    pub(crate) fn hits(
        &self,
        expression: &str,
        log: u64,
        below: Position,
        n: usize,
    ) -> Result<Option<Vec<Hit>>, Error> {
        self.db.read("search", |connection| {
            let connection = connection.unchecked_transaction()?;
            if read_cover(&connection)?.is_none_or(|cover| cover.log != log) {
                return Ok(None);
            }
            let mut statement = connection.prepare(
                "SELECT rowid, version FROM post WHERE post MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3",
            )?;
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![expression, signed(below.0), n], |row| {
                Ok(Hit { put: Position(unsigned(row.get(0)?)), version: Position(unsigned(row.get(1)?)) })
            })?;
            rows.collect::<Result<Vec<Hit>, rusqlite::Error>>().map(Some)
        })
    }

    /// Takes records out, and their words off the disk.
    pub(crate) fn erase(&self, puts: &[Position]) -> Result<(), Error> {
        let gone = self.db.write("erase from the search index", |transaction| {
            let mut statement = transaction.prepare("DELETE FROM post WHERE rowid = ?1")?;
            let mut gone = 0;
            for put in puts {
                gone += statement.execute([signed(put.0)])?;
            }
            Ok(gone)
        })?;
        if gone > 0 {
            self.db.truncate_wal()?;
        }
        Ok(())
    }

    /// Problems that SQLite or FTS5 finds, and how many records are indexed.
    pub(crate) fn check(&self) -> Result<(Vec<String>, u64), Error> {
        let problems = self.db.read("check the search index", |connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
            let lines = statement.query_map((), |row| row.get::<_, String>(0))?;
            lines.collect::<Result<Vec<String>, rusqlite::Error>>()
        })?;
        let fts = self.db.write("check the search index's words", |transaction| {
            transaction.execute("INSERT INTO post(post, rank) VALUES ('integrity-check', 1)", ())
        });
        let mut problems: Vec<String> = problems.into_iter().filter(|line| line != "ok").collect();
        if let Err(error) = fts {
            problems.push(error.to_string());
        }
        let count = self.db.read("count the search index", |connection| {
            connection.query_row("SELECT count(*) FROM post", (), |row| row.get::<_, i64>(0))
        })?;
        Ok((problems, unsigned(count)))
    }

    /// Forgets everything, so that the next batches index the whole log again.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        self.db.write("reset the search index", |transaction| transaction.execute_batch(RESET))?;
        self.db.truncate_wal()
    }

    /// The row of the record that was put at `put`.
    pub(crate) fn row(&self, put: Position) -> Result<Option<Hit>, Error> {
        let sql = "SELECT version FROM post WHERE rowid = ?1";
        self.db.read("read the search index", |connection| {
            let version = connection.query_row(sql, [signed(put.0)], |row| row.get(0)).optional()?;
            Ok(version.map(|version| Hit { put, version: Position(unsigned(version)) }))
        })
    }

    /// The indexed records from rowid `above` on, for the check.
    pub(crate) fn rows_above(&self, above: Option<Position>, n: usize) -> Result<Vec<Hit>, Error> {
        self.db.read("list the search index", |connection| {
            let mut statement =
                connection.prepare("SELECT rowid, version FROM post WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?;
            let above = above.map_or(-1, |position| signed(position.0));
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![above, n], |row| {
                Ok(Hit { put: Position(unsigned(row.get(0)?)), version: Position(unsigned(row.get(1)?)) })
            })?;
            rows.collect()
        })
    }
}

type Nested<T> = Result<Result<T, Error>, rusqlite::Error>;

fn catch_up(transaction: &Transaction<'_>, snapshot: &Snapshot, site: [u8; 16]) -> Nested<Batch> {
    let stamp = snapshot.stamp();
    let fresh = || Cover::nothing(site, stamp);
    let mut cover = match read_cover(transaction)? {
        // This process has yet to go over to the log that others have indexed.
        Some(cover) if cover.log > stamp.log => return Ok(Ok(Batch { frames: 0, next: cover.next, deletes: 0 })),
        Some(cover) if is_same_log(&cover, snapshot, site) => {
            Cover { epoch: stamp.epoch, generation: stamp.generation, ..cover }
        }
        Some(_) => {
            transaction.execute_batch(RESET)?;
            fresh()
        }
        None => fresh(),
    };
    let mut writer = Writer::new(transaction, snapshot)?;
    let mut batch = Batch { frames: 0, next: cover.next, deletes: 0 };
    let mut bytes = 0;
    let mut is_full = false;
    for frame in snapshot.frames(cover.next) {
        let frame = match frame {
            Ok(frame) => frame,
            // Damage costs the damaged record only.
            Err(error) if error.is_damaged() => continue,
            Err(error) => return Ok(Err(error.into())),
        };
        match writer.apply(&frame)? {
            Ok(indexed) => bytes += indexed,
            Err(error) => return Ok(Err(error)),
        }
        (cover.next, cover.last, cover.last_us) = (frame.next, frame.position, frame.time_us);
        batch.frames += 1;
        batch.deletes += u64::from(matches!(frame.body, Body::Delete { .. }));
        is_full = batch.frames == BATCH_FRAMES_MAX || bytes >= BATCH_BYTES_MAX;
        if is_full {
            break;
        }
    }
    if !is_full {
        // What may lie between the last frame and the end is damaged, and will not come.
        cover.next = cover.next.max(stamp.visible);
    }
    batch.next = cover.next;
    write_cover(transaction, &cover)?;
    Ok(Ok(batch))
}

/// The statements of one batch.
struct Writer<'t, 's> {
    snapshot: &'s Snapshot,
    insert: Statement<'t>,
    delete: Statement<'t>,
}

impl<'t, 's> Writer<'t, 's> {
    fn new(transaction: &'t Transaction<'_>, snapshot: &'s Snapshot) -> Result<Writer<'t, 's>, rusqlite::Error> {
        let insert = "INSERT OR REPLACE INTO post(rowid, body, meta, version) VALUES (?1, ?2, ?3, ?4)";
        Ok(Writer {
            snapshot,
            insert: transaction.prepare(insert)?,
            delete: transaction.prepare("DELETE FROM post WHERE rowid = ?1")?,
        })
    }

    /// Does to the index what a frame did to the log; returns the bytes of text indexed.
    fn apply(&mut self, frame: &Frame) -> Nested<usize> {
        match frame.body {
            Body::Put { author, record, .. } | Body::Edit { author, record, .. } => {
                match self.snapshot.record(author, record) {
                    // The newest version, whichever frame this is; an edit not reached yet is simply done early.
                    Ok(Some(record)) => self.insert(&record).map(Ok),
                    Ok(None) => Ok(Ok(0)),
                    Err(error) if error.is_damaged() => Ok(Ok(0)),
                    Err(error) => Ok(Err(error.into())),
                }
            }
            Body::Delete { author, record } => {
                let timeline = self.snapshot.list(&ListKey::Timeline(author));
                match timeline.and_then(|list| list.get(record.0)) {
                    Ok(put) => self.delete.execute([signed(put.0)]).map(|_| Ok(0)),
                    Err(error) => Ok(Err(error.into())),
                }
            }
            _ => Ok(Ok(0)),
        }
    }

    fn insert(&mut self, record: &Record<'_>) -> Result<usize, rusqlite::Error> {
        let keys: Vec<TagKey> = record.tags.iter().filter_map(|span| TagKey::at(&record.text, *span)).collect();
        let names = |wanted: fn(&TagKey) -> Option<&str>| keys.iter().filter_map(wanted);
        let meta = expr::meta(record.author, record.created_us, names(TagKey::tag), names(TagKey::mention));
        let body = fold::fold(&record.text);
        self.insert.execute(params![signed(record.put.0), body, meta, signed(record.element.0)])?;
        Ok(record.text.len())
    }
}
