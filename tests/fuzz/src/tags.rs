//! The tag grammar (API.md, "Tags in text") against a plain model of it: start at [`run`]. Which tags a text has, where each
//! stands, and which names are ones.

use std::collections::BTreeSet;

use blerg_markup::{Span, TAG_BYTES_MAX, TAGS_MAX, first_of_each, is_tag_name, occurrences, tags};

pub(crate) fn run(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    check(text);
    // As many as a text may hold, and one more.
    if data.first() == Some(&b'*') && text.len() < 64 {
        let many: String = (0..=TAGS_MAX).map(|n| format!("{text} #t{n} ")).collect();
        check(&many);
    }
    for part in text.split_whitespace() {
        let plain = !part.is_empty() && part.len() <= TAG_BYTES_MAX && part.chars().all(is_tag_char);
        assert_eq!(is_tag_name(part), plain, "{part:?}");
    }
}

fn check(text: &str) {
    let (mut every, mut first, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for span in model(text) {
        let tag = text[span.start..span.start + span.len].to_ascii_lowercase();
        let is_new = !seen.contains(&tag);
        // Beyond the limit a text goes on linking the tags that it has.
        if is_new && seen.len() == TAGS_MAX {
            continue;
        }
        seen.insert(tag);
        every.push(span);
        if is_new {
            first.push(span);
        }
    }
    assert_eq!(occurrences(text), every, "{text:?}");
    assert_eq!(tags(text), first, "{text:?}");
    assert_eq!(first_of_each(text, &every), first, "{text:?}");
}

fn is_tag_char(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_')
}

/// Each sigil for itself: what stands before it, and the letters behind it.
fn model(text: &str) -> Vec<Span> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let mut spans = Vec::new();
    for (at, (start, sigil)) in chars.iter().enumerate() {
        if !matches!(sigil, '#' | '@') {
            continue;
        }
        let before = at.checked_sub(1).map(|before| chars[before].1);
        let may_start = before.is_none_or(|c| !c.is_alphanumeric() && !"_-#@&/".contains(c));
        let name: Vec<char> = chars[at + 1..].iter().map(|(_, c)| *c).take_while(|c| is_tag_char(*c)).collect();
        if may_start && (1..=TAG_BYTES_MAX).contains(&name.len()) {
            spans.push(Span { start: *start, len: name.len() + 1 });
        }
    }
    spans
}
