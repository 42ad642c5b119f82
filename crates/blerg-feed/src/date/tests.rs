//! Dates at the edges of the calendar.

use super::{rfc822, rfc3339};

#[track_caller]
fn check(secs: u64, want: &str, mail: &str) {
    assert_eq!((rfc3339(secs * 1_000_000 + 999_999).as_str(), rfc822(secs * 1_000_000).as_str()), (want, mail));
}

#[test]
fn dates_are_right_at_the_edges() {
    check(0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT");
    check(951_782_399, "2000-02-28T23:59:59Z", "Mon, 28 Feb 2000 23:59:59 GMT");
    check(951_782_400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT");
    check(1_294_309_438, "2011-01-06T10:23:58Z", "Thu, 06 Jan 2011 10:23:58 GMT");
    check(1_735_689_599, "2024-12-31T23:59:59Z", "Tue, 31 Dec 2024 23:59:59 GMT");
    check(4_107_542_400, "2100-03-01T00:00:00Z", "Mon, 01 Mar 2100 00:00:00 GMT");
    check(253_402_300_799, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
}

#[test]
fn both_formats_tell_the_same_days() {
    for day in (0..146_097 * 2).step_by(13) {
        let us = day * 86_400 * 1_000_000;
        let parsed = httpdate::parse_http_date(&rfc822(us)).expect("it was just written");
        let parts: Vec<String> = rfc822(us).split(' ').map(str::to_owned).collect();
        let date = rfc3339(us);
        assert_eq!(date.get(0..4), parts.get(3).map(String::as_str), "{parsed:?}");
        assert_eq!(date.get(8..10), parts.get(1).map(String::as_str), "{parsed:?}");
    }
}
