//! SQLite in WAL mode with the same records, tags and follows.

use std::path::Path;

use rusqlite::{Connection, params};

use super::Engine;
use super::data::{Record, Site, author, tag};

/// As many records are inserted in one transaction while loading.
const BATCH: u64 = 10_000;

const SCHEMA: &str =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000; PRAGMA mmap_size=34359738368;
    CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
    CREATE TABLE record (id INTEGER PRIMARY KEY, author INTEGER, at_us INTEGER, text TEXT);
    CREATE INDEX record_author ON record (author, id);
    CREATE TABLE tag (name TEXT, record INTEGER, PRIMARY KEY (name, record)) WITHOUT ROWID;";

pub(crate) struct Sqlite {
    connection: Connection,
    followees: Vec<u32>,
}

impl Sqlite {
    pub(crate) fn load(dir: &Path, site: &Site) -> Sqlite {
        std::fs::create_dir(dir).expect("a directory");
        let mut connection = Connection::open(dir.join("peer.db")).expect("open");
        connection.set_prepared_statement_cache_capacity(32);
        connection.execute_batch(SCHEMA).expect("schema");
        let transaction = connection.transaction().expect("begin");
        for n in 0..site.authors {
            let mut insert = transaction.prepare_cached("INSERT INTO author VALUES (?1, ?2)").expect("a statement");
            insert.execute(params![n, author(n)]).expect("insert");
        }
        transaction.commit().expect("commit");
        for first in (0..site.records).step_by(BATCH as usize) {
            let transaction = connection.transaction().expect("begin");
            (first..(first + BATCH).min(site.records)).for_each(|n| insert(&transaction, &site.record(n)));
            transaction.commit().expect("commit");
        }
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous=FULL;").expect("checkpoint");
        Sqlite { connection, followees: site.followees() }
    }

    fn texts(&self, query: &str, parameter: &dyn rusqlite::ToSql) -> usize {
        let mut select = self.connection.prepare_cached(query).expect("a statement");
        let rows = select.query_map([parameter], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        rows.expect("rows").map(|row| usize::from(!row.expect("a row").0.is_empty())).sum()
    }
}

fn insert(connection: &Connection, record: &Record) {
    let mut insert =
        connection.prepare_cached("INSERT INTO record (author, at_us, text) VALUES (?1, ?2, ?3)").expect("a statement");
    insert.execute(params![record.author, record.at_us.cast_signed(), record.text]).expect("insert");
    let id = connection.last_insert_rowid();
    for tag in record.tags() {
        let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO tag VALUES (?1, ?2)").expect("a statement");
        insert.execute(params![tag, id]).expect("insert");
    }
}

impl Engine for Sqlite {
    fn put(&mut self, record: Record) {
        let transaction = self.connection.transaction().expect("begin");
        insert(&transaction, &record);
        transaction.commit().expect("commit");
    }

    fn user(&self, n: u32) -> usize {
        let query = "SELECT text, at_us FROM record WHERE author = (SELECT id FROM author WHERE name = ?1) ORDER BY id DESC LIMIT 50";
        self.texts(query, &author(n))
    }

    fn tag(&self, n: u32) -> usize {
        let query = "SELECT r.text, r.at_us FROM tag t JOIN record r ON r.id = t.record WHERE t.name = ?1 ORDER BY t.record DESC LIMIT 50";
        self.texts(query, &tag(n))
    }

    /// The newest of each followee that may still be among the first 50.
    fn feed(&self) -> usize {
        let query = "SELECT id FROM record WHERE author = ?1 AND id > ?2 ORDER BY id DESC LIMIT 50";
        let mut select = self.connection.prepare_cached(query).expect("a statement");
        let mut newest: Vec<i64> = Vec::new();
        for followee in &self.followees {
            let least = newest.get(49).copied().unwrap_or(0);
            let ids = select.query_map(params![followee, least], |row| row.get::<_, i64>(0)).expect("rows");
            newest.extend(ids.map(|id| id.expect("a row")));
            newest.sort_unstable_by(|a, b| b.cmp(a));
            newest.truncate(50);
        }
        newest.iter().map(|id| self.texts("SELECT text, at_us FROM record WHERE id = ?1", id)).sum()
    }
}
