//! Where a text holds `http` and `https` addresses. Start at [`urls`].
//! An address starts after a character that is no letter, digit, `#` or `@`, has a host that could be one, and ends before white
//! space, quotes, angle brackets, what turns the direction of text, and the punctuation of the sentence around it.
//! It never says where an address leads or whether it answers.

use std::ops::Range;

/// The schemes that are linked; everything else (`javascript:`, `data:`) is only text.
const SCHEMES: [&str; 2] = ["http", "https"];

/// The ranges of a text that are addresses, in order and apart from each other.
pub(crate) fn urls(text: &str) -> Urls<'_> {
    Urls { text, from: 0 }
}

/// See [`urls`].
#[derive(Debug)]
pub(crate) struct Urls<'t> {
    text: &'t str,
    from: usize,
}

impl Iterator for Urls<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let colon = self.from + colon(self.text.get(self.from..)?)?;
            let start = scheme_start(self.text, self.from, colon);
            let host = colon + 3;
            self.from = host;
            let Some(start) = start else { continue };
            let Some(after_host) = host_end(self.text, host) else { continue };
            let end = trim(self.text, after_host, run_end(self.text, after_host));
            self.from = end;
            return Some(start..end);
        }
    }
}

/// The address that begins here with its host, without a scheme: host, port, path, less what belongs to the sentence.
pub(crate) fn address(text: &str, start: usize) -> Option<Range<usize>> {
    let after_host = host_end(text, start)?;
    let end = trim(text, after_host, run_end(text, after_host));
    let end = if end == after_host { start + text.get(start..end)?.trim_end_matches('.').len() } else { end };
    Some(start..end)
}

/// Where `://` stands first. Colons are rare, and finding one byte is several times as fast as finding three.
fn colon(text: &str) -> Option<usize> {
    let is_one = |at: &usize| text.get(*at..).is_some_and(|rest| rest.starts_with("://"));
    text.match_indices(':').map(|(at, _)| at).find(is_one)
}

/// Where the scheme before the colon begins, if it is one of ours and begins a word.
fn scheme_start(text: &str, from: usize, colon: usize) -> Option<usize> {
    let before = text.get(from..colon)?;
    let start = before.bytes().rposition(|byte| !byte.is_ascii_alphabetic()).map_or(from, |at| from + at + 1);
    let scheme = text.get(start..colon)?;
    let is_known = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let is_word = text
        .get(..start)?
        .chars()
        .next_back()
        .is_none_or(|before| !(before.is_alphanumeric() || matches!(before, '#' | '@')));
    (is_known && is_word).then_some(start)
}

/// The end of host and port: a name of letters (of any script), digits, `-`, `.`, `_`, or an address in brackets.
fn host_end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let host = if let Some(inside) = rest.strip_prefix('[') {
        let length = inside.bytes().take_while(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte)).count();
        (length > 1 && inside.get(length..)?.starts_with(']')).then_some(length + 2)?
    } else {
        let is_host = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
        rest.find(|c: char| !is_host(c)).unwrap_or(rest.len())
    };
    let name = rest.get(..host)?;
    if !name.chars().any(char::is_alphanumeric) {
        return None;
    }
    let after = rest.get(host..)?;
    let port = after.strip_prefix(':').map_or(0, |digits| digits.bytes().take_while(u8::is_ascii_digit).count());
    let end = host + if port > 0 { port + 1 } else { 0 };
    // `http://you:secret@host/` is a secret or a trick, and no link.
    (!has_user(rest.get(end..)?)).then_some(start + end)
}

/// Whether an `@` follows before the path begins.
fn has_user(rest: &str) -> bool {
    let end = rest.find(|c: char| matches!(c, '/' | '?' | '#') || !may_stand(c)).unwrap_or(rest.len());
    rest.get(..end).is_some_and(|authority| authority.contains('@'))
}

/// The end of path, query and fragment.
fn run_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    if !rest.starts_with(['/', '?', '#']) {
        return start;
    }
    start + rest.find(|c: char| !may_stand(c)).unwrap_or(rest.len())
}

/// Whether a character may stand in an address: anything visible that is no quote or bracket of a sentence.
fn may_stand(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '`');
    }
    let turns = matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    let quotes = matches!(c, '\u{2018}'..='\u{201F}' | '\u{2026}' | '\u{AB}' | '\u{BB}' | '\u{3001}'..='\u{3003}'
        | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}' | '\u{FF01}' | '\u{FF08}' | '\u{FF09}' | '\u{FF0C}'
        | '\u{FF0E}' | '\u{FF1A}' | '\u{FF1B}' | '\u{FF1F}' | '\u{FF3B}' | '\u{FF3D}' | '\u{FFFC}' | '\u{FFFD}');
    !turns && !quotes && !c.is_whitespace() && !crate::clean::is_unfit(c)
}

/// Leaves the punctuation at the end to the sentence, and brackets that were opened before the address.
fn trim(text: &str, start: usize, end: usize) -> usize {
    let run = text.get(start..end).unwrap_or_default();
    let mut open = [('(', ')'), ('[', ']'), ('{', '}')].map(|(open, close)| {
        let count = |wanted: char| run.matches(wanted).count();
        (close, count(close).saturating_sub(count(open)))
    });
    let mut rest = run;
    while let Some(last) = rest.chars().next_back() {
        let is_left_over = open.iter_mut().any(|(close, extra)| {
            let is_extra = *close == last && *extra > 0;
            *extra -= usize::from(is_extra);
            is_extra
        });
        if !is_left_over && !matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'') {
            break;
        }
        rest = rest.get(..rest.len() - last.len_utf8()).unwrap_or_default();
    }
    start + rest.len()
}

#[cfg(test)]
mod tests;
