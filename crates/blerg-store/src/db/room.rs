//! What the file system has to say about an error of SQLite. Start at [`explain`]. SQLite says of a quota, a limit of file
//! sizes, a read-only file system and a process with too many open files only that input or output failed, or that a file
//! cannot be opened. What a visitor may do about it differs, so the same is tried with a file without a name.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rusqlite::ErrorCode;
use rustix::fs::OFlags;

use crate::error::{Error, is_out_of_files};

/// As much is written: SQLite extends a file by at most a few pages at once, the shared memory by 32 KiB.
static PROBE: [u8; 64 << 10] = [0; 64 << 10];

/// What SQLite adds to a database's name, and the database itself.
const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// The error, or what the system says if the same is tried without SQLite.
pub(super) fn explain(path: &Path, error: Error) -> Error {
    let Error::Sqlite { doing, source } = &error else { return error };
    let is_of_the_system = matches!(
        source.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    );
    match if is_of_the_system { probe(path) } else { Ok(()) } {
        Err(source) if says_why(&source) => Error::io(path, doing)(source),
        _ => error,
    }
}

/// Writes where a database's files end, into a file that nobody sees.
fn probe(path: &Path) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let longest = FILES.iter().filter_map(|end| fs::metadata(with_end(path, end)).ok()).map(|meta| meta.len()).max();
    let unnamed = OFlags::TMPFILE.bits() as i32;
    let file = OpenOptions::new().write(true).mode(0o600).custom_flags(unnamed).open(dir)?;
    file.write_all_at(&PROBE, longest.unwrap_or(0))
}

fn with_end(path: &Path, end: &str) -> OsString {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name
}

/// Whether it is one of the reasons looked for: a file system may have no files without a name.
fn says_why(error: &io::Error) -> bool {
    let known = matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied
    );
    known || is_out_of_files(error)
}
