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
    (byte < 0x20 && byte != b'\t' && byte != b'\n' && byte != b'\r') || byte == 0x7F || byte == 0xC2 || byte >= 0xEF
}

/// Whether the text may have an unfit character. Nearly all have none: every byte is looked at, for then the compiler looks
/// at many at once.
fn may_be_unfit(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | may_begin_unfit(byte))
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
    while let Some(at) = rest.bytes().position(|byte| STOPS[usize::from(byte)]) {
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

/// The bytes at which [`escape`] has to look at the character: all of them begin one.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0_u8;
    loop {
        stops[byte as usize] = matches!(byte, b'<' | b'>' | b'&' | b'"') || may_begin_unfit(byte);
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    stops
};

#[cfg(test)]
mod tests;
