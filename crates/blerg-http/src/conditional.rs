//! Conditional GET (RFC 9110 s.13): whether the visitor's copy is still the current one. Start at [`Validators`].
//! Compares weakly, and takes the `-gzip` that Apache's mod_deflate adds to an ETag as equal.

use std::time::{Duration, UNIX_EPOCH};

use crate::headers::Headers;

const US_PER_SEC: u64 = 1_000_000;

/// What tells one version of an answer from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// Opaque text without quotes; of `!` and `#` to `~`.
    pub etag: String,
    /// When it last changed, in seconds since the epoch.
    pub last_modified_secs: u64,
}

impl Validators {
    /// Of what last changed at `changed_us`. Dates are whole seconds, and a second that is not over may bring another
    /// change: until it is over, and should the clock have been set back (RFC 9110 s.8.8.2.1), the date is the second
    /// before now. Who was told a date by [`Validators::new`] thus has all that happened until its end.
    pub fn new(etag: String, changed_us: u64, now_us: u64) -> Validators {
        let last_modified_secs = (changed_us / US_PER_SEC).min((now_us / US_PER_SEC).saturating_sub(1));
        Validators { etag, last_modified_secs }
    }
}

/// Whether the visitor's copy is current: If-None-Match decides where it is sent, else If-Modified-Since.
pub(crate) fn not_modified(headers: &Headers, validators: &Validators) -> bool {
    let mut asked = false;
    for list in headers.get_all("if-none-match") {
        asked = true;
        if list_contains(list, validators.etag.as_bytes()) {
            return true;
        }
    }
    !asked && unmodified_since(headers, validators.last_modified_secs)
}

fn unmodified_since(headers: &Headers, last_modified_secs: u64) -> bool {
    let Some(since) = headers.text("if-modified-since").and_then(|text| httpdate::parse_http_date(text).ok()) else {
        return false;
    };
    since >= UNIX_EPOCH + Duration::from_secs(last_modified_secs)
}

/// Walks a list of entity tags: `*`, or `W/"a", "b-gzip"`; quoted text may hold commas.
fn list_contains(list: &[u8], etag: &[u8]) -> bool {
    let list = list.trim_ascii();
    if list == b"*" {
        return true;
    }
    let mut rest = list;
    while let Some(quote) = rest.iter().position(|&byte| byte == b'"') {
        let after = rest.get(quote + 1..).unwrap_or_default();
        let Some(end) = after.iter().position(|&byte| byte == b'"') else {
            return false;
        };
        let (opaque, tail) = after.split_at_checked(end).unwrap_or_default();
        if opaque == etag || strip_encoding(opaque) == etag {
            return true;
        }
        rest = tail.get(1..).unwrap_or_default();
    }
    false
}

/// What Apache (`-gzip`, `-br`), and others add to a compressed answer's tag.
fn strip_encoding(opaque: &[u8]) -> &[u8] {
    ["-gzip", "-br", ";gzip", ";br"].iter().find_map(|suffix| opaque.strip_suffix(suffix.as_bytes())).unwrap_or(opaque)
}

/// The date of an HTTP header; times beyond the year 9999 are cut.
pub(crate) fn http_date(secs: u64) -> String {
    const LAST_SECS: u64 = 253_402_300_799;
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs.min(LAST_SECS)))
}

#[cfg(test)]
mod tests;
