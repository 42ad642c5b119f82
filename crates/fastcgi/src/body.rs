//! A request's input: [`Body`], in memory while it is short and in an unlinked temporary file when it is not.
//! [`Keeping`] collects it; a `Body` is handed over only when its stream has ended, never half.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, process};

use crate::count;

/// Bytes that are collected before they are written to a temporary file, so that one-byte records do not cost a system
/// call each.
const SPILL_BYTES_MAX: usize = 64 << 10;
/// Names tried for a temporary file; each is new to this process, so more than a few are leftovers of dead ones.
const NAMES_MAX: u32 = 100;

/// Input of one request, complete; read it as a stream or take the bytes.
#[derive(Debug)]
pub struct Body {
    kept: Kept,
    len: u64,
}

#[derive(Debug)]
enum Kept {
    Memory(io::Cursor<Vec<u8>>),
    File(File),
}

impl Body {
    /// Number of bytes that came.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing came.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes, from the first on, whatever has been read before.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self.kept {
            Kept::Memory(bytes) => Ok(bytes.into_inner()),
            Kept::File(mut file) => {
                let mut bytes = Vec::with_capacity(usize::try_from(self.len).map_err(io::Error::other)?);
                file.seek(SeekFrom::Start(0))?;
                file.read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

impl Default for Body {
    fn default() -> Body {
        Body::from(Vec::new())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        let len = count(bytes.len());
        Body { kept: Kept::Memory(io::Cursor::new(bytes)), len }
    }
}

impl Read for Body {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.kept {
            Kept::Memory(bytes) => bytes.read(buf),
            Kept::File(file) => file.read(buf),
        }
    }
}

/// A body while it comes in.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    /// What is not in the file (yet).
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
}

impl Keeping {
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn append(&mut self, bytes: &[u8], memory_bytes_max: usize, temp_dir: &Path) -> io::Result<()> {
        self.memory.extend_from_slice(bytes);
        self.len += count(bytes.len());
        if self.file.is_none() && self.memory.len() > memory_bytes_max {
            self.file = Some(unlinked_file(temp_dir)?);
        }
        match &mut self.file {
            Some(file) if self.memory.len() >= SPILL_BYTES_MAX => spill(file, &mut self.memory),
            _ => Ok(()),
        }
    }

    pub(crate) fn finish(mut self) -> io::Result<Body> {
        let Some(mut file) = self.file else { return Ok(Body::from(self.memory)) };
        spill(&mut file, &mut self.memory)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Body { kept: Kept::File(file), len: self.len })
    }
}

fn spill(file: &mut File, memory: &mut Vec<u8>) -> io::Result<()> {
    file.write_all(memory)?;
    memory.clear();
    Ok(())
}

/// A file that only this process can read and that is gone with it.
fn unlinked_file(directory: &Path) -> io::Result<File> {
    static NAMES: AtomicU64 = AtomicU64::new(0);
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..NAMES_MAX {
        let name = format!("fastcgi-{}-{}", process::id(), NAMES.fetch_add(1, Ordering::Relaxed));
        let path = directory.join(name);
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests;
