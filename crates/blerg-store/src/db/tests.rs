//! The database opens with its settings and migrations, waits for others, and never says that it is locked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::*;
use crate::account::tests::{child, task};

const COUNTERS: Layout = Layout {
    file: "counters.db",
    application_id: 1,
    migrations: &["CREATE TABLE counter (n INTEGER NOT NULL) STRICT; INSERT INTO counter VALUES (0);"],
};

const COUNTERS_2: Layout =
    Layout { migrations: &[COUNTERS.migrations[0], "ALTER TABLE counter ADD COLUMN name TEXT;"], ..COUNTERS };

const BROKEN: Layout = Layout { migrations: &[COUNTERS.migrations[0], "CREATE TABLE a (b); nonsense"], ..COUNTERS };

fn open(dir: &Path, layout: &Layout) -> Result<Db, Error> {
    Db::open(dir, layout, Syncing::Normal, Checkpoints::WhenGrown)
}

fn add(db: &Db) -> Result<usize, Error> {
    db.write("count", |transaction| {
        // Reading first would make a deferred transaction fail for the loser of a race.
        let n: i64 = transaction.query_row("SELECT n FROM counter", (), |row| row.get(0))?;
        transaction.execute("UPDATE counter SET n = ?1", [n + 1])
    })
}

fn count(db: &Db) -> i64 {
    db.read("read", |connection| connection.query_row("SELECT n FROM counter", (), |row| row.get(0))).unwrap()
}

fn pragma(db: &Db, name: &str) -> String {
    db.read("read", |connection| {
        connection.query_row(&format!("PRAGMA {name}"), (), |row| {
            row.get_ref(0).map(|value| match value {
                rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                other => other.as_str().unwrap().to_owned(),
            })
        })
    })
    .unwrap()
}

#[test]
fn files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), &COUNTERS).unwrap();
    add(&db).unwrap();
    for name in ["counters.db", "counters.db-wal", "counters.db-shm"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn connections_are_set_up_for_safety() {
    let dir = tempfile::tempdir().unwrap();
    for (syncing, synchronous) in [(Syncing::Full, "2"), (Syncing::Normal, "1")] {
        let db = Db::open(dir.path(), &SITE, syncing, Checkpoints::WhenGrown).unwrap();
        assert_eq!(pragma(&db, "journal_mode"), "wal");
        assert_eq!(pragma(&db, "synchronous"), synchronous);
        assert_eq!(pragma(&db, "secure_delete"), "1");
        assert_eq!(pragma(&db, "foreign_keys"), "1");
        assert_eq!(pragma(&db, "trusted_schema"), "0");
        assert_eq!(pragma(&db, "cell_size_check"), "1");
        assert_eq!(pragma(&db, "application_id"), SITE.application_id.to_string());
        assert_eq!(pragma(&db, "user_version"), SITE.version().to_string());
        assert_eq!(pragma(&db, "integrity_check"), "ok");
        // Defensive: no statement of ours could write the schema by hand.
        let denied = db.write("write the schema", |transaction| {
            transaction.execute_batch("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema;")
        });
        assert!(denied.is_err());
    }
}

#[test]
fn older_file_is_upgraded_and_newer_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), &COUNTERS).unwrap();
    add(&db).unwrap();
    drop(db);
    let db = open(dir.path(), &COUNTERS_2).unwrap();
    assert_eq!(count(&db), 1);
    db.write("name", |transaction| transaction.execute("UPDATE counter SET name = 'x'", ())).unwrap();
    drop(db);
    drop(open(dir.path(), &COUNTERS_2).unwrap());
    match open(dir.path(), &COUNTERS) {
        Err(Error::SchemaVersion { found: 2, known: 1, .. }) => {}
        other => panic!("want SchemaVersion, got {other:?}"),
    }
}

#[test]
fn failed_migration_leaves_the_old_version() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), &COUNTERS).unwrap());
    assert!(open(dir.path(), &BROKEN).is_err());
    let db = open(dir.path(), &COUNTERS_2).unwrap();
    assert_eq!(pragma(&db, "user_version"), "2");
}

#[test]
fn failed_change_is_undone_whole() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), &COUNTERS).unwrap();
    let failed = db.write("fail", |transaction| {
        transaction.execute("UPDATE counter SET n = 99", ())?;
        transaction.execute("nonsense", ())
    });
    assert!(failed.is_err());
    assert_eq!(count(&db), 0);
    add(&db).unwrap();
    assert_eq!(count(&db), 1);
}

#[test]
fn deleted_secrets_are_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path(), &COUNTERS_2, Syncing::Normal, Checkpoints::AtClose).unwrap();
    let secret = "a secret that must not survive";
    db.write("write", |transaction| transaction.execute("UPDATE counter SET name = ?1", [secret])).unwrap();
    drop(db);
    let file = dir.path().join("counters.db");
    let holds_secret = || {
        let bytes = fs::read(&file).unwrap();
        bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
    };
    assert!(holds_secret());
    let db = Db::open(dir.path(), &COUNTERS_2, Syncing::Normal, Checkpoints::AtClose).unwrap();
    db.write("delete", |transaction| transaction.execute("DELETE FROM counter", ())).unwrap();
    drop(db);
    assert!(!holds_secret());
}

