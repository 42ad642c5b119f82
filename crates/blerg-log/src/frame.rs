//! The head of a frame and its fate word, to and from bytes. Start at [`Header`]. Pure: no I/O.
//! Layout: FORMAT.md, section "Frame".

use crate::payload::PAYLOAD_BYTES_MAX;

/// Bytes of a frame before its payload.
pub(crate) const HEADER_BYTES: usize = 56;
/// Bytes of a header that its checksum covers.
const SUMMED_BYTES: usize = 40;
/// Where the fate word lies in a frame.
pub(crate) const FATE_IN_FRAME: u64 = 48;
/// No frame is longer: its length is checked before memory is taken for it.
pub(crate) const FRAME_BYTES_MAX: usize = (HEADER_BYTES + PAYLOAD_BYTES_MAX).next_multiple_of(8);
/// `lag` of a frame that proves nothing.
pub(crate) const LAG_NONE: u16 = u16::MAX;
/// Bytes of one unit of `lag`.
pub(crate) const LAG_UNIT: u64 = 4096;

/// What a frame is about. A byte of another value is a kind of a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) u8);

impl Kind {
    pub(crate) const EPOCH: Kind = Kind(1);
    pub(crate) const SEAL: Kind = Kind(2);
    pub(crate) const USER: Kind = Kind(3);
    pub(crate) const PUT: Kind = Kind(4);
    pub(crate) const EDIT: Kind = Kind(5);
    pub(crate) const DELETE: Kind = Kind(6);
    pub(crate) const CLOSE_USER: Kind = Kind(7);
    pub(crate) const FOLLOW: Kind = Kind(8);
    pub(crate) const UNFOLLOW: Kind = Kind(9);

    fn is_known(self) -> bool {
        (Kind::EPOCH.0..=Kind::UNFOLLOW.0).contains(&self.0)
    }
}

/// Flag: the payload begins with a time of its own.
pub(crate) const FLAG_AT: u8 = 1;
/// Flag: the record answers another.
pub(crate) const FLAG_REPLY: u8 = 2;
/// Flag: the put uses up its number and holds nothing.
pub(crate) const FLAG_HOLE: u8 = 4;
/// Flag: a program that does not know the kind may skip the frame and go on writing.
pub(crate) const FLAG_MAY_SKIP: u8 = 128;

/// The checksums of one site. They are seeded with its secret, so that nobody can put bytes into a text that pass for a frame,
/// and with the position, so that a frame counts at its own place only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    seed: u32,
}

impl Sums {
    pub(crate) fn new(hash_key: &[u8; 16]) -> Sums {
        Sums { seed: crc32c::crc32c(hash_key) }
    }

    /// The checksums with this seed, where the secret it was made of is lost.
    pub(crate) fn of_seed(seed: u32) -> Sums {
        Sums { seed }
    }

    /// Checksum of bytes that lie at `position`.
    pub(crate) fn at(self, position: u64, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.seed, &position.to_le_bytes()), bytes)
    }
}

/// The head of a frame, less its fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) lag: u16,
    pub(crate) time_us: u64,
    pub(crate) author: u32,
    pub(crate) payload_len: u32,
    pub(crate) n: u64,
    pub(crate) prev_hcrc: u32,
    pub(crate) payload_crc: u32,
    /// Its own checksum; [`Header::seal`] computes it.
    pub(crate) hcrc: u32,
}

impl Header {
    /// Bytes of the whole frame, padding included.
    pub(crate) fn frame_len(&self) -> u64 {
        frame_len(u64::from(self.payload_len))
    }

    /// Whether this program must not write behind the frame, because it does not know what it means.
    pub(crate) fn is_alien(&self) -> bool {
        !self.kind.is_known() && self.flags & FLAG_MAY_SKIP == 0
    }

    /// Everything below this position was durable when the frame was written.
    pub(crate) fn proves_durable(&self, position: u64) -> u64 {
        if self.lag == LAG_NONE { 0 } else { position.saturating_sub(u64::from(self.lag) * LAG_UNIT) }
    }

    /// Whether the frame was written behind one with this checksum.
    pub(crate) fn follows(&self, last_hcrc: u32) -> bool {
        self.prev_hcrc == last_hcrc || crate::planted::is_planted(crate::planted::Bug::NoChain)
    }

