//! What a program gives the server: [`Application`], and what it is given: [`Request`].
//! One request is `open` (when its params are complete), then `respond` (when its input is complete); a request
//! that the server turns away goes to `refuse` instead (FastCGI 1.0 s.6).

use std::any::Any;
use std::{fmt, io};

use crate::{Body, Output, Params};

/// How the server and the program meet; all of it may be called from several threads at once.
pub trait Application: Send + Sync + 'static {
    /// Whether requests of this role are answered; the others end with `FCGI_UNKNOWN_ROLE`. Only responders, unless you say otherwise.
    fn accepts(&self, role: Role) -> bool {
        role == Role::Responder
    }

    /// Decides, once the params are complete and before any input is kept, how much input is taken and where `respond` runs.
    ///
    /// Runs on an event loop, so it must not wait for anything.
    fn open(&self, params: &Params) -> Verdict {
        let _ = params;
        Verdict::inline(Verdict::STDIN_BYTES_MAX)
    }

    /// Answers one request; the number is the application's exit status in `END_REQUEST`.
    ///
    /// A panic ends this request only.
    ///
    /// # Errors
    /// An error (mostly that the client went away while writing) ends the request; its text goes to the web server's error log.
    fn respond(&self, request: Request, out: &mut Output) -> io::Result<i32>;

    /// Answers a request that the server turns away, on an event loop: must not wait.
    ///
    /// When nothing is written, the request ends without output: as `FCGI_OVERLOADED` for [`Refusal::Overloaded`], else
    /// with status 1. `params` is empty for [`Refusal::ParamsTooLong`], [`Refusal::ParamsCutOff`] and a panic of `respond`.
    ///
    /// # Errors
    /// As for `respond`.
    fn refuse(&self, refusal: Refusal, params: &Params, out: &mut Output) -> io::Result<i32> {
        let _ = (refusal, params, out);
        Ok(1)
    }

    /// Hears of trouble that no request's own answer shows; for a log. Must not wait.
    fn report(&self, trouble: &Trouble<'_>) {
        let _ = trouble;
    }
}

/// The role in `BEGIN_REQUEST` (FastCGI 1.0 s.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Answers a request, like a CGI program.
    Responder,
    /// Allows or denies a request; gets no input.
    Authorizer,
    /// Answers with a changed file, which comes in [`Request::data`].
    Filter,
}

impl Role {
    /// The role of this number, if the specification has one.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Role> {
        match number {
            1 => Some(Role::Responder),
            2 => Some(Role::Authorizer),
            3 => Some(Role::Filter),
            _ => None,
        }
    }

    /// Its number in `BEGIN_REQUEST`.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Role::Responder => 1,
            Role::Authorizer => 2,
            Role::Filter => 3,
        }
    }
}

/// Where `respond` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// On the event loop: for answers that take well under a millisecond.
    Inline,
    /// On the bounded pool: for whatever waits or computes.
    Pool,
    /// On the pool, but only one such request at a time: for work that excludes its own kind anyway, so that its queue
    /// takes one thread from the others and not all of them.
    InTurn,
}

/// What `open` decides about a request.
#[derive(Debug)]
pub struct Verdict {
    /// Most bytes of standard input (and, for a filter, of data) that are taken; one more is [`Refusal::BodyTooLong`].
    pub stdin_bytes_max: u64,
    /// Where `respond` runs.
    pub run: Run,
    pub(crate) carried: Option<Box<dyn Any + Send>>,
}

impl Verdict {
    /// The limit on input of an application that names none: 1 MiB.
    pub const STDIN_BYTES_MAX: u64 = 1 << 20;

    /// Answer on the event loop, with at most so many bytes of input.
    #[must_use]
    pub const fn inline(stdin_bytes_max: u64) -> Verdict {
        Verdict { stdin_bytes_max, run: Run::Inline, carried: None }
    }

    /// Answer on the pool, with at most so many bytes of input.
    #[must_use]
    pub const fn pool(stdin_bytes_max: u64) -> Verdict {
        Verdict { stdin_bytes_max, run: Run::Pool, carried: None }
    }

