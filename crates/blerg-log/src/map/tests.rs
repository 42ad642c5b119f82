//! Maps: shared between two of one file, and harmless beyond their end.

use memmap2::MmapOptions;

use super::SharedMap;
use crate::Mapping;

fn file_of(bytes: usize) -> std::fs::File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(bytes as u64).unwrap();
    file
}

#[test]
fn two_maps_of_one_file_share_their_words() {
    let file = file_of(4096);
    let one = SharedMap::for_writing(MmapOptions::new().len(4096).map_raw(&file).unwrap());
    let two = SharedMap::for_reading(MmapOptions::new().len(4096).map_raw_read_only(&file).unwrap());
    one.store(8, 0x0102_0304_0506_0708);
    assert_eq!(two.load(8), 0x0102_0304_0506_0708);
    let mut bytes = [0; 8];
    two.read(8, &mut bytes);
    assert_eq!(bytes, [8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn access_beyond_the_map_or_unaligned_does_nothing() {
    let file = file_of(4096);
    let map = SharedMap::for_writing(MmapOptions::new().len(4096).map_raw(&file).unwrap());
    map.store(4096, 1);
    map.store(4090, 1);
    map.store(4, 1);
    map.write(4095, &[1, 1]);
    map.write(usize::MAX, &[1]);
    assert_eq!([map.load(4096), map.load(4090), map.load(0), map.load(4088)], [0; 4]);
    let mut bytes = [7; 2];
    map.read(4095, &mut bytes);
    assert_eq!(bytes, [0, 0]);
}

#[test]
fn a_map_for_reading_ignores_writes() {
    let file = file_of(4096);
    let map = SharedMap::for_reading(MmapOptions::new().len(4096).map_raw_read_only(&file).unwrap());
    map.store(0, 1);
    map.write(0, &[1]);
    assert_eq!(map.load(0), 0);
}