    /// The bytes of the header at `position`, with its checksum and the fate "live"; notes the checksum.
    pub(crate) fn seal(&mut self, position: u64, sums: Sums) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let summed = self.summed();
        self.hcrc = sums.at(position, &summed);
        let (first, rest) = bytes.split_at_mut(SUMMED_BYTES);
        first.copy_from_slice(&summed);
        if let Some(place) = rest.first_chunk_mut() {
            *place = self.hcrc.to_le_bytes();
        }
        bytes
    }

    fn summed(&self) -> [u8; SUMMED_BYTES] {
        let mut bytes = [0; SUMMED_BYTES];
        let frame_len = u32::try_from(self.frame_len()).unwrap_or(u32::MAX);
        let parts: [&[u8]; 10] = [
            &frame_len.to_le_bytes(),
            &[self.kind.0],
            &[self.flags],
            &self.lag.to_le_bytes(),
            &self.time_us.to_le_bytes(),
            &self.author.to_le_bytes(),
            &self.payload_len.to_le_bytes(),
            &self.n.to_le_bytes(),
            &self.prev_hcrc.to_le_bytes(),
            &self.payload_crc.to_le_bytes(),
        ];
        for (place, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        bytes
    }

    /// The header and fate in the bytes at `position`; `None` if there is no frame, or a damaged one.
    pub(crate) fn open(bytes: &[u8], position: u64, sums: Sums) -> Option<(Header, Fate)> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let (summed, rest) = bytes.split_at(SUMMED_BYTES);
        let mut at = Fields { bytes };
        let frame_len = at.u32()?;
        if frame_len == 0 {
            // Room that was never written: most of what a search sees.
            return None;
        }
        let [kind, flags] = at.take()?;
        let lag = u16::from_le_bytes(at.take()?);
        let header = Header {
            kind: Kind(kind),
            flags,
            lag,
            time_us: at.u64()?,
            author: at.u32()?,
            payload_len: at.u32()?,
            n: at.u64()?,
            prev_hcrc: at.u32()?,
            payload_crc: at.u32()?,
            hcrc: at.u32()?,
        };
        let sound = header.payload_len as usize <= PAYLOAD_BYTES_MAX
            && u64::from(frame_len) == header.frame_len()
            && header.hcrc == sums.at(position, summed);
        let fate = Fate(u64::from_le_bytes(*rest.last_chunk()?));
        sound.then_some((header, fate))
    }
}

/// Bytes of a frame with a payload of this length.
pub(crate) fn frame_len(payload_len: u64) -> u64 {
    (HEADER_BYTES as u64 + payload_len).next_multiple_of(8)
}

/// Takes numbers off the front of bytes.
pub(crate) struct Fields<'b> {
    pub(crate) bytes: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take()?))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take()?))
    }
}

/// What became of a frame, as later frames say: the one word of it that changes. Derived, so no checksum covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate(pub(crate) u64);

const FATE_DELETED: u64 = 1 << 63;
const FATE_SUPERSEDED: u64 = 1 << 62;
const FATE_POSITION: u64 = FATE_SUPERSEDED - 1;

impl Fate {
    pub(crate) const LIVE: Fate = Fate(0);

    pub(crate) fn deleted(by: u64) -> Fate {
        Fate(FATE_DELETED | by)
    }

    pub(crate) fn superseded(by: u64) -> Fate {
        Fate(FATE_SUPERSEDED | by)
    }

    /// The frame that decided it; 0 if the word says nothing, or was written in part.
    pub(crate) fn position(self) -> u64 {
        if self.0 & (FATE_DELETED | FATE_SUPERSEDED) == 0 { 0 } else { self.0 & FATE_POSITION }
    }

    /// The position of the frame that deleted this one.
    pub(crate) fn deleted_by(self) -> Option<u64> {
        (self.0 & FATE_DELETED != 0).then(|| self.position())
    }

    /// The position of the edit that replaced this one.
    pub(crate) fn superseded_by(self) -> Option<u64> {
        (self.0 & FATE_DELETED == 0 && self.0 & FATE_SUPERSEDED != 0).then(|| self.position())
    }
}

#[cfg(test)]
mod tests;
