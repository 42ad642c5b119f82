//! Percent-encoding of links, and the date of a change.

use super::{encode, last_modified_secs};

#[test]
fn links_hold_only_unreserved_characters() {
    assert_eq!(encode("jon-A_9.~"), "jon-A_9.~");
    assert_eq!(encode("O'Hara Jr."), "O%27Hara%20Jr.");
    assert_eq!(encode("\"é\" & #x\n"), "%22%C3%A9%22%20%26%20%23x%0A");
}

#[test]
fn a_second_change_in_the_same_second_moves_the_date() {
    // Asked within the second of the change: the date is not in the future...
    assert_eq!(last_modified_secs(10_200_000, 10_900_000), 10);
    // ...and asked later it has moved on, so a change at 10.95 s is not hidden by a copy of 10.9 s.
    assert_eq!(last_modified_secs(10_950_000, 12_000_000), 11);
    assert_eq!(last_modified_secs(0, 12_000_000), 0);
    assert_eq!(last_modified_secs(99_000_000, 12_000_000), 12);
}