#[test]
fn only_a_server_moves_the_log_at_its_end() {
    for (checkpoints, wal_stays) in [(Checkpoints::WhenGrown, true), (Checkpoints::AtClose, false)] {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), &COUNTERS, Syncing::Normal, checkpoints).unwrap();
        add(&db).unwrap();
        drop(db);
        let wal = fs::metadata(dir.path().join("counters.db-wal")).map_or(0, |metadata| metadata.len());
        assert_eq!(wal > 0, wal_stays, "{checkpoints:?}");
        assert_eq!(count(&open(dir.path(), &COUNTERS).unwrap()), 1);
    }
}

#[test]
fn idle_connections_stay_few() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), &COUNTERS).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| count(&db));
        }
    });
    assert!(db.idle.lock().unwrap().len() <= IDLE_MAX);
}

#[test]
fn threads_never_see_the_database_locked() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), &COUNTERS).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..25 {
                    add(&db).unwrap();
                    count(&db);
                }
            });
        }
    });
    assert_eq!(count(&db), 16 * 25);
}

/// Opens, counts and closes again and again, as CGI processes do.
#[test]
fn child_opens_and_counts() {
    let Some(task) = task() else { return };
    for _ in 0..OPENINGS {
        let db = open(Path::new(&task), &COUNTERS).unwrap();
        add(&db).unwrap();
    }
}

const OPENINGS: i64 = 30;

#[test]
fn processes_never_see_the_database_locked_even_while_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = child("db::tests::child_opens_and_counts", dir.path().to_str().unwrap());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(count(&open(dir.path(), &COUNTERS).unwrap()), 4 * OPENINGS);
}

#[test]
fn write_that_waits_too_long_is_busy_and_never_locked() {
    let busy = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None);
    assert_eq!(Error::sqlite("count")(busy).retry_after_secs(), Some(2));
    let snapshot = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY_SNAPSHOT);
    let snapshot = rusqlite::Error::SqliteFailure(snapshot, None);
    assert_eq!(Error::sqlite("count")(snapshot).retry_after_secs(), Some(2));
}

#[test]
fn full_disk_is_told_apart() {
    let full = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None);
    let error = Error::sqlite("count")(full);
    assert!(error.is_full());
    assert!(error.leaves_reading_possible());
}

/// Makes a database under a limit of file sizes that its parent set.
#[test]
fn child_finds_no_room() {
    let Some(task) = task() else { return };
    let refused = |error: Error| assert!(error.is_full() && !error.is_read_only(), "{error:?}");
    match open(Path::new(&task), &COUNTERS) {
        Ok(db) => refused((0..1_000).find_map(|_| add(&db).err()).unwrap()),
        Err(error) => refused(error),
    }
}

#[test]
fn limit_of_file_sizes_is_a_full_disk() {
    // Blocks of 512 bytes: what is there may not grow, may grow by some pages, or only the database is beyond.
    for blocks in [0, 8, 20, 64, 80, 400] {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path(), &COUNTERS).unwrap();
        add(&db).unwrap();
        let mut shell = Command::new("sh");
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let inner = child("db::tests::child_finds_no_room", dir.path().to_str().unwrap());
        shell.args(["-c", &limited]).arg(inner.get_program()).args(inner.get_args());
        shell.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{blocks}: {}", String::from_utf8_lossy(&output.stdout));
        add(&db).unwrap();
    }
}

#[test]
fn read_only_is_told_apart_and_what_the_system_does_not_explain_stays_as_it_is() {
    let error = |code| {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let dir = tempfile::tempdir().unwrap();
        room::explain(&dir.path().join("counters.db"), Error::sqlite("count")(error))
    };
    for code in [rusqlite::ffi::SQLITE_READONLY, rusqlite::ffi::SQLITE_READONLY_CANTINIT] {
        assert!(error(code).is_read_only() && !error(code).is_full() && error(code).leaves_reading_possible());
    }
    for code in [rusqlite::ffi::SQLITE_IOERR_WRITE, rusqlite::ffi::SQLITE_CANTOPEN, rusqlite::ffi::SQLITE_CORRUPT] {
        assert!(matches!(error(code), Error::Sqlite { .. }) && !error(code).is_full() && !error(code).is_read_only());
    }
    let from = |errno: rustix::io::Errno| Error::io("site.db", "write")(errno.into());
    for errno in [rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT, rustix::io::Errno::FBIG] {
        assert!(from(errno).is_full() && !from(errno).is_read_only());
    }
    assert!(from(rustix::io::Errno::ROFS).is_read_only());
    assert_eq!(from(rustix::io::Errno::MFILE).retry_after_secs(), Some(2));
}

#[test]
fn write_ahead_log_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), &COUNTERS_2).unwrap();
    let wal = || fs::metadata(dir.path().join("counters.db-wal")).unwrap().len();
    let fill = |bytes: i64| {
        db.write("fill", |transaction| {
            transaction.execute("INSERT INTO counter (n, name) VALUES (0, hex(randomblob(?1)))", [bytes])
        })
        .unwrap();
    };
    fill(3 << 20);
    (0..100).for_each(|_| fill(20_000));
    assert!(wal() < 2 * u64::from(WAL_BYTES), "{}", wal());
}

#[test]
fn switching_to_wal_waits_for_whoever_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.db");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("CREATE TABLE a (b); BEGIN IMMEDIATE; INSERT INTO a VALUES (1);").unwrap();
    let other = Connection::open(&path).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    let wait = Duration::from_millis(200);
    let started = Instant::now();
    assert!(matches!(set_wal(&other, wait), Err(Error::Busy { .. })));
    assert!(started.elapsed() >= wait);
    writer.execute_batch("COMMIT").unwrap();
    set_wal(&other, wait).unwrap();
}
