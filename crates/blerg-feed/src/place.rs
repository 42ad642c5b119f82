//! Where things are: the addresses of the client's views, which feeds link to, and of the feeds themselves. Start at
//! [`Place`]. The only code that knows how `www/` writes its views behind `#`.

use std::fmt::Write as _;

use blerg_http::Request;
use blerg_store::Cursor;

use crate::feed::Person;
use crate::format::Format;
use crate::route::Below;

/// What made the feed, as feeds tell it.
pub(crate) const GENERATOR: &str = concat!("Blërg ", env!("CARGO_PKG_VERSION"));

/// The addresses of one site, as the visitor reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The client's front page, ending in `/`.
    site: String,
    /// The prefix of every feed, ending in `/`.
    feeds: String,
    /// What is put before a tag to link to it.
    pub(crate) tag: String,
    /// What is put before a user's name to link to the user's records.
    pub(crate) user: String,
    /// The host, to name the site by.
    pub(crate) host: String,
}

impl Place {
    /// As the request came. With a hub there is one address for each feed, which the hub knows it by: that below the
    /// public root, however it was asked for.
    pub(crate) fn of(request: &Request, below: Below, hub: Option<&str>) -> Place {
        let root = request.public_root();
        let site = root.strip_suffix(request.program()).unwrap_or(&root);
        // A server that mounts the program at `/rss` itself.
        let site = match below {
            Below::Nothing if request.program().is_empty() => site.strip_suffix("rss/").unwrap_or(site),
            _ => site,
        };
        let feeds = match (below, hub, &request.base_url) {
            (_, Some(_), Some(base)) => format!("{base}rss/"),
            (Below::Rss, ..) => format!("{root}rss/"),
            (Below::Nothing, ..) => root.clone(),
        };
        let host = site.split_once("://").map_or(site, |(_, rest)| rest);
        Place {
            tag: format!("{site}#tag/"),
            user: format!("{site}#user/"),
            host: host.strip_suffix('/').unwrap_or(host).to_owned(),
            site: site.to_owned(),
            feeds,
        }
    }

    /// The page of the latest records.
    pub(crate) fn front(&self) -> &str {
        &self.site
    }

    /// A user's records.
    pub(crate) fn user(&self, name: &str) -> String {
        format!("{}{}", self.user, encode(name))
    }

    /// Records with tags: their names between commas, mentions with `@`.
    pub(crate) fn tags(&self, tags: &str) -> String {
        format!("{}{tags}", self.tag)
    }

    /// What a search finds.
    pub(crate) fn search(&self, query: &str) -> String {
        format!("{}#search?q={}", self.site, encode(query))
    }

    /// A feed, by its encoded path without ending and by its query (with `?`, or empty), from below a cursor.
    pub(crate) fn feed(&self, path: &str, format: Format, query: &str, before: Option<&Cursor>) -> String {
        let mut url = format!("{}{path}.{}{query}", self.feeds, format.ending());
        if let Some(cursor) = before {
            url.push(if query.is_empty() { '?' } else { '&' });
            url.push_str("before=");
            // A slash may stand in a query as it is.
            url.push_str(&encode(&cursor.to_string()).replace("%2F", "/"));
        }
        url
    }

    /// The style sheet of feeds.
    pub(crate) fn style(&self) -> String {
        format!("{}style.css", self.feeds)
    }
}

impl Person {
    /// The page of one record.
    pub(crate) fn record(&self, record: u64) -> String {
        let mut page = String::with_capacity(self.page.len() + 21);
        page.push_str(&self.page);
        write!(page, "/{record}").expect("writing to memory does not fail");
        page
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
impl Place {
    /// The place of a site at this address.
    pub(crate) fn for_test(site: &str) -> Place {
        Place {
            site: site.to_owned(),
            feeds: format!("{site}rss/"),
            tag: format!("{site}#tag/"),
            user: format!("{site}#user/"),
            host: "host".to_owned(),
        }
    }
}
