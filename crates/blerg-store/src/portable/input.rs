//! Reads lines of bounded length from whatever is imported. Start at [`Lines`].

use std::io::{BufRead, Read};

use crate::Error;

/// Longest line of an import: a text of 65,535 bytes in which JSON escapes each, its 1,024 tags, and room for the rest.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Longest line of a dump: a page's text of 1 MiB in which JSON escapes each byte, and room for the rest.
const DUMP_LINE_BYTES_MAX: u64 = 7 * 1024 * 1024;

/// Lines with their numbers.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
    bytes: u64,
    bytes_max: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of what people wrote elsewhere.
    pub(crate) fn new(input: R) -> Lines<R> {
        Lines { input, number: 0, bytes: 0, bytes_max: LINE_BYTES_MAX }
    }

    /// Lines of a dump.
    pub(crate) fn of_dump(input: R) -> Lines<R> {
        Lines { bytes_max: DUMP_LINE_BYTES_MAX, ..Lines::new(input) }
    }

    /// The number of the line read last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line without its line end; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<String>, Error> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.input).take(self.bytes_max + 1);
        let read =
            bounded.read_until(b'\n', &mut line).map_err(|source| Error::Stream { doing: "read the input", source })?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += u64::try_from(read).unwrap_or(u64::MAX);
        if self.number == 1 && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if u64::try_from(line.len()).unwrap_or(u64::MAX) > self.bytes_max {
            return Err(self.wrong(format!("longer than {} bytes", self.bytes_max)));
        }
        match String::from_utf8(line) {
            Ok(line) => Ok(Some(line)),
            Err(error) => Err(self.wrong(format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()))),
        }
    }

    /// An error that names the line read last.
    pub(crate) fn wrong(&self, problem: impl Into<String>) -> Error {
        Error::Line { line: self.number, problem: problem.into() }
    }
}
