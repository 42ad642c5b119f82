//! The text inside one block: emphasis, code, links of all kinds, images. Start at [`Page::flush`].
//! It follows the parser's events in order; `flat.rs` has found what the text links by itself, `link.rs` opens links.
//! It never writes a link inside a link.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use super::Error;
use super::autolink::Kind;
use super::block::Page;
use super::flat::{Events, Flat, Spot, SpotKind};
use super::href::own;
use super::link::Picture;
use super::plain::push_visible;
use crate::clean::escape;

/// The line while it is written.
struct Line<'l, 't> {
    events: &'l Events<'t>,
    flat: &'l Flat,
    /// Those to come.
    spots: &'l [Spot],
    /// How much of the flat text is written.
    done: usize,
    /// What closes each link that is open; nothing for one that is only text.
    open: Vec<&'static str>,
}

impl Line<'_, '_> {
    fn in_link(&self) -> bool {
        self.open.contains(&"</a>")
    }

    /// The event that ends the link or image that begins here.
    fn end_of(&self, at: usize) -> usize {
        let mut depth = 0_usize;
        for (end, (event, _)) in self.events.iter().enumerate().skip(at) {
            match event {
                Event::Start(Tag::Link { .. } | Tag::Image { .. }) => depth += 1,
                Event::End(TagEnd::Link | TagEnd::Image) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return end;
            }
        }
        self.events.len()
    }

    /// What a reader sees of the link or image that begins here.
    fn visible(&self, at: usize, end: usize) -> String {
        let mut text = String::new();
        for (event, _) in self.events.get(at + 1..end).unwrap_or_default() {
            push_visible(event, &mut text);
        }
        text
    }
}