    /// Answer on the pool after the others that are answered in turn, with at most so many bytes of input.
    #[must_use]
    pub const fn in_turn(stdin_bytes_max: u64) -> Verdict {
        Verdict { stdin_bytes_max, run: Run::InTurn, carried: None }
    }

    /// With something that `open` has worked out and `respond` need not again: see [`Request::take_carried`].
    #[must_use]
    pub fn carrying<T: Send + 'static>(mut self, carried: T) -> Verdict {
        self.carried = Some(Box::new(carried));
        self
    }
}

/// Why the server turns a request away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// More input than the verdict allows, announced by `CONTENT_LENGTH` or sent (HTTP 413).
    BodyTooLong {
        /// The verdict's limit.
        limit_bytes: u64,
    },
    /// More or longer params than the configuration allows (HTTP 431).
    ParamsTooLong,
    /// The params end in the middle of a pair (HTTP 400).
    ParamsCutOff,
    /// The pool's queue is full (HTTP 503).
    Overloaded,
    /// `respond` or `open` panicked and nothing of its output has left (HTTP 500).
    Panicked,
    /// The input could not be stored: disk full and the like (HTTP 500 or 507).
    Storage,
}

/// One complete request.
#[derive(Debug)]
pub struct Request {
    /// The role asked for; one that [`Application::accepts`].
    pub role: Role,
    /// The CGI variables.
    pub params: Params,
    /// The whole standard input.
    pub stdin: Body,
    /// The file to filter; empty for other roles.
    pub data: Body,
    pub(crate) carried: Option<Box<dyn Any + Send>>,
}

impl Request {
    /// A responder's request, as a server would hand it over; for tests of applications.
    #[must_use]
    pub fn new(params: Params, stdin: impl Into<Body>) -> Request {
        let (stdin, data) = (stdin.into(), Body::default());
        Request { role: Role::Responder, params, stdin, data, carried: None }
    }

    /// What `open` has [carried](Verdict::carrying) over, if it was of this type and has not been taken.
    pub fn take_carried<T: 'static>(&mut self) -> Option<T> {
        let carried = self.carried.take_if(|carried| carried.is::<T>())?;
        carried.downcast().ok().map(|carried| *carried)
    }

    /// Whether as many bytes came as `CONTENT_LENGTH` announced; absent and empty count as 0.
    ///
    /// A web server whose client went away may end the stream early without an abort, so a program that changes
    /// something must refuse to when this is false (FastCGI 1.0 s.6.2).
    #[must_use]
    pub fn stdin_is_whole(&self) -> bool {
        match self.params.content_length() {
            Ok(announced) => announced.unwrap_or(0) == self.stdin.len(),
            Err(_) => false,
        }
    }
}

/// Trouble that is worth a line in a log.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble<'a> {
    /// A connection could not be accepted; it is tried again later.
    Accept(&'a io::Error),
    /// The bytes on a connection were no FastCGI; it was closed.
    Protocol(&'a dyn std::error::Error),
    /// A connection was closed because nothing moved for too long.
    TimedOut(&'a str),
    /// A connection was closed because too much waited for clients, and most of it for this one.
    Stalled,
    /// A handler panicked; its request was ended.
    Panicked,
    /// A handler returned an error.
    Respond(&'a io::Error),
    /// A connection's input could not be stored.
    Storage(&'a io::Error),
}

impl fmt::Display for Trouble<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Accept(error) => write!(f, "accepting a connection: {error}"),
            Trouble::Protocol(error) => write!(f, "connection closed: {error}"),
            Trouble::TimedOut(what) => write!(f, "connection closed: timed out {what}"),
            Trouble::Stalled => write!(f, "connection closed: too much unsent"),
            Trouble::Panicked => write!(f, "a handler panicked"),
            Trouble::Respond(error) => write!(f, "request ended: {error}"),
            Trouble::Storage(error) => write!(f, "storing a request's input: {error}"),
        }
    }
}
