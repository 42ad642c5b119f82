//! The text of a record: tags, links, HTML and title. Start at [`run`]. Nothing of the author's becomes markup, and nothing of
//! the text is lost or said twice.

use blerg_markup::{
    Places, Span, TAG_BYTES_MAX, TAGS_MAX, TITLE_BYTES_MAX, TITLE_CHARS_MAX, clean, escape, escape_content,
    first_of_each, is_tag_name, occurrences, post_html, post_title, tags,
};

use crate::html::{Token, tokens};

const PLACES: Places<'_> = Places { tag: "/tag/", mention: "/user/" };

pub(crate) fn run(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    spans(text);
    html(text);
    escaping(text);
    if let Some(title) = post_title(text) {
        assert!(!title.is_empty() && title.len() <= TITLE_BYTES_MAX + 200, "{title:?}");
        assert!(title.chars().count() >= 1 && !title.contains(['\n', '\r']), "{title:?}");
        assert!(!title.is_ascii() || title.len() <= TITLE_CHARS_MAX, "{title:?}");
        assert_eq!(clean(&title), title);
    }
}

fn spans(text: &str) {
    let (all, first) = (occurrences(text), tags(text));
    assert_eq!(first_of_each(text, &all), first);
    assert!(first.len() <= TAGS_MAX);
    let mut end = 0;
    for span in &all {
        let Span { start, len } = *span;
        assert!(start >= end && len <= TAG_BYTES_MAX + 1, "{span:?} after {end}");
        end = start + len;
        let written = span.text(text).expect("it stands in the text");
        assert!(written.starts_with(['#', '@']) && is_tag_name(&written[1..]), "{written:?}");
    }
}

/// Only paragraphs, line ends and links that lead somewhere we said; and all of the text, in order.
fn html(text: &str) {
    let html = post_html(text, &PLACES);
    assert!(html.len() <= 64 + text.len() * 64, "{} bytes of {}", html.len(), text.len());
    let mut shown = String::new();
    let mut open = Vec::new();
    for token in tokens(&html) {
        match token {
            Token::Text(part) => shown.push_str(&part),
            Token::Close(name) => assert_eq!(open.pop(), Some(name)),
            Token::Open(name, attributes) => {
                let attributes: Vec<(&str, &str)> =
                    attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
                match (&*name, &*attributes) {
                    ("p", [("dir", "auto")]) => assert!(open.is_empty()),
                    ("br", []) => continue,
                    ("a", [("href", href)]) => assert!(is_ours(href), "{href:?}"),
                    other => panic!("{other:?}"),
                }
                open.push(name);
            }
        }
    }
    assert!(open.is_empty());
    assert_eq!(shown, clean(text).replace(['\n', '\r'], ""));
}

fn is_ours(href: &str) -> bool {
    let starts = |with: &str| href.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    let of_tag = |place: &str| href.strip_prefix(place).is_some_and(is_tag_name);
    starts("http://") || starts("https://") || of_tag(PLACES.tag) || of_tag(PLACES.mention)
}

fn escaping(text: &str) {
    let (mut html, mut xml) = (String::new(), Vec::new());
    escape(text, &mut html);
    assert!(!html.contains(['<', '>', '"']) && html.matches('&').count() <= text.len());
    escape_content(text, &mut xml);
    let xml = String::from_utf8(xml).expect("text");
    assert_eq!(quick_xml::escape::unescape(&xml).expect("XML"), clean(text));
}
