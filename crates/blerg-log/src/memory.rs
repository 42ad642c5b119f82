//! The bytes of an index file, for the index: mapped piece by piece, or read one by one. Start at [`FileMemory`].
//! The file only grows; pieces double in length, so that few maps reach all of it and none is ever moved.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::file::File;
use crate::index::{Fault, Grow, Memory};
use crate::slots::Slots;
use crate::{Disk, Error, Mapping, OpenMode};

/// Log2 of the bytes of the first piece; piece k > 0 reaches from 2^(k-1) to 2^k times as far.
const PIECE_BITS: u32 = 20;
/// The file grows by at least this much.
const GROW_BYTES_MIN: u64 = 1 << 18;
/// The file grows by at most this much more than is needed: allocating takes time, and the writer holds the lock.
const GROW_BYTES_MAX: u64 = 32 << 20;

/// How an index file is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Mapped for reading.
    Map,
    /// Single reads.
    Read,
    /// Mapped for reading and writing: the one writer.
    Write,
}

/// An index file.
pub(crate) struct FileMemory {
    file: File,
    reach: Reach,
    /// The length of the file when it was last looked at; it only grows.
    length: AtomicU64,
    pieces: Slots<Box<dyn Mapping>>,
}

impl FileMemory {
    pub(crate) fn open(disk: &dyn Disk, path: &Path, reach: Reach) -> Result<FileMemory, Error> {
        let mode = if reach == Reach::Write { OpenMode::Write } else { OpenMode::Read };
        FileMemory::of(File::open(disk, path, mode)?, reach)
    }

    /// A new file with room for `bytes`, over the one that is there.
    pub(crate) fn create(disk: &dyn Disk, path: &Path, bytes: u64) -> Result<FileMemory, Error> {
        let memory = FileMemory::of(File::open(disk, path, OpenMode::Replace)?, Reach::Write)?;
        memory.reserve(bytes)?;
        Ok(memory)
    }

    fn of(file: File, reach: Reach) -> Result<FileMemory, Error> {
        let length = AtomicU64::new(file.size()?);
        Ok(FileMemory { file, reach, length, pieces: Slots::new() })
    }

    /// The length of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Sees to it that the file has room for `bytes` bytes, and some more.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<(), Error> {
        let length = self.length();
        if bytes > length {
            let more = (bytes / 8).clamp(GROW_BYTES_MIN, GROW_BYTES_MAX);
            let to = (bytes + more).next_multiple_of(GROW_BYTES_MIN);
            self.file.allocate(to)?;
            self.length.store(to, Ordering::Release);
        }
        Ok(())
    }

    /// Asks a file system that copies on write for room for a range that exists.
    pub(crate) fn populate(&self, from: u64, to: u64) -> Result<(), Error> {
        let page = 4096;
        let mut at = from & !(page - 1);
        while at < to.min(self.length()) {
            let (map, offset) = self.piece(at)?;
            map.populate(offset, 4096).map_err(|_| Error::Full { path: self.file.path().into() })?;
            at += page;
        }
        Ok(())
    }

    /// Says, until this is closed, that somebody uses the file; false if somebody else is about to remove what belongs to it.
    pub(crate) fn share(&self) -> Result<bool, Error> {
        self.file.try_share()
    }

    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync()
    }

    /// That `at..at + bytes` lies in the file, which another process may have made longer.
    fn check(&self, at: u64, bytes: u64) -> Result<(), Error> {
        let end = at.checked_add(bytes).ok_or_else(|| beyond(at))?;
        if end <= self.length() {
            return Ok(());
        }
        let length = self.file.size()?;
        self.length.fetch_max(length, Ordering::AcqRel);
        if end <= length { Ok(()) } else { Err(beyond(at)) }
    }

    /// The map that `at` lies in, and where in it.
    fn piece(&self, at: u64) -> Result<(&dyn Mapping, usize), Error> {
        let number = u64::from((at >> PIECE_BITS).checked_ilog2().map_or(0, |bits| bits + 1));
        let (from, bytes) = match number {
            0 => (0, 1 << PIECE_BITS),
            number => (1 << (u64::from(PIECE_BITS) + number - 1), 1 << (u64::from(PIECE_BITS) + number - 1)),
        };
        let map = self.pieces.get_or_open(number, || {
            let bytes = usize::try_from(bytes).map_err(|_| beyond(at))?;
            if self.reach == Reach::Write { self.file.map_write(from, bytes) } else { self.file.map_read(from, bytes) }
        })?;
        Ok((&**map, usize::try_from(at - from).map_err(|_| beyond(at))?))
    }

    /// Calls `part` for each part of a range that lies in one piece, with the map, the offset in it and the part's length.
    fn parts(&self, at: u64, bytes: usize, mut part: impl FnMut(&dyn Mapping, usize, usize)) -> Result<(), Error> {
        let (mut at, mut left) = (at, bytes);
        while left > 0 {
            let (map, offset) = self.piece(at)?;
            let piece_end = (at >> PIECE_BITS).checked_ilog2().map_or(1, |bits| 2_u64 << bits) << PIECE_BITS;
            let now = usize::try_from(piece_end - at).unwrap_or(usize::MAX).min(left);
            part(map, offset, now);
            at += now as u64;
            left -= now;
        }
        Ok(())
    }
}

impl Memory for FileMemory {
    fn bytes(&self) -> u64 {
        self.length()
    }

    fn load(&self, at: u64) -> Result<u64, Error> {
        self.check(at, 8)?;
        if self.reach == Reach::Read {
            let mut word = [0; 8];
            // The kernel copies an aligned word at once; where one changes a check is in it. What it leads to is read after it.
            self.file.read(&mut word, at)?;
            fence(Ordering::Acquire);
            return Ok(u64::from_le_bytes(word));
        }
        let (map, offset) = self.piece(at)?;
        Ok(map.load(offset))
    }

    fn store(&self, at: u64, v: u64) -> Result<(), Error> {
        self.check(at, 8)?;
        let (map, offset) = self.piece(at)?;
        map.store(offset, v);
        Ok(())
    }

    fn read(&self, at: u64, buf: &mut [u8]) -> Result<(), Error> {
        self.check(at, buf.len() as u64)?;
        if self.reach == Reach::Read {
            return self.file.read(buf, at);
        }
        let mut rest = buf;
        self.parts(at, rest.len(), |map, offset, now| {
            let (into, later) = std::mem::take(&mut rest).split_at_mut(now);
            map.read(offset, into);
            rest = later;
        })
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        self.check(at, bytes.len() as u64)?;
        let mut rest = bytes;
        self.parts(at, bytes.len(), |map, offset, now| {
            let (from, later) = rest.split_at(now);
            map.write(offset, from);
            rest = later;
        })
    }
}

impl Grow for FileMemory {
    fn grow(&self, bytes: u64) -> Result<(), Error> {
        self.reserve(bytes)
    }
}

fn beyond(at: u64) -> Error {
    Fault::Damaged { at, what: "beyond the end" }.into()
}
