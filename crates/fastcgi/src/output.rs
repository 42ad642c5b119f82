//! What a handler writes to: [`Output`] is the stdout stream of one request and holds its stderr stream.
//! Records are laid down as the bytes come, so that a small answer is one buffer and one write (FastCGI 1.0 s.3.3).

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use crate::encode::{self, OutStream, ProtocolStatus};
use crate::flow::Flow;
use crate::record::{CONTENT_BYTES_MAX, HEADER_BYTES, Header};

/// Bytes that a handler on the pool gathers before they are passed on: enough that passing them on costs little.
const GATHERED_BYTES_MAX: usize = 32 << 10;

/// An answer's remaining chunks.
pub(crate) type Chunks = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

/// One request's answer. Written bytes go out as the stdout stream, in as few records as possible.
///
/// On the pool, writing waits while the client does not read. On an event loop it never waits and everything written is
/// kept in memory, so long answers are better given as a [`stream`](Output::stream).
pub struct Output {
    id: u16,
    records: Vec<u8>,
    /// Where this request's records begin in `records`, which may hold those of others before.
    start: usize,
    open: Option<OpenRecord>,
    touched: bool,
    flow: Option<Arc<Flow>>,
    chunks: Option<Chunks>,
}

/// The last record, whose length is not known yet.
struct OpenRecord {
    stream: OutStream,
    at: usize,
}

impl Output {
    /// The rest of the answer, asked for chunk by chunk as the client reads, after the handler has returned.
    ///
    /// It is asked where the handler ran (loop or pool), and dropped when the client goes away. An `Err` ends the
    /// request with its text in the error log.
    pub fn stream(&mut self, chunks: impl Iterator<Item = io::Result<Vec<u8>>> + Send + 'static) {
        self.chunks = Some(Box::new(chunks));
    }

    /// The stderr stream: the web server's error log.
    pub const fn stderr(&mut self) -> Stderr<'_> {
        Stderr { output: self }
    }

    /// Whether nobody waits for the answer any more; worth asking now and then in a long computation on the pool.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.flow.as_ref().is_some_and(|flow| flow.is_abandoned())
    }

    /// For an event loop: appends to records that are there.
    pub(crate) fn on_loop(id: u16, records: Vec<u8>) -> Output {
        let start = records.len();
        Output { id, records, start, open: None, touched: false, flow: None, chunks: None }
    }

    /// For the pool: passes records on to the connection's event loop.
    pub(crate) const fn on_pool(id: u16, flow: Arc<Flow>) -> Output {
        Output { id, records: Vec::new(), start: 0, open: None, touched: false, flow: Some(flow), chunks: None }
    }

    pub(crate) fn into_records(mut self) -> Vec<u8> {
        self.close_record();
        self.records
    }

    pub(crate) fn take_records(&mut self) -> Vec<u8> {
        self.close_record();
        std::mem::take(&mut self.records)
    }

    pub(crate) const fn has_chunks(&self) -> bool {
        self.chunks.is_some()
    }

    pub(crate) fn take_chunks(&mut self) -> Option<Chunks> {
        self.chunks.take()
    }

    /// Lays down a chunk of a stream, without ever waiting.
    pub(crate) fn put_chunk(&mut self, chunk: &[u8]) {
        self.close_record();
        encode::stream(&mut self.records, self.id, OutStream::Stdout, chunk);
    }

    /// Whether the handler has written anything.
    pub(crate) const fn is_touched(&self) -> bool {
        self.touched
    }

    /// Takes back what was written. False if some of it has left.
    pub(crate) fn take_back(&mut self) -> bool {
        let all_here = self.flow.as_ref().is_none_or(|flow| !flow.has_begun());
        if all_here {
            self.open = None;
            self.records.truncate(self.start);
            self.touched = false;
        }
        self.chunks = None;
        all_here
    }

    /// Ends the request; nothing may be written after it.
    pub(crate) fn end(&mut self, application_status: i32, status: ProtocolStatus) {
        self.close_record();
        if status == ProtocolStatus::RequestComplete {
            encode::end_stream(&mut self.records, self.id, OutStream::Stdout);
        }
        encode::end_request(&mut self.records, self.id, application_status, status);
    }

    fn append(&mut self, stream: OutStream, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let at = match &self.open {
            Some(open) if open.stream == stream && self.records.len() - open.at < HEADER_BYTES + CONTENT_BYTES_MAX => {
                open.at
            }
            _ => self.open_record(stream),
        };
        let room = HEADER_BYTES + CONTENT_BYTES_MAX - (self.records.len() - at);
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.records.extend_from_slice(taken);
        self.touched = true;
        if self.flow.is_some() && self.records.len() >= GATHERED_BYTES_MAX {
            self.pass_on()?;
        }
        Ok(taken.len())
    }

    fn open_record(&mut self, stream: OutStream) -> usize {
        self.close_record();
        let at = self.records.len();
        self.records.extend_from_slice(&Header::new(stream.kind(), self.id, 0).to_bytes());
        self.open = Some(OpenRecord { stream, at });
        at
    }

    fn close_record(&mut self) {
        let Some(OpenRecord { stream, at }) = self.open.take() else { return };
        let content = self.records.len() - at - HEADER_BYTES;
        let content = u16::try_from(content).expect("append keeps a record within CONTENT_BYTES_MAX");
        if let Some(header) = self.records.get_mut(at..at + HEADER_BYTES) {
            header.copy_from_slice(&Header::new(stream.kind(), self.id, content).to_bytes());
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.close_record();
        match &self.flow {
            Some(flow) if !self.records.is_empty() => flow.pass(std::mem::take(&mut self.records)),
            _ => Ok(()),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(OutStream::Stdout, bytes)
    }

    /// On the pool, sends what has been written so far.
    fn flush(&mut self) -> io::Result<()> {
        if self.flow.is_some() { self.pass_on() } else { Ok(()) }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("id", &self.id).field("stream", &self.chunks.is_some()).finish_non_exhaustive()
    }
}

/// The stderr stream of a request.
#[derive(Debug)]
pub struct Stderr<'a> {
    output: &'a mut Output,
}

impl Write for Stderr<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.append(OutStream::Stderr, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests;
