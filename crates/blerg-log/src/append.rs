//! Frames on their way into the log: laid out, written, published, indexed, in this order. Start at [`Appender`]. Its owner
//! holds the lock. Order of writes: FORMAT.md, section "Order of writes and syncs".

use crate::Error;
use crate::apply;
use crate::control::{Commit, Word};
use crate::core::Core;
use crate::frame::{FLAG_HOLE, Fate, HEADER_BYTES, Header, Kind, LAG_NONE, LAG_UNIT};
use crate::geometry::POSITION_MAX;
use crate::key;
use crate::scan::Entry;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, Tail, Unnamed};
use crate::space;
use crate::sync::poison;
use crate::view::View;

/// Frames are written out when this many bytes have gathered.
const BUFFER_BYTES_MAX: usize = 1 << 20;
/// Room that is always left in a segment: for its SEAL.
const SEAL_BYTES: u64 = HEADER_BYTES as u64;

/// What a frame is to say.
pub(crate) struct Draft<'p> {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) author: u32,
    pub(crate) n: u64,
    pub(crate) payload: &'p [u8],
}

/// The end of the log, and the frames that are to follow it.
pub(crate) struct Appender<'c> {
    core: &'c Core,
    view: &'c View,
    /// The end as it is published.
    published: Commit,
    /// The end behind the frames in the buffer.
    planned: Commit,
    durable: u64,
    buffer: Vec<u8>,
    frames: Vec<Pending>,
    /// Only frames that free space: they may take the last of it.
    frees: bool,
}

/// A frame in the buffer.
struct Pending {
    header: Header,
    position: u64,
    /// Where its payload begins in the buffer.
    payload_at: usize,
}

impl<'c> Appender<'c> {
    /// Begins behind the published end.
    pub(crate) fn new(core: &'c Core, view: &'c View, frees: bool) -> Result<Appender<'c>, Error> {
        let look = view.control.look()?;
        let (published, durable) = (look.commit, look.durable);
        let (buffer, frames) = (Vec::new(), Vec::new());
        Ok(Appender { core, view, published, planned: published, durable, buffer, frames, frees })
    }

    /// Where the next frame will stand, if it fits.
    pub(crate) fn end(&self) -> u64 {
        self.planned.end
    }

    /// The end as it is published.
    pub(crate) fn published(&self) -> u64 {
        self.published.end
    }

    /// Whether a frame with a payload of this length fits into a new segment.
    pub(crate) fn fits(&self, payload_len: usize) -> bool {
        let frame = crate::frame::frame_len(payload_len as u64);
        let place = self.view.segments.geometry().segment_of(self.planned.end);
        SEGMENT_HEADER_BYTES + frame + SEAL_BYTES <= place.bytes
    }

    /// Lays out a frame; says where it will stand.
    pub(crate) fn append(&mut self, now_us: u64, draft: &Draft<'_>) -> Result<u64, Error> {
        let frame = crate::frame::frame_len(draft.payload.len() as u64);
        let place = self.view.segments.geometry().segment_of(self.planned.end);
        if self.planned.end + frame + SEAL_BYTES > place.end() {
            self.flush()?;
            self.roll()?;
        } else if self.buffer.len() > BUFFER_BYTES_MAX {
            self.flush()?;
        }
        if self.planned.end > POSITION_MAX {
            return Err(Error::Full { path: self.core.dir.clone() });
        }
        Ok(self.lay(now_us, draft))
    }

    /// Puts a frame into the buffer.
    fn lay(&mut self, now_us: u64, draft: &Draft<'_>) -> u64 {
        let position = self.planned.end;
        let lag = position.saturating_sub(self.durable).div_ceil(LAG_UNIT);
        let mut header = Header {
            kind: draft.kind,
            flags: draft.flags,
            lag: u16::try_from(lag).unwrap_or(LAG_NONE),
            time_us: now_us.max(self.planned.time_us),
            author: draft.author,
            payload_len: u32::try_from(draft.payload.len()).unwrap_or(u32::MAX),
            n: draft.n,
            prev_hcrc: self.planned.last.hcrc,
            payload_crc: crc32c::crc32c(draft.payload),
            hcrc: 0,
        };
        let bytes = header.seal(position, self.core.sums);
        self.buffer.extend_from_slice(&bytes);
        let payload_at = self.buffer.len();
        self.buffer.extend_from_slice(draft.payload);
        self.buffer.resize(self.buffer.len().next_multiple_of(8), 0);
        self.frames.push(Pending { header, position, payload_at });
        self.planned = Commit {
            end: position + header.frame_len(),
            last: Tail { position, hcrc: header.hcrc },
            time_us: header.time_us,
        };
        position
    }

    /// Writes what has gathered, publishes it and indexes it. After an error nothing of it is published, unless the error is in the
    /// index: then the next writer mends that.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if self.frames.is_empty() {
            return Ok(());
        }
        let keys: Vec<Vec<Vec<u8>>> = self.entries().map(|entry| key::of_frame(&entry)).collect();
        let all: Vec<&Vec<u8>> = keys.iter().flatten().collect();
        space::reserve_index(self.core, self.view, &all, self.frees)?;
        self.write()?;
        self.view.control.publish(&self.planned)?;
        self.published = self.planned;
        for (entry, keys) in self.entries().zip(&keys) {
            apply::apply(self.view, &entry, keys)?;
        }
        self.view.control.store(Word::Indexed, self.published.end);
        self.buffer.clear();
        self.frames.clear();
        Ok(())
    }

    /// The frames in the buffer, as the log will hold them.
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.frames.iter().map(|frame| {
            let from = frame.payload_at;
            let payload = self.buffer.get(from..from + frame.header.payload_len as usize).unwrap_or_default();
            Entry { position: frame.position, header: frame.header, fate: Fate::LIVE, payload }
        })
    }

    /// Writes the buffer behind the published end. If that fails, what was written of it must not be taken for the frames of a
    /// killed writer: the first header is wiped, and the chain keeps the others out.
    fn write(&mut self) -> Result<(), Error> {
        let at = self.published.end;
        self.view.segments.write(at, &self.buffer).inspect_err(|_| {
            // A disk that refuses this too leaves whole frames at most; that is allowed, if not nice.
            let _ = self.view.segments.write(at, &[0; HEADER_BYTES]);
            self.buffer.clear();
            self.frames.clear();
            self.planned = self.published;
        })
    }

    /// Ends the segment and begins the next one; nothing is in the buffer.
    fn roll(&mut self) -> Result<(), Error> {
        let geometry = self.view.segments.geometry();
        let next = geometry.segment(geometry.segment_of(self.planned.end).number + 1);
        space::guard_segment(self.core, next.bytes, self.frees)?;
        // Before the SEAL, behind which nothing fits: a full disk must not keep anybody from deletes that fit before it.
        let room = space::with_ballast(self.core, self.frees, || self.view.segments.allocate(next))?;
        let base = next.base;
        self.lay(self.planned.time_us, &Draft { kind: Kind::SEAL, flags: 0, author: 0, n: base, payload: &[] });
        let seal = self.planned;
        self.write()?;
        self.buffer.clear();
        self.frames.clear();
        self.published = finish_roll(self.core, self.view, &seal, Some(room))?;
        self.planned = self.published;
        self.durable = self.published.end;
        Ok(())
    }
}

