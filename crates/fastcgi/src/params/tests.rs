//! Pairs of every length, cut anywhere, and what applications ask of them.

use super::*;

/// Names and values.
type Pairs<'p> = &'p [(&'p [u8], &'p [u8])];

#[track_caller]
fn check(encoded: &[u8], want: Result<Pairs<'_>, usize>) {
    let found = Params::from_encoded(encoded.to_vec());
    match (found, want) {
        (Ok(params), Ok(want)) => assert_eq!(params.iter().collect::<Vec<_>>(), want),
        (Err(PairsError { left_bytes }), Err(want)) => assert_eq!(left_bytes, want),
        (found, want) => panic!("{found:?}, want {want:?}"),
    }
}

#[test]
fn short_and_long_lengths_are_read() {
    check(b"", Ok(&[]));
    check(b"\x00\x00", Ok(&[(b"", b"")]));
    check(b"\x01\x02abc", Ok(&[(b"a", b"bc")]));
    check(b"\x80\x00\x00\x01\x02abc", Ok(&[(b"a", b"bc")]));
    check(b"\x01\x80\x00\x00\x02abc", Ok(&[(b"a", b"bc")]));
    check(b"\x01\x00a\x00\x01b", Ok(&[(b"a", b""), (b"", b"b")]));
}

#[test]
fn values_that_are_not_text_stay_as_they_are() {
    check(b"\x01\x03a\xff\x00\xc3", Ok(&[(b"a", b"\xff\x00\xc3")]));
}

#[test]
fn a_pair_that_is_cut_off_is_an_error() {
    check(b"\x01", Err(1));
    check(b"\x01\x02ab", Err(4));
    check(b"\x00\x00\x80\x00\x00", Err(3));
    check(b"\xff\xff\xff\xff\xff\xff\xff\xffab", Err(10));
    check(b"\x01\xff\xff\xff\xffab", Err(7));
}

#[test]
fn pairs_of_every_length_around_the_switch_come_back() {
    for length in [0, 1, 126, 127, 128, 129, 255, 256, 65_535, 65_536] {
        let (name, value) = (vec![b'n'; length], vec![b'v'; length]);
        let params = Params::from_pairs([(&name, &value), (&value, &name)]);
        assert_eq!(Params::from_encoded(params.encoded().to_vec()), Ok(params.clone()));
        assert_eq!(params.iter().collect::<Vec<_>>(), [(&*name, &*value), (&*value, &*name)]);
        let short = if length < 128 { 4 } else { 16 };
        assert_eq!(params.encoded().len(), 4 * length + short, "the shortest lengths for {length}");
    }
}

#[test]
fn every_prefix_of_pairs_is_whole_or_an_error() {
    let params = Params::from_pairs([("A", "b".repeat(200)), ("CD", String::new())]);
    let ends = [0, 1 + 4 + 1 + 200, params.encoded().len()];
    for cut in 0..=params.encoded().len() {
        let prefix = Params::from_encoded(params.encoded()[..cut].to_vec());
        assert_eq!(prefix.is_ok(), ends.contains(&cut), "cut at {cut}");
    }
}

#[test]
fn the_last_of_two_values_counts_and_a_missing_one_is_none() {
    let params = Params::from_pairs([("A", "1"), ("B", "2"), ("A", "3")]);
    assert_eq!((params.get("A"), params.get("B"), params.get("C")), (Some(&b"3"[..]), Some(&b"2"[..]), None));
}

#[track_caller]
fn check_length(value: Option<&str>, want: Result<Option<u64>, ContentLengthError>) {
    assert_eq!(Params::from_pairs(value.map(|value| ("CONTENT_LENGTH", value))).content_length(), want);
}

#[test]
fn content_length_is_digits_or_nothing() {
    check_length(None, Ok(None));
    check_length(Some(""), Ok(None));
    check_length(Some("0"), Ok(Some(0)));
    check_length(Some("007"), Ok(Some(7)));
    check_length(Some("18446744073709551615"), Ok(Some(u64::MAX)));
    for wrong in ["18446744073709551616", "+1", "-1", " 1", "1 ", "1a", "0x10", "1.0"] {
        check_length(Some(wrong), Err(ContentLengthError));
    }
}

#[test]
fn two_content_lengths_are_none_unless_they_are_the_same() {
    let of =
        |values: &[&str]| Params::from_pairs(values.iter().map(|value| ("CONTENT_LENGTH", *value))).content_length();
    assert_eq!(of(&["5", "5"]), Ok(Some(5)));
    for values in [["5", "6"], ["6", "5"], ["5", "05"], ["", "5"], ["5", ""]] {
        assert_eq!(of(&values), Err(ContentLengthError), "{values:?}");
    }
}
