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
