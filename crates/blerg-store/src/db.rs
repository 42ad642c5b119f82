//! SQLite files of a data directory: opening, pragmas, migrations, and waiting without ever showing a visitor
//! "database is locked". Start at `Db::open`, then `read` and `write`. The tables are in `db/schema.rs`.
//!
//! A write is one `BEGIN IMMEDIATE` transaction; threads queue in the process, processes wait by SQLite's busy
//! timeout, both bounded; past that the answer is `Error::Busy`. Nobody but SQLite may open these files: closing
//! any other descriptor drops all its locks in the process (they are fcntl locks). SQLite manual: WAL, PRAGMA.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::error::Error;
use crate::gate::Line;
use crate::ready::refuse_link;

mod room;
mod schema;

pub(crate) use schema::{Layout, SITE};

/// Longest wait for a lock that another process holds; transactions take milliseconds.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for readers before the write-ahead log is left to a later checkpoint: a visitor's delete waits too.
const TRUNCATE_WAIT: Duration = Duration::from_millis(200);
/// So often an erasure by the operator tries to empty the write-ahead log; each try waits as long as any lock.
const TRUNCATE_TRIES: u32 = 3;
/// Most threads of a process that wait to write.
const WRITERS_MAX: usize = 256;
/// Idle connections kept: each has a page cache of up to 2 MiB.
const IDLE_MAX: usize = 8;
/// Pages that the write-ahead log grows to before a commit moves them into the database: with 4 KiB each, a
/// MiB, because sites live under quotas.
const WAL_PAGES: u32 = 256;
const WAL_BYTES: u32 = WAL_PAGES * 4096;
const POLL: Duration = Duration::from_millis(5);

/// Making a file and opening it must not overlap with a lock held on it by this process (see above).
static MAKING: Mutex<()> = Mutex::new(());

/// When a commit is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncing {
    /// Before it is acknowledged.
    Full,
    /// Some time later; a power cut may take the last ones.
    Normal,
}

/// Who moves the write-ahead log into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checkpoints {
    /// The last connection when it closes, and commits that find it grown (a server).
    AtClose,
    /// Only commits that find it grown: a CGI process must not pay at its end.
    WhenGrown,
}

/// Why a transaction is not to be kept.
#[derive(Debug)]
pub(crate) enum Stop {
    /// SQLite could not go on.
    Sqlite(rusqlite::Error),
    /// The store will not.
    Refused(Box<Error>),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Stop {
        Stop::Sqlite(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Refused(Box::new(error))
    }
}

/// One SQLite file and its connections.
#[derive(Debug)]
pub(crate) struct Db {
    path: PathBuf,
    syncing: Syncing,
    checkpoints: Checkpoints,
    idle: Mutex<Vec<Connection>>,
    writers: Line,
}

impl Db {
    /// Opens the file of `layout` in `dir`, making or upgrading it.
    ///
    /// # Errors
    /// The file cannot be made or read, or a newer version of the program made it.
    pub(crate) fn open(dir: &Path, layout: &Layout, syncing: Syncing, checkpoints: Checkpoints) -> Result<Db, Error> {
        Db::open_at(dir.join(layout.file), layout, syncing, checkpoints)
    }

    /// The same for a file of another name than its layout's.
    ///
    /// # Errors
    /// As for [`Db::open`].
    pub(crate) fn open_at(
        path: PathBuf,
        layout: &Layout,
        syncing: Syncing,
        checkpoints: Checkpoints,
    ) -> Result<Db, Error> {
        let db = Db { path, syncing, checkpoints, idle: Mutex::default(), writers: Line::new(WRITERS_MAX) };
        let mut connection = {
            let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
            make_private_file(&db.path)?;
            db.connect()?
        };
        upgrade(&mut connection, layout, &db.path).map_err(|error| room::explain(&db.path, error))?;
        db.give_back(connection);
        Ok(db)
    }

    /// Runs statements that change nothing.
    ///
    /// # Errors
    /// What `read` returns; `Busy` past the wait.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        let connection = self.take()?;
        let result = read(&connection).map_err(Error::sqlite(doing));
        self.give_back(connection);
        result.map_err(|error| room::explain(&self.path, error))
    }

