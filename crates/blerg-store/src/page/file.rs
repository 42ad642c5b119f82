//! Files attached to pages. Start at [`Wiki::attach`]; [`Wiki::file_bytes`] reads any stretch. They lie in the database in
//! pieces, so that one transaction and one backup hold them with their page; every version is kept. What a file's bytes
//! are (its media type) is the caller's finding.

use blake2::{Blake2s256, Digest};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::fate::living;
use super::{By, ChangeKind, FileName, PageHead, PageName, Wiki, change, count, next_change, signed, unsigned};
use crate::Error;

/// Bytes of one piece: a few database pages of overflow, and little to read for the middle of a file.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// The number of one version of a file: never changes, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) i64);

/// A file to be attached.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Its name; a file that is there under this name gets a new version.
    pub name: &'a FileName,
    /// What its bytes were found to be.
    pub media_type: &'a str,
    /// Its bytes, at least one.
    pub bytes: &'a [u8],
}

/// One version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileView {
    /// Its number.
    pub id: FileId,
    /// Its name.
    pub name: FileName,
    /// Which version, from 1.
    pub version: u64,
    /// What its bytes were found to be.
    pub media_type: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// BLAKE2s-256 of its bytes: a strong ETag.
    pub hash: [u8; 32],
    /// When it was attached.
    pub at_us: u64,
    /// Who attached it.
    pub author: Option<String>,
    /// It is the newest version.
    pub is_newest: bool,
    /// The file was deleted.
    pub is_deleted: bool,
}

const COLUMNS: &str = "f.id, f.name, f.version, f.media_type, f.bytes, f.hash, f.at_us, f.author, f.newest, f.deleted";

fn read_file(row: &Row<'_>) -> Result<FileView, rusqlite::Error> {
    Ok(FileView {
        id: FileId(row.get(0)?),
        name: FileName::stored(row.get(1)?),
        version: unsigned(row.get(2)?),
        media_type: row.get(3)?,
        bytes: unsigned(row.get(4)?),
        hash: row.get(5)?,
        at_us: unsigned(row.get(6)?),
        author: row.get(7)?,
        is_newest: row.get(8)?,
        is_deleted: row.get(9)?,
    })
}

impl FileId {
    /// The number, for a log line.
    #[must_use]
    pub fn number(&self) -> u64 {
        unsigned(self.0)
    }
}

impl Wiki<'_> {
    /// Attaches a file to a page, or a new version of one; the version that is there already if its bytes are the same.
    ///
    /// # Errors
    /// There is no such page, the editor may not, the file is empty or too large, there is no more room for the page or
    /// the wiki, or the database is busy or cannot be written.
    pub fn attach(&self, name: &PageName, file: &NewFile<'_>, by: &By<'_>) -> Result<FileView, Error> {
        let settings = self.settings();
        let bytes = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
        if bytes == 0 || bytes > settings.file_bytes_max {
            return Err(Error::FileLength { bytes, max: settings.file_bytes_max });
        }
        let hash: [u8; 32] = Blake2s256::digest(file.bytes).into();
        self.db.change("attach a file", |transaction| {
            let page = living(transaction, name)?;
            settings.check_edit(&by.editor, page.protection)?;
            let before = newest(transaction, page.id.0, file.name)?;
            if let Some(before) = &before
                && before.hash == hash
                && !before.is_deleted
            {
                return Ok(before.clone());
            }
            for (used, max) in [
                (used(transaction, Some(page.id.0))?, settings.page_files_bytes_max),
                (used(transaction, None)?, settings.files_bytes_max),
            ] {
                if used.saturating_add(bytes) > max {
                    return Err(Error::FilesFull { max }.into());
                }
            }
            let version = before.map_or(0, |before| before.version) + 1;
            let id = insert(transaction, page.id.0, file, &hash, version, by)?;
            let kind = ChangeKind::Attach { file: file.name.as_str().to_owned() };
            note(transaction, &page, &kind, by)?;
            Ok(by_id(transaction, id)?)
        })
    }

    /// Hides a file with all its versions.
    ///
    /// # Errors
    /// There is no such page or file, the editor may not, or the database is busy or cannot be written.
    pub fn delete_file(&self, name: &PageName, file: &FileName, by: &By<'_>) -> Result<u64, Error> {
        let kind = ChangeKind::Detach { file: file.as_str().to_owned() };
        self.set_deleted(name, file, &kind, by)
    }

    /// Shows a deleted file again.
    ///
    /// # Errors
    /// There is no such page or deleted file, the editor may not, or the database is busy or cannot be written.
    pub fn undelete_file(&self, name: &PageName, file: &FileName, by: &By<'_>) -> Result<u64, Error> {
        let kind = ChangeKind::Reattach { file: file.as_str().to_owned() };
        self.set_deleted(name, file, &kind, by)
    }

    fn set_deleted(&self, name: &PageName, file: &FileName, kind: &ChangeKind, by: &By<'_>) -> Result<u64, Error> {
        let is_deleted = matches!(kind, ChangeKind::Detach { .. });
        self.db.change("delete or undelete a file", |transaction| {
            let page = living(transaction, name)?;
            self.settings().check_edit(&by.editor, page.protection)?;
            let sql = "UPDATE file SET deleted = ?3 WHERE page = ?1 AND name = ?2 AND deleted <> ?3";
            if transaction.execute(sql, params![page.id.0, file.as_str(), is_deleted])? == 0 {
                return Err(Error::NoSuchFile.into());
            }
            Ok(note(transaction, &page, kind, by)?)
        })
    }

    /// The newest versions of a page's files, in order of names; deleted files too, for those who may undelete them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn files(&self, name: &PageName) -> Result<Vec<FileView>, Error> {
        let filter = "p.name = ?1 AND p.deleted = 0 AND f.newest = 1 ORDER BY f.name";
        self.file_rows(filter, params![name.as_str()])
    }

    /// All versions of a file, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn file_versions(&self, name: &PageName, file: &FileName) -> Result<Vec<FileView>, Error> {
        let filter = "p.name = ?1 AND p.deleted = 0 AND f.name = ?2 ORDER BY f.version DESC";
        self.file_rows(filter, params![name.as_str(), file.as_str()])
    }

    /// One version of a page's file, or the newest; neither the page nor the file is deleted.
    ///
    /// # Errors
    /// There is no such page, file or version, or the database cannot be read.
    pub fn file(&self, name: &PageName, file: &FileName, version: Option<u64>) -> Result<FileView, Error> {
        let filter = "p.name = ?1 AND p.deleted = 0 AND f.name = ?2 AND f.deleted = 0 \
                      AND iif(?3 IS NULL, f.newest = 1, f.version = ?3)";
        let rows = self.file_rows(filter, params![name.as_str(), file.as_str(), version.map(signed)])?;
        rows.into_iter().next().ok_or(Error::NoSuchFile)
    }

    fn file_rows(&self, filter: &str, values: impl rusqlite::Params) -> Result<Vec<FileView>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM page AS p JOIN file AS f ON f.page = p.id WHERE {filter}");
        self.db.read("list files", |connection| {
            let mut statement = connection.prepare(&sql)?;
            statement.query_map(values, read_file)?.collect()
        })
    }

    /// The bytes of a file from `offset` on: at most a piece of 64 KiB, none at its end. Whoever sends a file asks again
    /// and again, and never has more than this in memory.
    ///
    /// # Errors
    /// The operator has erased the file meanwhile, or the database cannot be read.
    pub fn file_bytes(&self, id: FileId, offset: u64) -> Result<Vec<u8>, Error> {
        let piece = offset / u64::try_from(PIECE_BYTES).unwrap_or(1);
        let start = usize::try_from(offset % u64::try_from(PIECE_BYTES).unwrap_or(1)).unwrap_or(0);
        let sql = "SELECT f.bytes, p.data FROM file AS f LEFT JOIN piece AS p ON p.file = f.id AND p.no = ?2 \
                   WHERE f.id = ?1";
        let found = self.db.read("read a file", |connection| {
            let row = |row: &Row<'_>| Ok((unsigned(row.get(0)?), row.get::<_, Option<Vec<u8>>>(1)?));
            connection.query_row(sql, params![id.0, signed(piece)], row).optional()
        })?;
        match found {
            Some((bytes, _)) if offset >= bytes => Ok(Vec::new()),
            Some((_, Some(mut data))) if start < data.len() => Ok(data.split_off(start)),
            _ => Err(Error::NoSuchFile),
        }
    }
}

