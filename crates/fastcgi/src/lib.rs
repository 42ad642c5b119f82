//! FastCGI 1.0 for applications: a decoder and an encoder without I/O, and an event-loop server.
//!
//! Start at [`Application`] (what you write) and [`Server`] (what runs it); [`Decoder`] and [`encode`] are for those who
//! bring their own I/O. Nothing here knows HTTP: what an application writes goes out as it is. The README beside this
//! crate says what is bounded by what, and what is done where the specification is silent.
//!
//! ```no_run
//! use std::io::{self, Write};
//!
//! struct Hello;
//!
//! impl fastcgi::Application for Hello {
//!     fn respond(&self, request: fastcgi::Request, out: &mut fastcgi::Output) -> io::Result<i32> {
//!         out.write_all(b"Content-Type: text/plain\r\n\r\nhello ")?;
//!         out.write_all(request.params.get("REMOTE_ADDR").unwrap_or(b"you"))?;
//!         Ok(0)
//!     }
//! }
//!
//! fn main() -> Result<(), fastcgi::ServerError> {
//!     let listener = match fastcgi::Listener::from_stdin()? {
//!         Some(started_by_a_web_server) => started_by_a_web_server,
//!         None => fastcgi::Listener::tcp("127.0.0.1:9000")?,
//!     };
//!     fastcgi::Server::new(listener, fastcgi::Config::default(), Hello)?.run()
//! }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::as_conversions))]

mod acceptor;
mod answer;
mod application;
mod body;
mod config;
mod connection;
mod decoder;
pub mod encode;
mod event_loop;
mod flow;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod incoming;
mod listener;
mod mailbox;
mod output;
mod params;
mod pool;
mod record;
mod requests;
mod server;
mod session;
mod stats;

pub use application::{Application, Refusal, Request, Role, Run, Trouble, Verdict};
pub use body::Body;
pub use config::Config;
pub use decoder::{Decoder, Error, Event, Stream};
pub use listener::{Listener, ListenerError, parse_web_server_addrs};
pub use output::{Output, Stderr};
pub use params::{ContentLengthError, Pairs, PairsError, Params};
pub use server::{Handle, Server, ServerError};
pub use stats::Stats;

/// A length as a number of bytes that has one size everywhere.
fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
