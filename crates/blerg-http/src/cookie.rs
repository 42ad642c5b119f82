//! Cookies (RFC 6265): finding one among what clients send, and writing one. Start at [`CookieSpec`].
//! Hostile cookie headers are cut at a limit; attributes that careless clients echo back are not taken for cookies.

use crate::headers::Headers;

/// Cookie headers are read up to this length together; browsers keep 4 KiB a cookie.
pub const COOKIE_HEADER_BYTES_MAX: usize = 16 * 1024;

/// A cookie to set.
#[derive(Clone, Debug)]
pub struct CookieSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value; empty removes it.
    pub value: &'a str,
    /// `Path=`: the request's `site`.
    pub path: &'a str,
    /// `Secure`: the request's `https`.
    pub https: bool,
    /// How long it lives; 0 removes it.
    pub max_age_secs: u64,
}

impl CookieSpec<'_> {
    /// The value of the Set-Cookie header.
    #[must_use]
    pub fn to_header(&self) -> String {
        let CookieSpec { name, value, path, https, max_age_secs } = self;
        let secure = if *https { "; Secure" } else { "" };
        format!("{name}={value}; Path={path}; Max-Age={max_age_secs}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// The cookies of this name in the order sent (RFC 6265 s.5.4: the one of the longest path first); white space, quotes
/// around the value and `$Version` are put up with.
pub(crate) fn find<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> {
    let cut = |left: &mut usize, header: &'a [u8]| {
        let header = header.get(..*left).unwrap_or(header);
        *left -= header.len();
        Some(header)
    };
    let headers = headers.get_all("cookie").scan(COOKIE_HEADER_BYTES_MAX, cut);
    let pairs = headers.flat_map(|header| header.split(|&byte| byte == b';' || byte == b','));
    pairs.filter_map(move |pair| value_of(pair, name))
}

fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a str> {
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    let (found, value) = pair.split_at_checked(equals)?;
    if found.trim_ascii() != name.as_bytes() {
        return None;
    }
    let value = std::str::from_utf8(value.get(1..)?).ok()?.trim();
    Some(value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value))
}

#[cfg(test)]
mod tests;
