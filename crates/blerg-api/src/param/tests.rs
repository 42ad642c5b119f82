//! What the path and parameters may say, and how each wrong thing is answered.

use super::{RANGE_RECORDS_MAX, path_record, path_user, range, reply_to, tag, tags};
use crate::failure::Failure;
use blerg_http::{Form, Response};
use blerg_store::{RecordNo, TagKey};

fn status(failure: Failure) -> u16 {
    let response: Response = failure.into_response();
    response.status
}

#[test]
fn ranges_hold_at_most_a_hundred() {
    assert_eq!(range("0-99").expect("100 records"), 0..=99);
    assert_eq!(range("7-7").expect("one record"), 7..=7);
    assert_eq!(range("18446744073709551615-18446744073709551615").expect("the last").count(), 1);
    let long = format!("0-{RANGE_RECORDS_MAX}");
    for wrong in [long.as_str(), "1-0", "0-18446744073709551615"] {
        assert_eq!(status(range(wrong).expect_err(wrong)), 200, "{wrong}");
    }
    for nowhere in ["", "-", "0-", "-1", "0", "a-b", "0-1-2", "0--1", "+0-1", "0-1 ", "0-18446744073709551616"] {
        assert_eq!(status(range(nowhere).expect_err(nowhere)), 404, "{nowhere}");
    }
}

#[test]
fn tags_are_written_in_three_ways_and_case_is_kept() {
    assert_eq!(tag("#Foo").expect("a tag"), TagKey::Tag("Foo".to_owned()));
    assert_eq!(tag("HFoo").expect("a tag"), TagKey::Tag("Foo".to_owned()));
    assert_eq!(tag("@Foo").expect("a mention"), TagKey::Mention("Foo".to_owned()));
    for wrong in ["", "#", "H", "@", "foo", "hfoo", "#a b", "#é", &format!("#{}", "a".repeat(65))] {
        assert_eq!(status(tag(wrong).expect_err(wrong)), 404, "{wrong}");
    }
    assert!(tag(&format!("#{}", "a".repeat(64))).is_ok());
}

#[test]
fn up_to_eight_tags_go_together() {
    assert_eq!(tags("Ha,#b,@c").expect("three").len(), 3);
    assert_eq!(tags("Ha,Hb,Hc,Hd,He,Hf,Hg,Hh").expect("eight").len(), 8);
    assert_eq!(status(tags("Ha,Hb,Hc,Hd,He,Hf,Hg,Hh,Hi").expect_err("nine")), 200);
    assert_eq!(status(tags("Ha,").expect_err("an empty one")), 404);
}

#[test]
fn names_and_numbers_in_paths_that_cannot_be_do_not_exist() {
    assert!(path_user("O'Hara Jr.").is_ok());
    assert_eq!(status(path_user("a  b").expect_err("two spaces")), 404);
    assert_eq!(path_record("007").expect("a number"), RecordNo(7));
    for wrong in ["", "x", "-1", "+1", "1 ", "18446744073709551616"] {
        assert_eq!(status(path_record(wrong).expect_err(wrong)), 404);
    }
}

#[test]
fn references_are_author_and_record() {
    let parse = |text: &str| reply_to(&Form::from_query(&format!("reply_to={text}")));
    let (author, record) = parse("Bo%20D./12").expect("well formed").expect("there");
    assert_eq!((author.as_str(), record), ("Bo D.", RecordNo(12)));
    assert!(parse("").expect("empty counts as not there").is_none());
    for wrong in ["jon", "12", "jon/", "/1", "jon/x", "jon/1/2", "../1", "%FF/1"] {
        assert_eq!(status(parse(wrong).expect_err(wrong)), 200, "{wrong}");
    }
}
