//! Names of pages as links write them, and the anchors of headings. Start at [`page_name`].
//! In `[[…]]` a percent sign and two hex digits stand for a byte, since no name holds a percent sign: so a name with a
//! bracket can be linked. It never says whether a page exists.

use std::borrow::Cow;

/// Longest name of a page, in bytes: the contract's limit.
pub const NAME_BYTES_MAX: usize = 200;

/// Longest anchor, in bytes: what is longer says no more.
const ANCHOR_BYTES_MAX: usize = 200;

/// The page that a name means: trimmed, `_` as spaces; `None` if no page can have that name.
#[must_use]
pub fn page_name(written: &str) -> Option<String> {
    let name = written.replace('_', " ");
    let name = name.trim();
    let is_bad = |c: char| matches!(c, '/' | '?' | '#' | '%') || crate::clean::is_unfit(c) || c.is_control();
    ((1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(is_bad)).then(|| name.to_owned())
}

/// A link to a page as an author would write it: `[[Name]]`, with what would end the link percent-encoded.
#[must_use]
pub fn page_link(name: &str) -> String {
    format!("[[{}]]", for_link(name))
}

/// A name as it can stand inside `[[…]]`.
pub(crate) fn for_link(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        if matches!(c, '[' | ']' | '|' | '\\' | '`' | '<' | '%') || (at == 0 && matches!(c, '^' | '!')) {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// What stands inside `[[…]]`, before any `|`, as the page's name and the section.
pub(crate) fn parse_link(inside: &str) -> Option<(Option<String>, Option<&str>)> {
    let (name, section) = inside.split_once('#').map_or((inside, None), |(name, section)| (name, Some(section)));
    if name.trim().is_empty() {
        return section.filter(|section| !section.trim().is_empty()).map(|section| (None, Some(section)));
    }
    Some((Some(page_name(&percent_decoded(name)?)?), section))
}

/// With every `%41` decoded; `None` where that is not UTF-8. A percent sign without two hex digits stays.
pub(crate) fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|hex| first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The anchor of a heading that says this, or that a link's `#part` means: `s-` and the text in lower case with hyphens
/// for spaces and without punctuation, the way GitHub does it.
#[must_use]
pub fn anchor(text: &str) -> String {
    let mut id = String::from("s-");
    for c in text.trim().chars() {
        let lower = if c == ' ' { "-".chars().collect::<String>() } else { c.to_lowercase().collect() };
        if id.len() + lower.len() > ANCHOR_BYTES_MAX {
            break;
        }
        if c == ' ' || may_stand(c) {
            id.push_str(&lower);
        }
    }
    if id.len() == 2 {
        id.push_str("section");
    }
    id
}

/// Letters, digits and marks of any script; everything else would have to be encoded in an address, or not be seen.
fn may_stand(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    }
    let is_sign = matches!(c, '\u{80}'..='\u{BF}' | '\u{D7}' | '\u{F7}' | '\u{2000}'..='\u{2BFF}' | '\u{2E00}'..='\u{2E7F}'
        | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE6F}'
        | '\u{FEFF}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF65}'
        | '\u{FFE0}'..='\u{FFFF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{E0000}'..='\u{10FFFF}');
    c.is_alphanumeric() || !(is_sign || c.is_whitespace() || crate::clean::is_unfit(c))
}

/// Different names in the order of their first use, up to [`LINKS_MAX`](super::LINKS_MAX).
#[derive(Debug, Default)]
pub(crate) struct Names {
    in_order: Vec<String>,
    seen: std::collections::BTreeSet<String>,
}

impl Names {
    /// Says whether the name is among them afterwards.
    pub(crate) fn add(&mut self, name: String) -> bool {
        if self.seen.contains(&name) {
            return true;
        }
        let has_room = self.seen.len() < super::LINKS_MAX;
        if has_room {
            self.seen.insert(name.clone());
            self.in_order.push(name);
        }
        has_room
    }

    pub(crate) fn into_vec(self) -> Vec<String> {
        self.in_order
    }
}

#[cfg(test)]
mod tests;
