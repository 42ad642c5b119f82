//! What changed between two texts: lines, and the words that changed in them. Start at [`diff`].
//! The same texts always give the same answer, and hostile ones only a coarser answer, since no clock is asked: the
//! search gives up finer matches after a bounded cost. It never changes or drops a byte.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::clean::escape;

/// Most pairs of equal lines in two texts that are all considered: what two articles of thousands of lines have, blank
/// ones included, and less than a tenth of a second's work.
const PAIRS_MAX: usize = 4 * 1024 * 1024;

/// Where there are more, lines with more pairs than this count as equal only at the ends of changes.
const PAIRS_OF_ONE_MAX: usize = 4096;

/// Most words of neighbouring changed lines that are compared; where there are more, the lines are shown as changed whole.
/// A long article has as many; comparing them costs more than their number, and a text can be one line.
const WORDS_MAX: usize = 16 * 1024;

/// What changed, as hunks with unchanged lines around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes<'t> {
    /// In order of the texts; none for equal texts.
    pub hunks: Vec<Hunk<'t>>,
    /// How many lines only the new text has.
    pub added: usize,
    /// How many lines only the old text has.
    pub removed: usize,
}

/// Neighbouring changes with the lines around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk<'t> {
    /// Number of its first line in the old text, from 1.
    pub old_line: usize,
    /// Number of its first line in the new text, from 1.
    pub new_line: usize,
    /// Removed lines come before the added ones that replace them.
    pub lines: Vec<Line<'t>>,
}

/// One line, with its line end if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'t> {
    /// Which text has it.
    pub side: Side,
    /// The line.
    pub text: &'t str,
    /// The bytes that changed, in order and apart; all of a line that has no counterpart.
    pub words: Vec<Range<usize>>,
}

/// Which text has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Both.
    Both,
    /// Only the old one.
    Old,
    /// Only the new one.
    New,
}

impl Line<'_> {
    /// Appends the line without its end, escaped, with what changed in `<del>` or `<ins>`.
    pub fn html(&self, out: &mut String) {
        let name = if self.side == Side::Old { "del" } else { "ins" };
        let text = self.text.strip_suffix('\n').unwrap_or(self.text);
        let mut done = 0;
        for word in &self.words {
            let word = word.start..word.end.min(text.len());
            if word.is_empty() {
                continue;
            }
            escape(text.get(done..word.start).unwrap_or_default(), out);
            out.push_str(&format!("<{name}>"));
            escape(text.get(word.clone()).unwrap_or_default(), out);
            out.push_str(&format!("</{name}>"));
            done = word.end;
        }
        escape(text.get(done..).unwrap_or_default(), out);
    }
}

/// What changed from the old text to the new one, with so many unchanged lines around each change.
#[must_use]
pub fn diff<'t>(old: &'t str, new: &'t str, context: usize) -> Changes<'t> {
    let (old, new) = (Lines::of(old), Lines::of(new));
    let mut changes = Changes::default();
    let mut last: Option<(Range<usize>, Range<usize>)> = None;
    for (removed, added) in changed(&old.lines, &new.lines) {
        changes.removed += removed.len();
        changes.added += added.len();
        let gap = last.as_ref().map_or(removed.start, |(before, _)| removed.start - before.end);
        let is_near = last.is_some() && gap <= context.saturating_mul(2);
        let before = if is_near { gap } else { gap.min(context) };
        if !is_near {
            changes.close(last, &old, context);
            let (old_line, new_line) = (removed.start - before + 1, added.start - before + 1);
            changes.hunks.push(Hunk { old_line, new_line, lines: Vec::new() });
        }
        changes.both(&old, removed.start - before..removed.start);
        changes.change(&old, removed.clone(), &new, added.clone());
        last = Some((removed, added));
    }
    changes.close(last, &old, context);
    changes
}

/// Bytes of a text, in order and apart from each other.
type Ranges = Vec<Range<usize>>;

/// A text's lines, and where each starts.
pub(crate) struct Lines<'t> {
    text: &'t str,
    pub(crate) lines: Vec<&'t str>,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut starts = vec![0];
        let mut at = 0;
        for line in &lines {
            at += line.len();
            starts.push(at);
        }
        Lines { text, lines, starts }
    }

    /// Some lines as one text.
    pub(crate) fn slice(&self, range: &Range<usize>) -> &'t str {
        let start = |at: usize| self.starts.get(at).copied().unwrap_or(self.text.len());
        self.text.get(start(range.start)..start(range.end)).unwrap_or_default()
    }
}

impl<'t> Changes<'t> {
    fn push(&mut self, side: Side, text: &'t str, words: Vec<Range<usize>>) {
        if let Some(hunk) = self.hunks.last_mut() {
            hunk.lines.push(Line { side, text, words });
        }
    }

    /// Lines that both texts have.
    fn both(&mut self, old: &Lines<'t>, range: Range<usize>) {
        for text in old.lines.get(range).unwrap_or_default() {
            self.push(Side::Both, text, Vec::new());
        }
    }

    /// The unchanged lines after the last change of a hunk.
    fn close(&mut self, last: Option<(Range<usize>, Range<usize>)>, old: &Lines<'t>, context: usize) {
        if let Some((removed, _)) = last {
            let end = removed.end.saturating_add(context).min(old.lines.len());
            self.both(old, removed.end..end);
        }
    }

