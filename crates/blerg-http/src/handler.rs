//! What a front end calls: [`Handler::plan`] when the head of a request is known, [`Handler::handle`] when its body is.
//! Synchronous and infallible: errors have become responses. Never holds on to a request.

use crate::{Request, Response};

/// How a request is to be carried out; decided from its head alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How long a POST's body may be; a longer one is answered with 413 and not read.
    pub body_bytes_max: usize,
    /// Where it runs.
    pub pace: Pace,
}

/// How long a request keeps whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Microseconds: it runs on the event loop.
    Quick,
    /// It waits for an fsync or SQLite: it runs in the bounded pool.
    Slow,
    /// It hashes a password, which only one request does at a time: it runs in the pool, after the others of its kind,
    /// so that a flood of logins leaves the pool's threads to everybody else.
    Hashing,
}

impl Plan {
    /// A quick request without a body: it runs on the event loop.
    pub const QUICK: Plan = Plan { body_bytes_max: 0, pace: Pace::Quick };
}

/// A site, or a part of one.
pub trait Handler: Send + Sync {
    /// Says how the request with this head (its body is still empty) is to be carried out.
    fn plan(&self, head: &Request) -> Plan;

    /// Answers the request.
    fn handle(&self, request: &Request) -> Response;
}
