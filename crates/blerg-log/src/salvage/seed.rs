//! How to read a log whose FORMAT is lost. Start at [`find`]. The checksums are seeded with 32 bits of the secret key; a
//! checksum run backwards over bytes that are sound gives the seed, and all other frames confirm it. The key itself cannot be
//! had that way: the new store gets another.

use std::path::Path;

use crate::file::File;
use crate::frame::{HEADER_BYTES, Header, Sums};
use crate::geometry::Geometry;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::{Disk, Durability, Error, Identity, OpenMode};

/// CRC-32C, reflected.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// What the checksum of a segment's header and of a frame's cover, before it.
const SEGMENT_SUMMED: usize = 60;
const FRAME_SUMMED: usize = 40;

/// The checksums, identity and geometry of the log whose segments begin at `bases`.
pub(super) fn find(
    disk: &dyn Disk,
    log_dir: &Path,
    bases: &[u64],
    random: fn(&mut [u8]),
) -> Result<(Sums, Identity, Geometry), Error> {
    let (mut heads, mut sizes) = (Vec::new(), Vec::new());
    for base in bases {
        let path = log_dir.join(format!("{base:016x}.seg"));
        let Ok(file) = File::open(disk, &path, OpenMode::Read) else { continue };
        sizes.push((*base, file.size().unwrap_or(0)));
        let mut bytes = vec![0; 4096];
        if let Ok(found) = file.read_up_to(&mut bytes, 0) {
            bytes.truncate(found);
            heads.push((*base, bytes));
        }
    }
    let found = heads.iter().find_map(|(base, bytes)| seed_of(bytes, *base));
    let Some(sums) = found else {
        return Err(Error::damaged(log_dir, 0, "neither FORMAT nor the beginning of any segment is sound"));
    };
    let site = heads.iter().find_map(|(base, bytes)| {
        let header = SegmentHeader::read(bytes.first_chunk()?, *base, sums)?;
        Some(header.site_id)
    });
    let mut identity = Identity { site_id: [0; 16], hash_key: [0; 16], durability: Durability::Sync };
    random(&mut identity.hash_key);
    match site {
        Some(site) => identity.site_id = site,
        // Feed ids change with it; nothing else does.
        None => random(&mut identity.site_id),
    }
    Ok((sums, identity, geometry(&sizes)))
}

/// The seed, by a segment's header and its first frame, of which one confirms the other; or by its first two frames.
fn seed_of(bytes: &[u8], base: u64) -> Option<Sums> {
    let first = usize::try_from(SEGMENT_HEADER_BYTES).ok()?;
    let frame = bytes.get(first..first + HEADER_BYTES)?;
    let position = base + SEGMENT_HEADER_BYTES;
    let candidates = [(bytes, base, SEGMENT_SUMMED), (frame, position, FRAME_SUMMED)];
    candidates.into_iter().find_map(|(bytes, at, summed)| {
        let (covered, rest) = bytes.split_at_checked(summed)?;
        let sums = Sums::of_seed(seed(at, covered, u32::from_le_bytes(*rest.first_chunk()?)));
        let is_header = SegmentHeader::read(bytes.first_chunk()?, base, sums).is_some() && at == base;
        let frame = Header::open(frame, position, sums);
        let next = frame.map(|(header, _)| header.frame_len());
        let second = next.and_then(|len| {
            let from = first + usize::try_from(len).ok()?;
            Header::open(bytes.get(from..)?, position + len, sums)
        });
        let magic = bytes.starts_with(b"BLERGSEG");
        ((is_header && magic) || second.is_some()).then_some(sums)
    })
}

/// The state before `bytes` at `position` were added, if `sum` is the checksum after.
fn seed(position: u64, bytes: &[u8], sum: u32) -> u32 {
    let mut state = !sum;
    for byte in position.to_le_bytes().iter().chain(bytes).rev() {
        // The byte's table entry is the one with this highest byte.
        for _ in 0..8 {
            state = if state >> 31 == 1 { (state ^ POLYNOMIAL) << 1 | 1 } else { state << 1 };
        }
        state ^= u32::from(*byte);
    }
    !state
}

/// The sizes of segments, by where those that are there begin and how long they are; one of them may have been cut.
fn geometry(sizes: &[(u64, u64)]) -> Geometry {
    let all = (10..=30_u32).flat_map(|first| (first..=30).map(move |last| (first, last)));
    let usual = (Geometry::USUAL.first_bits, Geometry::USUAL.last_bits);
    let fits = |(first_bits, last_bits): (u32, u32)| {
        let geometry = Geometry { first_bits, last_bits };
        let is_there = |(base, bytes): &&(u64, u64)| {
            let place = geometry.segment_of(*base);
            (place.base, place.bytes) == (*base, *bytes)
        };
        (sizes.iter().filter(is_there).count(), geometry)
    };
    // Of those that fit as well the first: the usual one.
    let best = std::iter::once(usual)
        .chain(all)
        .map(fits)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .max_by_key(|(count, _)| *count);
    best.map_or(Geometry::USUAL, |(_, geometry)| geometry)
}

#[cfg(test)]
mod tests {
    //! The checksum backwards.

    use super::*;

    #[test]
    fn a_checksum_run_backwards_gives_its_seed() {
        for key in [[0; 16], [0xFF; 16], *b"0123456789abcdef"] {
            for (position, bytes) in [(0, &b""[..]), (64, b"a"), (1 << 40, &[7; 60])] {
                let sums = Sums::new(&key);
                assert_eq!(seed(position, bytes, sums.at(position, bytes)), crc32c::crc32c(&key));
            }
        }
    }
}
