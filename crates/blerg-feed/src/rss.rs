//! RSS 2.0 (rssboard.org/rss-specification), with elements of Atom for what it can't say (RFC 4287, RFC 5005), Dublin
//! Core for names of authors (RSS itself wants mail addresses), and one paragraph of XHTML for browsers. Start at [`write`].

use std::io;

use crate::date::rfc822;
use crate::feed::{Entry, Feed};
use crate::format::Format;
use crate::xml::Xml;
use crate::{atom, date};

/// Minutes for which a reader without conditional requests may keep its copy.
const TTL_MINUTES: &str = "60";

/// The document.
pub(crate) fn write(feed: &Feed) -> Result<Vec<u8>, io::Error> {
    let mut xml = Xml::new(feed.bytes_guess(), Some(&feed.links.style))?;
    let namespaces =
        [("version", "2.0"), ("xmlns:atom", atom::NAMESPACE), ("xmlns:dc", "http://purl.org/dc/elements/1.1/")];
    xml.open("rss", &namespaces)?;
    xml.open("channel", &[])?;
    xml.text("title", &[], &feed.title)?;
    xml.text("link", &[], &feed.page)?;
    xml.text("description", &[], &feed.description)?;
    atom::links(&mut xml, "atom:link", feed, Format::Rss)?;
    atom::greeting(&mut xml, feed)?;
    xml.text("lastBuildDate", &[], &rfc822(feed.updated_us))?;
    xml.text("generator", &[], crate::place::GENERATOR)?;
    xml.text("docs", &[], "https://www.rssboard.org/rss-specification")?;
    xml.text("ttl", &[], TTL_MINUTES)?;
    feed.entries.iter().for_each(|entry| xml.written(entry));
    xml.close("channel")?;
    xml.close("rss")?;
    Ok(xml.into_bytes())
}

/// One entry of the document.
pub(crate) fn item(entry: &Entry) -> Result<Vec<u8>, io::Error> {
    let mut xml = Xml::part(entry.bytes_guess());
    xml.open("item", &[])?;
    xml.text("title", &[], &entry.title)?;
    xml.text("link", &[], &entry.page)?;
    xml.text("guid", &[("isPermaLink", "false")], &entry.id)?;
    xml.text("pubDate", &[], &rfc822(entry.published_us))?;
    if entry.updated_us != entry.published_us {
        xml.text("atom:updated", &[], &date::rfc3339(entry.updated_us))?;
    }
    xml.text("dc:creator", &[], &entry.author.name)?;
    for tag in &entry.tags {
        xml.text("category", &[], tag)?;
    }
    xml.text("description", &[], &entry.html)?;
    xml.close("item")?;
    Ok(xml.into_bytes())
}
