//! A page cut into its sections, so that one can be edited alone. Start at [`sections`].
//! Section 0 is what stands before the first heading; a section reaches to the next heading of its own or a higher level,
//! so it holds its subsections. Headings in quotations and lists start none. No byte is lost: see [`replace_section`].

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::plain::push_visible;

/// One section of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// 1 to 6; 0 for what comes before the first heading.
    pub level: u8,
    /// What the heading says, without markup.
    pub title: String,
    /// From the heading's first byte to the end of the section.
    pub range: Range<usize>,
}

/// The sections in order; the first is number 0 and may be empty.
#[must_use]
pub fn sections(text: &str) -> Vec<Section> {
    let mut found = vec![Section { level: 0, title: String::new(), range: 0..text.len() }];
    let mut depth = 0_usize;
    let mut is_heading = false;
    for (event, range) in super::parser(text).into_offset_iter() {
        match &event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                is_heading = true;
                let start = line_start(text, range.start);
                found.push(Section { level: *level as u8, title: String::new(), range: start..text.len() });
            }
            Event::End(TagEnd::Heading(_)) => is_heading = false,
            Event::Start(tag) if is_container(tag) => depth += 1,
            Event::End(tag) if is_container_end(tag) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(last) = found.last_mut().filter(|_| is_heading) {
            push_visible(&event, &mut last.title);
        }
    }
    end_sections(&mut found);
    found
}

/// The text with section `n` in other words; `None` if there is no such section. What follows stays a section of its own.
#[must_use]
pub fn replace_section(text: &str, n: usize, new: &str) -> Option<String> {
    let range = sections(text).into_iter().nth(n)?.range;
    let (head, old, tail) = (text.get(..range.start)?, text.get(range.clone())?, text.get(range.end..)?);
    let is_glued = !(tail.is_empty() || new.is_empty() || new == old);
    let missing = match (is_glued, new.ends_with("\n\n"), new.ends_with('\n')) {
        (false, ..) | (_, true, _) => "",
        (true, false, true) => "\n",
        (true, false, false) => "\n\n",
    };
    Some([head, new, missing, tail].concat())
}

/// Whether headings inside it are no sections of the page.
pub(super) fn is_container(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_))
}

/// The end of what [`is_container`] begins.
pub(super) fn is_container_end(tag: &TagEnd) -> bool {
    matches!(tag, TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition)
}

/// A heading may be indented by up to three spaces, which belong to it.
fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |feed| feed + 1)
}

/// Every section ends where the next of its level or a higher one begins; the first where any begins.
fn end_sections(found: &mut [Section]) {
    // The nearest start after the section at hand, for each level.
    let mut next = [None; 7];
    for section in found.iter_mut().rev() {
        let level = usize::from(section.level);
        let reach = if level == 0 { 6 } else { level };
        let ends = next.iter().take(reach + 1).skip(1).filter_map(|start| *start).min();
        section.range.end = ends.unwrap_or(section.range.end);
        if let Some(slot) = next.get_mut(level) {
            *slot = Some(section.range.start);
        }
    }
}
