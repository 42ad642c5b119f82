//! Rows of a damaged database, as far as SQLite can still find them. Start at [`Old::open`]. Works on a copy: SQLite writes to a
//! database even to read it, and must not be made to do so to one that is damaged.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use crate::Error;
use crate::db::{Checkpoints, Db, Layout, Syncing};

/// SQLite's pages; ours are all of the usual size.
const PAGE_BYTES: usize = 4096;
/// Row numbers tried one by one behind damaged pages of one table.
const TRIES_MAX: i64 = 10_000;

/// A copy of a damaged database.
pub(super) struct Old {
    pub(super) connection: Connection,
    findings: Vec<String>,
}

impl Old {
    /// Copies the database at `path` to `scratch` and opens it; in words why it cannot be used at all.
    pub(super) fn open(
        path: &Path,
        scratch: &Path,
        layout: &'static Layout,
        random: fn(&mut [u8]),
    ) -> Result<Result<Old, String>, Error> {
        let copy = scratch.join(layout.file);
        let mut findings = Vec::new();
        copy_file(path, &copy, &mut findings)?;
        let wal = with_suffix(path, "-wal");
        if wal.exists() {
            copy_file(&wal, &with_suffix(&copy, "-wal"), &mut findings)?;
        }
        let mut found = look(&copy, layout);
        if found.is_err() {
            findings.push("its first page is damaged; what it should say is known".to_owned());
            replace_first_page(&copy, scratch, layout, random)?;
            found = look(&copy, layout);
        }
        if let Ok((connection, version)) = &found
            && *version != layout.version()
            && schema(connection)? == schema(&Connection::open(template(scratch, layout, random)?).map_err(failed)?)?
        {
            findings.push(format!("it says that it is of version {version}, and is of {}", layout.version()));
            connection.pragma_update(None, "user_version", layout.version()).map_err(failed)?;
            found = look(&copy, layout);
        }
        Ok(match found {
            Err(why) => Err(why.to_string()),
            Ok((_, version)) if version > layout.version() => {
                return Err(Error::SchemaVersion { path: path.to_owned(), found: version, known: layout.version() });
            }
            Ok((connection, version)) => {
                findings.extend(integrity(&connection));
                if version == layout.version() {
                    return Ok(Ok(Old { connection, findings }));
                }
                drop(connection);
                let upgraded = Db::open(scratch, layout, Syncing::Normal, Checkpoints::AtClose).map(drop);
                match upgraded
                    .map_err(|error| error.to_string())
                    .and_then(|()| look(&copy, layout).map_err(|error| error.to_string()))
                {
                    Ok((connection, _)) => Ok(Old { connection, findings }),
                    Err(why) => Err(format!("schema version {version} cannot be upgraded: {why}")),
                }
            }
        })
    }

    /// What SQLite says is wrong.
    pub(super) fn findings(&self) -> &[String] {
        &self.findings
    }

