//! Atom (RFC 4287) with paging (RFC 5005 s.3) and a hub (WebSub s.4). Start at [`write`]; RSS borrows its links.

use std::io;

use crate::date::rfc3339;
use crate::feed::{Entry, Feed, Person};
use crate::format::Format;
use crate::xml::{Written, Xml};

/// Atom's.
pub(crate) const NAMESPACE: &str = "http://www.w3.org/2005/Atom";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// The document.
pub(crate) fn write(feed: &Feed) -> Result<Vec<u8>, io::Error> {
    let mut xml = Xml::new(feed.bytes_guess(), Some(&feed.links.style))?;
    xml.open("feed", &[("xmlns", NAMESPACE)])?;
    xml.text("id", &[], &feed.id)?;
    xml.text("title", &[], &feed.title)?;
    xml.text("subtitle", &[], &feed.description)?;
    xml.text("updated", &[], &rfc3339(feed.updated_us))?;
    xml.text("generator", &[], crate::place::GENERATOR)?;
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &feed.page)])?;
    links(&mut xml, "link", feed, Format::Atom)?;
    greeting(&mut xml, feed)?;
    if let Some(person) = &feed.author {
        author(&mut xml, person)?;
    }
    feed.entries.iter().for_each(|entry| xml.written(entry));
    xml.close("feed")?;
    Ok(xml.into_bytes())
}

/// The links that RSS has no element for.
pub(crate) fn links(xml: &mut Xml, name: &str, feed: &Feed, format: Format) -> Written {
    let links = &feed.links;
    let media = format.media_type();
    xml.empty(name, &[("rel", "self"), ("type", media), ("href", &links.own)])?;
    for (rel, href) in [("first", &links.first), ("next", &links.next)] {
        if let Some(href) = href {
            xml.empty(name, &[("rel", rel), ("type", media), ("href", href)])?;
        }
    }
    if let Some(hub) = &links.hub {
        xml.empty(name, &[("rel", "hub"), ("href", hub)])?;
    }
    Ok(())
}

/// What a person reads who opens the feed in a browser; readers pass over elements that they don't know.
pub(crate) fn greeting(xml: &mut Xml, feed: &Feed) -> Written {
    xml.open("h:p", &[("xmlns:h", XHTML)])?;
    xml.characters(
        "This is a feed: give its address to a feed reader, and you will see there what is new. In a browser, read ",
    )?;
    xml.text("h:a", &[("href", &feed.page)], "the page")?;
    xml.characters(".")?;
    xml.close("h:p")
}

fn author(xml: &mut Xml, person: &Person) -> Written {
    xml.open("author", &[])?;
    xml.text("name", &[], &person.name)?;
    xml.text("uri", &[], &person.page)?;
    xml.close("author")
}

/// One entry of the document.
pub(crate) fn entry(entry: &Entry) -> Result<Vec<u8>, io::Error> {
    let mut xml = Xml::part(entry.bytes_guess());
    xml.open("entry", &[])?;
    xml.text("id", &[], &entry.id)?;
    xml.text("title", &[], &entry.title)?;
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &entry.page)])?;
    xml.text("published", &[], &rfc3339(entry.published_us))?;
    xml.text("updated", &[], &rfc3339(entry.updated_us))?;
    author(&mut xml, &entry.author)?;
    for tag in &entry.tags {
        xml.empty("category", &[("term", tag)])?;
    }
    xml.text("content", &[("type", "html")], &entry.html)?;
    xml.close("entry")?;
    Ok(xml.into_bytes())
}

impl Feed {
    /// About how many bytes it becomes, so that the document seldom has to move while it grows.
    pub(crate) fn bytes_guess(&self) -> usize {
        self.entries.iter().map(|entry| entry.len() + 1).sum::<usize>() + 2048
    }
}

impl Entry {
    /// The same of one entry.
    pub(crate) fn bytes_guess(&self) -> usize {
        900 + self.html.len() + self.html.len() / 2
    }
}
