//! A block's text laid end to end, and what becomes a link in it: bare addresses, tags, mentions. Start at [`Flat::of`].
//! An address may hold signs of emphasis (`http://a.b/_c_`), which cut it into several events; it wins over them where it
//! holds all of the emphasis. What is inside a link, a picture's description or code is not looked at.

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::autolink::{Kind, addresses};

/// The events of one block, with their places in the page's text.
pub(super) type Events<'t> = [(Event<'t>, Range<usize>)];

/// Text of a block without markup, and which part of it each event gave.
pub(super) struct Flat {
    pub(super) text: String,
    /// The same with what may not begin a tag blotted out.
    for_tags: String,
    /// Where each event's text starts, and the end.
    starts: Vec<usize>,
}

/// Something in the flat text that becomes a link.
pub(super) struct Spot {
    pub(super) range: Range<usize>,
    pub(super) kind: SpotKind,
}

/// What it is.
pub(super) enum SpotKind {
    Address(Kind),
    Tag,
}

impl Flat {
    pub(super) fn of(events: &Events<'_>, source: &str) -> Self {
        let mut flat =
            Flat { text: String::new(), for_tags: String::new(), starts: Vec::with_capacity(events.len() + 1) };
        let mut inside = 0_usize;
        for (event, range) in events {
            flat.starts.push(flat.text.len());
            match event {
                Event::Start(Tag::Link { .. } | Tag::Image { .. }) => {
                    flat.part();
                    inside += 1;
                }
                Event::End(TagEnd::Link | TagEnd::Image) => {
                    inside = inside.saturating_sub(1);
                    flat.part();
                }
                _ if inside > 0 => {}
                Event::Text(text) => flat.push_text(text, source, range),
                Event::Start(tag) => flat.push_mark(source, range.start, mark_length(&tag.to_end(), source, range)),
                Event::End(tag) => {
                    let length = mark_length(tag, source, range);
                    flat.push_mark(source, range.end.saturating_sub(length), length);
                }
                _ => flat.part(),
            }
        }
        flat.starts.push(flat.text.len());
        flat
    }

    /// Where an event's text starts.
    pub(super) fn start(&self, at: usize) -> usize {
        self.starts.get(at).copied().unwrap_or(self.text.len())
    }

    /// Something stands here that no link reaches over.
    fn part(&mut self) {
        self.text.push('\n');
        self.for_tags.push('\n');
    }

    /// A sigil that was escaped or is a character reference is only text.
    fn push_text(&mut self, text: &str, source: &str, range: &Range<usize>) {
        self.text.push_str(text);
        let is_escaped = range.start > 0 && source.as_bytes().get(range.start - 1) == Some(&b'\\');
        let is_changed = source.get(range.clone()) != Some(text);
        let bare = text.strip_prefix(['#', '@']).filter(|_| is_escaped);
        if is_changed && text.contains(['#', '@']) {
            self.for_tags.push_str(&text.replace(['#', '@'], "/"));
        } else if let Some(bare) = bare {
            self.for_tags.push('/');
            self.for_tags.push_str(bare);
        } else {
            self.for_tags.push_str(text);
        }
    }

    /// The signs of emphasis, as an address would hold them; a tag ends before them.
    fn push_mark(&mut self, source: &str, start: usize, length: usize) {
        self.text.push_str(source.get(start..start + length).unwrap_or_default());
        while self.for_tags.len() < self.text.len() {
            self.for_tags.push(' ');
        }
    }

    /// What becomes a link, in order and apart from each other.
    pub(super) fn spots(&self, events: &Events<'_>) -> Vec<Spot> {
        let tags = if self.for_tags.contains(['#', '@']) { crate::occurrences(&self.for_tags) } else { Vec::new() };
        let mut tags = tags.into_iter().map(|span| span.start..span.start + span.len).peekable();
        let mut spots = Vec::new();
        let addresses = addresses(&self.text).into_iter().filter_map(|(range, kind)| {
            let range = self.within(range, kind, events)?;
            Some(Spot { range, kind: SpotKind::Address(kind) })
        });
        for address in addresses {
            while let Some(range) = tags.next_if(|tag| tag.start < address.range.end) {
                if range.end <= address.range.start {
                    spots.push(Spot { range, kind: SpotKind::Tag });
                }
            }
            spots.push(address);
        }
        spots.extend(tags.map(|range| Spot { range, kind: SpotKind::Tag }));
        spots
    }

    /// The address up to where emphasis begins or ends that is not all inside it.
    fn within(&self, range: Range<usize>, kind: Kind, events: &Events<'_>) -> Option<Range<usize>> {
        let first = self.starts.partition_point(|start| *start <= range.start).saturating_sub(1);
        let mut open = Vec::new();
        let mut end = range.end;
        for (at, (event, _)) in events.iter().enumerate().skip(first) {
            let start = *self.starts.get(at)?;
            if start >= range.end {
                break;
            }
            match event {
                Event::Start(_) | Event::End(_) if start < range.start => return None,
                Event::Start(_) => open.push(start),
                Event::End(_) if open.pop().is_none() => {
                    end = start;
                    break;
                }
                _ => {}
            }
        }
        let end = open.first().map_or(end, |start| end.min(*start));
        if end == range.end {
            return Some(range);
        }
        // What is left must still be an address.
        let left = self.text.get(range.start..end)?;
        let again = addresses(left).into_iter().next().filter(|(again, found)| again.start == 0 && *found == kind)?;
        Some(range.start..range.start + again.0.end)
    }
}

/// How many signs of emphasis the source has at either end.
fn mark_length(tag: &TagEnd, source: &str, range: &Range<usize>) -> usize {
    match tag {
        TagEnd::Strong => 2,
        TagEnd::Strikethrough if source.get(range.clone()).is_some_and(|span| span.starts_with("~~")) => 2,
        _ => 1,
    }
}
