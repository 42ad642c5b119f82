//! Segments cover the log without a gap, and each position finds its own.

use super::Geometry;

#[test]
fn segments_follow_each_other_without_a_gap_and_are_found_by_position() {
    for geometry in
        [Geometry::USUAL, Geometry { first_bits: 10, last_bits: 12 }, Geometry { first_bits: 12, last_bits: 12 }]
    {
        let mut end = 0;
        for number in 0..40 {
            let place = geometry.segment(number);
            assert_eq!((place.number, place.base), (number, end));
            end = place.end();
            for position in [place.base, place.base + 1, place.base + place.bytes / 2, end - 1] {
                assert_eq!(geometry.segment_of(position), place, "position {position}");
            }
        }
    }
}

#[test]
fn segments_double_from_one_mebibyte_to_sixty_four() {
    let sizes: Vec<u64> = (0..9).map(|n| Geometry::USUAL.segment(n).bytes >> 20).collect();
    assert_eq!(sizes, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
}
