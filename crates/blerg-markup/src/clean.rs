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

/// The text with U+FFFD in place of each unfit character.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_unfit) { Cow::Owned(text.replace(is_unfit, "\u{FFFD}")) } else { Cow::Borrowed(text) }
}

/// Appends the text, escaped for elements and for attributes in double quotes; what is unfit becomes U+FFFD.
pub fn escape(text: &str, out: &mut String) {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let into = match c {
            '<' => "&lt;",
            '>' => "&gt;",
            '&' => "&amp;",
            '"' => "&quot;",
            _ if is_unfit(c) => "\u{FFFD}",
            _ => continue,
        };
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(into);
        from = at + c.len_utf8();
    }
    out.push_str(text.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
