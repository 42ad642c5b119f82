//! The blocks of a page: paragraphs, headings, lists, tables, code. Start at [`Page`].
//! Text inside a block is gathered and handed to `inline.rs`, because links in it can span several pieces of it.
//! It writes only the elements and attributes named here; whatever the author wrote is escaped or a class of a fixed set.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Tag, TagEnd};

use super::names::{Names, anchor};
use super::notes::Notes;
use super::plain::push_visible;
use super::{Error, HTML_BYTES_MAX, Heading, Rendered, Resolver, SUMMARY_BYTES_MAX, Target, section};
use crate::clean::escape;

/// A page while it is rendered.
pub(super) struct Page<'t> {
    pub(super) text: &'t str,
    pub(super) place: &'t dyn Resolver,
    pub(super) out: String,
    /// The events of the block at hand that are text.
    pub(super) line: Vec<(Event<'t>, Range<usize>)>,
    pub(super) notes: Notes,
    pub(super) links: Names,
    pub(super) files: Names,
    pub(super) tags: Names,
    pub(super) mentions: Names,
    /// What the resolver has said, so that it is asked once.
    pub(super) pages_known: BTreeMap<String, Target>,
    pub(super) files_known: BTreeMap<String, Target>,
    toc: Vec<Heading>,
    ids: BTreeSet<String>,
    /// How often an anchor was wished for.
    wishes: BTreeMap<String, usize>,
    summary: Option<String>,
    /// Quotations, lists and footnotes that are open.
    depth: usize,
    sections: usize,
    table: Table,
    is_code: bool,
}

/// The table at hand.
#[derive(Default)]
struct Table {
    alignments: Vec<Alignment>,
    column: usize,
    is_head: bool,
    has_body: bool,
}

impl<'t> Page<'t> {
    pub(super) fn new(text: &'t str, place: &'t dyn Resolver) -> Self {
        Page {
            text,
            place,
            out: String::with_capacity(text.len() + text.len() / 2),
            line: Vec::new(),
            notes: Notes::default(),
            links: Names::default(),
            files: Names::default(),
            tags: Names::default(),
            mentions: Names::default(),
            pages_known: BTreeMap::new(),
            files_known: BTreeMap::new(),
            toc: Vec::new(),
            ids: BTreeSet::new(),
            wishes: BTreeMap::new(),
            summary: None,
            depth: 0,
            sections: 0,
            table: Table::default(),
            is_code: false,
        }
    }

    pub(super) fn render(mut self) -> Result<Rendered, Error> {
        for (event, range) in super::parser(self.text).into_offset_iter() {
            if is_inline(&event) && !self.is_code {
                self.line.push((event, range));
                continue;
            }
            if !matches!(event, Event::End(TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::TableCell)) {
                self.flush()?;
            }
            match event {
                Event::Start(tag) => self.start(tag),
                Event::End(tag) => self.end(tag, range)?,
                Event::Html(text) | Event::Text(text) => escape(&text, &mut self.out),
                Event::Rule => self.block("<hr>\n"),
                _ => {}
            }
            self.check_length()?;
        }
        self.flush()?;
        std::mem::take(&mut self.notes).write(&mut self.out);
        self.check_length()?;
        Ok(Rendered {
            html: self.out,
            toc: self.toc,
            links: self.links.into_vec(),
            tags: self.tags.into_vec(),
            mentions: self.mentions.into_vec(),
            attachments: self.files.into_vec(),
            summary: self.summary.unwrap_or_default(),
        })
    }

    pub(super) fn check_length(&self) -> Result<(), Error> {
        if self.out.len() + self.notes.bytes() > HTML_BYTES_MAX { Err(Error::HtmlTooLong) } else { Ok(()) }
    }

    /// Writes what starts or ends a block on a line of its own.
    fn block(&mut self, html: &str) {
        if !(self.out.is_empty() || self.out.ends_with('\n')) {
            self.out.push('\n');
        }
        self.out.push_str(html);
    }

