//! Footnotes: numbered by their first reference, shown once at the end of the page. Start at [`Notes`].
//! Each is written once however often it is referred to; one that nobody refers to comes last, so that nothing typed
//! is hidden. Their anchors begin with `fn`, those of headings with `s-`.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Number and count of references by label.
    by_label: BTreeMap<String, Note>,
    /// The definitions that are being read, with what was written before each.
    open: Vec<(String, String)>,
    bytes: usize,
    referred: usize,
}

#[derive(Debug, Default)]
struct Note {
    number: usize,
    references: usize,
    html: String,
}

impl Notes {
    /// Bytes of HTML that are kept here.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts a reference and gives the note's number and the reference's anchor.
    pub(super) fn refer(&mut self, label: &str) -> (usize, String) {
        let note = self.by_label.entry(label.to_lowercase()).or_default();
        if note.references == 0 {
            self.referred += 1;
            note.number = self.referred;
        }
        note.references += 1;
        (note.number, reference_id(note.number, note.references))
    }

    /// A definition begins; what was written before it is kept until its end.
    pub(super) fn begin(&mut self, label: &str, before: String) {
        self.bytes += before.len();
        self.open.push((label.to_owned(), before));
    }

    /// The definition at hand ends; gives back what was written before it. A second one of the same label is added.
    pub(super) fn end(&mut self, html: String) -> String {
        let Some((label, before)) = self.open.pop() else { return html };
        self.bytes = self.bytes.saturating_sub(before.len()) + html.len();
        self.by_label.entry(label.to_lowercase()).or_default().html.push_str(&html);
        before
    }

    /// Writes every note.
    pub(super) fn write(self, out: &mut String) {
        let mut notes: Vec<Note> = self.by_label.into_values().collect();
        notes.sort_by_key(|note| if note.number == 0 { usize::MAX } else { note.number });
        if notes.is_empty() {
            return;
        }
        out.push_str("<section class=\"footnotes\" aria-label=\"Footnotes\">\n<ol>\n");
        for (at, note) in notes.into_iter().enumerate() {
            let html = note.html;
            let (body, is_open) = html.strip_suffix("</p>\n").map_or((html.as_str(), false), |body| (body, true));
            out.push_str(&format!("<li id=\"fn-{}\">{body}", at + 1));
            for reference in 1..=note.references {
                let id = reference_id(note.number, reference);
                out.push_str(&format!(" <a class=\"back\" href=\"#{id}\" aria-label=\"Back to the text\">↩</a>"));
            }
            out.push_str(if is_open { "</p></li>\n" } else { "</li>\n" });
        }
        out.push_str("</ol>\n</section>\n");
    }
}

fn reference_id(number: usize, reference: usize) -> String {
    if reference == 1 { format!("fnref-{number}") } else { format!("fnref-{number}-{reference}") }
}
