//! Percent-encoding of links, and the date of a change.

use super::{encode, last_modified_secs};

#[test]
fn links_hold_only_unreserved_characters() {
    assert_eq!(encode("jon-A_9.~"), "jon-A_9.~");
    assert_eq!(encode("O'Hara Jr."), "O%27Hara%20Jr.");
    assert_eq!(encode("\"é\" & #x\n"), "%22%C3%A9%22%20%26%20%23x%0A");
}

#[test]
fn the_date_is_that_of_the_change_and_never_to_come() {
    assert_eq!(last_modified_secs(10_999_999, 12_000_000), 10);
    assert_eq!(last_modified_secs(0, 12_000_000), 0);
    assert_eq!(last_modified_secs(99_000_000, 12_000_000), 12);
}
