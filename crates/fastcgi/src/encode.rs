//! Appends records to a buffer (FastCGI 1.0 s.3.3, 8): what an application sends, and what a web server sends, so that
//! both ends can be written and tested. Pure; start at [`stream`] and [`end_request`].

use crate::Role;
use crate::decoder::Stream;
use crate::params::encode_pair;
use crate::record::{
    ABORT_REQUEST, BEGIN_REQUEST, CONTENT_BYTES_MAX, DATA, END_REQUEST, GET_VALUES, GET_VALUES_RESULT, HEADER_BYTES,
    Header, KEEP_CONN, PARAMS, STDERR, STDIN, STDOUT, UNKNOWN_TYPE,
};

/// How a request ended, in `END_REQUEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolStatus {
    /// It was answered.
    RequestComplete,
    /// It was refused because the connection is used by another one; a server of this crate never says so.
    CannotMultiplex,
    /// It was refused because the application is out of some resource.
    Overloaded,
    /// It was refused because the application does not play its role.
    UnknownRole,
}

/// The streams to the web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutStream {
    /// The answer.
    Stdout,
    /// The error log.
    Stderr,
}

impl OutStream {
    pub(crate) const fn kind(self) -> u8 {
        match self {
            OutStream::Stdout => STDOUT,
            OutStream::Stderr => STDERR,
        }
    }
}

/// A piece of a stream to the web server, in as many records as it needs; none if it is empty.
pub fn stream(out: &mut Vec<u8>, id: u16, stream: OutStream, bytes: &[u8]) {
    pieces(out, stream.kind(), id, bytes);
}

/// The end of a stream to the web server.
pub fn end_stream(out: &mut Vec<u8>, id: u16, stream: OutStream) {
    record(out, stream.kind(), id, &[]);
}

/// The end of a request.
pub fn end_request(out: &mut Vec<u8>, id: u16, application_status: i32, status: ProtocolStatus) {
    let [a3, a2, a1, a0] = application_status.to_be_bytes();
    let status = match status {
        ProtocolStatus::RequestComplete => 0,
        ProtocolStatus::CannotMultiplex => 1,
        ProtocolStatus::Overloaded => 2,
        ProtocolStatus::UnknownRole => 3,
    };
    record(out, END_REQUEST, id, &[a3, a2, a1, a0, status, 0, 0, 0]);
}

/// The answer to `GET_VALUES`. Pairs that do not fit one record are left out.
pub fn get_values_result<'a>(out: &mut Vec<u8>, pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) {
    values(out, GET_VALUES_RESULT, pairs);
}

/// The answer to a management record of unknown type.
pub fn unknown_type(out: &mut Vec<u8>, kind: u8) {
    record(out, UNKNOWN_TYPE, 0, &[kind, 0, 0, 0, 0, 0, 0, 0]);
}

/// As a web server: a request begins.
pub fn begin_request(out: &mut Vec<u8>, id: u16, role: Role, keep: Keep) {
    let [role1, role0] = role.number().to_be_bytes();
    let flags = match keep {
        Keep::Connection => KEEP_CONN,
        Keep::Nothing => 0,
    };
    record(out, BEGIN_REQUEST, id, &[role1, role0, flags, 0, 0, 0, 0, 0]);
}

/// What stays after a request: the flag of `BEGIN_REQUEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The connection, for the next request.
    Connection,
    /// Nothing: the application closes the connection.
    Nothing,
}

/// As a web server: a piece of a stream, in as many records as it needs; none if it is empty.
pub fn input(out: &mut Vec<u8>, id: u16, stream: Stream, bytes: &[u8]) {
    pieces(out, input_kind(stream), id, bytes);
}

/// As a web server: the end of a stream.
pub fn end_input(out: &mut Vec<u8>, id: u16, stream: Stream) {
    record(out, input_kind(stream), id, &[]);
}

/// As a web server: a request is given up.
pub fn abort_request(out: &mut Vec<u8>, id: u16) {
    record(out, ABORT_REQUEST, id, &[]);
}

/// As a web server: asks for the application's limits. Names that do not fit one record are left out.
pub fn get_values<'a>(out: &mut Vec<u8>, names: impl IntoIterator<Item = &'a [u8]>) {
    values(out, GET_VALUES, names.into_iter().map(|name| (name, [].as_slice())));
}

const fn input_kind(stream: Stream) -> u8 {
    match stream {
        Stream::Params => PARAMS,
        Stream::Stdin => STDIN,
        Stream::Data => DATA,
    }
}

fn values<'a>(out: &mut Vec<u8>, kind: u8, pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) {
    let mut content = Vec::new();
    for (name, value) in pairs {
        let fitting = content.len();
        encode_pair(&mut content, name, value);
        if content.len() > CONTENT_BYTES_MAX {
            content.truncate(fitting);
            break;
        }
    }
    record(out, kind, 0, &content);
}

fn pieces(out: &mut Vec<u8>, kind: u8, id: u16, bytes: &[u8]) {
    let records = bytes.len().div_ceil(CONTENT_BYTES_MAX);
    out.reserve(bytes.len() + records * HEADER_BYTES);
    for piece in bytes.chunks(CONTENT_BYTES_MAX) {
        record(out, kind, id, piece);
    }
}

/// One record; callers keep the content within [`CONTENT_BYTES_MAX`].
fn record(out: &mut Vec<u8>, kind: u8, id: u16, content: &[u8]) {
    let content_bytes = u16::try_from(content.len()).expect("callers split at CONTENT_BYTES_MAX");
    out.extend_from_slice(&Header::new(kind, id, content_bytes).to_bytes());
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests;
