//! Splits what a web server sends on one connection into events (FastCGI 1.0 s.3.3). Start at [`Decoder`].
//! Does no I/O: bytes go in with `push`, events come out of `next`. Streams come in pieces as they arrive, so that
//! nothing but a header or a short body is ever kept waiting. Which ids are active is the caller's business.

use std::{error, fmt};

use crate::record::{
    ABORT_REQUEST, BEGIN_REQUEST, DATA, END_REQUEST, GET_VALUES, GET_VALUES_RESULT, HEADER_BYTES, Header, KEEP_CONN,
    PARAMS, STDERR, STDIN, STDOUT, UNKNOWN_TYPE, VERSION,
};

/// Decodes one connection's input.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    at: usize,
    state: State,
}

/// One thing a web server said. Ids are those of requests and never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A request begins.
    Begin {
        /// Its id.
        id: u16,
        /// The role's number, which may be unknown.
        role: u16,
        /// Whether the connection outlives the request.
        keep: bool,
    },
    /// A request is given up by the web server.
    Abort {
        /// Its id.
        id: u16,
    },
    /// A piece of a stream, never empty.
    Piece {
        /// The stream's request.
        id: u16,
        /// Which of its streams.
        stream: Stream,
        /// The bytes; they stop anywhere.
        bytes: &'a [u8],
    },
    /// The end of a stream.
    End {
        /// The stream's request.
        id: u16,
        /// Which of its streams.
        stream: Stream,
    },
    /// A question for the application's limits: encoded pairs with empty values, for `FCGI_GET_VALUES_RESULT`.
    GetValues {
        /// The pairs; see [`Pairs`](crate::Pairs).
        pairs: &'a [u8],
    },
    /// A management record of unknown type, for `FCGI_UNKNOWN_TYPE`.
    Unknown {
        /// The type.
        kind: u8,
    },
}

/// The streams from the web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Encoded pairs: the CGI variables.
    Params,
    /// The request's body.
    Stdin,
    /// A filter's file.
    Data,
}

/// Where the decoder stands, and how much of the current record is still to come.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Before a header.
    #[default]
    Header,
    /// Before the body of `BEGIN_REQUEST`.
    Begin(Header),
    /// Before the body of `GET_VALUES`.
    Values(Header),
    /// Inside a stream's record.
    Piece { id: u16, stream: Stream, left: usize, padding_bytes: u8 },
    /// Before bytes that nobody wants: padding, or the content of an ignored record.
    Skip(usize),
    /// After bytes that were no FastCGI.
    Broken(Error),
}

impl Decoder {
    /// A decoder at the start of a connection.
    #[must_use]
    pub const fn new() -> Decoder {
        Decoder { buffer: Vec::new(), at: 0, state: State::Header }
    }

