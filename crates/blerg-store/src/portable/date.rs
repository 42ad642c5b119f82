//! Dates of imports: RFC 3339 and UNIX seconds, as microseconds since 1970. Start at [`rfc3339`].

use serde_json::Value;

/// Latest date taken, in seconds from now: clocks differ a little, but nobody wrote anything next year.
const FUTURE_SECS_MAX: u64 = 86_400;

const US_PER_SEC: u64 = 1_000_000;

/// Reads `2009-02-13T23:31:30Z`, also with a fraction, an offset, and a space or small letters as separators.
pub(crate) fn rfc3339(text: &str) -> Result<u64, String> {
    parse(text.as_bytes()).ok_or_else(|| format!("{text:?} is no date like 2009-02-13T23:31:30Z from 1970 on"))
}

fn parse(bytes: &[u8]) -> Option<u64> {
    let (year, rest) = digits(bytes, 4)?;
    let (month, rest) = digits(one_of(rest, b"-")?, 2)?;
    let (day, rest) = digits(one_of(rest, b"-")?, 2)?;
    let (hour, rest) = digits(one_of(rest, b"Tt ")?, 2)?;
    let (minute, rest) = digits(one_of(rest, b":")?, 2)?;
    // twtxt allows dates without seconds.
    let (second, rest) = match one_of(rest, b":") {
        Some(rest) => digits(rest, 2)?,
        None => (0, rest),
    };
    let (fraction_us, rest) = fraction(rest)?;
    let offset_minutes = offset(rest)?;
    let is_day = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !is_day || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let minutes = (days_from_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    let secs = u64::try_from(minutes * 60 + second).ok()?;
    secs.checked_mul(US_PER_SEC)?.checked_add(fraction_us)
}

fn one_of<'b>(bytes: &'b [u8], wanted: &[u8]) -> Option<&'b [u8]> {
    let (first, rest) = bytes.split_first()?;
    wanted.contains(first).then_some(rest)
}

fn digits(bytes: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = bytes.split_at_checked(count)?;
    let mut value = 0;
    for byte in head {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some((value, rest))
}

fn fraction(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let Some(after) = one_of(bytes, b".,") else { return Some((0, bytes)) };
    let end = after.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(after.len());
    let (head, rest) = after.split_at_checked(end).filter(|(head, _)| !head.is_empty())?;
    let mut us = 0;
    for place in 0..6 {
        us = us * 10 + head.get(place).map_or(0, |byte| u64::from(byte - b'0'));
    }
    Some((us, rest))
}

fn offset(bytes: &[u8]) -> Option<i64> {
    let (sign, rest) = match bytes.split_first() {
        None | Some((b'Z' | b'z', [])) => return Some(0),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(one_of(rest, b":").unwrap_or(rest), 2)?;
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 (Howard Hinnant's days-from-civil).
fn days_from_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Reads a JSON value as a date: seconds (with a fraction) or RFC 3339.
pub(crate) fn from_json(value: &Value) -> Result<u64, String> {
    match value {
        Value::String(text) => rfc3339(text),
        Value::Number(number) => {
            if let Some(secs) = number.as_u64() {
                return secs.checked_mul(US_PER_SEC).ok_or_else(|| format!("date {number} is too late"));
            }
            // Exact for microseconds until the year 2255 (2^53).
            let us = number.as_f64().map(|secs| (secs * 1e6).round());
            match us {
                Some(us) if (0.0..9_007_199_254_740_992.0).contains(&us) => Ok(whole(us)),
                _ => Err(format!("date {number} is out of range")),
            }
        }
        other => Err(format!("{other} is no date")),
    }
}

/// A whole, not negative float below 2^53 as an integer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the caller has checked the range")]
fn whole(value: f64) -> u64 {
    value as u64
}

/// Refuses a date that lies in the future.
pub(crate) fn not_future(at_us: u64, now_us: u64) -> Result<u64, String> {
    if at_us > now_us.saturating_add(FUTURE_SECS_MAX * US_PER_SEC) {
        return Err(format!("date {} s after 1970 lies in the future", at_us / US_PER_SEC));
    }
    Ok(at_us)
}

#[cfg(test)]
mod tests;
