//! Texts come out as they went in.

use super::*;
use crate::tests::Random;

#[track_caller]
fn check(base: &str, wanted: &str) {
    let delta = diff(base.as_bytes(), wanted.as_bytes());
    assert_eq!(patch(base.as_bytes(), &delta).as_deref(), Some(wanted.as_bytes()), "{base:?} -> {wanted:?}");
}

#[test]
fn a_delta_makes_the_text_again() {
    check("", "");
    check("", "a");
    check("a", "");
    check("same", "same");
    check("aaaa", "aaa");
    check("aaa", "aaaa");
    check("one\ntwo\nthree\n", "one\nthree\n");
    check("first line\nsecond line\nthird line\n", "third line\nsecond line\nfirst line\n");
    check("äöü", "äü");
}

#[test]
fn random_edits_come_out_as_they_went_in() {
    let words = ["alpha beta gamma\n", "delta\n", "\n", "- item one\n", "é", "end of it"];
    for seed in 0..500 {
        let mut random = Random(seed);
        let mut texts: Vec<String> = Vec::new();
        for _ in 0..2 {
            texts.push((0..random.below(40)).map(|_| *random.pick(&words)).collect());
        }
        check(&texts[0], &texts[1]);
    }
}

#[test]
fn scattered_edits_cost_their_lines_only() {
    let base: String = (0..1_000).map(|n| format!("This is line number {n} of a long page.\n")).collect();
    let wanted = base.replace("number 17 ", "number seventeen ").replace("number 801 ", "");
    let delta = diff(base.as_bytes(), wanted.as_bytes());
    assert!(delta.len() < 120, "{} bytes", delta.len());
    assert_eq!(patch(base.as_bytes(), &delta).unwrap(), wanted.as_bytes());
}

#[test]
fn a_damaged_delta_is_none() {
    assert_eq!(patch(b"abc", &[9, 0]), None, "a copy beyond the end");
    assert_eq!(patch(b"abc", &[8, b'x']), None, "an insertion that was cut off");
    assert_eq!(patch(b"abc", &[0x80, 0x80, 0x80, 0x80, 0x80, 1]), None, "a number without end");
    let doubling = [7, 0].repeat(PAGE_BYTES_MAX);
    assert_eq!(patch(b"abc", &doubling), None, "longer than any page");
}
