//! Characters that no document may hold: XML 1.0 forbids most control characters and U+FFFE, U+FFFF (s.2.2), HTML the
//! C1 controls and the other noncharacters too. Start at [`clean`]: what is unfit is shown as U+FFFD, never dropped.
//! And the characters that HTML gives a meaning: [`escape`] is the only place that takes it from them.

use std::borrow::Cow;

/// Whether a character may stand neither in XML nor in HTML; tab, line feed and carriage return may.
pub(crate) fn is_unfit(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FDD0}'..='\u{FDEF}' => true,
        _ => u32::from(c) & 0xFFFE == 0xFFFE,
    }
}

/// Whether an unfit character may begin with this byte: a control itself, 0xC2 before the C1 controls, 0xEF and those above
/// before the noncharacters.
const fn may_begin_unfit(byte: u8) -> bool {
    ((byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r'))
        | (byte == 0x7F)
        | (byte == 0xC2)
        | (byte >= 0xEF)
}

/// Whether the text may have an unfit character. Nearly all have none: every byte is looked at, for then the compiler looks
/// at many at once.
fn may_be_unfit(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | may_begin_unfit(byte))
}

/// Where the first byte of a kind stands, if any does; several times as fast as looking for a character.
#[inline]
pub(crate) fn find_byte(text: &str, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    text.as_bytes().iter().position(|byte| is_wanted(*byte))
}

/// The text with U+FFFD in place of each unfit character.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if may_be_unfit(text) && text.contains(is_unfit) {
        Cow::Owned(text.replace(is_unfit, "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Appends the text, escaped for elements and for attributes in double quotes; what is unfit becomes U+FFFD.
pub fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    // All these bytes begin a character.
    let stops = |byte: u8| matches!(byte, b'<' | b'>' | b'&' | b'"') | may_begin_unfit(byte);
    while let Some(at) = find_byte(rest, stops) {
        let (before, from_stop) = rest.split_at(at);
        let mut chars = from_stop.chars();
        out.push_str(before);
        match chars.next() {
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('&') => out.push_str("&amp;"),
            Some('"') => out.push_str("&quot;"),
            Some(c) if is_unfit(c) => out.push('\u{FFFD}'),
            Some(c) => out.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Appends the text, escaped for the content of XML elements, where quotes may stay; `>` may not because of `]]>`, nor a
/// carriage return, which would be read as a line feed. What is unfit becomes U+FFFD.
pub fn escape_content(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    let stops = |byte: u8| matches!(byte, b'<' | b'>' | b'&' | b'\r') | may_begin_unfit(byte);
    while let Some(at) = find_byte(rest, stops) {
        let (before, from_stop) = rest.split_at(at);
        let mut chars = from_stop.chars();
        out.extend_from_slice(before.as_bytes());
        match chars.next() {
            Some('<') => out.extend_from_slice(b"&lt;"),
            Some('>') => out.extend_from_slice(b"&gt;"),
            Some('&') => out.extend_from_slice(b"&amp;"),
            Some('\r') => out.extend_from_slice(b"&#13;"),
            Some(c) => {
                let c = if is_unfit(c) { '\u{FFFD}' } else { c };
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

#[cfg(test)]
mod tests;
