//! The tag grammar: which `#tag` and `@mention` a text holds (API.md, "Tags in text"). Start at [`tags`].
//! The same rules, held together by the table tests/data/tags.json, are in the client's format.js.
//! It never decides what a tag links to and never changes the text.

use std::collections::BTreeSet;

use crate::clean::find_byte;

/// Longest tag name, without its sigil: the contract's limit; a longer run is no tag at all.
pub const TAG_BYTES_MAX: usize = 64;

/// Most different tags one text may hold (a bound on the index work of one put); later ones are only text.
pub const TAGS_MAX: usize = 1024;

/// So many tags have most texts at most.
const FEW_MAX: usize = 16;

/// Where one tag or mention stands in a text, in bytes, sigil included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Byte offset of the `#` or `@`.
    pub start: usize,
    /// Length in bytes, sigil included: `#foo` is 4.
    pub len: usize,
}

impl Span {
    /// The tag as it stands in the text that the span was found in, sigil included.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.get(self.start..self.start.checked_add(self.len)?)
    }
}

/// Finds the different tags of a text, each at its first place, in the order of the text (at most [`TAGS_MAX`]).
#[must_use]
pub fn tags(text: &str) -> Vec<Span> {
    scan(text, Keep::First)
}

/// Finds every place where one of the text's tags stands, repeated ones included: what a page links.
#[must_use]
pub fn occurrences(text: &str) -> Vec<Span> {
    scan(text, Keep::Every)
}

/// The different ones of [`occurrences`], each at its first place: the same as [`tags`], without looking for them again.
#[must_use]
pub fn first_of_each(text: &str, occurrences: &[Span]) -> Vec<Span> {
    if occurrences.len() <= FEW_MAX {
        return different(text, occurrences);
    }
    let mut seen = BTreeSet::new();
    let is_new = |span: &&Span| span.text(text).is_some_and(|tag| seen.insert(tag.to_ascii_lowercase()));
    occurrences.iter().filter(is_new).copied().collect()
}

/// Says whether a name (without sigil) is one that a tag may have.
#[must_use]
pub fn is_tag_name(name: &str) -> bool {
    (1..=TAG_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_tag_byte)
}

/// Whether a tag that was seen before is reported again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    First,
    Every,
}

fn scan(text: &str, keep: Keep) -> Vec<Span> {
    let few: Vec<Span> = candidates(text).take(FEW_MAX + 1).collect();
    if few.len() <= FEW_MAX {
        return if keep == Keep::Every { few } else { different(text, &few) };
    }
    let mut spans = Vec::new();
    let mut seen = BTreeSet::new();
    for span in candidates(text) {
        let Some(tag) = span.text(text) else { continue };
        let folded = tag.to_ascii_lowercase();
        let is_new = !seen.contains(&folded);
        if is_new && seen.len() == TAGS_MAX {
            continue;
        }
        if is_new || keep == Keep::Every {
            spans.push(span);
        }
        seen.insert(folded);
    }
    spans
}

/// The first of each tag, where there are few: comparing each with each then costs less than a set.
fn different(text: &str, few: &[Span]) -> Vec<Span> {
    let is_first = |(at, span): (usize, &Span)| {
        let tag = span.text(text)?;
        let before = few.iter().take(at).filter_map(|earlier| earlier.text(text));
        (!before.into_iter().any(|earlier| earlier.eq_ignore_ascii_case(tag))).then_some(*span)
    };
    few.iter().enumerate().filter_map(is_first).collect()
}

/// Everything that is a tag by itself, wherever it stands and however many there are.
fn candidates(text: &str) -> impl Iterator<Item = Span> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let (start, name) = next_run(text, from)?;
            from = start + 1 + name.len();
            if is_tag_name(name) && may_start(text, start) {
                return Some(Span { start, len: name.len() + 1 });
            }
        }
    })
}

/// The next sigil at or after `from`, and the run of the tag alphabet behind it (which may be empty or too long).
fn next_run(text: &str, from: usize) -> Option<(usize, &str)> {
    let start = from + find_byte(text.get(from..)?, |byte| (byte == b'#') | (byte == b'@'))?;
    let rest = text.get(start + 1..)?;
    let end = rest.bytes().position(|byte| !is_tag_byte(byte)).unwrap_or(rest.len());
    Some((start, rest.get(..end)?))
}

fn may_start(text: &str, start: usize) -> bool {
    let before = text.get(..start).and_then(|head| head.chars().next_back());
    before.is_none_or(|c| !(c.is_alphabetic() || c.is_numeric() || matches!(c, '_' | '-' | '#' | '@' | '&' | '/')))
}

fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests;
