//! Where things are: the addresses of pages, files and lists below the prefix at which the wiki answers. Start at
//! [`Place`]. Addresses inside a page's stored HTML are made in render.rs, relative, because that HTML is shown below
//! every prefix.

use blerg_http::Request;
use blerg_store::{FileName, PageName};

use crate::route::{Below, below};

/// The addresses of one wiki, as the visitor reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The prefix of every page, ending in `/`.
    pub(crate) root: String,
    /// The client's front page, and the cookie's path, ending in `/`.
    pub(crate) site: String,
}

impl Place {
    /// As the request came.
    pub(crate) fn of(request: &Request) -> Place {
        match below(request) {
            (Below::Wiki, _) => Place { root: format!("{}wiki/", request.mount), site: request.site.clone() },
            // A server that mounts the program at `/wiki` itself takes that for the site.
            (Below::Nothing, _) => {
                let site = match request.program() {
                    "" => request.site.strip_suffix("wiki/").unwrap_or(&request.site),
                    _ => &request.site,
                };
                Place { root: request.mount.clone(), site: site.to_owned() }
            }
        }
    }

    /// A page.
    pub(crate) fn page(&self, name: &PageName) -> String {
        format!("{}{}", self.root, encode(&name.underscored()))
    }

    /// A page with an action.
    pub(crate) fn action(&self, name: &PageName, action: &str) -> String {
        format!("{}?action={action}", self.page(name))
    }

    /// A revision of a page.
    pub(crate) fn rev(&self, name: &PageName, rev: u64) -> String {
        format!("{}?rev={rev}", self.page(name))
    }

    /// A comparison of two revisions.
    pub(crate) fn diff(&self, name: &PageName, from: u64, to: u64) -> String {
        format!("{}?action=diff&from={from}&to={to}", self.page(name))
    }

    /// A file of a page.
    pub(crate) fn file(&self, name: &PageName, file: &FileName) -> String {
        format!("{}/{}", self.page(name), encode(file.as_str()))
    }

    /// `Special:` and this, which may hold a query.
    pub(crate) fn special(&self, name: &str) -> String {
        format!("{}Special:{name}", self.root)
    }

    /// The feeds: a path below `rss/` without ending.
    pub(crate) fn feed(&self, path: &str) -> String {
        format!("{}rss/{path}", self.site)
    }

    /// A user's records, in the client.
    pub(crate) fn user(&self, name: &str) -> String {
        format!("{}#user/{}", self.site, encode(name))
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters, and `:`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
