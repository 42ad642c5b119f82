//! A title for a text that has none: its first line that says anything, cut between words. Start at [`post_title`].
//! Cuts never split what a reader sees as one character (UAX #29), and what turns the direction of text is turned back,
//! so that a title can't disturb those around it in a list.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::clean::{clean, find_byte};

/// Characters of a title, as a reader counts them: a line of a feed reader's list.
pub const TITLE_CHARS_MAX: usize = 80;

/// Bytes of a title: a character may be built of any number of marks.
pub const TITLE_BYTES_MAX: usize = 640;

/// A cut goes back to the last space, unless that would leave less than this.
const TITLE_CHARS_MIN: usize = 40;

/// The title; `None` for a text in which nothing can be seen.
#[must_use]
pub fn post_title(text: &str) -> Option<String> {
    let line = lines(text).find(|line| line.chars().any(is_visible))?.trim();
    if line.is_ascii() {
        // Every character stands by itself, and nothing turns the direction; looking for that costs ten times as much.
        let any = || clean(&cut(line.split_inclusive(|_| true))).into_owned();
        return Some(cut_simple(line).unwrap_or_else(any));
    }
    let mut title = clean(&cut(line.graphemes(true))).into_owned();
    turn_back(&mut title);
    Some(title)
}

/// The lines of a text, some of them empty.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = find_byte(text, |byte| (byte == b'\n') | (byte == b'\r'));
        rest = end.and_then(|end| text.get(end + 1..));
        text.get(..end.unwrap_or(text.len()))
    })
}

/// What [`cut`] makes of a line of ASCII characters in which there are no controls and only single spaces, as in nearly all.
fn cut_simple(line: &str) -> Option<String> {
    let head = line.get(..TITLE_CHARS_MAX + 1).unwrap_or(line);
    let bytes = head.as_bytes();
    let is_double = |double: bool, (one, next): (&u8, &u8)| double | ((*one == b' ') & (*next == b' '));
    let has_double = bytes.iter().zip(bytes.iter().skip(1)).fold(false, is_double);
    if has_double || find_byte(head, |byte| byte.is_ascii_control()).is_some() {
        return None;
    }
    let Some((title, _)) = line.split_at_checked(TITLE_CHARS_MAX).filter(|(_, rest)| !rest.is_empty()) else {
        return Some(line.to_owned());
    };
    let end = title.rfind(' ').filter(|end| *end >= TITLE_CHARS_MIN).unwrap_or(title.len());
    let mut cut = String::with_capacity(end + '…'.len_utf8());
    cut.push_str(title.get(..end)?);
    cut.push('…');
    Some(cut)
}

/// As many pieces of a line as a title may have; white space becomes one space.
fn cut<'t>(pieces: impl Iterator<Item = &'t str>) -> String {
    let mut title = String::new();
    let mut chars = 0;
    let mut last_space = None;
    for piece in pieces {
        let piece = if piece.chars().all(char::is_whitespace) { " " } else { piece };
        if piece == " " && title.ends_with(' ') {
            continue;
        }
        if chars >= TITLE_CHARS_MAX || title.len() + piece.len() > TITLE_BYTES_MAX {
            if let Some((at, _)) = last_space.filter(|(_, chars)| *chars >= TITLE_CHARS_MIN) {
                title.truncate(at);
            }
            title.push('…');
            break;
        }
        if piece == " " {
            last_space = Some((title.len(), chars));
        }
        title.push_str(piece);
        chars += 1;
    }
    title
}

/// Whether a character shows: no space, no control, none of those that only act on others.
fn is_visible(c: char) -> bool {
    let acts = matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{E0000}'..='\u{E0FFF}');
    !acts && !c.is_whitespace() && !c.is_control()
}

/// Ends every embedding, override and isolate that is still open (UAX #9).
fn turn_back(title: &mut String) {
    let mut open = Vec::new();
    for c in title.chars() {
        match c {
            '\u{202A}' | '\u{202B}' | '\u{202D}' | '\u{202E}' => open.push('\u{202C}'),
            '\u{2066}'..='\u{2068}' => open.push('\u{2069}'),
            '\u{202C}' | '\u{2069}' if open.last() == Some(&c) => {
                open.pop();
            }
            _ => {}
        }
    }
    title.extend(open.into_iter().rev());
}

#[cfg(test)]
mod tests;
