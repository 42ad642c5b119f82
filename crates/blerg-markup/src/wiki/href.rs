//! Where a link of a page leads: the one place that decides which targets are allowed. Start at [`Dest::of`].
//! A colon in the first part of a target makes it a scheme, whatever else it holds; only three schemes pass. Everything
//! that a browser could read in its own way (controls, spaces, backslashes, other scripts) is percent-encoded.

use std::borrow::Cow;
use std::ops::Range;

use super::names::{page_name, percent_decoded};

/// Lower-case and upper-case hex digits are the same in an address; RFC 3986 s.2.1 prefers these.
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// What a target of the author's is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dest<'t> {
    /// Another site.
    Web(&'t str),
    /// A mail address, with `mailto:`.
    Mail(&'t str),
    /// A place in this page.
    Part(&'t str),
    /// One name: a file of the page, or a page, and maybe a part of it.
    Name { file: String, page: Option<String>, part: Option<&'t str> },
    /// A path on this site.
    Path(&'t str),
    /// Nothing that may be linked.
    Forbidden,
}

impl<'t> Dest<'t> {
    /// Sorts a target, with references and backslashes already resolved.
    pub(super) fn of(target: &'t str) -> Self {
        match scheme(target) {
            Some(scheme) if is_web(scheme) => return Dest::Web(target),
            Some(scheme) if scheme.eq_ignore_ascii_case("mailto") => return Dest::Mail(target),
            Some(_) => return Dest::Forbidden,
            None if target.starts_with("//") => return Dest::Web(target),
            None => {}
        }
        if let Some(part) = target.strip_prefix('#') {
            return Dest::Part(part);
        }
        let bare = target.strip_prefix("./").unwrap_or(target);
        let (name, part) = bare.split_once('#').map_or((bare, None), |(name, part)| (name, Some(part)));
        let file = percent_decoded(name).filter(|_| !name.is_empty() && !name.contains(['/', '?', '\\']));
        match file.map(Cow::into_owned).filter(|file| is_file_name(file)) {
            Some(file) => Dest::Name { page: page_name(&file), file, part },
            None => Dest::Path(target),
        }
    }
}

/// Whether a file of a page could be called so.
pub(super) fn is_file_name(name: &str) -> bool {
    let is_bad = |c: char| matches!(c, '/' | '\\') || crate::clean::is_unfit(c) || c.is_control();
    !matches!(name, "" | "." | "..") && !name.contains(is_bad)
}

/// The name of the file that an image's target means: the last part of a relative path.
pub(super) fn image_file(target: &str) -> Option<String> {
    if scheme(target).is_some() || target.starts_with(['/', '#', '?']) {
        return None;
    }
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    percent_decoded(last).map(Cow::into_owned).filter(|file| is_file_name(file))
}

/// Everything before the first colon, if that comes before the path, query or fragment.
fn scheme(target: &str) -> Option<&str> {
    let end = target.find([':', '/', '?', '#'])?;
    target.get(end..)?.starts_with(':').then(|| target.get(..end)).flatten()
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// An address of the site's own for an attribute: it can't turn into one with a scheme of its own.
pub(super) fn own(href: &str) -> Cow<'_, str> {
    match Dest::of(href) {
        Dest::Forbidden => encoded(&format!("./{href}")).into_owned().into(),
        _ => encoded(href),
    }
}

/// Where an IPv6 address stands in brackets as the host: the only brackets that an address may hold (RFC 3986 s.3.2.2).
fn literal_host(target: &str) -> Range<usize> {
    let find = || {
        let start = target.find("//")? + 2;
        let is_first = scheme(target).map_or(start == 2, |scheme| start == scheme.len() + 3);
        let inside = target.get(start..)?.strip_prefix('[').filter(|_| is_first)?;
        let length = inside.bytes().take_while(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte)).count();
        inside.get(length..)?.starts_with(']').then_some(start..start + length + 2)
    };
    find().unwrap_or_default()
}

/// With everything percent-encoded that may not stand in an address, or that browsers read in several ways.
pub(super) fn encoded(target: &str) -> Cow<'_, str> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+!*'(),%#@?=;:/&$~".contains(&byte);
    if target.bytes().all(is_safe) {
        return Cow::Borrowed(target);
    }
    let host = literal_host(target);
    let mut out = String::with_capacity(target.len() + 16);
    for (at, byte) in target.bytes().enumerate() {
        if is_safe(byte) || host.contains(&at) {
            out.push(char::from(byte));
            continue;
        }
        out.push('%');
        for digit in [byte >> 4, byte & 15] {
            out.push(HEX.get(usize::from(digit)).map_or('0', |hex| char::from(*hex)));
        }
    }
    Cow::Owned(out)
}
