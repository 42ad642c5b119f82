//! A feed before it has a format: [`Feed`]. The formats say the same because they are written from the same value.

use crate::fragment::Written;

/// A feed, or one page of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Feed {
    /// `urn:uuid:…`; the same for every page, format and host.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) title: String,
    /// What it is, in a sentence.
    pub(crate) description: String,
    /// The page that it is the feed of.
    pub(crate) page: String,
    /// When it changed last.
    pub(crate) updated_us: u64,
    /// Whose records they all are.
    pub(crate) author: Option<Person>,
    /// Newest first, each in the feed's format.
    pub(crate) entries: Vec<Written>,
    /// Where it and its other formats and pages are.
    pub(crate) links: Links,
}

/// The addresses of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// This page of it.
    pub(crate) own: String,
    /// Its first page; none if this is it (RFC 5005 s.3).
    pub(crate) first: Option<String>,
    /// Its next page, with older records.
    pub(crate) next: Option<String>,
    /// The WebSub hub that tells of news.
    pub(crate) hub: Option<String>,
    /// The style sheet.
    pub(crate) style: String,
}

/// Who wrote something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// The name.
    pub(crate) name: String,
    /// The page with the user's records.
    pub(crate) page: String,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `urn:uuid:…`.
    pub(crate) id: String,
    /// Where it is shown.
    pub(crate) page: String,
    /// Its first line, cut.
    pub(crate) title: String,
    /// Its text as HTML.
    pub(crate) html: String,
    /// Its text as it is.
    pub(crate) text: String,
    /// Who wrote it.
    pub(crate) author: Person,
    /// When it was written.
    pub(crate) published_us: u64,
    /// When it was edited last, or written.
    pub(crate) updated_us: u64,
    /// Its tags, without `#`.
    pub(crate) tags: Vec<String>,
}
