//! What one connection is about, without its socket: [`Session`] turns received bytes into requests and answers into
//! bytes to be sent, and says what it waits for. Bounded in requests, params, input and output.

use std::sync::Arc;
use std::time::Instant;
use std::{error, fmt};

use crate::Config;
use crate::decoder::{Decoder, Error};
use crate::mailbox::Mailbox;
use crate::record::HEADER_BYTES;
use crate::requests::Requests;
use crate::server::Shared;

/// While so much waits to be sent, a connection is neither read nor are its streams asked for more: a client that does
/// not read costs this and one chunk.
pub(crate) const UNSENT_BYTES_MAX: usize = 64 << 10;
/// An output buffer larger than this is freed when it is empty.
const BUFFER_BYTES_MAX: usize = 256 << 10;

/// What a session needs of its event loop.
pub(crate) struct Context<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) mailbox: &'a Arc<Mailbox>,
    pub(crate) token: usize,
    pub(crate) now: Instant,
}

/// One connection's state.
#[derive(Debug)]
pub(crate) struct Session {
    decoder: Decoder,
    requests: Requests,
    fresh: bool,
}

/// What a session waits for, which decides how long it may; the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Waiting {
    /// The client to take bytes.
    Writing,
    /// Params, since then.
    Params(Instant),
    /// Input, or the rest of a record.
    Input,
    /// The application.
    Answer,
    /// The next request.
    Idle,
}

impl Session {
    pub(crate) const fn new() -> Session {
        Session { decoder: Decoder::new(), requests: Requests::new(), fresh: true }
    }

    /// Takes bytes from the web server.
    pub(crate) fn receive(&mut self, bytes: &[u8], context: &Context<'_>) -> Result<(), ProtocolError> {
        self.fresh = false;
        self.decoder.push(bytes);
        self.process(context)
    }

    /// Goes on with bytes taken earlier, as far as there is room for answers.
    pub(crate) fn process(&mut self, context: &Context<'_>) -> Result<(), ProtocolError> {
        while self.has_room() {
            match self.decoder.next().map_err(ProtocolError::Record)? {
                Some(event) => self.requests.handle(event, context)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Moves answers on, as far as there is room. True if there may be more to move at once.
    pub(crate) fn pump(&mut self, context: &Context<'_>) -> bool {
        self.requests.pump(context)
    }

    pub(crate) fn unsent(&self) -> &[u8] {
        self.requests.unsent()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.unsent().len() < UNSENT_BYTES_MAX
    }

    /// Whether bytes were taken that may still hold an event.
    pub(crate) fn has_unprocessed(&self) -> bool {
        self.decoder.left() >= HEADER_BYTES
    }

    /// So many bytes have been sent.
    pub(crate) fn advance(&mut self, bytes: usize) {
        let requests = &mut self.requests;
        requests.sent += bytes;
        if requests.sent == requests.out.len() {
            requests.out.clear();
            requests.sent = 0;
        }
    }

    /// Memory that waits for the client, here and on the way from the pool.
    pub(crate) fn held_bytes(&self) -> usize {
        self.requests.held_bytes()
    }

    /// Whether a thread of the pool waits for the client.
    pub(crate) fn holds_thread(&self) -> bool {
        self.requests.hold_thread()
    }

    /// Borrows a buffer for output, so that an idle session needs none of its own.
    pub(crate) fn borrow_buffer(&mut self, spare: &mut Vec<u8>) {
        if self.requests.out.capacity() == 0 {
            self.requests.out = std::mem::take(spare);
        }
    }

    /// Gives the buffer back when everything is sent, and all memory when nothing is going on.
    pub(crate) fn release(&mut self, spare: &mut Vec<u8>) {
        if self.requests.out.is_empty() {
            let out = std::mem::take(&mut self.requests.out);
            if out.capacity() > spare.capacity() && out.capacity() <= BUFFER_BYTES_MAX {
                *spare = out;
            }
        }
        self.requests.release();
        self.decoder.release();
    }

    /// The web server sends no more.
    pub(crate) fn end_input(&mut self) {
        self.requests.end_input();
        self.fresh = false;
        self.decoder = Decoder::new();
    }

    /// The server stops: no requests after those in flight.
    pub(crate) const fn stop(&mut self) {
        self.requests.keep = false;
    }

    /// Whether nothing has ever been received.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Whether no request and no part of one is here and nothing is to be sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.requests.are_none() && self.unsent().is_empty() && self.decoder.is_between_records()
    }

    /// Whether the connection has done what it was for.
    pub(crate) fn is_finished(&self) -> bool {
        let between = self.decoder.is_between_records() || self.requests.loose_input;
        !self.requests.keep && !self.fresh && self.requests.are_none() && self.unsent().is_empty() && between
    }

    /// Whether the web server may still be sending input of an ended request, and would miss the answer if it could not.
    pub(crate) const fn has_loose_input(&self) -> bool {
        self.requests.loose_input
    }

    pub(crate) fn waiting(&self) -> Waiting {
        if !self.unsent().is_empty() {
            return Waiting::Writing;
        }
        let between = if self.decoder.is_between_records() { Waiting::Idle } else { Waiting::Input };
        self.requests.waiting().map_or(between, |waiting| waiting.min(between))
    }
}

impl Waiting {
    /// Until when, if the last byte moved then; and its name for a log.
    pub(crate) fn deadline(self, moved: Instant, config: &Config) -> Option<(Instant, &'static str)> {
        let (since, wait, name) = match self {
            Waiting::Writing => (moved, config.write_timeout, "writing an answer"),
            Waiting::Params(since) => (since, config.read_timeout, "reading params"),
            Waiting::Input => (moved, config.read_timeout, "reading input"),
            Waiting::Answer => return None,
            Waiting::Idle => (moved, config.idle_timeout, "idle"),
        };
        since.checked_add(wait).map(|at| (at, name))
    }
}

/// What a web server must not send; its connection is closed, because requests could get mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    Record(Error),
    BegunTwice { id: u16 },
    StreamOrder { id: u16 },
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProtocolError::Record(error) => error.fmt(f),
            ProtocolError::BegunTwice { id } => write!(f, "request {id} begun while it is active"),
            ProtocolError::StreamOrder { id } => write!(f, "request {id} has streams in a wrong order"),
        }
    }
}

impl error::Error for ProtocolError {}

#[cfg(test)]
mod tests;
