//! Tests of the guard against deep nesting.

use super::*;

#[test]
fn the_depth_of_a_line_is_never_underrated() {
    for (line, want) in [
        ("", (0, true)),
        ("  \t", (3, true)),
        ("a > b", (0, false)),
        (">>> a", (3, false)),
        ("> - 1. a", (4, false)),
        ("  - a", (2, false)),
        ("-a *b* +c 1.d", (0, false)),
        ("123456789) a", (1, false)),
        ("1", (0, false)),
        ("> ", (1, false)),
    ] {
        assert_eq!(prefix(line), want, "{line:?}");
    }
}

#[test]
fn depth_lasts_over_lazy_lines_and_ends_after_a_blank_one() {
    let deep = ">".repeat(1024);
    let lines = STEPS_MAX / 1024;
    assert!(!is_too_deep(&format!("{deep}a{}", "\nb".repeat(lines - 1))));
    assert!(is_too_deep(&format!("{deep}a{}", "\nb".repeat(lines))));
    assert!(!is_too_deep(&format!("{deep}a\n{}", "\nb".repeat(lines))));
    assert!(is_too_deep(&format!("{deep}a{}", "\r".repeat(lines))));
}
