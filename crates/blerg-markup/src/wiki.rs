//! A page's text as safe HTML: CommonMark with tables, footnotes, strikethrough, task lists, bare addresses, heading
//! anchors, `[[Page]]` links, and `#tag` and `@user` leading into the microblog. Start at [`render`].
//! Raw HTML is shown as text. It never lets through an element or attribute of the author's, a link to a scheme other
//! than http, https and mailto, or an inline style; it looks nothing up by itself: a [`Resolver`] says what exists.

use std::fmt;
use std::ops::Range;

mod autolink;
mod block;
mod flat;
mod href;
mod inline;
mod link;
mod names;
mod nesting;
mod notes;
mod plain;
mod section;
mod source;
mod toc;

pub use names::{NAME_BYTES_MAX, anchor, page_link, page_name};
pub use plain::plain_text;
pub use section::{Section, replace_section, sections};
pub use source::{page_links, rename_links, rewrite_targets};
pub use toc::toc_html;

/// Longest text that is rendered: ten times the longest article one reads in a sitting.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Longest HTML that is made of a text: the longest text, were it all quotation marks, and room for links.
pub const HTML_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most different pages and files that one page links (a bound on the look-ups of one save); later ones are only text.
pub const LINKS_MAX: usize = 4096;

/// Longest summary in bytes.
pub const SUMMARY_BYTES_MAX: usize = 1000;

/// Knows the site: where things are, and whether they exist. Addresses come back unescaped, percent-encoded.
pub trait Resolver {
    /// A page by its name (spaces, no `_`), without section.
    fn page(&self, name: &str) -> Target;
    /// A file of the page by its name.
    fn attachment(&self, file: &str) -> Target;
    /// Where the posts and pages with a tag are listed (the name without `#`).
    fn tag(&self, name: &str) -> String;
    /// Where a user's posts are (the name without `@`).
    fn mention(&self, name: &str) -> String;
    /// Where section `n` (as counted by [`sections`]) is edited; `None` for no edit links.
    fn edit_section(&self, n: usize) -> Option<String> {
        let _ = n;
        None
    }
}

/// What a [`Resolver`] says of a page or file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is, or where it can be made.
    pub href: String,
    /// What does not exist gets the class `missing`.
    pub exists: bool,
}

/// A page, ready to show, and what it links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The page's body.
    pub html: String,
    /// Every heading, in order.
    pub toc: Vec<Heading>,
    /// The different pages linked, as [`page_name`] gives them, in order.
    pub links: Vec<String>,
    /// The different tags, without `#`, ASCII case folded, in order.
    pub tags: Vec<String>,
    /// The different users mentioned, without `@`, ASCII case folded, in order.
    pub mentions: Vec<String>,
    /// The different files shown or linked that exist or would be images of the page, in order.
    pub attachments: Vec<String>,
    /// The text of the first paragraph, cut to [`SUMMARY_BYTES_MAX`].
    pub summary: String,
}

/// One heading of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// The anchor, which begins with `s-`.
    pub id: String,
    /// What it says, without markup.
    pub text: String,
    /// Where the heading stands in the page's text.
    pub source: Range<usize>,
    /// Its number as counted by [`sections`]; `None` inside a quotation or list.
    pub section: Option<usize>,
}

/// Why a text cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The text is longer than [`TEXT_BYTES_MAX`].
    TextTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Quotations and lists are nested so deeply that reading them would take too long.
    TooDeep,
    /// The page would be longer than [`HTML_BYTES_MAX`].
    HtmlTooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::TextTooLong { bytes } => write!(f, "text of {bytes} bytes, limit {TEXT_BYTES_MAX}"),
            Error::TooDeep => f.write_str("quotations and lists are nested too deeply"),
            Error::HtmlTooLong => write!(f, "page of over {HTML_BYTES_MAX} bytes of HTML"),
        }
    }
}

impl std::error::Error for Error {}

/// The text as HTML, with what it links.
///
/// # Errors
/// [`Error`] for a text that is too long or nested too deeply, or would become a page that is too long.
pub fn render(text: &str, place: &dyn Resolver) -> Result<Rendered, Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::TextTooLong { bytes: text.len() });
    }
    if nesting::is_too_deep(text) {
        return Err(Error::TooDeep);
    }
    block::Page::new(text, place).render()
}

/// The one way in which a page's text is parsed: what is shown, renamed and cut into sections must agree.
fn parser(text: &str) -> pulldown_cmark::Parser<'_> {
    use pulldown_cmark::Options;
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_WIKILINKS;
    // What `render` refuses has no headings, links or text for anyone else either.
    let text = if nesting::is_too_deep(text) { "" } else { text };
    pulldown_cmark::Parser::new_ext(text, options)
}

#[cfg(test)]
mod tests;
