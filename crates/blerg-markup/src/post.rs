//! The text of a record as HTML that is safe wherever it is shown: everything escaped, then http(s) addresses, tags and
//! mentions linked, line ends kept, each paragraph in the direction of its own script. Start at [`post_html`].
//! It never lets through an element or attribute of the author's; what HTML and XML forbid becomes U+FFFD.

use std::ops::Range;

use crate::clean::{escape, find_byte};
use crate::links::urls;
use crate::tags::{Span, occurrences};

/// What stands before a tag's or a mention's name in the address that it links to; the name needs no encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places<'a> {
    /// For `#name`.
    pub tag: &'a str,
    /// For `@name`.
    pub mention: &'a str,
}

/// The text as HTML: one or more `<p dir="auto">`, in them text, `<br>` and `<a href>`.
#[must_use]
pub fn post_html(text: &str, places: &Places<'_>) -> String {
    post_html_of(text, &occurrences(text), places)
}

/// The same where the text's [`occurrences`] are known.
#[must_use]
pub fn post_html_of(text: &str, mut tags: &[Span], places: &Places<'_>) -> String {
    let mut html = Html { out: String::with_capacity(2 * text.len() + 64), breaks: 0, is_open: false };
    let mut from = 0;
    for url in urls(text) {
        (tags, from) = html.tagged(text, from..url.start, tags, places);
        // What begins inside a tag is no address: whatever begins first counts.
        if from > url.start {
            continue;
        }
        html.link(&[text.get(url.clone()).unwrap_or_default()], text.get(url.clone()).unwrap_or_default());
        from = url.end;
    }
    html.tagged(text, from..text.len(), tags, places);
    html.finish()
}

struct Html {
    out: String,
    /// Line ends that have come since the last visible text.
    breaks: usize,
    is_open: bool,
}

impl Html {
    /// A stretch between addresses, with its tags; those that are left come back, and the end, for the last one may go on
    /// beyond the stretch.
    fn tagged<'s>(
        &mut self,
        text: &str,
        range: Range<usize>,
        tags: &'s [Span],
        places: &Places<'_>,
    ) -> (&'s [Span], usize) {
        let mut from = range.start;
        let mut rest = tags;
        while let Some((tag, after)) = rest.split_first().filter(|(tag, _)| tag.start < range.end) {
            rest = after;
            // One that an address has swallowed is part of it.
            let (true, Some(written)) = (tag.start >= from, tag.text(text)) else { continue };
            self.text(text.get(from..tag.start).unwrap_or_default());
            let place = if written.starts_with('#') { places.tag } else { places.mention };
            self.link(&[place, written.get(1..).unwrap_or_default()], written);
            from = tag.start + tag.len;
        }
        self.text(text.get(from..range.end).unwrap_or_default());
        (rest, from.max(range.end))
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = find_byte(rest, |byte| (byte == b'\n') | (byte == b'\r')) {
            let (line, end) = rest.split_at(at);
            self.escaped(line);
            rest = end.strip_prefix("\r\n").or_else(|| end.get(1..)).unwrap_or_default();
            self.breaks += 1;
        }
        self.escaped(rest);
    }

    /// Text of one line.
    fn escaped(&mut self, text: &str) {
        if !text.is_empty() {
            self.open();
            escape(text, &mut self.out);
        }
    }

    fn link(&mut self, href: &[&str], text: &str) {
        self.open();
        self.out.push_str("<a href=\"");
        for part in href {
            escape(part, &mut self.out);
        }
        self.out.push_str("\">");
        escape(text, &mut self.out);
        self.out.push_str("</a>");
    }

    /// What the line ends before the next visible text come to.
    fn open(&mut self) {
        const OPEN: &str = "<p dir=\"auto\">";
        match (self.is_open, self.breaks) {
            (false, _) => self.out.push_str(OPEN),
            (true, 0) => {}
            (true, 1) => self.out.push_str("<br>"),
            (true, _) => {
                self.out.push_str("</p>");
                self.out.push_str(OPEN);
            }
        }
        (self.is_open, self.breaks) = (true, 0);
    }

    fn finish(mut self) -> String {
        if self.is_open {
            self.out.push_str("</p>");
        }
        self.out
    }
}

#[cfg(test)]
mod tests;
