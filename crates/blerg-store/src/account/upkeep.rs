//! Looking after the database as a whole: a consistent copy, a check, and making it small. Start at
//! `Store::copy_accounts`. The file is only ever touched through SQLite (`db.rs` says why).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use blerg_log::AuthorId;
use rusqlite::params;

use super::State;
use crate::Store;
use crate::db::{Db, SITE};
use crate::error::Error;
use crate::page::WIKI;

/// Most findings of one check: what somebody would still read.
const FINDINGS_MAX: usize = 100;

/// Rows that a check looks at in one piece.
const PIECE_ROWS: i64 = 1_000;

impl Store {
    /// Writes a consistent copy of the database of the live site into `dir`, before the log is copied: so every
    /// active account of the copy has its author in the copied log. Returns the bytes written.
    ///
    /// # Errors
    /// The copy exists already or cannot be written.
    pub fn copy_accounts(&self, dir: &Path) -> Result<u64, Error> {
        copy(self.db()?, &dir.join(SITE.file))
    }

    /// The same of the wiki's database, if this site has one.
    ///
    /// # Errors
    /// The copy exists already or cannot be written.
    pub fn copy_wiki(&self, dir: &Path) -> Result<u64, Error> {
        if self.has_wiki() { copy(self.wiki_db()?, &dir.join(WIKI.file)) } else { Ok(0) }
    }

    /// Rewrites the database without its free pages and empties its write-ahead log, so that nothing that was
    /// deleted is left in either.
    ///
    /// # Errors
    /// If the database cannot be written; `Busy` if others keep it in use.
    pub fn compact_accounts(&self) -> Result<(), Error> {
        self.db()?
            .alone("compact the database", |connection| {
                connection.execute_batch("VACUUM")?;
                let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
                Ok(busy)
            })
            .and_then(|busy| if busy == 0 { Ok(()) } else { Err(Error::Busy { retry_after_secs: 2 }) })
    }

    /// Checks the database: its structure, its references, and that every account has its author in the log.
    /// Returns what is wrong, a sentence each.
    ///
    /// # Errors
    /// If the database or the log cannot be read.
    pub fn check_accounts(&self) -> Result<Vec<String>, Error> {
        let mut findings = self.db()?.read("check the database", |connection| {
            let mut findings = Vec::new();
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let finding: String = row.get(0)?;
                if finding != "ok" && findings.len() < FINDINGS_MAX {
                    findings.push(format!("{}: {finding}", SITE.file));
                }
            }
            let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let table: String = row.get(0)?;
                if findings.len() < FINDINGS_MAX {
                    findings.push(format!("{}: a row of {table} refers to nothing", SITE.file));
                }
            }
            Ok(findings)
        })?;
        let mut after = 0;
        while findings.len() < FINDINGS_MAX {
            let piece = self.authored_accounts(after)?;
            let Some((last, ..)) = piece.last() else { break };
            // In a damaged tree the rows behind one may be those before it, for ever.
            if *last <= after {
                findings.push(format!("{}: accounts do not stand in order", SITE.file));
                break;
            }
            after = *last;
            self.compare_with_log(&piece, &mut findings)?;
        }
        findings.truncate(FINDINGS_MAX);
        Ok(findings)
    }

    fn compare_with_log(&self, piece: &[Authored], findings: &mut Vec<String>) -> Result<(), Error> {
        let snapshot = self.log()?.snapshot()?;
        for (_, name, author, state) in piece {
            match snapshot.author(AuthorId(*author))? {
                None => findings.push(format!("account {name}: its author {author} is not in the log")),
                Some(found) if !found.name.eq_ignore_ascii_case(name) => {
                    findings.push(format!("account {name}: its author {author} is {}", found.name));
                }
                Some(found) if found.closed && *state == State::Active => {
                    findings.push(format!("account {name}: its author is closed"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn authored_accounts(&self, after: i64) -> Result<Vec<Authored>, Error> {
        self.db()?.read("read accounts", |connection| {
            let mut statement = connection.prepare(
                "SELECT id, name, author, state FROM account
                 WHERE id > ?1 AND author IS NOT NULL ORDER BY id LIMIT ?2",
            )?;
            let rows = statement.query_map(params![after, PIECE_ROWS], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            rows.collect()
        })
    }
}

/// Ends, in a copy of the database in `dir`, the accounts of authors who have left in the log that was copied after it.
/// [`Store::finish_closings`] does the rest when the copy is used.
pub(crate) fn leave_in_copy(dir: &Path, left: &[u32]) -> Result<(), Error> {
    let path = dir.join(SITE.file);
    let leave = || {
        let mut connection = rusqlite::Connection::open(&path)?;
        let transaction = connection.transaction()?;
        for author in left {
            let ended = transaction.execute(
                "UPDATE account SET state = ?2, password = NULL, role = 0, erased = 0 WHERE author = ?1 AND state = ?3",
                params![author, State::Closing, State::Active],
            )?;
            if ended > 0 {
                let of = "WHERE account = (SELECT id FROM account WHERE author = ?1)";
                transaction.execute(&format!("DELETE FROM session {of}"), params![author])?;
                transaction.execute(&format!("DELETE FROM seen {of}"), params![author])?;
            }
        }
        transaction.commit()
    };
    leave().map_err(Error::sqlite("end accounts in the copy"))?;
    File::open(&path).and_then(|copy| copy.sync_all()).map_err(Error::io(&path, "sync"))
}

/// A row that has an author: its number, name, author and state.
type Authored = (i64, String, u32, State);

/// Copies a live database to a file that is not there yet; returns its bytes.
fn copy(db: &Db, path: &Path) -> Result<u64, Error> {
    // SQLite takes an empty file, and this one is private from the beginning.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(Error::io(path, "make"))?;
    let name = path
        .to_str()
        .ok_or_else(|| Error::io(path, "name")(io::Error::new(io::ErrorKind::InvalidInput, "not UTF-8")))?;
    db.read("copy the database", |connection| connection.execute("VACUUM INTO ?1", params![name]))?;
    // SQLite forgets about the write-ahead log in a copy, and without one readers and writers would be in each other's way.
    let keep_wal = || rusqlite::Connection::open(path)?.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()));
    keep_wal().map_err(Error::sqlite("switch a copy to WAL"))?;
    // The copy is nobody's open database, so opening it here drops no locks.
    let copy = File::open(path).map_err(Error::io(path, "open"))?;
    copy.sync_all().map_err(Error::io(path, "sync"))?;
    Ok(copy.metadata().map_err(Error::io(path, "look at"))?.len())
}
