//! Room on the disk: asked for before anything is published. Start at [`guard_segment`]. A little is kept back, so that
//! a full site can still delete.

use crate::core::Core;
use crate::file::File;
use crate::view::View;
use crate::{Error, OpenMode};

/// The file that is given up for deletes on a full disk.
pub(crate) const BALLAST_FILE: &str = "ballast";
/// Its length.
pub(crate) const BALLAST_BYTES: u64 = 1 << 20;
/// One hundredth of the disk is left free, but never more than this: on a large shared disk that would be a fortune.
const MARGIN_BYTES_MAX: u64 = 256 << 20;

/// Whether there is room for `bytes` more and a margin: twice as much, or 1 % of the disk. Deletes may use the margin, and the
/// ballast too.
fn guard(core: &Core, bytes: u64, frees: bool) -> Result<(), Error> {
    let space = core.disk.space(&core.dir).map_err(|e| Error::io(&core.dir, "statfs", e))?;
    let wanted = (2 * bytes).max((space.total / 100).min(MARGIN_BYTES_MAX));
    if space.free >= wanted {
        return Ok(());
    }
    if frees {
        return release_ballast(core);
    }
    Err(Error::Full { path: core.dir.clone() })
}

/// Whether there is room for `bytes` that a compaction needs beside the log that counts, and the margin.
pub(crate) fn guard_compaction(core: &Core, bytes: u64) -> Result<(), Error> {
    let space = core.disk.space(&core.dir).map_err(|e| Error::io(&core.dir, "statfs", e))?;
    let wanted = bytes + (space.total / 100).min(MARGIN_BYTES_MAX);
    if space.free >= wanted {
        return Ok(());
    }
    Err(Error::NoRoom { dir: core.dir.clone(), wanted, free: space.free })
}

/// Guards the making of a segment.
pub(crate) fn guard_segment(core: &Core, bytes: u64, frees: bool) -> Result<(), Error> {
    guard(core, bytes, frees)
}

/// Sees to it that the index has room for pushes to these keys. A file system that copies on write is asked for the log's pages
/// and the index's as well, because there even a page that exists may find no room.
pub(crate) fn reserve_index<K: AsRef<[u8]>>(core: &Core, view: &View, keys: &[K], frees: bool) -> Result<(), Error> {
    let memory = view.index.memory();
    let used = view.index.used()?;
    let wanted = used + view.index.need(keys)?;
    if wanted > memory.length() || core.copies_on_write {
        guard(core, wanted - used, frees)?;
        with_ballast(core, frees, || memory.reserve(wanted))?;
    }
    if core.copies_on_write {
        memory.populate(used, wanted)?;
    }
    Ok(())
}

/// Puts the ballast there, if it is not and there is room; without it only deletes on a full disk suffer.
pub(crate) fn lay_ballast(core: &Core) {
    let path = core.dir.join(BALLAST_FILE);
    let there = matches!(File::open_if_there(&*core.disk, &path, OpenMode::Read), Ok(Some(_)));
    if !there && guard(core, BALLAST_BYTES, false).is_ok() {
        let laid = File::open(&*core.disk, &path, OpenMode::Create).and_then(|file| file.allocate(BALLAST_BYTES));
        if laid.is_err() {
            let _ = core.disk.remove(&path);
        }
    }
}

/// Does what needs room; if there is none (a quota is not told by the file system), once more without the ballast, if that may go.
pub(crate) fn with_ballast<T>(core: &Core, frees: bool, body: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    match body() {
        Err(Error::Full { .. }) if frees => {
            release_ballast(core)?;
            body()
        }
        other => other,
    }
}

fn release_ballast(core: &Core) -> Result<(), Error> {
    let path = core.dir.join(BALLAST_FILE);
    match core.disk.remove(&path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io(&path, "remove", e)),
    }
}
