//! How near two words are.

use super::*;

#[track_caller]
fn check(a: &str, b: &str, want: usize) {
    assert_eq!(distance(a, b), want);
    assert_eq!(distance(b, a), want);
}

#[test]
fn distances_are_levenshteins() {
    check("", "", 0);
    check("abc", "", 3);
    check("kitten", "sitting", 3);
    check("BLERG_DATA", "BLERG_DATE", 1);
    check("flaw", "lawn", 2);
}