/// Whether a frame is a put that uses up its number.
pub(crate) fn is_hole(header: &Header) -> bool {
    header.kind == Kind::PUT && header.flags & FLAG_HOLE != 0
}

/// Goes on behind a SEAL, which is the last frame of `seal`: makes the segment durable, then the next one, of `room` if that was
/// allocated before, then publishes. Also what is done for a writer that was killed in the middle of it.
pub(crate) fn finish_roll(core: &Core, view: &View, seal: &Commit, room: Option<Unnamed>) -> Result<Commit, Error> {
    let sync = core.sync_lock()?.hold()?;
    let published = view.control.look()?.commit.end;
    crate::sync::sync_segment(core, view, seal.last.position, seal.end, published)?;
    let geometry = view.segments.geometry();
    let next = geometry.segment(geometry.segment_of(seal.last.position).number + 1);
    let header = SegmentHeader { site_id: core.format.identity.site_id, base: next.base, seal: seal.last };
    if view.segments.exists(next.base)? {
        if view.segments.header(next, core.sums)? != header {
            return Err(view.segments.damage(next.base, "the segment follows another seal"));
        }
    } else {
        let room = match room {
            Some(room) => room,
            // A killed writer's rollover: behind its SEAL not even a delete has a place.
            None => space::with_ballast(core, true, || view.segments.allocate(next))?,
        };
        view.segments.name(&room, |file| file.write(&header.write(core.sums), 0))?;
    }
    // Also a name that was there: the writer that made it may have been killed before it synced the directory. If this fails, a
    // second try would tell nothing of what the first one lost.
    view.segments.sync_dir().map_err(|e| poison(core, view, e))?;
    let begun = Commit { end: next.base + SEGMENT_HEADER_BYTES, last: seal.last, time_us: seal.time_us };
    view.control.publish(&begun)?;
    // Nothing stands between the SEAL and the first frame of the next segment; but what is indexed may end before the SEAL.
    view.control.store(Word::Durable, begun.end);
    drop(sync);
    let indexed = view.control.load(Word::Indexed)?;
    if indexed >= seal.last.position {
        view.control.store(Word::Indexed, begun.end);
    }
    Ok(begun)
}
