//! A page's table of contents as nested lists. Start at [`toc_html`].
//! It never shows more than the headings say: levels that the page skips are skipped here, too.

use super::Heading;
use crate::clean::escape;

/// Nested `<ul>` of links to the headings; empty for no headings.
#[must_use]
pub fn toc_html(toc: &[Heading]) -> String {
    let mut out = String::new();
    let mut open: Vec<u8> = Vec::new();
    for heading in toc {
        while open.iter().rev().nth(1).is_some_and(|outer| *outer >= heading.level) {
            out.push_str("</li></ul>");
            open.pop();
        }
        match open.last_mut() {
            Some(level) if *level >= heading.level => {
                *level = heading.level;
                out.push_str("</li><li>");
            }
            _ => {
                open.push(heading.level);
                out.push_str("<ul><li>");
            }
        }
        out.push_str("<a href=\"#");
        escape(&super::href::encoded(&heading.id), &mut out);
        out.push_str("\">");
        escape(&heading.text, &mut out);
        out.push_str("</a>");
    }
    out.push_str(&"</li></ul>".repeat(open.len()));
    out
}