    fn start(&mut self, tag: Tag<'t>) {
        if section::is_container(&tag) {
            self.depth += 1;
        }
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.block("<p>"),
            Tag::BlockQuote(_) => self.block("<blockquote>\n"),
            Tag::CodeBlock(kind) => self.code_block(&kind),
            Tag::List(None) => self.block("<ul>\n"),
            Tag::List(Some(1)) => self.block("<ol>\n"),
            Tag::List(Some(first)) => self.block(&format!("<ol start=\"{first}\">\n")),
            Tag::Item => self.block("<li>"),
            Tag::FootnoteDefinition(label) => {
                let before = std::mem::take(&mut self.out);
                self.notes.begin(&label, before);
            }
            Tag::Table(alignments) => {
                self.table = Table { alignments, ..Table::default() };
                self.block("<div class=\"table\" tabindex=\"0\"><table>\n");
            }
            Tag::TableHead => {
                (self.table.is_head, self.table.column) = (true, 0);
                self.out.push_str("<thead>\n<tr>\n");
            }
            Tag::TableRow => {
                let starts_body = !std::mem::replace(&mut self.table.has_body, true);
                self.table.column = 0;
                self.out.push_str(if starts_body { "<tbody>\n<tr>\n" } else { "<tr>\n" });
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) -> Result<(), Error> {
        if section::is_container_end(&tag) {
            self.depth = self.depth.saturating_sub(1);
        }
        match tag {
            TagEnd::Paragraph => {
                self.summarise();
                self.flush()?;
                self.out.push_str("</p>\n");
            }
            TagEnd::HtmlBlock => {
                self.out.truncate(self.out.trim_end_matches('\n').len());
                self.out.push_str("</p>\n");
            }
            TagEnd::Heading(level) => self.heading(level as u8, range)?,
            TagEnd::BlockQuote(_) => self.block("</blockquote>\n"),
            TagEnd::CodeBlock => {
                self.is_code = false;
                self.out.push_str("</code></pre>\n");
            }
            TagEnd::List(true) => self.block("</ol>\n"),
            TagEnd::List(false) => self.block("</ul>\n"),
            TagEnd::Item => self.out.push_str("</li>\n"),
            TagEnd::FootnoteDefinition => self.out = self.notes.end(std::mem::take(&mut self.out)),
            TagEnd::Table => {
                self.out.push_str(if self.table.has_body { "</tbody>\n</table></div>\n" } else { "</table></div>\n" });
            }
            TagEnd::TableHead => {
                self.table.is_head = false;
                self.out.push_str("</tr>\n</thead>\n");
            }
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.cell()?,
            _ => {}
        }
        Ok(())
    }

    fn code_block(&mut self, kind: &CodeBlockKind<'_>) {
        self.is_code = true;
        self.block("<pre tabindex=\"0\"><code");
        if let CodeBlockKind::Fenced(info) = kind
            && let Some(language) = info.split_ascii_whitespace().next()
        {
            self.out.push_str(" class=\"language-");
            escape(language, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    /// An empty cell of the head is no heading for anything.
    fn cell(&mut self) -> Result<(), Error> {
        let name = if self.table.is_head && !self.line.is_empty() { "th" } else { "td" };
        let class = match self.table.alignments.get(self.table.column) {
            Some(Alignment::Left) => " class=\"left\"",
            Some(Alignment::Center) => " class=\"center\"",
            Some(Alignment::Right) => " class=\"right\"",
            _ => "",
        };
        self.table.column += 1;
        self.out.push_str(&format!("<{name}{class}>"));
        self.flush()?;
        self.out.push_str(&format!("</{name}>\n"));
        Ok(())
    }

    fn heading(&mut self, level: u8, source: Range<usize>) -> Result<(), Error> {
        let mut text = String::new();
        for (event, _) in &self.line {
            push_visible(event, &mut text);
        }
        let text = crate::clean(&text).trim().to_owned();
        let id = self.unique(anchor(&text));
        let section = (self.depth == 0).then(|| {
            self.sections += 1;
            self.sections
        });
        self.block(&format!("<h{level} id=\""));
        escape(&id, &mut self.out);
        self.out.push_str("\">");
        self.flush()?;
        if let Some(href) = section.and_then(|n| self.place.edit_section(n)) {
            self.out.push_str(" <a class=\"edit\" href=\"");
            escape(&super::href::own(&href), &mut self.out);
            self.out.push_str("\" aria-label=\"Edit: ");
            escape(&text, &mut self.out);
            self.out.push_str("\">edit</a>");
        }
        self.out.push_str(&format!("</h{level}>\n"));
        self.toc.push(Heading { level, id, text, source, section });
        Ok(())
    }

    /// The second `Notes` of a page gets `s-notes-1`, the third `s-notes-2`.
    fn unique(&mut self, wish: String) -> String {
        let mut id = wish.clone();
        let count = self.wishes.entry(wish.clone()).or_insert(0);
        while self.ids.contains(&id) {
            *count += 1;
            id = format!("{wish}-{count}");
        }
        self.ids.insert(id.clone());
        id
    }

    /// Keeps the text of the page's first paragraph.
    fn summarise(&mut self) {
        if self.summary.is_some() || self.depth > 0 {
            return;
        }
        let mut text = String::new();
        for (event, _) in &self.line {
            if text.len() > SUMMARY_BYTES_MAX {
                break;
            }
            push_visible(event, &mut text);
        }
        let cut =
            text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= SUMMARY_BYTES_MAX).last();
        text.truncate(cut.unwrap_or_default());
        let text = crate::clean(text.trim()).into_owned();
        self.summary = (!text.is_empty()).then_some(text);
    }
}

fn is_inline(event: &Event<'_>) -> bool {
    let is_span = |tag: &TagEnd| {
        matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
    };
    match event {
        Event::Start(tag) => is_span(&tag.to_end()),
        Event::End(tag) => is_span(tag),
        Event::Html(_) | Event::Rule => false,
        _ => true,
    }
}
