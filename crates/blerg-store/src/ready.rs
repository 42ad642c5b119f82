//! Makes a data directory ready and opens its record log. Start at [`open_log`].
//! Two processes may come to an empty directory at once: one makes it ready, the other finds it so. A directory with
//! something else in it is never made a site: a slip of the operator's would mix two things, or bury a site under a new one.

use std::fs::{self, DirBuilder};
use std::{io, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use blerg_log::{Durability, Identity, Log, Options, RealDisk};
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::{Error, Settings};

/// The file whose presence makes a directory a site; written by the log.
pub(crate) const FORMAT_FILE: &str = "FORMAT";

/// What may be there before FORMAT is: made by whoever waits for a lock or counts a visitor first, by a process that was
/// killed while it made the site, by a restore, and by `mkfs`.
const BEFORE_FORMAT: [&str; 8] =
    ["log", "lock", "sync.lock", "FORMAT.tmp", "hash.lock", "limits", "restore.partial", "lost+found"];

/// What is there only after FORMAT was: its other files, and how names begin that SQLite and the index add to.
const AFTER_FORMAT: [&str; 9] =
    ["site.db", "search.", "jobs.db", "wiki.db", "index.", "ctl", "ballast", "log.", "compact.lock"];

/// What a directory is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A site's data directory.
    Site,
    /// It is missing or empty: a site can be made there.
    Free,
}

/// What `dir` is.
///
/// # Errors
/// It holds other things, or a site whose FORMAT is lost; or it cannot be read.
pub fn look(dir: &Path) -> Result<Place, Error> {
    if dir.join(FORMAT_FILE).exists() {
        return Ok(Place::Site);
    }
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(error) => return Err(Error::io(dir, "list")(error)),
    };
    // What tells of a lost site says more than what lies around; then the first in order, so that it is always the same.
    let mut found: Option<(Whose, String)> = None;
    for entry in entries {
        let name = entry.map_err(Error::io(dir, "list"))?.file_name().to_string_lossy().into_owned();
        if BEFORE_FORMAT.contains(&name.as_str()) {
            continue;
        }
        let is_ours = AFTER_FORMAT.iter().any(|ours| name.starts_with(ours));
        let candidate = (if is_ours { Whose::Ours } else { Whose::Others }, name);
        found = Some(found.map_or(candidate.clone(), |known| known.min(candidate)));
    }
    match found {
        None => Ok(Place::Free),
        // Another process has made the site meanwhile.
        Some(_) if dir.join(FORMAT_FILE).exists() => Ok(Place::Site),
        Some((Whose::Ours, name)) => Err(Error::FormatLost { dir: dir.to_owned(), name }),
        Some((Whose::Others, name)) => Err(Error::Foreign { dir: dir.to_owned(), name }),
    }
}

/// Who made what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Ours,
    Others,
}

/// Sees that `dir` is there and ours.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    match look(dir)? {
        Place::Site => Ok(()),
        Place::Free => make_private_dir(dir),
    }
}

/// Opens the log in `dir`, after making the directory and a new log where there is none.
pub(crate) fn open_log(dir: &Path, settings: &Settings) -> Result<Log, Error> {
    if look(dir)? == Place::Free {
        let mut site_id = [0; 16];
        (settings.random)(&mut site_id);
        create_log(dir, settings, site_id)?;
    }
    let mut options = Options::new(settings.backend, settings.recovery, settings.random);
    options.allow_network_fs = settings.allow_network_fs;
    let log = Log::open(dir, &options, Arc::new(RealDisk))?;
    let found = log.identity().durability;
    match settings.durability {
        Some(wanted) if wanted != found => Err(Error::Setting {
            wanted: match found {
                Durability::Sync => "durability sync, as the data directory was made",
                Durability::None => "durability none, as the data directory was made",
            },
            found: format!("{wanted:?}").to_ascii_lowercase(),
        }),
        _ => Ok(log),
    }
}

/// Makes `dir` a site of the given id; fine if another process has just done so.
pub(crate) fn create_log(dir: &Path, settings: &Settings, site_id: [u8; 16]) -> Result<(), Error> {
    make_private_dir(dir)?;
    let mut hash_key = [0; 16];
    (settings.random)(&mut hash_key);
    let durability = settings.durability.unwrap_or(Durability::Sync);
    match Log::create(dir, &Identity { site_id, hash_key, durability }, Arc::new(RealDisk)) {
        Ok(()) | Err(blerg_log::Error::Exists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Has the system refuse a symbolic link in place of a file of ours: it would lead reads and writes somewhere else. As the
/// standard library wants flags.
pub(crate) const NO_LINK: i32 = OFlags::NOFOLLOW.bits() as i32;

/// The same for what others open.
pub(crate) fn refuse_link(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(Error::io(path, "open")(Errno::LOOP.into())),
        _ => Ok(()),
    }
}

/// Makes a directory that only its owner may enter, and the ones above it, where they are missing.
pub(crate) fn make_private_dir(dir: &Path) -> Result<(), Error> {
    match DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::io(dir, "make directory")(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
