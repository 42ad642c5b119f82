//! OPML 2.0 (opml.org/spec2): whom a user follows, as a list that feed readers take in. Start at [`write`].

use std::io;

use crate::date::rfc822;
use crate::xml::Xml;

/// A list of feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscriptions {
    /// What the list is called.
    pub(crate) title: String,
    /// Whose it is.
    pub(crate) owner: String,
    /// When it changed last.
    pub(crate) updated_us: u64,
    /// In the order in which they were followed, newest first.
    pub(crate) feeds: Vec<Outline>,
}

/// One feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// What it is called.
    pub(crate) title: String,
    /// The feed.
    pub(crate) feed: String,
    /// The page that it is the feed of.
    pub(crate) page: String,
}

/// The document. Its outlines are of the type `rss` in every format, as the specification has it.
pub(crate) fn write(list: &Subscriptions) -> Result<Vec<u8>, io::Error> {
    let mut xml = Xml::new(512 + list.feeds.len() * 256, None)?;
    xml.open("opml", &[("version", "2.0")])?;
    xml.open("head", &[])?;
    xml.text("title", &[], &list.title)?;
    xml.text("dateModified", &[], &rfc822(list.updated_us))?;
    xml.text("ownerName", &[], &list.owner)?;
    xml.text("docs", &[], "http://opml.org/spec2.opml")?;
    xml.close("head")?;
    xml.open("body", &[])?;
    for Outline { title, feed, page } in &list.feeds {
        let attributes =
            [("type", "rss"), ("text", title.as_str()), ("title", title), ("xmlUrl", feed), ("htmlUrl", page)];
        xml.empty("outline", &attributes)?;
    }
    xml.close("body")?;
    xml.close("opml")?;
    Ok(xml.into_bytes())
}
