//! Pieces of pages that show why they were found. Start at [`cut`]. The index knows folded text; what it marks there is
//! looked up in the text that people read. Text and marks are data: whoever shows them escapes the one and makes what it
//! likes of the others.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::search::fold;

/// Characters of one snippet, at most.
pub const SNIPPET_CHARS: usize = 240;

/// Characters before the first mark, about.
const LEAD_CHARS: usize = 40;

/// Most marks of one snippet.
pub const HIT_MARKS_MAX: usize = 16;

/// Most marks of one page that are looked at for the best place.
const MARKS_SEEN_MAX: usize = 500;

/// Most words of a query that are marked in a long text.
const MARKED_WORDS_MAX: usize = 8;

/// Most characters given up for a cut between words.
const WORD_CHARS: usize = 20;

/// A piece of a page's plain text, around what was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece.
    pub text: String,
    /// The bytes of it that were looked for, in order and apart from each other.
    pub marks: Vec<Range<usize>>,
    /// There is text before it.
    pub is_cut_before: bool,
    /// There is text after it.
    pub is_cut_after: bool,
}

/// Cuts the piece of `plain` that shows most of what was found; `marked` is its folded form with each find between the
/// control characters 1 and 2.
pub(super) fn cut(plain: &str, marked: &str) -> Snippet {
    let marks = marks(plain, marked);
    let first = best(plain, &marks);
    let start = marks.get(first).map_or(0, |mark| start_before(plain, mark.start));
    let end = end_after(plain, start);
    let inside = marks.iter().skip(first).take_while(|mark| mark.end <= end).take(HIT_MARKS_MAX);
    Snippet {
        text: plain.get(start..end).unwrap_or_default().to_owned(),
        marks: inside.map(|mark| mark.start - start..mark.end - start).collect(),
        is_cut_before: start > 0,
        is_cut_after: end < plain.len(),
    }
}

/// Marks in a long folded text the words of a match expression, as far as letters are the same but for ASCII case, and no
/// more of them than are looked at: its time grows with the text only.
pub(super) fn marked(folded: &str, expression: &str) -> String {
    let lower = folded.to_ascii_lowercase();
    let strings = expression.split('"').skip(1).step_by(2);
    let words = strings.flat_map(str::split_whitespace).take(MARKED_WORDS_MAX).map(str::to_ascii_lowercase);
    let words: BTreeSet<String> = words.collect();
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut found: Vec<Range<usize>> = Vec::new();
    for word in &words {
        let places = lower.match_indices(word.as_str()).map(|(at, word)| at..at + word.len());
        let whole = places.filter(|place| {
            let (before, after) = (lower.get(..place.start), lower.get(place.end..));
            !is_letter(before.and_then(|text| text.chars().next_back()))
                && !is_letter(after.and_then(|text| text.chars().next()))
        });
        found.extend(whole.take(MARKS_SEEN_MAX));
    }
    found.sort_by_key(|place| place.start);
    let mut out = String::with_capacity(folded.len() + 2 * found.len());
    let mut done = 0;
    for place in found.into_iter().filter(|place| !place.is_empty()) {
        if place.start < done {
            continue;
        }
        out.push_str(folded.get(done..place.start).unwrap_or_default());
        out.push('\u{1}');
        out.push_str(folded.get(place.clone()).unwrap_or_default());
        out.push('\u{2}');
        done = place.end;
    }
    out.push_str(folded.get(done..).unwrap_or_default());
    out
}

/// Where the finds stand in `plain`.
fn marks(plain: &str, marked: &str) -> Vec<Range<usize>> {
    let mut bounds = Vec::new();
    let mut folded = 0;
    for c in marked.chars() {
        match c {
            '\u{1}' | '\u{2}' if bounds.len() == 2 * MARKS_SEEN_MAX => break,
            '\u{1}' | '\u{2}' => bounds.push(folded),
            other => folded += other.len_utf8(),
        }
    }
    let mut places = Vec::with_capacity(bounds.len());
    if !bounds.is_empty() {
        fold::fold_noting(plain, |folded, at| {
            while bounds.get(places.len()).is_some_and(|bound| *bound <= folded) {
                places.push(at);
            }
        });
    }
    places.resize(bounds.len(), plain.len());
    let ranges = places.chunks_exact(2).filter_map(|pair| Some(*pair.first()?..*pair.last()?));
    ranges.filter(|range| !range.is_empty()).collect()
}

/// The first mark of the piece that shows most different finds.
fn best(plain: &str, marks: &[Range<usize>]) -> usize {
    let room = SNIPPET_CHARS - LEAD_CHARS;
    let found = |from: usize| {
        let start = marks.get(from).map_or(0, |mark| mark.start);
        let near = marks.iter().skip(from).take(HIT_MARKS_MAX).take_while(|mark| mark.end <= start + room);
        near.map(|mark| plain.get(mark.clone()).unwrap_or_default().to_lowercase()).collect::<BTreeSet<_>>().len()
    };
    // Of equal ones the first.
    (0..marks.len()).rev().max_by_key(|from| found(*from)).unwrap_or(0)
}

/// A little before a mark, between two words if that is near.
fn start_before(plain: &str, mark: usize) -> usize {
    let before = plain.get(..mark).unwrap_or_default();
    let Some((start, _)) = before.char_indices().rev().nth(LEAD_CHARS - 1) else { return 0 };
    let lead = before.get(start..).unwrap_or_default();
    let space = lead.char_indices().take(WORD_CHARS).find(|(_, c)| c.is_whitespace());
    start + space.map_or(0, |(at, c)| at + c.len_utf8())
}

/// The end of the piece that begins at `start`.
fn end_after(plain: &str, start: usize) -> usize {
    let rest = plain.get(start..).unwrap_or_default();
    let Some((end, _)) = rest.char_indices().nth(SNIPPET_CHARS) else { return plain.len() };
    let piece = rest.get(..end).unwrap_or_default();
    let space = piece.char_indices().rev().take(WORD_CHARS).find(|(_, c)| c.is_whitespace());
    start + space.map_or(end, |(at, _)| at)
}

#[cfg(test)]
mod tests;
