//! Percent-encoding of links.

use super::encode;

#[test]
fn links_hold_only_unreserved_characters() {
    assert_eq!(encode("jon-A_9.~"), "jon-A_9.~");
    assert_eq!(encode("O'Hara Jr."), "O%27Hara%20Jr.");
    assert_eq!(encode("\"é\" & #x\n"), "%22%C3%A9%22%20%26%20%23x%0A");
}
