//! Failures as visitors of feeds see them: the words of API.md's table, as JSON. Start at [`Failure`].
//! No path, SQL or password ever gets into a reason.

use std::borrow::Cow;
use std::io;

use blerg_http::Response;
use blerg_store::Error;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// Seconds after which a full disk or a stopped store is worth another try: an operator has to act first.
const RETRY_OPERATOR_SECS: u64 = 300;

/// Why a request got no feed.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u16,
    code: &'static str,
    reason: Cow<'static, str>,
    retry_after_secs: Option<u64>,
    fault: Option<Box<Error>>,
}

impl Failure {
    fn new(status: u16, code: &'static str, reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure { status, code, reason: reason.into(), retry_after_secs: None, fault: None }
    }

    pub(crate) fn not_found() -> Failure {
        Failure::new(404, "not_found", "There is no feed at this path.")
    }

    pub(crate) fn no_such_user() -> Failure {
        Failure::new(404, "no_such_user", "There is no such user.")
    }

    pub(crate) fn no_such_page() -> Failure {
        Failure::new(404, "no_such_page", "There is no such page.")
    }

    pub(crate) fn not_for_all() -> Failure {
        Failure::new(403, "not_allowed", "The wiki has no feeds, because not everybody may read it.")
    }

    pub(crate) fn bad_tag() -> Failure {
        let reason = "A tag is #, H or @ and 1 to 64 characters of 0-9 A-Z a-z - and _; a feed has at most 8.";
        Failure::new(404, "bad_tag", reason)
    }

    pub(crate) fn bad_before() -> Failure {
        Failure::new(200, "bad_before", "The parameter before names no record of this feed.")
    }

    pub(crate) fn no_query() -> Failure {
        Failure::new(200, "missing_parameter", "The parameter q is missing.")
    }

    pub(crate) fn bad_query(reason: String) -> Failure {
        Failure::new(200, "bad_query", reason)
    }

    pub(crate) fn method() -> Failure {
        Failure::new(405, "method_not_allowed", "Feeds answer GET and HEAD only.")
    }

    /// The error that the operator has to know of, if the failure is the server's.
    pub(crate) fn fault(&self) -> Option<&Error> {
        self.fault.as_deref()
    }

    /// The answer.
    pub(crate) fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).expect("three strings are always JSON");
        let mut response = Response::json(body).status(self.status);
        if let Some(secs) = self.retry_after_secs {
            response = response.header("Retry-After", secs.to_string());
        }
        if self.status == 405 { response.header("Allow", "GET, HEAD") } else { response }
    }
}

impl Serialize for Failure {
    /// In the order in which the API has them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("status", "failure")?;
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("reason", &self.reason)?;
        map.end()
    }
}

impl From<io::Error> for Failure {
    /// A document that could not be written into memory.
    fn from(source: io::Error) -> Failure {
        Failure::from(Error::Stream { doing: "write a feed", source })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let later = |code, reason: &'static str, secs| Failure {
            retry_after_secs: Some(secs),
            ..Failure::new(503, code, reason)
        };
        let failure = match error.retry_after_secs() {
            Some(secs) if error.is_recovering() => {
                return later("recovering", "The site is being checked after a crash; try again soon.", secs);
            }
            Some(secs) => return later("busy", "The site is busy; try again soon.", secs),
            None if error.is_full() => {
                later("storage_full", "The site has no space left to work in.", RETRY_OPERATOR_SECS)
            }
            None if error.is_read_only() => {
                later("read_only", "The site can be read but not written until its operator acts.", RETRY_OPERATOR_SECS)
            }
            None => {
                Failure::new(500, "internal", "The site has a fault; its operator finds the reason in the error log.")
            }
        };
        Failure { fault: Some(Box::new(error)), ..failure }
    }
}
