//! What a user has seen of the feed and of mentions, as positions in the log. Start at `Store::seen`. A row names the log
//! that its positions are of: after a compaction they are translated when they are read, and for good by `move_seen`.

use blerg_log::{AuthorId, Moves, Position, Stamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::Store;
use crate::error::Error;
use crate::session::micros;

/// Up to where a user has seen things; the start of the log if never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Posts of those followed.
    pub feed: Position,
    /// Posts that mention the user.
    pub mentioned: Position,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenKind {
    /// Posts of those followed.
    Feed,
    /// Posts that mention the user.
    Mentioned,
}

/// A row, and the number of the log that it is of.
struct Row {
    seen: Seen,
    log: u64,
}

impl Store {
    /// Up to where a user has seen feed and mentions, as places in the log that `stamp` is of.
    ///
    /// # Errors
    /// If the database or the log cannot be read.
    pub fn seen(&self, author: AuthorId, stamp: Stamp) -> Result<Seen, Error> {
        let sql = "SELECT s.feed, s.mentioned, s.log FROM account a JOIN seen s ON s.account = a.id
                   WHERE a.author = ?1";
        let found = self
            .db()?
            .read("read what was seen", |connection| connection.query_row(sql, params![author.0], row).optional())?;
        found.map_or_else(|| Ok(Seen::default()), |found| self.seen_in(stamp.log, &found))
    }

    /// Notes that a user has seen everything that `stamp` sees; never goes back.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn clear(&self, author: AuthorId, kind: SeenKind, stamp: Stamp) -> Result<(), Error> {
        let now = match kind {
            SeenKind::Feed => Seen { feed: stamp.visible, ..Seen::default() },
            SeenKind::Mentioned => Seen { mentioned: stamp.visible, ..Seen::default() },
        };
        let now = Row { seen: now, log: stamp.log };
        self.db()?.change("note what was seen", |transaction| {
            let sql = "SELECT id FROM account WHERE author = ?1";
            let Some(account): Option<i64> =
                transaction.query_row(sql, params![author.0], |row| row.get(0)).optional()?
            else {
                return Ok(());
            };
            let sql = "SELECT feed, mentioned, log FROM seen WHERE account = ?1";
            let before = transaction.query_row(sql, params![account], row).optional()?;
            let before = before.unwrap_or(Row { seen: Seen::default(), log: now.log });
            // Another process may have gone over to a log that this reader does not know of yet.
            let log = now.log.max(before.log);
            let (now, before) = (self.seen_in(log, &now)?, self.seen_in(log, &before)?);
            let seen = Seen { feed: now.feed.max(before.feed), mentioned: now.mentioned.max(before.mentioned) };
            Ok(write(transaction, account, &Row { seen, log })?)
        })
    }

    /// The places of a row in the log number `log`. What is not known any more counts as not seen.
    fn seen_in(&self, log: u64, row: &Row) -> Result<Seen, Error> {
        if row.log == log {
            return Ok(row.seen);
        }
        let moves = self.log()?.moves(row.log, log)?;
        Ok(moves.map_or_else(Seen::default, |moves| moved(&moves, row.seen)))
    }

    /// All positions that are noted.
    pub(crate) fn seen_positions(&self) -> Result<Vec<Position>, Error> {
        self.db()?.read("list what was seen", |connection| {
            let mut list = connection.prepare("SELECT feed FROM seen UNION SELECT mentioned FROM seen")?;
            let positions = list.query_map((), |row| Ok(Position(row.get::<_, i64>(0)?.unsigned_abs())))?;
            positions.collect()
        })
    }

    /// Translates all rows to the log that counts now. Can be done at any time and again: each row says which log it is of.
    pub(crate) fn move_seen(&self) -> Result<(), Error> {
        let log = self.log()?.snapshot()?.stamp().log;
        self.db()?.change("translate what was seen", |transaction| {
            let mut list = transaction.prepare("SELECT feed, mentioned, log, account FROM seen WHERE log < ?1")?;
            let rows = list.query_map([micros(log)], |found| Ok((row(found)?, found.get::<_, i64>(3)?)))?;
            let rows = rows.collect::<Result<Vec<(Row, i64)>, rusqlite::Error>>()?;
            // The table is read where it is needed only: damaged, it must not keep the next compaction from beginning.
            let moves = match (log.checked_sub(1), rows.is_empty()) {
                (Some(before), false) => self.log()?.moves(before, log).map_err(Error::from)?,
                _ => None,
            };
            for (Row { seen, log: from }, account) in rows {
                let known = moves.as_ref().filter(|_| from + 1 == log);
                let seen = known.map_or_else(Seen::default, |moves| moved(moves, seen));
                write(transaction, account, &Row { seen, log })?;
            }
            Ok(())
        })
    }
}

fn moved(moves: &Moves, seen: Seen) -> Seen {
    Seen { feed: moves.of(seen.feed), mentioned: moves.of(seen.mentioned) }
}

fn row(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    let number = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
    Ok(Row { seen: Seen { feed: Position(number(0)?), mentioned: Position(number(1)?) }, log: number(2)? })
}

fn write(transaction: &Connection, account: i64, Row { seen, log }: &Row) -> Result<(), rusqlite::Error> {
    let values = params![account, micros(seen.feed.0), micros(seen.mentioned.0), micros(*log)];
    let sql = "INSERT OR REPLACE INTO seen (account, feed, mentioned, log) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, values).map(|_| ())
}