    /// Runs one transaction: all of it is kept when `change` returns `Ok`, nothing otherwise.
    ///
    /// # Errors
    /// What `change` returns; `Busy` past the wait.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + BUSY_WAIT;
        let _place = self.writers.enter(deadline).ok_or(Error::Busy { retry_after_secs: 2 })?;
        let mut connection = self.take()?;
        let result = transact(&mut connection, change).map_err(Error::sqlite(doing));
        self.give_back(connection);
        result.map_err(|error| room::explain(&self.path, error))
    }

    /// Runs one transaction that may also refuse: all of it is kept when `change` returns `Ok`, nothing otherwise.
    ///
    /// # Errors
    /// What `change` returns; `Busy` past the wait.
    pub(crate) fn change<T>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Stop>,
    ) -> Result<T, Error> {
        let mut refused = None;
        let result = self.write(doing, |transaction| match change(transaction) {
            Ok(value) => Ok(value),
            Err(Stop::Sqlite(error)) => Err(error),
            Err(Stop::Refused(error)) => {
                refused = Some(error);
                // Rolls back; nobody sees this error.
                Err(rusqlite::Error::QueryReturnedNoRows)
            }
        });
        refused.map_or(result, |error| Err(*error))
    }

    /// Runs what changes the file but must not be in a transaction, while no other thread writes.
    ///
    /// # Errors
    /// What `work` returns; `Busy` past the wait.
    pub(crate) fn alone<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + BUSY_WAIT;
        let _place = self.writers.enter(deadline).ok_or(Error::Busy { retry_after_secs: 2 })?;
        self.read(doing, work)
    }

    /// Empties the write-ahead log, which holds pages from before an erasure. While others read it stays; then the next
    /// erasure or checkpoint takes it.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn truncate_wal(&self) -> Result<(), Error> {
        self.read("truncate a write-ahead log", |connection| {
            connection.busy_timeout(TRUNCATE_WAIT)?;
            let truncated = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
            connection.busy_timeout(BUSY_WAIT)?;
            truncated
        })
    }

    /// Writes the file anew, without the room of what is gone, and empties the write-ahead log; false if somebody read all the time, so
    /// that what was in that is not overwritten yet. Room for the copy is taken in `dir`.
    ///
    /// # Errors
    /// `Busy` past the wait; there is no room.
    pub(crate) fn shrink(&self, dir: &Path) -> Result<bool, Error> {
        self.alone("shrink a database", |connection| {
            // In memory it would be as large as the file; nowhere else is known to have the room.
            let dir = dir.to_string_lossy().replace('\'', "''");
            connection.execute_batch(&format!("PRAGMA temp_store = FILE; PRAGMA temp_store_directory = '{dir}';"))?;
            let shrunk = connection.execute_batch("VACUUM");
            connection.execute_batch("PRAGMA temp_store = MEMORY")?;
            shrunk?;
            let mut is_empty = false;
            for _ in 0..TRUNCATE_TRIES {
                let checkpoint =
                    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0));
                is_empty = matches!(checkpoint, Ok(0));
                match checkpoint {
                    Ok(0) => break,
                    Err(error) if !is_busy(&error) => return Err(error),
                    _ => std::thread::sleep(POLL),
                }
            }
            Ok(is_empty)
        })
    }

    fn take(&self) -> Result<Connection, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self.connect(),
        }
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // After a failed rollback the connection is not to be used again.
        if idle.len() < IDLE_MAX && connection.is_autocommit() {
            idle.push(connection);
        }
    }

    fn connect(&self) -> Result<Connection, Error> {
        // SQLite itself refuses links in place of `-wal` and `-shm` only.
        refuse_link(&self.path)?;
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connect = || {
            let connection = Connection::open_with_flags(&self.path, flags).map_err(Error::sqlite("open"))?;
            self.configure(&connection).map_err(Error::sqlite("configure"))?;
            Ok(connection)
        };
        connect().map_err(|error| room::explain(&self.path, error))
    }

    fn configure(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        connection.busy_timeout(BUSY_WAIT)?;
        let keep_wal = self.checkpoints == Checkpoints::WhenGrown;
        for (config, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
            (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_wal),
        ] {
            connection.set_db_config(config, on)?;
        }
        let synchronous = match self.syncing {
            Syncing::Full => "FULL",
            Syncing::Normal => "NORMAL",
        };
        // What is deleted here is secret (sessions, hashes) or somebody's text: overwrite it.
        connection.execute_batch(&format!(
            "PRAGMA synchronous = {synchronous};
             PRAGMA secure_delete = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA wal_autocheckpoint = {WAL_PAGES};
             PRAGMA journal_size_limit = {WAL_BYTES};
             PRAGMA cell_size_check = ON;"
        ))
    }
}

fn transact<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
) -> Result<T, rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = change(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// Makes the empty file 0600 before SQLite does; `-wal` and `-shm` take its mode.
fn make_private_file(path: &Path) -> Result<(), Error> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io(path, "make")(error)),
    }
}

/// Brings the file to the newest version of its layout; several processes may try at once.
fn upgrade(connection: &mut Connection, layout: &Layout, path: &Path) -> Result<(), Error> {
    let known = layout.version();
    if check_version(version(connection)?, known, path)? {
        return Ok(());
    }
    set_wal(connection, BUSY_WAIT)?;
    let found = transact(connection, |transaction| {
        let found = read_version(transaction)?;
        for migration in layout.migrations_from(found) {
            transaction.execute_batch(migration)?;
        }
        if found < known {
            transaction.pragma_update(None, "application_id", layout.application_id)?;
            transaction.pragma_update(None, "user_version", known)?;
        }
        Ok(found.max(known))
    })
    .map_err(Error::sqlite("upgrade"))?;
    check_version(found, known, path).map(|_| ())
}

/// Is the file of the newest version?
fn check_version(found: i64, known: i64, path: &Path) -> Result<bool, Error> {
    if found > known {
        return Err(Error::SchemaVersion { path: path.to_owned(), found, known });
    }
    Ok(found == known)
}

fn version(connection: &Connection) -> Result<i64, Error> {
    read_version(connection).map_err(Error::sqlite("read the schema version"))
}

fn read_version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// Switches the file to WAL for good. SQLite does not wait for locks here, so this does.
fn set_wal(connection: &Connection, wait: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + wait;
    loop {
        let result: Result<String, _> = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0));
        match result {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(Error::Damaged { what: format!("database: journal mode {mode}, want wal") });
            }
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(POLL);
            }
            Err(error) => return Err(Error::sqlite("switch to WAL")(error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests;
