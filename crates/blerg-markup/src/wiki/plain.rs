//! A page's text without its markup, for search and snippets. Start at [`plain_text`].
//! It holds what a reader sees, code and raw HTML included, and never an address that is not shown.

use pulldown_cmark::{Event, Tag, TagEnd};

/// What a reader sees of the text; blocks stand on lines of their own.
#[must_use]
pub fn plain_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for event in super::parser(text) {
        push_visible(&event, &mut out);
        let ends_block = match &event {
            Event::End(end) => {
                !matches!(end, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
            }
            Event::Start(Tag::List(_) | Tag::CodeBlock(_)) | Event::Rule => true,
            _ => false,
        };
        if ends_block && !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Appends what a reader sees of one event.
pub(super) fn push_visible(event: &Event<'_>, out: &mut String) {
    match event {
        Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => out.push_str(text),
        Event::SoftBreak | Event::HardBreak => out.push(' '),
        _ => {}
    }
}
