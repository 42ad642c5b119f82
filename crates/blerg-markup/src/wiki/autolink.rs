//! Bare addresses in a page's text: `http://…` by the rules of posts, `www.…` and mail addresses by those of GitHub
//! Flavored Markdown (s.6.9). Start at [`addresses`].
//! It never looks into code or links: it is handed the text between them.

use std::ops::Range;

use crate::links;

/// What kind of address it is, and so what goes before it in a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// With its scheme.
    Full,
    /// `www.example.org`, without.
    Www,
    /// `ada@example.org`.
    Mail,
}

/// The addresses of a text, in order and apart from each other.
pub(super) fn addresses(text: &str) -> Vec<(Range<usize>, Kind)> {
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    if text.contains("://") {
        found.extend(links::urls(text).map(|range| (range, Kind::Full)));
    }
    let full = found.len();
    if text.contains("www.") {
        found.extend(webs(text).map(|range| (range, Kind::Www)));
    }
    if text.contains('@') {
        found.extend(mails(text).map(|range| (range, Kind::Mail)));
    }
    if found.len() > full {
        found.sort_by_key(|(range, _)| range.start);
        let mut end = 0;
        found.retain(|(range, _)| {
            let is_apart = range.start >= end;
            end = if is_apart { range.end } else { end };
            is_apart
        });
    }
    found
}

fn webs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find("www.")?;
            from = start + 4;
            let begins = text.get(..start)?.chars().next_back();
            if begins.is_some_and(|before| !(before.is_whitespace() || matches!(before, '*' | '_' | '~' | '('))) {
                continue;
            }
            if let Some(range) = links::address(text, start) {
                from = range.end.max(from);
                return Some(range);
            }
        }
    })
}

fn mails(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + text.get(from..)?.find('@')?;
            let before = text.get(from..at)?;
            let local = before.bytes().rev().take_while(|byte| is_local(*byte)).count();
            let start = at - local;
            let domain = text.get(at + 1..)?;
            let length = domain.bytes().take_while(|byte| is_domain(*byte)).count();
            from = at + 1;
            let domain = domain.get(..length)?.trim_end_matches('.');
            let is_mail = local > 0 && domain.contains('.') && !domain.contains("..") && !domain.ends_with(['-', '_']);
            if is_mail && !domain.starts_with('.') {
                from = at + 1 + domain.len();
                return Some(start..from);
            }
        }
    })
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_+".contains(&byte)
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_".contains(&byte)
}
