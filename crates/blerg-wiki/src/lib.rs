//! The wiki over the store: pages as HTML without JavaScript, their forms, files and lists. Start at [`Wiki`], which is a
//! [`Handler`]; its routes are two tables in route.rs, API.md ("The wiki") is their contract.
//! Whatever was typed comes back in the form when it could not be saved. It never reads the clock, the environment or a
//! file, and leaves what a page's text means to blerg-markup and what changes mean to blerg-store.
//!
//! ```
//! assert!(blerg_wiki::has("/wiki/Home") && blerg_wiki::has("/wiki.cgi/Special:Recent"));
//! assert!(!blerg_wiki::has("/wikipedia"));
//! ```
#![forbid(unsafe_code)]

mod cache;
mod call;
mod change;
mod conflict;
mod edit;
mod export;
mod failure;
mod files;
mod history;
mod html;
mod lists;
mod login;
mod manage;
mod operator;
mod place;
mod render;
mod route;
mod search;
mod sniff;
mod style;
mod tags;
mod time;
mod typed;
mod view;

use std::sync::Arc;

use blerg_http::{Handler, Method, Pace, Plan, Request, Response};
use blerg_store::{Error, Store};

use cache::Cache;
use call::Call;
use failure::Failure;

pub use operator::{Unrendered, archive, link_fixes, media_type, rendered};
pub use route::has;

/// Takes the errors that are the operator's to mend, while the visitor gets a short word.
pub type Report = Box<dyn Fn(&Error) + Send + Sync>;

/// What the operator says about the wiki's looks; who may do what is in the store's settings.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it is called.
    pub name: String,
    /// The language of its pages (BCP 47).
    pub language: String,
}

/// The wiki of one site.
pub struct Wiki {
    store: Arc<Store>,
    options: Options,
    report: Report,
    cache: Cache,
}

impl Wiki {
    /// The wiki over a store; `report` gets the errors that no visitor caused.
    #[must_use]
    pub fn new(store: Arc<Store>, options: Options, report: Report) -> Wiki {
        Wiki { store, options, report, cache: Cache::default() }
    }
}

impl Handler for Wiki {
    fn plan(&self, head: &Request) -> Plan {
        match route::find(head) {
            Ok(target) => target.plan(head, &self.store),
            Err(_) => Plan { body_bytes_max: 0, pace: Pace::Quick },
        }
    }

    fn handle(&self, request: &Request) -> Response {
        let mut call = Call::new(self, request);
        answer(&mut call).unwrap_or_else(|failure| {
            call.report(&failure);
            failure.into_response(&call)
        })
    }
}

fn answer(call: &mut Call<'_>) -> Result<Response, Failure> {
    let target = route::find(call.request)?;
    target.check_method(call.request.method)?;
    if call.request.method == Method::Post && !call.request.same_site() {
        return Err(Failure::cross_site());
    }
    let written = target.written(call.request.method);
    match (call.identify(), written) {
        (Ok(()), _) => {}
        (Err(failure), Some(name)) => return edit::give_back(call, name, &failure),
        (Err(failure), None) => return Err(failure),
    }
    // Who may not read gets back what they wrote all the same: edit.rs asks.
    if !target.is_for_everybody() && written.is_none() {
        call.check_reader()?;
    }
    target.answer(call)
}
