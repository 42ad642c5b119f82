//! What is printed for people: on a terminal, characters that would move it, colour it or turn the direction of a line are written out as
//! `\u001b`; a pipe or a file gets every byte as it is. Start at [`output`]. The form is that of JSON, so JSON stays JSON.

use std::io::{self, IsTerminal as _, Write};

use crate::error::hides;

/// Standard output, whatever it is.
pub(crate) fn output() -> Box<dyn Write> {
    let out = io::stdout();
    if out.is_terminal() { Box::new(Shown::new(out)) } else { Box::new(out) }
}

/// Writes text as a terminal may see it.
struct Shown<W> {
    out: W,
    /// The beginning of a character whose end is still to come.
    begun: Vec<u8>,
}

impl<W: Write> Shown<W> {
    fn new(out: W) -> Shown<W> {
        Shown { out, begun: Vec::new() }
    }

    fn write_text(&mut self, text: &str) -> io::Result<()> {
        for line in text.split_inclusive(is_moving) {
            let moving = line.chars().next_back().filter(|c| is_moving(*c));
            let plain = line.strip_suffix(is_moving).unwrap_or(line);
            self.out.write_all(plain.as_bytes())?;
            if let Some(moving) = moving {
                write!(self.out, "\\u{:04x}", u32::from(moving))?;
            }
        }
        Ok(())
    }
}

/// All but the ends of lines, and tabs, which columns are made of.
fn is_moving(c: char) -> bool {
    hides(c) && c != '\n' && c != '\t'
}

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let all = [std::mem::take(&mut self.begun).as_slice(), bytes].concat();
        let mut rest = all.as_slice();
        for chunk in all.utf8_chunks() {
            let used = chunk.valid().len() + chunk.invalid().len();
            rest = rest.get(used..).unwrap_or_default();
            self.write_text(chunk.valid())?;
            if rest.is_empty() && is_begin(chunk.invalid()) {
                self.begun = chunk.invalid().to_vec();
            } else {
                for byte in chunk.invalid() {
                    write!(self.out, "\\x{byte:02x}")?;
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether more bytes could make a character of these.
fn is_begin(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests;
