//! The files of the log, addressed by position. Start at [`Segments`]. Opens at most the one segment that a position
//! lies in, and never shrinks, moves or maps one for writing. Layout: FORMAT.md, section "Segments".

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::file::File;
use crate::frame::{Fields, Sums};
use crate::geometry::{Geometry, POSITION_MAX, Place};
use crate::slots::Slots;
use crate::{Disk, Error, Mapping, OpenMode};

/// Bytes before the first frame of a segment.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 64;
const SUMMED_BYTES: usize = 60;
const MAGIC: [u8; 8] = *b"BLERGSEG";
const VERSION: u32 = 1;
/// The directory of the segments; those of a compacted log lie in one with its number behind the name.
pub(crate) const LOG_DIR: &str = "log";

/// How segments are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Through maps, read-only.
    Map,
    /// By single reads.
    Read,
    /// By single reads and writes.
    Write,
    /// By single writes, and through maps for reading.
    MapAndWrite,
}

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) site_id: [u8; 16],
    pub(crate) base: u64,
    /// The SEAL of the segment before: where it stands and its checksum. Zeros in the first segment.
    pub(crate) seal: Tail,
}

/// The last frame before a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) position: u64,
    pub(crate) hcrc: u32,
}

impl SegmentHeader {
    pub(crate) fn write(&self, sums: Sums) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        bytes.extend_from_slice(&self.site_id);
        bytes.extend_from_slice(&self.base.to_le_bytes());
        bytes.extend_from_slice(&self.seal.position.to_le_bytes());
        bytes.extend_from_slice(&self.seal.hcrc.to_le_bytes());
        bytes.resize(SUMMED_BYTES, 0);
        let sum = sums.at(self.base, &bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// `None` if the bytes are not the header of the segment that begins at `base`.
    pub(crate) fn read(bytes: &[u8; SEGMENT_HEADER_BYTES as usize], base: u64, sums: Sums) -> Option<SegmentHeader> {
        let (summed, sum) = bytes.split_at(SUMMED_BYTES);
        let mut fields = Fields { bytes: summed };
        let sound = fields.take()? == MAGIC
            && fields.u32()? == VERSION
            && fields.u32()? == 0
            && sum == sums.at(base, summed).to_le_bytes();
        let header = SegmentHeader {
            site_id: fields.take()?,
            base: fields.u64()?,
            seal: Tail { position: fields.u64()?, hcrc: fields.u32()? },
        };
        (sound && header.base == base).then_some(header)
    }
}

/// The segments of a log.
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    geometry: Geometry,
    access: Access,
    open: Slots<Segment>,
}

struct Segment {
    file: File,
    map: Option<Box<dyn Mapping>>,
}

/// A segment to be, under a name that does not count.
pub(crate) struct Unnamed {
    place: Place,
    file: File,
}

