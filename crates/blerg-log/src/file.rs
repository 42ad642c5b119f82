//! An open file that knows its name, so that every error does. Start at [`File`]. Short reads and writes and interrupted
//! calls end here.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Disk, DiskFile, Error, Mapping, OpenMode};

/// An open file and its name.
pub(crate) struct File {
    path: PathBuf,
    inner: Box<dyn DiskFile>,
}

impl File {
    pub(crate) fn open(disk: &dyn Disk, path: &Path, mode: OpenMode) -> Result<File, Error> {
        let inner = disk.open(path, mode).map_err(|e| Error::io(path, "open", e))?;
        Ok(File { path: path.into(), inner })
    }

    /// `None` if there is no such file.
    pub(crate) fn open_if_there(disk: &dyn Disk, path: &Path, mode: OpenMode) -> Result<Option<File>, Error> {
        match File::open(disk, path, mode) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.is_missing() => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn size(&self) -> Result<u64, Error> {
        self.inner.size().map_err(|e| Error::io(&self.path, "stat", e))
    }

    pub(crate) fn inode(&self) -> Result<u64, Error> {
        self.inner.inode().map_err(|e| Error::io(&self.path, "stat", e))
    }

    /// Reads until `into` is full or the file ends; says how many bytes came.
    pub(crate) fn read_up_to(&self, into: &mut [u8], at: u64) -> Result<usize, Error> {
        let mut done = 0;
        while let Some((_, rest)) = into.split_at_mut_checked(done)
            && !rest.is_empty()
        {
            match self.inner.read_at(rest, at + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(&self.path, "read", e)),
            }
        }
        Ok(done)
    }

    /// Reads all of `into`.
    pub(crate) fn read(&self, into: &mut [u8], at: u64) -> Result<(), Error> {
        let found = self.read_up_to(into, at)?;
        if found < into.len() {
            let what = format!("{} bytes wanted, the file ends after {found}", into.len());
            return Err(Error::damaged(&self.path, at, what));
        }
        Ok(())
    }

    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> Result<(), Error> {
        let mut done = 0;
        while let Some((_, rest)) = bytes.split_at_checked(done)
            && !rest.is_empty()
        {
            match self.inner.write_at(rest, at + done as u64) {
                Ok(0) => return Err(Error::Full { path: self.path.clone() }),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(&self.path, "write", e)),
            }
        }
        Ok(())
    }

    pub(crate) fn allocate(&self, bytes: u64) -> Result<(), Error> {
        self.inner.allocate(bytes).map_err(|e| Error::io(&self.path, "allocate", e))
    }

    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.inner.sync_data().map_err(|e| Error::io(&self.path, "sync", e))
    }

    pub(crate) fn try_lock(&self) -> Result<bool, Error> {
        self.inner.try_lock().map_err(|e| Error::io(&self.path, "lock", e))
    }

    pub(crate) fn try_share(&self) -> Result<bool, Error> {
        self.inner.try_share().map_err(|e| Error::io(&self.path, "lock", e))
    }

    pub(crate) fn unlock(&self) -> Result<(), Error> {
        self.inner.unlock().map_err(|e| Error::io(&self.path, "unlock", e))
    }

    pub(crate) fn map_read(&self, at: u64, bytes: usize) -> Result<Box<dyn Mapping>, Error> {
        self.inner.map_read(at, bytes).map_err(|e| Error::io(&self.path, "map", e))
    }

    pub(crate) fn map_write(&self, at: u64, bytes: usize) -> Result<Box<dyn Mapping>, Error> {
        self.inner.map_write(at, bytes).map_err(|e| Error::io(&self.path, "map", e))
    }
}

#[cfg(test)]
mod tests;