    /// Lines that went and lines that came in their place.
    fn change(&mut self, old: &Lines<'t>, removed: Range<usize>, new: &Lines<'t>, added: Range<usize>) {
        let (before, after) = (old.slice(&removed), new.slice(&added));
        let whole = |text: &str| std::iter::once(0..text.len()).collect();
        let (old_words, new_words) = changed_words(before, after).unwrap_or_else(|| (whole(before), whole(after)));
        self.side(Side::Old, before, &old_words);
        self.side(Side::New, after, &new_words);
    }

    /// The lines of one side of a change; `words` are the changed ranges of them all.
    fn side(&mut self, side: Side, text: &'t str, words: &[Range<usize>]) {
        let mut words = words;
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = start + line.len();
            let visible = start + line.strip_suffix('\n').unwrap_or(line).len();
            let mut here = Vec::new();
            while let Some((word, rest)) = words.split_first().filter(|(word, _)| word.start < end) {
                let within = word.start.max(start)..word.end.min(visible);
                if !within.is_empty() {
                    here.push(within.start - start..within.end - start);
                }
                if word.end > end {
                    // It goes on in the next line.
                    break;
                }
                words = rest;
            }
            self.push(side, line, here);
            start = end;
        }
    }
}

/// The changed ranges of two rows of lines or words.
pub(crate) fn changed<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<(Range<usize>, Range<usize>)> {
    let often = too_often(before, after);
    // What stands in too many places gets a number of its own in each, so that it is equal to nothing.
    let token = |side: usize| {
        let often = &often;
        move |(at, text): (usize, &&'t str)| (*text, if often.contains(text) { 2 * at + side } else { 0 })
    };
    let mut input = InternedInput::default();
    input.update_before(before.iter().enumerate().map(token(1)));
    input.update_after(after.iter().enumerate().map(token(2)));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    let hunks = diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after)));
    hunks.map(|hunk| trimmed(before, after, hunk)).filter(|(old, new)| !(old.is_empty() && new.is_empty())).collect()
}

/// What both rows hold so often that comparing every place with every other would take too long.
fn too_often<'t>(before: &[&'t str], after: &[&'t str]) -> HashSet<&'t str> {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for text in before {
        counts.entry(text).or_default().0 += 1;
    }
    for text in after {
        counts.entry(text).or_default().1 += 1;
    }
    let pairs: usize = counts.values().map(|(old, new)| old * new).sum();
    let is_often = |(_, (old, new)): &(&str, (usize, usize))| pairs > PAIRS_MAX && old * new > PAIRS_OF_ONE_MAX;
    counts.into_iter().filter(is_often).map(|(text, _)| text).collect()
}

/// A hunk without the equal lines at either end.
fn trimmed(before: &[&str], after: &[&str], hunk: (Range<usize>, Range<usize>)) -> (Range<usize>, Range<usize>) {
    let (mut old, mut new) = hunk;
    while !old.is_empty() && !new.is_empty() && before.get(old.start) == after.get(new.start) {
        (old.start, new.start) = (old.start + 1, new.start + 1);
    }
    while !old.is_empty() && !new.is_empty() && before.get(old.end - 1) == after.get(new.end - 1) {
        (old.end, new.end) = (old.end - 1, new.end - 1);
    }
    (old, new)
}

/// The changed bytes of both; nothing if they have too little in common for that to help a reader, or are too long.
fn changed_words(before: &str, after: &str) -> Option<(Ranges, Ranges)> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let old: Vec<&str> = before.split_word_bounds().take(WORDS_MAX).collect();
    let new: Vec<&str> = after.split_word_bounds().take(WORDS_MAX).collect();
    if old.len() + new.len() >= WORDS_MAX {
        return None;
    }
    let hunks = changed(&old, &new);
    let old = byte_ranges(&old, hunks.iter().map(|(removed, _)| removed));
    let new = byte_ranges(&new, hunks.iter().map(|(_, added)| added));
    let is_alike = |text: &str, ranges: &[Range<usize>]| kept(text, ranges) * 4 >= said(text);
    (is_alike(before, &old) || is_alike(after, &new)).then_some((old, new))
}

/// Ranges of words as ranges of bytes; those with only spaces between them are one.
fn byte_ranges<'r>(words: &[&str], ranges: impl Iterator<Item = &'r Range<usize>>) -> Ranges {
    let mut found: Ranges = Vec::new();
    let (mut word, mut byte) = (0, 0);
    for range in ranges.filter(|range| !range.is_empty()) {
        let gap = words.get(word..range.start).unwrap_or_default();
        let start = byte + gap.iter().map(|word| word.len()).sum::<usize>();
        let changed = words.get(range.clone()).unwrap_or_default();
        let end = start + changed.iter().map(|word| word.len()).sum::<usize>();
        let is_spaces = gap.iter().all(|word| word.chars().all(|c| c == ' '));
        match found.last_mut().filter(|_| is_spaces) {
            Some(last) => last.end = end,
            None => found.push(start..end),
        }
        (word, byte) = (range.end, end);
    }
    found
}

/// How much of a text is more than white space.
fn said(text: &str) -> usize {
    text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count()
}

/// How much of that is outside the changed ranges.
fn kept(text: &str, ranges: &[Range<usize>]) -> usize {
    said(text) - ranges.iter().filter_map(|range| text.get(range.clone())).map(said).sum::<usize>()
}

#[cfg(test)]
pub(crate) mod tests;
