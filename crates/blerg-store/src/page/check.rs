//! Is the wiki as it should be: [`Wiki::check`], a part of the store's check; and how much is there, [`Wiki::stats`]. Reads
//! everything and changes nothing.

use blake2::{Blake2s256, Digest};
use rusqlite::{Connection, params};

use super::{Wiki, text, unsigned};
use crate::{Error, PROBLEMS_MAX, lock};

/// How much a wiki holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WikiStats {
    /// Pages that are there, without names that only lead elsewhere.
    pub pages: u64,
    /// Deleted pages.
    pub deleted: u64,
    /// Revisions of all pages.
    pub revisions: u64,
    /// Files with all their versions.
    pub files: u64,
    /// Bytes of all files.
    pub file_bytes: u64,
}

/// What must be nowhere: a query whose rows are names, and what is wrong with them.
const RULES: [(&str, &str); 10] = [
    (
        "SELECT p.name FROM page AS p JOIN (SELECT page, count(*) AS n, min(rev) AS low, max(rev) AS high \
         FROM revision GROUP BY page) AS r ON r.page = p.id WHERE r.n <> r.high OR r.low <> 1 OR r.high <> p.rev",
        "revision numbers are not consecutive",
    ),
    (
        "SELECT p.name FROM page AS p WHERE NOT EXISTS \
         (SELECT 1 FROM revision AS r WHERE r.page = p.id AND r.rev = p.rev AND r.text = p.text AND r.bytes = p.bytes)",
        "newest revision is not the page's text",
    ),
    (
        "SELECT coalesce(p.name, r.page) FROM revision AS r LEFT JOIN page AS p ON p.id = r.page \
         LEFT JOIN text AS t ON t.id = r.text AND t.page = r.page \
         WHERE p.id IS NULL OR (r.text IS NOT NULL AND t.id IS NULL)",
        "a revision has no page or no text",
    ),
    (
        "SELECT p.name FROM page AS p LEFT JOIN page AS t ON t.id = p.redirect \
         WHERE p.redirect IS NOT NULL AND (t.id IS NULL OR t.redirect IS NOT NULL)",
        "leads to no page",
    ),
    (
        "SELECT p.name FROM page AS p JOIN shown AS s ON s.page = p.id \
         WHERE p.deleted = 1 OR p.redirect IS NOT NULL",
        "has html and is not to be shown",
    ),
    (
        "SELECT p.name FROM page AS p JOIN shown AS s ON s.page = p.id \
         WHERE NOT EXISTS (SELECT 1 FROM found WHERE found.rowid = p.id)",
        "is not in the full-text index",
    ),
    (
        "SELECT coalesce(p.name, f.rowid) FROM found AS f LEFT JOIN page AS p ON p.id = f.rowid \
         WHERE NOT EXISTS (SELECT 1 FROM shown AS s WHERE s.page = f.rowid)",
        "is in the full-text index and not to be found",
    ),
    (
        "SELECT coalesce(p.name, l.page) FROM link AS l LEFT JOIN page AS p ON p.id = l.page \
         WHERE NOT EXISTS (SELECT 1 FROM shown AS s WHERE s.page = l.page)",
        "has links and is not to be shown",
    ),
    (
        "SELECT DISTINCT p.name FROM link AS l JOIN page AS p ON p.id = l.page WHERE p.name <> l.name",
        "has links under another name",
    ),
    (
        "SELECT coalesce(p.name, f.page) FROM file AS f LEFT JOIN page AS p ON p.id = f.page \
         GROUP BY f.page, f.name HAVING p.id IS NULL OR sum(f.newest) <> 1 \
         OR max(f.version) <> max(iif(f.newest, f.version, 0))",
        "has a file of which no version, or more than one, is the newest",
    ),
];

