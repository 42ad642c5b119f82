//! The table of conditional requests.

use super::*;

const CHANGED_SECS: u64 = 1_294_309_438;
const CHANGED: &str = "Thu, 06 Jan 2011 10:23:58 GMT";
const LATER: &str = "Thu, 06 Jan 2011 10:23:59 GMT";
const EARLIER: &str = "Thu, 06 Jan 2011 10:23:57 GMT";

#[track_caller]
fn check(sent: &[(&str, &str)], want: bool) {
    let mut headers = Headers::default();
    for (name, value) in sent {
        assert!(headers.push(name.as_bytes(), value.as_bytes()));
    }
    let validators = Validators { etag: "a,b".to_owned(), last_modified_secs: CHANGED_SECS };
    assert_eq!(not_modified(&headers, &validators), want, "{sent:?}");
}

#[test]
fn entity_tags_compare_weakly_in_lists() {
    let tag = "if-none-match";
    check(&[], false);
    check(&[(tag, "\"a,b\"")], true);
    check(&[(tag, "W/\"a,b\"")], true);
    check(&[(tag, "\"x\", W/\"y\" ,\"a,b\"")], true);
    check(&[(tag, "\"x\""), (tag, "\"a,b\"")], true);
    check(&[(tag, "*")], true);
    check(&[(tag, " * ")], true);
    check(&[(tag, "\"x\", *")], false);
    check(&[(tag, "a,b")], false);
    check(&[(tag, "\"a\"")], false);
    check(&[(tag, "\"A,B\"")], false);
    check(&[(tag, "\"a,b")], false);
    check(&[(tag, "")], false);
    check(&[(tag, "\"\"")], false);
}

#[test]
fn what_servers_add_to_compressed_answers_is_equal() {
    let tag = "if-none-match";
    check(&[(tag, "\"a,b-gzip\"")], true);
    check(&[(tag, "W/\"a,b-gzip\"")], true);
    check(&[(tag, "\"a,b-br\"")], true);
    check(&[(tag, "\"a,b;gzip\"")], true);
    check(&[(tag, "\"a,b-gzip-gzip\"")], false);
    check(&[(tag, "\"a,b-zip\"")], false);
}

#[test]
fn dates_count_only_without_entity_tags() {
    let (tag, date) = ("if-none-match", "if-modified-since");
    check(&[(date, CHANGED)], true);
    check(&[(date, LATER)], true);
    check(&[(date, EARLIER)], false);
    check(&[(date, LATER), (tag, "\"x\"")], false);
    check(&[(date, EARLIER), (tag, "\"a,b\"")], true);
    check(&[(date, "Thursday, 06-Jan-11 10:23:58 GMT")], true);
    check(&[(date, "Thu Jan  6 10:23:58 2011")], true);
    check(&[(date, "yesterday")], false);
    check(&[(date, "")], false);
}

#[test]
fn dates_are_written_as_http_wants_them() {
    assert_eq!(http_date(CHANGED_SECS), CHANGED);
    assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(http_date(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
}

#[test]
fn a_second_that_is_not_over_is_no_date() {
    let dated = |changed_us, now_us| Validators::new(String::new(), changed_us, now_us).last_modified_secs;
    assert_eq!(dated(10_999_999, 12_000_000), 10);
    assert_eq!(dated(10_000_000, 11_000_000), 10);
    assert_eq!(dated(10_000_000, 10_999_999), 9);
    assert_eq!(dated(99_000_000, 12_000_000), 11, "the clock was set back");
    assert_eq!(dated(0, 12_000_000), 0);
    assert_eq!(dated(0, 0), 0);
}

#[test]
fn a_date_alone_shows_both_changes_of_one_second() {
    let (first_us, second_us) = (10_200_000, 10_700_000);
    let told = Validators::new("1".to_owned(), first_us, first_us).last_modified_secs;
    let now = Validators::new("2".to_owned(), second_us, 11_500_000);
    let mut headers = Headers::default();
    assert!(headers.push(b"if-modified-since", http_date(told).as_bytes()));
    assert!(!not_modified(&headers, &now));
}
