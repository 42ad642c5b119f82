//! The site's feeds over the store: RSS 2.0, Atom (RFC 4287), JSON Feed 1.1, and OPML of whom a user follows. Start at
//! [`Feeds`], which is a [`Handler`]; its routes are in route.rs, API.md ("Feeds") is their contract.
//! A feed is one [`feed::Feed`], whatever the format; a new source of records is a variant of `route::Source` and a
//! function that makes that value; the wiki's changes are another kind (change.rs). It never reads the clock, and opens
//! SQLite for a search and for the wiki only.
//!
//! ```
//! assert!(blerg_feed::has("/rss/user/ada.atom") && blerg_feed::has("/rss.cgi"));
//! assert!(!blerg_feed::has("/rssfeed"));
//! ```
#![forbid(unsafe_code)]

mod answer;
mod atom;
mod cache;
mod change;
mod date;
mod failure;
mod feed;
mod format;
mod fragment;
mod id;
mod json;
mod opml;
mod place;
mod route;
mod rss;
mod source;
mod topic;
mod xml;

use std::sync::Arc;

use blerg_http::{Handler, Method, Pace, Plan, Request, Response};
use blerg_store::{Error, Store};

use answer::Call;
use cache::Cache;
use failure::Failure;
use fragment::Fragments;

pub use route::has;
pub use topic::{TOPIC_TAGS_MAX, topic_urls, topics};

/// Takes the errors that are the operator's to mend, while the visitor gets a short word.
pub type Report = Box<dyn Fn(&Error) + Send + Sync>;

/// The feeds of one site.
pub struct Feeds {
    store: Arc<Store>,
    hub: Option<String>,
    report: Report,
    cache: Cache,
    fragments: Fragments,
}

impl Feeds {
    /// The feeds over a store; `hub` is the address of the WebSub hub that is told of news, `report` gets the errors that
    /// no visitor caused.
    #[must_use]
    pub fn new(store: Arc<Store>, hub: Option<String>, report: Report) -> Feeds {
        Feeds { store, hub, report, cache: Cache::default(), fragments: Fragments::default() }
    }

    fn answer(&self, request: &Request) -> Result<Response, Failure> {
        let target = route::find(request)?;
        if !matches!(request.method, Method::Get | Method::Head) {
            return Err(Failure::method());
        }
        let Feeds { store, cache, fragments, .. } = self;
        let hub = self.hub.as_deref();
        answer::answer(&Call { store, request, hub, below: target.below, cache, fragments }, target.wanted)
    }
}

impl Handler for Feeds {
    fn plan(&self, head: &Request) -> Plan {
        let slow = route::find(head).is_ok_and(|target| target.wanted.is_slow());
        Plan { body_bytes_max: 0, pace: if slow { Pace::Slow } else { Pace::Quick } }
    }

    fn handle(&self, request: &Request) -> Response {
        self.answer(request).unwrap_or_else(|failure| {
            if let Some(fault) = failure.fault() {
                (self.report)(fault);
            }
            failure.into_response()
        })
    }
}
