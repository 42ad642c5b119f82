//! How far a file that is derived from the log has come: one row of its table `cover`. Start at [`Cover`]. The full-text
//! index and the wiki's list of posts that link to pages both have one.

use blerg_log::{Position, Snapshot, Stamp};
use rusqlite::{Connection, OptionalExtension, params};

/// Up to where the index says what the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cover {
    pub site: [u8; 16],
    /// The number of the log ([`Stamp::log`]): positions of another one mean nothing in this.
    pub log: u64,
    pub epoch: u64,
    pub generation: u64,
    /// The first position not covered.
    pub next: Position,
    /// The last frame covered and its time: what shows that this is still the same log.
    pub last: Position,
    pub last_us: u64,
}

impl Cover {
    /// Nothing covered of the log that `stamp` is of.
    pub(crate) fn nothing(site: [u8; 16], stamp: Stamp) -> Cover {
        let start = Position(0);
        Cover {
            site,
            log: stamp.log,
            epoch: stamp.epoch,
            generation: stamp.generation,
            next: start,
            last: start,
            last_us: 0,
        }
    }

    /// Whether everything that `stamp` sees is covered; also if that is of a log from before a compaction.
    pub(crate) fn covers(&self, site: [u8; 16], stamp: Stamp) -> bool {
        self.site == site
            && (self.log > stamp.log
                || (self.log, self.epoch, self.generation) == (stamp.log, stamp.epoch, stamp.generation)
                    && self.next >= stamp.visible)
    }
}

/// What the file covers; `None` while that is nothing.
pub(crate) fn read_cover(connection: &Connection) -> Result<Option<Cover>, rusqlite::Error> {
    let sql = "SELECT site, epoch, generation, next, last, last_us, log FROM cover";
    connection
        .query_row(sql, (), |row| {
            Ok(Cover {
                site: row.get(0)?,
                epoch: u64::from_be_bytes(row.get(1)?),
                generation: unsigned(row.get(2)?),
                next: Position(unsigned(row.get(3)?)),
                last: Position(unsigned(row.get(4)?)),
                last_us: unsigned(row.get(5)?),
                log: unsigned(row.get(6)?),
            })
        })
        .optional()
}

/// Notes what the file covers, in the transaction that makes it so.
pub(crate) fn write_cover(transaction: &Connection, cover: &Cover) -> Result<(), rusqlite::Error> {
    let values = params![
        cover.site,
        cover.epoch.to_be_bytes(),
        signed(cover.generation),
        signed(cover.next.0),
        signed(cover.last.0),
        signed(cover.last_us),
        signed(cover.log),
    ];
    let sql = "INSERT OR REPLACE INTO cover (one, site, epoch, generation, next, last, last_us, log)
               VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    transaction.execute(sql, values).map(|_| ())
}

/// Whether the log is still the one that was indexed: same site, and the last frame covered stands where it stood.
/// Only asked after a recovery or a rebuild, which give the stamp another epoch or generation.
pub(crate) fn is_same_log(cover: &Cover, snapshot: &Snapshot, site: [u8; 16]) -> bool {
    let stamp = snapshot.stamp();
    if cover.site != site || cover.log != stamp.log {
        return false;
    }
    if (cover.epoch, cover.generation) == (stamp.epoch, stamp.generation) || cover.next == Position(0) {
        return true;
    }
    match snapshot.frames(cover.last).next() {
        Some(Ok(frame)) => frame.position == cover.last && frame.time_us == cover.last_us,
        _ => false,
    }
}

/// Positions are below 2^63 (the log's limit), so they fit SQLite's integers.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
