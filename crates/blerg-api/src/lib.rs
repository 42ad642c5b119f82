//! The microblog's JSON API over the store: the original's routes and what they lacked. Start at [`Api`], which is a
//! [`Handler`]; its routes are one table in route.rs, in the order of API.md, which is the contract.
//! It never reads the clock, the environment or a file; requests bring their own time.
//!
//! ```
//! use blerg_api::Api;
//!
//! assert!(Api::has("/tag/#rust") && Api::has("/get/ada/0-9"));
//! assert!(!Api::has("/index.html"));
//! ```
#![forbid(unsafe_code)]

mod account;
mod answer;
mod call;
mod export;
mod failure;
mod follow;
mod history;
mod json;
mod param;
mod read;
mod record;
mod route;
mod search;
mod session;
mod status;
mod tag;

use blerg_http::{FORM_BYTES_MAX, Handler, Method, Pace, Plan, Request, Response};
use blerg_store::{Error, Store};
use std::sync::Arc;

use call::Call;
use failure::Failure;

/// Takes the errors that are the operator's to mend, while the visitor gets a short word.
pub type Report = Box<dyn Fn(&Error) + Send + Sync>;

/// A record that was put or edited, and is durable.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// When.
    pub now_us: u64,
    /// Whose.
    pub author: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Is told of every record that is put or edited, before the answer leaves.
pub type OnWritten = Box<dyn Fn(&Written<'_>) + Send + Sync>;

/// The API of one site.
pub struct Api {
    store: Arc<Store>,
    report: Report,
    on_written: Option<OnWritten>,
}

impl Api {
    /// The API over a store; `report` gets the errors that no visitor caused.
    #[must_use]
    pub fn new(store: Arc<Store>, report: Report) -> Api {
        Api { store, report, on_written: None }
    }

    /// The same API, which tells of every record that is put or edited.
    #[must_use]
    pub fn telling(self, on_written: OnWritten) -> Api {
        Api { on_written: Some(on_written), ..self }
    }

    /// Whether a path (as in [`Request::path`]) is one of the API's: what else a site has can be asked after it.
    #[must_use]
    pub fn has(path: &str) -> bool {
        route::find(path).is_ok()
    }

    fn answer(&self, request: &Request) -> Result<Response, Failure> {
        let (route, open) = route::find(&request.path)?;
        let answer = route.answer(request.method)?;
        if request.method == Method::Post && !request.same_site() {
            return Err(Failure::cross_site());
        }
        answer(&Call { store: &self.store, request, open, on_written: self.on_written.as_ref() })
    }
}

impl Handler for Api {
    fn plan(&self, head: &Request) -> Plan {
        let is_post = head.method == Method::Post;
        let pace = match route::find(&head.path) {
            Ok((route, _)) if is_post && route.pace == Pace::Quick => Pace::Slow,
            Ok((route, _)) => route.pace,
            Err(_) => Pace::Quick,
        };
        Plan { body_bytes_max: if is_post { FORM_BYTES_MAX } else { 0 }, pace }
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
