//! What a handler writes to: [`Output`] is the stdout stream of one request, and holds its stderr stream.

use std::fmt;
use std::io::{self, Write};

/// An answer's remaining chunks.
pub(crate) type Chunks = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

/// One request's answer. Written bytes go out as the stdout stream, in as few records as possible.
///
/// On the pool, writing waits while the client does not read; on an event loop it never waits, so long answers are
/// better given as a [`stream`](Output::stream).
pub struct Output {
    records: Vec<u8>,
    chunks: Option<Chunks>,
}

impl Output {
    /// The rest of the answer, asked for chunk by chunk as the client reads, after the handler has returned.
    ///
    /// It is asked where the handler ran (loop or pool), and dropped when the client goes away. An `Err` ends the request
    /// with its text in the error log.
    pub fn stream(&mut self, chunks: impl Iterator<Item = io::Result<Vec<u8>>> + Send + 'static) {
        self.chunks = Some(Box::new(chunks));
    }

    /// The stderr stream: the web server's error log.
    pub fn stderr(&mut self) -> Stderr<'_> {
        Stderr { output: self }
    }

    /// Whether nobody waits for the answer any more: aborted, connection lost, or stopping.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        false
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.records.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("stream", &self.chunks.is_some()).finish_non_exhaustive()
    }
}

/// The stderr stream of a request.
#[derive(Debug)]
pub struct Stderr<'a> {
    output: &'a mut Output,
}

impl Write for Stderr<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.records.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
