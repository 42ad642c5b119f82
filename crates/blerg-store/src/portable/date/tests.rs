//! Tables of dates, good and bad.

use super::*;

#[test]
fn rfc3339_dates_are_read_in_their_usual_spellings() {
    #[track_caller]
    fn check(text: &str, want: Option<u64>) {
        assert_eq!(rfc3339(text).ok(), want, "{text:?}");
    }
    let at = 1_234_567_890_000_000;
    check("2009-02-13T23:31:30Z", Some(at));
    check("2009-02-13t23:31:30z", Some(at));
    check("2009-02-13 23:31:30", Some(at));
    check("2009-02-14T00:31:30+01:00", Some(at));
    check("2009-02-13T18:01:30-0530", Some(at));
    check("2009-02-13T23:31:30.25Z", Some(at + 250_000));
    check("2009-02-13T23:31:30.123456789Z", Some(at + 123_456));
    check("2009-02-13T23:31Z", Some(at - 30_000_000));
    check("1970-01-01T00:00:00Z", Some(0));
    check("2000-02-29T00:00:00Z", Some(951_782_400_000_000));
    for wrong in [
        "",
        "2009",
        "2009-02-13",
        "2009-13-01T00:00:00Z",
        "2009-02-29T00:00:00Z",
        "2009-02-13T24:00:00Z",
        "2009-02-13T23:60:00Z",
        "2009-02-13T23:31:30Zx",
        "2009-02-13T23:31:30+1",
        "2009-02-13T23:31:30.Z",
        "1969-12-31T23:59:59Z",
        "+009-02-13T23:31:30Z",
        "２００９-02-13T23:31:30Z",
        "2009-02-13T23:31:30+99:00",
    ] {
        check(wrong, None);
    }
}

#[test]
fn json_dates_are_seconds_or_texts() {
    #[track_caller]
    fn check(json: &str, want: Option<u64>) {
        assert_eq!(from_json(&serde_json::from_str(json).unwrap()).ok(), want, "{json}");
    }
    check("1294309438", Some(1_294_309_438_000_000));
    check("1294309438.123456", Some(1_294_309_438_123_456));
    check("\"2009-02-13T23:31:30Z\"", Some(1_234_567_890_000_000));
    check("0", Some(0));
    for wrong in ["-1", "1e300", "18446744073709551615", "true", "[]", "{}", "\"yesterday\"", "-0.5"] {
        check(wrong, None);
    }
}

#[test]
fn the_future_is_refused_but_for_a_day() {
    let now_us = 1_000_000_000_000;
    let day_us = 86_400_000_000;
    assert_eq!(not_future(now_us + day_us, now_us), Ok(now_us + day_us));
    assert!(not_future(now_us + day_us + 1, now_us).is_err());
}
