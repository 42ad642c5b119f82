//! Changes to the links of a page's text, without touching anything else of it. Start at [`rename_links`].
//! What the parser takes for a link is one; code, raw HTML and escaped brackets stay as they are.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

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
    let mut edits = Vec::new();
    let parser = super::parser(text);
    let mut definitions: Vec<_> = parser.reference_definitions().iter().map(|(_, definition)| definition).collect();
    definitions.sort_by_key(|definition| definition.span.start);
    for definition in definitions {
        let place = definition_target(text, &definition.span);
        edits.extend(place.and_then(|place| Some((place, change(&definition.dest)?))));
    }
    // Each open link: its target if that stands in it, and where its text has come to.
    let mut open: Vec<(Option<String>, usize)> = Vec::new();
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. }) => {
                let target = (link_type == LinkType::Inline).then(|| dest_url.into_string());
                open.push((target, range.start + 1));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if let Some((Some(target), from)) = open.pop()
                    && let Some(place) = inline_target(text, from..range.end)
                    && let Some(new) = change(&target)
                {
                    edits.push((place, new));
                }
                reach(&mut open, range.end);
            }
            _ => reach(&mut open, range.end),
        }
    }
    edits.sort_by_key(|(place, _)| place.start);
    replaced(text, &edits)
}

fn reach(open: &mut [(Option<String>, usize)], end: usize) {
    if let Some((_, reached)) = open.last_mut() {
        *reached = end.max(*reached);
    }
}

/// Where the target stands between the end of a link's text and that of the link.
fn inline_target(text: &str, rest: Range<usize>) -> Option<Range<usize>> {
    let start = rest.start + text.get(rest.clone())?.find("](")? + 2;
    target(text, start..rest.end)
}

/// Where the target stands in `[label]: target`.
fn definition_target(text: &str, definition: &Range<usize>) -> Option<Range<usize>> {
    let start = definition.start + text.get(definition.clone())?.find("]:")? + 2;
    target(text, start..definition.end)
}

/// The target that begins after some white space: in angle brackets, or up to white space or the closing parenthesis
/// (CommonMark s.6.3).
fn target(text: &str, within: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(within.clone())?;
    let start = rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    let is_bracketed = rest.starts_with('<');
    let (mut depth, mut is_escaped) = (0_usize, false);
    let ends = |(at, c): &(usize, char)| {
        let was_escaped = is_escaped;
        is_escaped = *c == '\\' && !was_escaped;
        match c {
            _ if was_escaped || *at == 0 && is_bracketed => false,
            '>' if is_bracketed => true,
            _ if is_bracketed => false,
            '(' => {
                depth += 1;
                false
            }
            ')' => depth.checked_sub(1).map(|less| depth = less).is_none(),
            _ => c.is_ascii_whitespace(),
        }
    };
    let end = rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at + usize::from(is_bracketed));
    Some(within.start + start..within.start + start + end)
}

fn replaced(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (place, new) in edits.iter().filter(|(place, _)| !place.is_empty()) {
        if place.start < done {
            continue;
        }
        out.push_str(text.get(done..place.start).unwrap_or_default());
        let new = super::href::encoded(new);
        out.push_str(&new.replace('(', "%28").replace(')', "%29").replace('&', "&amp;"));
        done = place.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
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