impl Wiki<'_> {
    /// What is wrong, as sentences for the operator.
    ///
    /// # Errors
    /// The database cannot even be read.
    pub fn check(&self) -> Result<Vec<String>, Error> {
        let mut problems = self.look("check the wiki", |connection| {
            let mut problems = sound(connection)?;
            for (sql, what) in RULES {
                let mut statement = connection.prepare(sql)?;
                let names = statement.query_map((), |row| row.get::<_, rusqlite::types::Value>(0))?;
                for name in names.take(PROBLEMS_MAX) {
                    problems.push(format!("page {}: {what}", shown(&name?)));
                }
            }
            check_texts(connection, &mut problems)?;
            check_files(connection, &mut problems)?;
            Ok(problems)
        })?;
        let words = self.db.write("check the wiki's words", |transaction| {
            transaction.execute("INSERT INTO found(found, rank) VALUES ('integrity-check', 1)", ())
        });
        if let Err(error) = words {
            problems.push(format!("full-text index: {error}"));
        }
        Ok(problems)
    }

    /// Makes the words of the full-text index anew, and has the list of posts that link to pages begun anew.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub(crate) fn rebuild(&self) -> Result<(), Error> {
        self.db.write("rebuild what follows from the pages", |transaction| {
            transaction
                .execute_batch("INSERT INTO found(found) VALUES ('rebuild'); DELETE FROM post_link; DELETE FROM cover;")
        })?;
        *lock(&self.store.wiki_seen) = None;
        Ok(())
    }

    /// Counts.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn stats(&self) -> Result<WikiStats, Error> {
        let sql = "SELECT (SELECT count(*) FROM page WHERE deleted = 0 AND redirect IS NULL), \
                   (SELECT count(*) FROM page WHERE deleted = 1), (SELECT count(*) FROM revision), \
                   (SELECT count(*) FROM file), (SELECT coalesce(sum(bytes), 0) FROM file)";
        self.db.read("count the wiki", |connection| {
            connection.query_row(sql, (), |row| {
                Ok(WikiStats {
                    pages: unsigned(row.get(0)?),
                    deleted: unsigned(row.get(1)?),
                    revisions: unsigned(row.get(2)?),
                    files: unsigned(row.get(3)?),
                    file_bytes: unsigned(row.get(4)?),
                })
            })
        })
    }
}

fn shown(value: &rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Text(name) => format!("{name:?}"),
        other => format!("{other:?}"),
    }
}

/// What SQLite finds wrong with its file.
fn sound(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let lines = statement.query_map((), |row| row.get::<_, String>(0))?;
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Every revision's text can be read, and has as many bytes as the revision says.
fn check_texts(connection: &Connection, problems: &mut Vec<String>) -> Result<(), rusqlite::Error> {
    let sql = "SELECT r.text, r.bytes, p.name, r.rev FROM revision AS r JOIN page AS p ON p.id = r.page \
               WHERE r.text IS NOT NULL GROUP BY r.text";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let bytes = unsigned(row.get(1)?);
        let found = text::read(connection, row.get(0)?)?;
        if found.map(|text| u64::try_from(text.len()).unwrap_or(u64::MAX)) != Some(bytes) {
            let (name, rev): (String, i64) = (row.get(2)?, row.get(3)?);
            problems.push(format!("page {name:?}: text of revision {rev} is damaged"));
        }
    }
    Ok(())
}

/// Every file's bytes are those that were attached.
fn check_files(connection: &Connection, problems: &mut Vec<String>) -> Result<(), rusqlite::Error> {
    let sql = "SELECT f.id, f.hash, f.bytes, f.name, f.version FROM file AS f";
    let mut statement = connection.prepare(sql)?;
    let mut pieces = connection.prepare("SELECT data FROM piece WHERE file = ?1 ORDER BY no")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (id, hash, bytes): (i64, [u8; 32], i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut found = Blake2s256::new();
        let mut len = 0;
        let mut data = pieces.query(params![id])?;
        while let Some(piece) = data.next()? {
            let piece: Vec<u8> = piece.get(0)?;
            len += piece.len();
            found.update(&piece);
        }
        let found: [u8; 32] = found.finalize().into();
        if found != hash || super::count(len) != bytes {
            let (name, version): (String, i64) = (row.get(3)?, row.get(4)?);
            problems.push(format!("file {name:?}: bytes of version {version} are damaged"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
