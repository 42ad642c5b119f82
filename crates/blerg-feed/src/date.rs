//! Times as feeds write them: [`rfc3339`] for Atom and JSON Feed, [`rfc822`] for RSS. Both in whole seconds of UTC, so
//! that the three formats tell the same time.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

const US_PER_SEC: u64 = 1_000_000;
const SECS_PER_DAY: u64 = 86_400;
/// The end of the year 9999: neither format has a fifth digit.
const LAST_SECS: u64 = 253_402_300_799;

/// `2024-05-31T12:00:00Z`.
pub(crate) fn rfc3339(us: u64) -> String {
    let secs = (us / US_PER_SEC).min(LAST_SECS);
    let (year, month, day) = civil(secs / SECS_PER_DAY);
    let second = secs % SECS_PER_DAY;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// `Fri, 31 May 2024 12:00:00 GMT`.
pub(crate) fn rfc822(us: u64) -> String {
    let date = httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs((us / US_PER_SEC).min(LAST_SECS)));
    let mut text = String::with_capacity("Fri, 31 May 2024 12:00:00 GMT".len());
    write!(text, "{date}").expect("writing to memory does not fail");
    text
}

/// Year, month and day of a day after 1970-01-01, in the Gregorian calendar: years begin in March, so that the leap day is
/// the last, and 400 of them have 146,097 days.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let day = day - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
