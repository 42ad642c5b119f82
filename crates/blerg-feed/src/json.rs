//! JSON Feed 1.1 (jsonfeed.org/version/1.1). Start at [`write`]. Values are serialised by serde_json in the order of the
//! specification; `content_text` is the record's text exactly as it was written.

use serde::ser::{Serialize, SerializeMap, SerializeSeq as _, Serializer};

use crate::date::rfc3339;
use crate::feed::{Entry, Feed, Person};

/// The document.
pub(crate) fn write(feed: &Feed) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(feed.bytes_guess());
    feed.serialize(&mut serde_json::Serializer::new(&mut out))?;
    // The entries are written already; they go into the empty array that the document ends with.
    out.truncate(out.len() - END.len());
    for (i, entry) in feed.entries.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(entry);
    }
    out.extend_from_slice(END);
    Ok(out)
}

/// What closes the array and the document.
const END: &[u8] = b"]}";

/// One entry of the document.
pub(crate) fn item(entry: &Entry) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(entry.bytes_guess());
    entry.serialize(&mut serde_json::Serializer::new(&mut out))?;
    Ok(out)
}

impl Serialize for Feed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", "https://jsonfeed.org/version/1.1")?;
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("home_page_url", &self.page)?;
        map.serialize_entry("feed_url", &self.links.own)?;
        map.serialize_entry("description", &self.description)?;
        if let Some(next) = &self.links.next {
            map.serialize_entry("next_url", next)?;
        }
        if let Some(author) = &self.author {
            map.serialize_entry("authors", &[author])?;
        }
        if let Some(hub) = &self.links.hub {
            map.serialize_entry("hubs", &[Hub(hub)])?;
        }
        map.serialize_entry("items", &NoItems)?;
        map.end()
    }
}

struct Hub<'a>(&'a str);

impl Serialize for Hub<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", "WebSub")?;
        map.serialize_entry("url", self.0)?;
        map.end()
    }
}

impl Serialize for Person {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("url", &self.page)?;
        map.end()
    }
}

struct NoItems;

impl Serialize for NoItems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_seq(Some(0))?.end()
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("url", &self.page)?;
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("content_html", &self.html)?;
        map.serialize_entry("content_text", &self.text)?;
        map.serialize_entry("date_published", &rfc3339(self.published_us))?;
        if self.updated_us != self.published_us {
            map.serialize_entry("date_modified", &rfc3339(self.updated_us))?;
        }
        map.serialize_entry("authors", &[&self.author])?;
        if !self.tags.is_empty() {
            map.serialize_entry("tags", &self.tags)?;
        }
        map.end()
    }
}