impl Segments {
    /// The segments of a log that was never compacted, below the data directory `dir`; opens none yet.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path, geometry: Geometry, access: Access) -> Segments {
        Segments::at(disk, &dir.join(LOG_DIR), geometry, access)
    }

    /// The segments that lie in `dir`; opens none yet.
    pub(crate) fn at(disk: Arc<dyn Disk>, dir: &Path, geometry: Geometry, access: Access) -> Segments {
        Segments { disk, dir: dir.into(), geometry, access, open: Slots::new() }
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Bytes that the look at one frame reads at once: a map makes a second look cheap.
    pub(crate) fn glance_bytes(&self) -> usize {
        match self.access {
            Access::Map | Access::MapAndWrite => 256,
            Access::Read | Access::Write => 1024,
        }
    }

    /// The name of the segment that begins at `base`.
    pub(crate) fn path(&self, base: u64) -> PathBuf {
        self.dir.join(format!("{base:016x}.seg"))
    }

    /// A position as an operator can look it up: file and offset.
    pub(crate) fn damage(&self, position: u64, what: impl Into<String>) -> Error {
        let place = self.geometry.segment_of(position);
        Error::damaged(&self.path(place.base), position - place.base, what)
    }

    fn segment(&self, place: Place) -> Result<&Segment, Error> {
        self.open.get_or_open(place.number, || {
            let (mode, maps) = match self.access {
                Access::Map => (OpenMode::Read, true),
                Access::Read => (OpenMode::Read, false),
                Access::Write => (OpenMode::Write, false),
                Access::MapAndWrite => (OpenMode::Write, true),
            };
            let file = File::open(&*self.disk, &self.path(place.base), mode)?;
            if !maps {
                return Ok(Segment { file, map: None });
            }
            // One that lost its end is not mapped: behind the end of a file a map kills, a read tells.
            if file.size()? < place.bytes {
                return Ok(Segment { file, map: None });
            }
            let bytes = usize::try_from(place.bytes).map_err(|_| Error::damaged(file.path(), 0, "too large to map"))?;
            let map = file.map_read(0, bytes)?;
            Ok(Segment { file, map: Some(map) })
        })
    }

    /// Whether the file of a segment has lost its end.
    pub(crate) fn is_short(&self, place: Place) -> Result<bool, Error> {
        Ok(self.segment(place)?.file.size()? < place.bytes)
    }

    /// Whether the segment that `position` lies in exists.
    pub(crate) fn exists(&self, position: u64) -> Result<bool, Error> {
        match self.segment(self.geometry.segment_of(position)) {
            Ok(_) => Ok(true),
            Err(e) if e.is_missing() => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Reads from `position` on, but not beyond its segment; says how many bytes came.
    pub(crate) fn read_up_to(&self, position: u64, into: &mut [u8]) -> Result<usize, Error> {
        // A frame of a writer that erred, or a damaged word, may name anything.
        if position >= POSITION_MAX {
            return Ok(0);
        }
        let place = self.geometry.segment_of(position);
        let wanted = usize::try_from(place.end() - position).unwrap_or(usize::MAX).min(into.len());
        let (into, _) = into.split_at_mut(wanted);
        let segment = self.segment(place)?;
        match (&segment.map, usize::try_from(position - place.base)) {
            (Some(map), Ok(at)) => {
                map.read(at, into);
                Ok(wanted)
            }
            _ => segment.file.read_up_to(into, position - place.base),
        }
    }

    /// Reads all of `into`; damage if the segment ends before.
    pub(crate) fn read(&self, position: u64, into: &mut [u8]) -> Result<(), Error> {
        let found = self.read_up_to(position, into)?;
        if found < into.len() {
            return Err(self.damage(position, format!("{} bytes wanted, found {found}", into.len())));
        }
        Ok(())
    }

    /// Writes at `position`; the caller keeps within the segment.
    pub(crate) fn write(&self, position: u64, bytes: &[u8]) -> Result<(), Error> {
        let place = self.geometry.segment_of(position);
        self.segment(place)?.file.write(bytes, position - place.base)
    }

    /// Makes the segment that `position` lies in durable.
    pub(crate) fn sync(&self, position: u64) -> Result<(), Error> {
        self.segment(self.geometry.segment_of(position))?.file.sync()
    }

    /// Makes all segments durable, up to the one that ends at `end` or behind it.
    pub(crate) fn sync_all(&self, end: u64) -> Result<(), Error> {
        let last = self.geometry.segment_of(end - 1).number;
        (0..=last).try_for_each(|number| self.sync(self.geometry.segment(number).base))
    }

    /// The header of the segment at `place`.
    pub(crate) fn header(&self, place: Place, sums: Sums) -> Result<SegmentHeader, Error> {
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        self.read(place.base, &mut bytes)?;
        SegmentHeader::read(&bytes, place.base, sums)
            .ok_or_else(|| self.damage(place.base, "no segment header of this site"))
    }

    /// A file with the room of the segment at `place`, and no name yet that counts.
    pub(crate) fn allocate(&self, place: Place) -> Result<Unnamed, Error> {
        let tmp = self.path(place.base).with_extension("tmp");
        let file = File::open(&*self.disk, &tmp, OpenMode::Replace)?;
        let allocated = file.allocate(place.bytes);
        allocated.inspect_err(|_| drop(self.disk.remove(&tmp)))?;
        Ok(Unnamed { place, file })
    }

    /// Makes a file the segment that it was allocated for, over the one that is there: with what `fill` writes, whole or not at
    /// all. Its name is not durable before [`Segments::sync_dir`].
    pub(crate) fn name(&self, new: &Unnamed, fill: impl FnOnce(&File) -> Result<(), Error>) -> Result<(), Error> {
        fill(&new.file)?;
        new.file.sync()?;
        let path = self.path(new.place.base);
        self.disk.rename(new.file.path(), &path).map_err(|e| Error::io(&path, "rename", e))
    }

    /// Makes the segment at `place`, durably.
    pub(crate) fn create(&self, place: Place, header: &SegmentHeader, sums: Sums) -> Result<(), Error> {
        self.create_with(place, |file| file.write(&header.write(sums), 0))
    }

    /// Makes the file of the segment at `place`, with what `fill` writes, over the one that is there, durably.
    pub(crate) fn create_with(&self, place: Place, fill: impl FnOnce(&File) -> Result<(), Error>) -> Result<(), Error> {
        self.name(&self.allocate(place)?, fill)?;
        self.sync_dir()
    }

    /// Sees to it that there is no segment at `place`, durably.
    pub(crate) fn remove(&self, place: Place) -> Result<(), Error> {
        let path = self.path(place.base);
        match self.disk.remove(&path) {
            Ok(()) => self.sync_dir(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Error::io(&path, "remove", e)),
        }
    }

    /// Makes the names of the segments durable.
    pub(crate) fn sync_dir(&self) -> Result<(), Error> {
        self.disk.sync_dir(&self.dir).map_err(|e| Error::io(&self.dir, "sync", e))
    }

    /// How many segments there are; removes what a killed process left half made.
    pub(crate) fn tidy_and_count(&self) -> Result<u64, Error> {
        for name in self.names()?.iter().filter(|name| name.ends_with(".tmp")) {
            let path = self.dir.join(name);
            self.disk.remove(&path).map_err(|e| Error::io(&path, "remove", e))?;
        }
        self.count()
    }

    /// How many segments there are.
    pub(crate) fn count(&self) -> Result<u64, Error> {
        let base = |name: &String| u64::from_str_radix(name.strip_suffix(".seg")?, 16).ok();
        let mut bases: Vec<u64> = self.names()?.iter().filter_map(base).collect();
        bases.sort_unstable();
        for (number, base) in (0..).zip(&bases) {
            let wanted = self.geometry.segment(number).base;
            if *base != wanted {
                let what = format!("segment missing; the next one there begins at {base:#x}");
                return Err(Error::damaged(&self.path(wanted), 0, what));
            }
        }
        Ok(bases.len() as u64)
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        self.disk.list(&self.dir).map_err(|e| Error::io(&self.dir, "list", e))
    }
}
