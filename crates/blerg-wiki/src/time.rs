//! Times as pages show them, in UTC: [`minute`] for people, [`machine`] for `<time datetime>` and feeds.

const US_PER_SEC: u64 = 1_000_000;
const SECS_PER_DAY: u64 = 86_400;
/// The end of the year 9999.
const LAST_SECS: u64 = 253_402_300_799;

/// `2024-05-31 12:00`.
pub(crate) fn minute(us: u64) -> String {
    let Civil { year, month, day, second } = civil(us);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", second / 3600, second / 60 % 60)
}

/// `2024-05-31T12:00:00Z`.
pub(crate) fn machine(us: u64) -> String {
    let Civil { year, month, day, second } = civil(us);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// `12:00`.
pub(crate) fn of_day(us: u64) -> String {
    let Civil { second, .. } = civil(us);
    format!("{:02}:{:02}", second / 3600, second / 60 % 60)
}

/// `2024-05-31`.
pub(crate) fn date(us: u64) -> String {
    let Civil { year, month, day, .. } = civil(us);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time taken apart.
pub(crate) struct Civil {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    /// Of the day.
    pub(crate) second: u64,
}

/// In the Gregorian calendar: years begin in March, so that the leap day is the last, and 400 of them have 146,097 days.
pub(crate) fn civil(us: u64) -> Civil {
    let secs = (us / US_PER_SEC).min(LAST_SECS);
    let day = secs / SECS_PER_DAY + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let day = day - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    Civil { year: era * 400 + year + u64::from(month <= 2), month, day, second: secs % SECS_PER_DAY }
}

#[cfg(test)]
mod tests;