    /// Hands every row of `table` that can be found to `take`, by ascending number. Rows that are no rows of it are told.
    pub(super) fn each(
        &self,
        table: &str,
        columns: &str,
        lost: &mut Vec<String>,
        take: &mut dyn FnMut(&Row<'_>) -> Result<(), rusqlite::Error>,
    ) {
        let sql = |which: &str| format!("SELECT rowid, {columns} FROM {table} WHERE rowid {which}");
        let prepared =
            (self.connection.prepare(&sql("> ?1 ORDER BY rowid LIMIT 1")), self.connection.prepare(&sql("= ?1")));
        let (mut next, mut one) = match prepared {
            (Ok(next), Ok(one)) => (next, one),
            (Err(error), _) | (_, Err(error)) => return lost.push(format!("{table}: {error}")),
        };
        let newest = self.number(&format!("SELECT max(rowid) FROM {table}"));
        let mut last = i64::MIN;
        let mut tries = 0;
        loop {
            let before = last;
            let found = row(&mut next, last, take).or_else(|error| {
                if tries == 0 {
                    lost.push(format!("{table}: rows from {} on cannot be read: {error}", last.max(0) + 1));
                }
                tries += 1;
                // Ours count from 1. A page that cannot be read hides those behind it from a search in order only.
                last = last.max(0) + 1;
                match row(&mut one, last, take) {
                    _ if tries > TRIES_MAX || newest.is_some_and(|newest| last > newest) => Err(error),
                    Ok(Found::None) | Err(_) => Ok(Found::Row(last)),
                    found => found,
                }
            });
            let at = match found {
                Ok(Found::Row(at)) => at,
                Ok(Found::Wrong(at, why)) => {
                    lost.push(format!("{table}: row {at}: {why}"));
                    at
                }
                Ok(Found::None) | Err(_) => return,
            };
            // In a damaged tree the next row may be one of before, for ever.
            if at <= before {
                tries += 1;
            }
            if tries > TRIES_MAX {
                return;
            }
            last = at.max(before.saturating_add(1));
        }
    }

    fn number(&self, sql: &str) -> Option<i64> {
        self.connection.query_row(sql, (), |row| row.get(0)).optional().ok().flatten()
    }
}

fn row(
    statement: &mut Statement<'_>,
    number: i64,
    take: &mut dyn FnMut(&Row<'_>) -> Result<(), rusqlite::Error>,
) -> Result<Found, rusqlite::Error> {
    let mut rows = statement.query(params![number])?;
    let Some(row) = rows.next()? else { return Ok(Found::None) };
    let at = row.get(0)?;
    Ok(match take(row) {
        Ok(()) => Found::Row(at),
        Err(why) => Found::Wrong(at, why.to_string()),
    })
}

enum Found {
    Row(i64),
    Wrong(i64, String),
    None,
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies as much as can be read, with zeros for the rest, and no more than the file says that it has: a directory, or a disk that
/// is gone, refuses at any place.
fn copy_file(from: &Path, to: &Path, findings: &mut Vec<String>) -> Result<(), Error> {
    let mut input = File::open(from).map_err(Error::io(from, "open"))?;
    let bytes = input.metadata().map_err(Error::io(from, "look at"))?.len();
    let mut output = File::create(to).map_err(Error::io(to, "make"))?;
    let mut page = [0; PAGE_BYTES];
    let mut at = 0_u64;
    while at < bytes {
        let mut found = 0;
        while let Some(rest) = page.get_mut(found..).filter(|rest| !rest.is_empty()) {
            match input.read(rest) {
                Ok(0) => break,
                Ok(n) => found += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    findings.push(format!("{} cannot be read at byte {at}: {error}", from.display()));
                    page.fill(0);
                    found = PAGE_BYTES;
                }
            }
        }
        if found == 0 {
            break;
        }
        output.write_all(page.get(..found).unwrap_or_default()).map_err(Error::io(to, "write"))?;
        at += found as u64;
        input.seek(SeekFrom::Start(at)).map_err(Error::io(from, "read"))?;
    }
    Ok(())
}

/// Opens the copy if its schema can be read; says which version it is.
fn look(copy: &Path, layout: &Layout) -> Result<(Connection, i64), rusqlite::Error> {
    let connection = Connection::open(copy)?;
    connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")?;
    let version = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    let id: i64 = connection.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    let tables: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL AND rootpage IS NOT NULL",
        (),
        |row| row.get(0),
    )?;
    // A version that cannot be, of a file that says it is ours.
    let is_ours = id == layout.application_id && version > 0 && tables > 0;
    let names = layout.tables();
    let known = names.iter().all(|name| connection.prepare(&format!("SELECT 1 FROM {name}")).is_ok());
    if is_ours && (known || version != layout.version()) && version < 1_000 {
        Ok((connection, version))
    } else {
        Err(rusqlite::Error::InvalidQuery)
    }
}

/// A new database with nothing in it.
fn template(scratch: &Path, layout: &'static Layout, random: fn(&mut [u8])) -> Result<PathBuf, Error> {
    let mut name = [0; 8];
    random(&mut name);
    let dir = scratch.join(format!("new{:x}", u64::from_le_bytes(name)));
    fs::create_dir(&dir).map_err(Error::io(&dir, "make"))?;
    drop(Db::open(&dir, layout, Syncing::Normal, Checkpoints::AtClose)?);
    Ok(dir.join(layout.file))
}

fn failed(error: rusqlite::Error) -> Error {
    Error::sqlite("compare schemas")(error)
}

/// What the tables of a database are.
fn schema(connection: &Connection) -> Result<Vec<Option<String>>, Error> {
    let read = || -> Result<Vec<Option<String>>, rusqlite::Error> {
        let mut statement = connection.prepare("SELECT sql FROM sqlite_schema ORDER BY type, name")?;
        let lines = statement.query_map((), |row| row.get(0))?;
        lines.collect()
    };
    read().map_err(failed)
}

/// Gives the copy the first page of a new database: where its tables begin is the same in all that our programs made.
fn replace_first_page(
    copy: &Path,
    scratch: &Path,
    layout: &'static Layout,
    random: fn(&mut [u8]),
) -> Result<(), Error> {
    let template = template(scratch, layout, random)?;
    let new = fs::read(&template).map_err(Error::io(&template, "read"))?;
    let mut page = new.get(..PAGE_BYTES).unwrap_or_default().to_vec();
    let bytes = fs::metadata(copy).map_err(Error::io(copy, "look at"))?.len();
    let pages = u32::try_from(bytes / PAGE_BYTES as u64).unwrap_or(u32::MAX);
    // Its size, which counts because the change counter (24) and the version it is valid for (92) agree; and no free pages.
    for (at, value) in [(28, pages), (32, 0), (36, 0)] {
        if let Some(place) = page.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }
    if let (Some(counter), Some(valid)) = (page.get(24..28).map(<[u8]>::to_vec), page.get_mut(92..96)) {
        valid.copy_from_slice(&counter);
    }
    let mut file = File::options().write(true).open(copy).map_err(Error::io(copy, "open"))?;
    file.write_all(&page).map_err(Error::io(copy, "write"))
}

/// What SQLite finds wrong with the structure.
fn integrity(connection: &Connection) -> Vec<String> {
    let look = || -> Result<Vec<String>, rusqlite::Error> {
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        let lines = statement.query_map((), |row| row.get::<_, String>(0))?;
        lines.collect()
    };
    match look() {
        Ok(lines) => lines.into_iter().filter(|line| line != "ok").collect(),
        Err(error) => vec![error.to_string()],
    }
}