    /// Takes bytes as they come; call `next` until it has no more before pushing again, or they pile up here.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event; `None` means "more bytes please". Records that the specification says to ignore are passed over.
    ///
    /// # Errors
    /// The bytes are no FastCGI; the connection is lost, and every later call says so again.
    #[expect(clippy::should_implement_trait, reason = "events borrow from the decoder, which an iterator cannot say")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        loop {
            match self.state {
                State::Header => {
                    let Some(bytes) = self.take_eight() else { return Ok(None) };
                    if let Some(event) = self.open(Header::from_bytes(bytes)) {
                        return Ok(Some(event));
                    }
                }
                State::Begin(header) => {
                    let Some([role1, role0, flags, ..]) = self.take_eight() else { return Ok(None) };
                    self.skip(usize::from(header.content_bytes).saturating_sub(HEADER_BYTES), header.padding_bytes);
                    let role = u16::from_be_bytes([role1, role0]);
                    return Ok(Some(Event::Begin { id: header.id, role, keep: flags & KEEP_CONN != 0 }));
                }
                State::Values(header) => {
                    let wanted = usize::from(header.content_bytes);
                    if self.left() < wanted {
                        return Ok(None);
                    }
                    self.skip(0, header.padding_bytes);
                    return Ok(Some(Event::GetValues { pairs: self.take_up_to(wanted) }));
                }
                State::Piece { id, stream, left, padding_bytes } => {
                    let taken = left.min(self.left());
                    if taken == 0 {
                        return Ok(None);
                    }
                    self.state = State::Piece { id, stream, left: left - taken, padding_bytes };
                    if taken == left {
                        self.skip(0, padding_bytes);
                    }
                    return Ok(Some(Event::Piece { id, stream, bytes: self.take_up_to(taken) }));
                }
                State::Skip(left) => {
                    let left = left - self.take_up_to(left).len();
                    self.state = if left == 0 { State::Header } else { State::Skip(left) };
                    if left > 0 {
                        return Ok(None);
                    }
                }
                State::Broken(error) => return Err(error),
            }
        }
    }

    /// Whether everything pushed has been taken and no record is half there.
    #[must_use]
    pub fn is_between_records(&self) -> bool {
        self.left() == 0 && matches!(self.state, State::Header | State::Skip(0))
    }

    /// Bytes that were pushed and not taken yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.buffer.len() - self.at
    }

    /// Gives the buffer's memory back, if everything in it has been taken.
    pub fn release(&mut self) {
        if self.left() == 0 {
            self.buffer = Vec::new();
            self.at = 0;
        }
    }

    /// Decides what a header means; records without content are events at once.
    fn open(&mut self, header: Header) -> Option<Event<'static>> {
        let Header { version, kind, id, content_bytes, padding_bytes } = header;
        let content = usize::from(content_bytes);
        self.skip(content, padding_bytes);
        if version != VERSION {
            self.state = State::Broken(Error::Version { found: version });
            return None;
        }
        let stream = match (kind, id) {
            (END_REQUEST | STDOUT | STDERR | GET_VALUES_RESULT | UNKNOWN_TYPE, _) => return None,
            (GET_VALUES, 0) => {
                self.state = State::Values(header);
                return None;
            }
            (kind, 0) => return Some(Event::Unknown { kind }),
            (BEGIN_REQUEST, _) if content < HEADER_BYTES => {
                self.state = State::Broken(Error::BeginLength { found: content_bytes });
                return None;
            }
            (BEGIN_REQUEST, _) => {
                self.state = State::Begin(header);
                return None;
            }
            (ABORT_REQUEST, id) => return Some(Event::Abort { id }),
            (PARAMS, _) => Stream::Params,
            (STDIN, _) => Stream::Stdin,
            (DATA, _) => Stream::Data,
            _ => return None,
        };
        if content == 0 {
            return Some(Event::End { id, stream });
        }
        self.state = State::Piece { id, stream, left: content, padding_bytes };
        None
    }

    fn skip(&mut self, content: usize, padding_bytes: u8) {
        self.state = State::Skip(content + usize::from(padding_bytes));
    }

    fn take_eight(&mut self) -> Option<[u8; HEADER_BYTES]> {
        let eight = *self.buffer.get(self.at..)?.first_chunk::<HEADER_BYTES>()?;
        self.at += HEADER_BYTES;
        Some(eight)
    }

    fn take_up_to(&mut self, wanted: usize) -> &[u8] {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let taken = rest.get(..wanted).unwrap_or(rest);
        self.at += taken.len();
        taken
    }
}

/// Bytes that are no FastCGI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A record of another version.
    Version {
        /// Its version.
        found: u8,
    },
    /// A `BEGIN_REQUEST` too short for a role and flags.
    BeginLength {
        /// Its content's length.
        found: u16,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Version { found } => write!(f, "record version {found}, want {VERSION}"),
            Error::BeginLength { found } => write!(f, "begin request of {found} bytes, want {HEADER_BYTES}"),
        }
    }
}

impl error::Error for Error {}

#[cfg(test)]
mod tests;
