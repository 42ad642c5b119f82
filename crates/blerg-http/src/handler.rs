//! What a front end calls: [`Handler::plan`] when the head of a request is known, [`Handler::handle`] when its body is.
//! Synchronous and infallible: errors have become responses. Never holds on to a request.

use crate::{Request, Response};

/// How a request is to be carried out; decided from its head alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How long a POST's body may be; a longer one is answered with 413 and not read.
    pub body_bytes_max: usize,
    /// Runs in the bounded pool: it waits for a password hash, an fsync or SQLite.
    pub slow: bool,
}

impl Plan {
    /// A quick request without a body: it runs on the event loop.
    pub const QUICK: Plan = Plan { body_bytes_max: 0, slow: false };
}

/// A site, or a part of one.
pub trait Handler: Send + Sync {
    /// Says how the request with this head (its body is still empty) is to be carried out.
    fn plan(&self, head: &Request) -> Plan;

    /// Answers the request.
    fn handle(&self, request: &Request) -> Response;
}
