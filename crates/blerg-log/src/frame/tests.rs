//! Heads of frames: every bit counts, at one place and in one site only.

use super::{FRAME_BYTES_MAX, Fate, Header, Kind, LAG_NONE, LAG_UNIT, Sums};
use crate::payload::PAYLOAD_BYTES_MAX;

fn header() -> Header {
    Header {
        kind: Kind::PUT,
        flags: 3,
        lag: 2,
        time_us: 1 << 50,
        author: 70_000,
        payload_len: 13,
        n: 1 << 40,
        prev_hcrc: 99,
        payload_crc: 98,
        hcrc: 0,
    }
}

#[test]
fn a_header_survives_writing_and_reading() {
    let (mut header, sums) = (header(), Sums::new(&[9; 16]));
    let bytes = header.seal(4096, sums);
    assert_eq!(Header::open(&bytes, 4096, sums), Some((header, Fate::LIVE)));
    assert_eq!(header.frame_len(), 72);
}

#[test]
fn any_flipped_bit_before_the_fate_is_noticed() {
    let (mut header, sums) = (header(), Sums::new(&[9; 16]));
    let bytes = header.seal(4096, sums);
    for bit in 0..44 * 8 {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Header::open(&flipped, 4096, sums), None, "bit {bit}");
    }
}

#[test]
fn a_frame_counts_at_its_own_place_and_site_only() {
    let (mut header, sums) = (header(), Sums::new(&[9; 16]));
    let bytes = header.seal(4096, sums);
    assert_eq!(Header::open(&bytes, 4104, sums), None);
    assert_eq!(Header::open(&bytes, 4096, Sums::new(&[8; 16])), None);
}

#[test]
fn a_payload_is_at_most_as_long_as_the_longest_there_can_be() {
    let sums = Sums::new(&[9; 16]);
    for (len, sound) in [(PAYLOAD_BYTES_MAX, true), (PAYLOAD_BYTES_MAX + 1, false)] {
        let mut header = Header { payload_len: len as u32, ..header() };
        let bytes = header.seal(0, sums);
        assert_eq!(Header::open(&bytes, 0, sums).is_some(), sound, "{len}");
        assert!(!sound || header.frame_len() as usize <= FRAME_BYTES_MAX, "{len}");
    }
}

#[test]
fn every_prefix_of_a_header_is_none() {
    let (mut header, sums) = (header(), Sums::new(&[9; 16]));
    let bytes = header.seal(0, sums);
    for len in 0..bytes.len() {
        assert_eq!(Header::open(&bytes[..len], 0, sums), None);
    }
}

#[test]
fn lag_says_what_was_durable() {
    let header = Header { lag: 2, ..header() };
    assert_eq!(header.proves_durable(3 * LAG_UNIT), LAG_UNIT);
    assert_eq!(header.proves_durable(5), 0);
    assert_eq!(Header { lag: 0, ..header }.proves_durable(5), 5);
    assert_eq!(Header { lag: LAG_NONE, ..header }.proves_durable(u64::MAX / 2), 0);
}

#[test]
fn a_fate_word_without_a_kind_says_nothing() {
    assert_eq!(Fate(408).position(), 0);
    assert_eq!((Fate(408).deleted_by(), Fate(408).superseded_by()), (None, None));
    assert_eq!(Fate::deleted(408).deleted_by(), Some(408));
    assert_eq!(Fate::superseded(408).superseded_by(), Some(408));
    assert_eq!(Fate::deleted(408).superseded_by(), None);
}

#[test]
fn kinds_of_later_versions_stop_writers_unless_they_may_be_skipped() {
    assert!(!header().is_alien());
    assert!(Header { kind: Kind(77), ..header() }.is_alien());
    assert!(!Header { kind: Kind(77), flags: super::FLAG_MAY_SKIP, ..header() }.is_alien());
}