impl Page<'_> {
    /// Writes the text of the block at hand.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.line.is_empty() {
            return Ok(());
        }
        let mut events = std::mem::take(&mut self.line);
        let flat = Flat::of(&events, self.text);
        let spots = flat.spots(&events);
        let mut line = Line { events: &events, flat: &flat, spots: &spots, done: 0, open: Vec::new() };
        let mut at = 0;
        while at < events.len() {
            at = self.event(&mut line, at)? + 1;
            self.check_length()?;
        }
        events.clear();
        self.line = events;
        Ok(())
    }

    /// Writes one event, or a link or image that is written as a whole; gives the last that is written.
    fn event(&mut self, line: &mut Line<'_, '_>, at: usize) -> Result<usize, Error> {
        let Some((event, range)) = line.events.get(at) else { return Ok(at) };
        let (start, end) = (line.flat.start(at), line.flat.start(at + 1));
        match event {
            Event::Text(_) if start < end => self.pieces(line, start.max(line.done)..end)?,
            Event::Start(_) | Event::End(_) if start < end && self.is_in_spot(line, start..end) => {}
            Event::Start(Tag::Image { link_type, dest_url, title, .. }) => {
                let last = line.end_of(at);
                let is_bare = matches!(link_type, LinkType::WikiLink { has_pothole: false });
                let alt = if is_bare { dest_url.to_string() } else { line.visible(at, last) };
                self.image(&Picture { target: dest_url, title, alt: &alt, in_link: line.in_link() });
                return Ok(last);
            }
            Event::Start(Tag::Link { link_type: LinkType::WikiLink { has_pothole }, dest_url, .. }) => {
                let opens = !line.in_link() && self.open_wiki_link(dest_url);
                if opens && *has_pothole {
                    line.open.push("</a>");
                    return Ok(at);
                }
                let shown = if opens { dest_url.replace('_', " ") } else { String::new() };
                let written = self.text.get(range.clone()).unwrap_or_default();
                escape(if opens { shown.trim() } else { written }, &mut self.out);
                self.out.push_str(if opens { "</a>" } else { "" });
                return Ok(line.end_of(at));
            }
            other => self.mark(other, line),
        }
        Ok(at)
    }

    /// Whether these signs of emphasis belong to an address; writes one that begins with them.
    fn is_in_spot(&mut self, line: &mut Line<'_, '_>, range: Range<usize>) -> bool {
        if let Some((spot, rest)) = line.spots.split_first().filter(|(spot, _)| spot.range.start < range.end) {
            line.spots = rest;
            line.done = spot.range.end;
            self.spot(spot, line.flat.text.get(spot.range.clone()).unwrap_or_default());
        }
        range.end <= line.done
    }

    /// Writes flat text with what is linked in it.
    fn pieces(&mut self, line: &mut Line<'_, '_>, range: Range<usize>) -> Result<(), Error> {
        let mut from = range.start;
        while let Some((spot, rest)) = line.spots.split_first().filter(|(spot, _)| spot.range.start < range.end) {
            line.spots = rest;
            escape(line.flat.text.get(from..spot.range.start).unwrap_or_default(), &mut self.out);
            self.spot(spot, line.flat.text.get(spot.range.clone()).unwrap_or_default());
            self.check_length()?;
            from = spot.range.end;
        }
        escape(line.flat.text.get(from..range.end).unwrap_or_default(), &mut self.out);
        line.done = from.max(range.end);
        Ok(())
    }

    /// A bare address, tag or mention.
    fn spot(&mut self, spot: &Spot, text: &str) {
        let href = match spot.kind {
            SpotKind::Address(Kind::Full) => text.to_owned(),
            SpotKind::Address(Kind::Www) => format!("http://{text}"),
            SpotKind::Address(Kind::Mail) => format!("mailto:{text}"),
            SpotKind::Tag => {
                let name = text.get(1..).unwrap_or_default();
                let (names, href) = if text.starts_with('#') {
                    (&mut self.tags, self.place.tag(name))
                } else {
                    (&mut self.mentions, self.place.mention(name))
                };
                if !names.add(name.to_ascii_lowercase()) {
                    return escape(text, &mut self.out);
                }
                self.open_link(&own(&href), if text.starts_with('#') { "tag" } else { "mention" }, "");
                return self.close_link(text);
            }
        };
        self.open_target(&href, "");
        self.close_link(text);
    }

    /// Everything that is written the same wherever it stands.
    fn mark(&mut self, event: &Event<'_>, line: &mut Line<'_, '_>) {
        match event {
            Event::Start(Tag::Emphasis) => self.out.push_str("<em>"),
            Event::End(TagEnd::Emphasis) => self.out.push_str("</em>"),
            Event::Start(Tag::Strong) => self.out.push_str("<strong>"),
            Event::End(TagEnd::Strong) => self.out.push_str("</strong>"),
            Event::Start(Tag::Strikethrough) => self.out.push_str("<del>"),
            Event::End(TagEnd::Strikethrough) => self.out.push_str("</del>"),
            Event::Start(Tag::Link { link_type, dest_url, title, .. }) => {
                let mail = (*link_type == LinkType::Email).then(|| format!("mailto:{dest_url}"));
                let opens = !line.in_link() && self.open_target(mail.as_deref().unwrap_or(dest_url), title);
                line.open.push(if opens { "</a>" } else { "" });
            }
            Event::End(TagEnd::Link) => self.out.push_str(line.open.pop().unwrap_or_default()),
            Event::Text(text) | Event::InlineHtml(text) => escape(text, &mut self.out),
            Event::Code(code) => {
                self.out.push_str("<code>");
                escape(code, &mut self.out);
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::FootnoteReference(label) => self.note(label, line.in_link()),
            Event::TaskListMarker(is_done) => self.task(*is_done),
            _ => {}
        }
    }

    fn note(&mut self, label: &str, in_link: bool) {
        let (number, id) = self.notes.refer(label);
        self.out.push_str(&if in_link {
            format!("<sup class=\"fn\" id=\"{id}\">{number}</sup>")
        } else {
            format!("<sup class=\"fn\"><a id=\"{id}\" href=\"#fn-{number}\">{number}</a></sup>")
        });
    }

    fn task(&mut self, is_done: bool) {
        // The item is already open, just before.
        let item = ["<li>", "<li>\n<p>"].into_iter().find(|item| self.out.ends_with(item));
        if let Some(item) = item {
            self.out.insert_str(self.out.len() - item.len() + "<li".len(), " class=\"task\"");
        }
        let (checked, label) = if is_done { (" checked", "done") } else { ("", "to do") };
        self.out.push_str(&format!("<input type=\"checkbox\" disabled{checked} aria-label=\"{label}\"> "));
    }
}
