//! Finds frames in the log. Start at [`Scan`], which reads them one behind the other; [`Window`] reads single ones. Looks at
//! checksums and the chain, never at what a frame means, and takes nothing for a frame that is not one.

use crate::Error;
use crate::frame::{FRAME_BYTES_MAX, Fate, HEADER_BYTES, Header, Kind, Sums};
use crate::geometry::POSITION_MAX;
use crate::segment::{SEGMENT_HEADER_BYTES, Segments, Tail};

/// A frame as it lies in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'w> {
    pub(crate) position: u64,
    pub(crate) header: Header,
    pub(crate) fate: Fate,
    /// Not compared with its checksum yet: [`Entry::is_intact`].
    pub(crate) payload: &'w [u8],
}

impl Entry<'_> {
    /// Whether the payload is what was written.
    pub(crate) fn is_intact(&self) -> bool {
        crc32c::crc32c(self.payload) == self.header.payload_crc
    }

    /// The position behind the frame; a seal leads to the first frame of the next segment.
    pub(crate) fn next(&self, segments: &Segments) -> u64 {
        match self.header.kind {
            Kind::SEAL => segments.geometry().segment_of(self.position).end() + SEGMENT_HEADER_BYTES,
            _ => self.position + self.header.frame_len(),
        }
    }

    pub(crate) fn tail(&self) -> Tail {
        Tail { position: self.position, hcrc: self.header.hcrc }
    }
}

/// Bytes that a scan reads at once.
const SCAN_BYTES: usize = 1 << 18;
/// What was never written is compared with this.
const ZEROS: [u8; 1024] = [0; 1024];

/// A stretch of the log in memory, read anew wherever a frame is wanted that it does not hold.
#[derive(Debug)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    at: u64,
    /// Bytes read at once; 0: as many as do for most frames.
    stride: usize,
}

impl Window {
    /// For single frames here and there.
    pub(crate) fn glance() -> Window {
        Window { bytes: Vec::new(), at: 0, stride: 0 }
    }

    /// For all frames of a long stretch.
    pub(crate) fn wide() -> Window {
        Window { bytes: Vec::new(), at: 0, stride: SCAN_BYTES }
    }

    /// Forgets what it holds, so that the next look is a fresh one.
    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// The bytes from `position` on: `wanted` at least, or all up to the end of the segment.
    fn ahead(&mut self, segments: &Segments, position: u64, wanted: usize) -> Result<&[u8], Error> {
        let have = self.at + self.bytes.len() as u64;
        if position < self.at || position + wanted as u64 > have {
            // The first frame is often the only one that is asked for; a scan that goes on soon reads in full strides.
            let stride = (self.bytes.len() * 8).min(self.stride).max(segments.glance_bytes());
            self.bytes.resize(stride.max(wanted), 0);
            let found = segments.read_up_to(position, &mut self.bytes);
            self.bytes.truncate(*found.as_ref().unwrap_or(&0));
            self.at = position;
            found?;
        }
        let skip = usize::try_from(position - self.at).unwrap_or(usize::MAX);
        Ok(self.bytes.get(skip..).unwrap_or_default())
    }

    /// Bytes of whole words of zeros that lie at `position`, as far as they are at hand. No frame begins with such a word: its length
    /// stands first.
    fn zeros(&mut self, segments: &Segments, position: u64) -> Result<u64, Error> {
        let bytes = match self.ahead(segments, position, HEADER_BYTES) {
            Err(e) if e.is_missing() => return Ok(0),
            bytes => bytes?,
        };
        let whole = bytes.chunks_exact(ZEROS.len()).take_while(|chunk| **chunk == ZEROS).count() * ZEROS.len();
        let words = bytes.get(whole..).unwrap_or_default().chunks_exact(8).take_while(|word| **word == [0; 8]).count();
        Ok((whole + words * 8) as u64)
    }

    /// The sound header at `position`, if there is one.
    pub(crate) fn header(
        &mut self,
        segments: &Segments,
        sums: Sums,
        position: u64,
    ) -> Result<Option<(Header, Fate)>, Error> {
        // A damaged index or fate may name anything.
        if position >= POSITION_MAX {
            return Ok(None);
        }
        match self.ahead(segments, position, HEADER_BYTES) {
            Ok(bytes) => Ok(Header::open(bytes, position, sums)),
            Err(e) if e.is_missing() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The frame at `position`, if there is one.
    pub(crate) fn entry(&mut self, segments: &Segments, sums: Sums, position: u64) -> Result<Option<Entry<'_>>, Error> {
        let Some((header, fate)) = self.header(segments, sums, position)? else { return Ok(None) };
        let frame_len = usize::try_from(header.frame_len()).unwrap_or(FRAME_BYTES_MAX);
        let bytes = self.ahead(segments, position, frame_len)?;
        let end = HEADER_BYTES + header.payload_len as usize;
        Ok(match bytes.get(HEADER_BYTES..end) {
            Some(payload) if bytes.len() >= frame_len => Some(Entry { position, header, fate, payload }),
            _ => None,
        })
    }
}

/// A place in the log from which frames are read.
pub(crate) struct Scan<'s> {
    segments: &'s Segments,
    sums: Sums,
    at: u64,
    window: Window,
}

impl<'s> Scan<'s> {
    /// Reads from `at` on.
    pub(crate) fn new(segments: &'s Segments, sums: Sums, at: u64, window: Window) -> Scan<'s> {
        Scan { segments, sums, at, window }
    }

    /// Where the next frame is looked for.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The frame at this place, whatever it follows, and moves behind it; `None`, and stays, if there is none.
    pub(crate) fn next(&mut self) -> Result<Option<Entry<'_>>, Error> {
        let entry = self.window.entry(self.segments, self.sums, self.at)?;
        if let Some(entry) = &entry {
            self.at = entry.next(self.segments);
        }
        Ok(entry)
    }

    /// The next frame if it follows the one with `last_hcrc`; `None`, and stays, if not.
    pub(crate) fn next_after(&mut self, last_hcrc: u32) -> Result<Option<Entry<'_>>, Error> {
        match self.window.header(self.segments, self.sums, self.at)? {
            Some((header, _)) if header.follows(last_hcrc) => self.next(),
            _ => Ok(None),
        }
    }

    /// Moves behind damage: to the next sound header in this segment, or to the next segment, below `limit`. False, and stays,
    /// if there is none.
    pub(crate) fn resync(&mut self, limit: u64) -> Result<bool, Error> {
        let end = self.segments.geometry().segment_of(self.at).end();
        let mut at = self.at + 8;
        while at + HEADER_BYTES as u64 <= end.min(limit) {
            let zeros = self.window.zeros(self.segments, at)?;
            if zeros > 0 {
                at += zeros;
                continue;
            }
            if self.window.header(self.segments, self.sums, at)?.is_some() {
                self.at = at;
                return Ok(true);
            }
            at += 8;
        }
        let next = end + SEGMENT_HEADER_BYTES;
        if next < limit {
            self.at = next;
        }
        Ok(next < limit)
    }
}
