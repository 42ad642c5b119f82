//! The text inside one block: emphasis, code, links of all kinds, images. Start at [`Page::flush`].
//! Bare addresses and tags are looked for in the block's text laid end to end (`Flat`), because an underscore in an
//! address cuts it into several events. Nothing is linked inside a link, a picture's description or code.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use super::autolink::{Kind, addresses};
use super::block::Page;
use super::href::{Dest, encoded, image_file, own};
use super::names::{anchor, parse_link, percent_decoded};
use super::plain::push_visible;
use super::{Error, LINKS_MAX, Target};
use crate::clean::escape;

type Events<'t> = [(Event<'t>, Range<usize>)];

/// Text of a block without markup, and which part of it each event gave.
struct Flat {
    text: String,
    /// The same with what may not begin a tag blotted out.
    for_tags: String,
    /// Where each event's text starts, and the end.
    starts: Vec<usize>,
}

/// Something in the flat text that becomes a link.
struct Spot {
    range: Range<usize>,
    kind: SpotKind,
}

enum SpotKind {
    Address(Kind),
    Tag,
}

impl Flat {
    fn of(events: &Events<'_>, source: &str) -> Self {
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
    fn start(&self, at: usize) -> usize {
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
    fn spots(&self, events: &Events<'_>) -> Vec<Spot> {
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

/// An image as its author wrote it.
struct Picture<'p> {
    target: &'p str,
    title: &'p str,
    alt: &'p str,
    in_link: bool,
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

    /// Opens a link if its target may be linked.
    fn open_target(&mut self, target: &str, title: &str) -> bool {
        match Dest::of(target) {
            Dest::Forbidden => return false,
            Dest::Web(_) => self.open_link(&encoded(target), "external", title),
            Dest::Mail(_) | Dest::Path(_) => self.open_link(&encoded(target), "", title),
            Dest::Part(part) => self.open_link(&encoded(&hash(Some(part))), "", title),
            Dest::Name { file, page, part } => {
                let Some((found, is_file)) = self.named(&file, page) else {
                    self.open_link(&encoded(target), "", title);
                    return true;
                };
                let part = if is_file { String::new() } else { hash(part) };
                let class = if found.exists { "" } else { "missing" };
                self.open_link(&format!("{}{}", own(&found.href), encoded(&part)), class, title);
            }
        }
        true
    }

    /// Opens a `[[link]]`, if a page can have that name.
    fn open_wiki_link(&mut self, inside: &str) -> bool {
        // A table's cell writes `[[name\|text]]`.
        let inside = inside.strip_suffix('\\').unwrap_or(inside);
        if let Dest::Web(address) = Dest::of(inside.trim()) {
            return self.open_target(address, "");
        }
        let Some((name, part)) = parse_link(inside) else { return false };
        let Some(name) = name else {
            self.open_link(&encoded(&hash(part)), "", "");
            return true;
        };
        let Some(page) = self.page(name) else { return false };
        let class = if page.exists { "" } else { "missing" };
        self.open_link(&format!("{}{}", own(&page.href), encoded(&hash(part))), class, "");
        true
    }

    /// The file of that name if there is one, else the page; nothing if neither can be, or the page links too much.
    fn named(&mut self, file: &str, page: Option<String>) -> Option<(Target, bool)> {
        let found = self.file(file);
        if found.exists && self.files.add(file.to_owned()) {
            return Some((found, true));
        }
        self.page(page?).map(|page| (page, false))
    }

    fn page(&mut self, name: String) -> Option<Target> {
        if !self.links.add(name.clone()) {
            return None;
        }
        Some(self.pages_known.entry(name).or_insert_with_key(|name| self.place.page(name)).clone())
    }

    fn file(&mut self, name: &str) -> Target {
        if let Some(known) = self.files_known.get(name) {
            return known.clone();
        }
        let found = self.place.attachment(name);
        if self.files_known.len() < LINKS_MAX {
            self.files_known.insert(name.to_owned(), found.clone());
        }
        found
    }

    /// An image of the page; one from elsewhere becomes a link, since the Content Security Policy would not show it.
    fn image(&mut self, picture: &Picture<'_>) {
        let Some(file) = image_file(picture.target) else {
            let shown = if picture.alt.is_empty() { picture.target } else { picture.alt };
            let class = match Dest::of(picture.target) {
                Dest::Web(_) => "external image",
                Dest::Path(_) | Dest::Name { .. } => "image",
                _ => return escape(shown, &mut self.out),
            };
            if picture.in_link {
                return escape(shown, &mut self.out);
            }
            self.open_link(&encoded(picture.target), class, picture.title);
            return self.close_link(shown);
        };
        let found = self.file(&file);
        let shown = if picture.alt.is_empty() { &file } else { picture.alt };
        if !self.files.add(file.clone()) {
            return escape(shown, &mut self.out);
        }
        if found.exists {
            self.out.push_str("<img src=\"");
            escape(&own(&found.href), &mut self.out);
            self.out.push_str("\" alt=\"");
            escape(picture.alt, &mut self.out);
            self.out.push('"');
            self.title(picture.title);
            self.out.push_str(" loading=\"lazy\">");
        } else if picture.in_link {
            escape(shown, &mut self.out);
        } else {
            self.open_link(&own(&found.href), "missing", picture.title);
            self.close_link(shown);
        }
    }

    /// The start of a link; the address is encoded already.
    fn open_link(&mut self, href: &str, class: &str, title: &str) {
        self.out.push_str("<a");
        if !class.is_empty() {
            self.out.push_str(" class=\"");
            self.out.push_str(class);
            self.out.push('"');
        }
        self.out.push_str(" href=\"");
        escape(href, &mut self.out);
        self.out.push('"');
        if class.starts_with("external") {
            self.out.push_str(" rel=\"nofollow noopener\"");
        }
        self.title(title);
        self.out.push('>');
    }

    fn title(&mut self, title: &str) {
        if !title.is_empty() {
            self.out.push_str(" title=\"");
            escape(title, &mut self.out);
            self.out.push('"');
        }
    }

    fn close_link(&mut self, text: &str) {
        escape(text, &mut self.out);
        self.out.push_str("</a>");
    }
}

/// The fragment that leads to a heading, as a link's author wrote it.
fn hash(part: Option<&str>) -> String {
    match part {
        None => String::new(),
        Some("") => "#".to_owned(),
        Some(part) => format!("#{}", anchor(&percent_decoded(part).unwrap_or_default())),
    }
}
