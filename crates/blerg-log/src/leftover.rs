//! What compactions leave: the log that counted before, and what a killed one has begun. Start at [`remove`]. Deleted texts may
//! still be in there, so whoever erases looks for them too.

use crate::control::CONTROL_FILE;
use crate::core::Core;
use crate::file::File;
use crate::format::Naming;
use crate::home::Home;
use crate::lock::Lock;
use crate::rebuild::{generations_in, remove_unnamed};
use crate::view::index_path;
use crate::{Error, OpenMode};

/// The lock of those who compact; taken before the others.
pub(crate) const COMPACT_LOCK_FILE: &str = "compact.lock";

/// Removes the logs beside the one that counts; false if one of them is still being read. The caller holds the lock of those who
/// compact.
pub(crate) fn remove(core: &Core) -> Result<bool, Error> {
    remove_begun(core)?;
    match core.home().number().checked_sub(1) {
        Some(before) => remove_unread(core, &beside(core, before)),
        None => Ok(true),
    }
}

/// Removes the log behind the one that counts: nobody reads what never counted. One that counts now stays, and so does the one before
/// it: FORMAT's new name may not be durable. The caller holds the lock of those who compact.
pub(crate) fn remove_begun(core: &Core) -> Result<(), Error> {
    core.follow_format()?;
    remove_files(core, &beside(core, core.home().number() + 1))
}

/// The same for one who does not hold that lock: if there is something, and nobody is compacting.
pub(crate) fn remove_if_any(core: &Core) -> Result<(), Error> {
    let number = core.home().number();
    let is_there = |number| names(core, &beside(core, number)).map(|names| !names.is_empty());
    let before = number.checked_sub(1).map_or(Ok(false), is_there)?;
    if !before && !is_there(number + 1)? {
        return Ok(());
    }
    let lock = Lock::open(&core.disk, &core.dir.join(COMPACT_LOCK_FILE), 0)?;
    match lock.hold() {
        Ok(_held) => remove(core).map(drop),
        Err(e) if e.is_busy() => Ok(()),
        Err(e) => Err(e),
    }
}

fn beside(core: &Core, number: u64) -> Home {
    Home::of(&core.dir, Naming { number, since_us: 0 })
}

/// Names in the directory of a log's segments.
fn names(core: &Core, home: &Home) -> Result<Vec<String>, Error> {
    home.refuse_link(&*core.disk)?;
    match core.disk.list(&home.segments) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(|e| Error::io(&home.segments, "list", e)),
    }
}

/// Removes a log that counted, unless somebody reads it. Whoever opens it now finds that another one counts.
fn remove_unread(core: &Core, home: &Home) -> Result<bool, Error> {
    home.refuse_link(&*core.disk)?;
    let generations = match generations_in(core, &home.dir) {
        Err(e) if e.is_missing() => Vec::new(),
        found => found?,
    };
    let mut indexes = Vec::new();
    for generation in generations {
        let path = index_path(&home.dir, generation);
        let Some(index) = File::open_if_there(&*core.disk, &path, OpenMode::Read)? else { continue };
        if !index.try_lock()? {
            return Ok(false);
        }
        indexes.push((index, path));
    }
    for (_index, path) in &indexes {
        remove_file(core, path)?;
    }
    remove_unnamed(core, &home.dir)?;
    remove_files(core, home)?;
    Ok(true)
}

fn remove_files(core: &Core, home: &Home) -> Result<(), Error> {
    let names = names(core, home)?;
    for name in &names {
        remove_file(core, &home.segments.join(name))?;
    }
    if home.dir != home.segments {
        remove_file(core, &home.dir.join(CONTROL_FILE))?;
    }
    match core.disk.remove_dir(&home.segments) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&home.segments, "remove", e)),
        _ => Ok(()),
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove_file(core: &Core, path: &std::path::Path) -> Result<(), Error> {
    match core.disk.remove(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, "remove", e)),
        _ => Ok(()),
    }
}
