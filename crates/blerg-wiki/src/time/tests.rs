//! Days, hours and minutes are those of the calendar.

use super::{machine, minute};

#[track_caller]
fn check(secs: u64, want: &str) {
    assert_eq!(machine(secs * 1_000_000), want);
    assert_eq!(minute(secs * 1_000_000), want[..16].replace('T', " "));
}

#[test]
fn days_are_those_of_the_calendar() {
    check(0, "1970-01-01T00:00:00Z");
    check(951_782_399, "2000-02-28T23:59:59Z");
    check(951_782_400, "2000-02-29T00:00:00Z");
    check(951_868_800, "2000-03-01T00:00:00Z");
    check(1_732_228_799, "2024-11-21T22:39:59Z");
    check(u64::MAX / 1_000_000, "9999-12-31T23:59:59Z");
}