/// The newest version of a page's file, deleted or not.
fn newest(transaction: &Connection, page: i64, name: &FileName) -> Result<Option<FileView>, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS} FROM file AS f WHERE f.page = ?1 AND f.name = ?2 AND f.newest = 1");
    transaction.query_row(&sql, params![page, name.as_str()], read_file).optional()
}

fn by_id(transaction: &Connection, id: i64) -> Result<FileView, rusqlite::Error> {
    transaction.query_row(&format!("SELECT {COLUMNS} FROM file AS f WHERE f.id = ?1"), [id], read_file)
}

/// Bytes of all files, or of those of a page.
pub(crate) fn used(transaction: &Connection, page: Option<i64>) -> Result<u64, rusqlite::Error> {
    let sql = "SELECT coalesce(sum(bytes), 0) FROM file WHERE ?1 IS NULL OR page = ?1";
    transaction.query_row(sql, [page], |row| row.get(0)).map(unsigned)
}

/// Writes a version of a file that becomes the newest; all versions are shown again.
pub(crate) fn insert(
    transaction: &Connection,
    page: i64,
    file: &NewFile<'_>,
    hash: &[u8; 32],
    version: u64,
    by: &By<'_>,
) -> Result<i64, rusqlite::Error> {
    let older = "UPDATE file SET newest = 0, deleted = 0 WHERE page = ?1 AND name = ?2";
    transaction.execute(older, params![page, file.name.as_str()])?;
    transaction.execute(
        "INSERT INTO file (page, name, version, media_type, bytes, hash, at_us, author, newest) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)",
        params![
            page,
            file.name.as_str(),
            signed(version),
            file.media_type,
            count(file.bytes.len()),
            hash,
            signed(by.now_us),
            by.editor.name(),
        ],
    )?;
    let id = transaction.last_insert_rowid();
    let mut piece = transaction.prepare("INSERT INTO piece (file, no, data) VALUES (?1, ?2, ?3)")?;
    for (no, data) in (0_i64..).zip(file.bytes.chunks(PIECE_BYTES)) {
        piece.execute(params![id, no, data])?;
    }
    Ok(id)
}

/// Writes the revision that says what was done to a file.
fn note(transaction: &Connection, page: &PageHead, kind: &ChangeKind, by: &By<'_>) -> Result<u64, rusqlite::Error> {
    let change = next_change(transaction)?;
    let rev = change::note(transaction, page, kind, by, change)?;
    // The text may show the file, or have asked for it.
    transaction.execute("UPDATE page SET stale = ?2 WHERE id = ?1", [page.id.0, change])?;
    Ok(rev)
}

#[cfg(test)]
mod tests;
