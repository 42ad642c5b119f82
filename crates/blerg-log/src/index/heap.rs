//! An index memory in anonymous memory: for the rebuild, which writes it out once, and for tests. Start at [`Heap`].

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{EMPTY_BYTES, Fault, Memory};
use crate::Error;

/// A memory that can become longer.
pub(crate) trait Grow {
    /// Reserves at least `bytes` in all; new bytes are zero.
    ///
    /// # Errors
    /// There is no room for them.
    fn grow(&mut self, bytes: u64) -> Result<(), Error>;
}

/// Words of memory. Shared by reference it serves one writer and many readers, like a mapped file.
pub(crate) struct Heap {
    pub(super) words: Vec<AtomicU64>,
}

impl Heap {
    /// A memory of zeros, large enough for an empty index.
    pub(crate) fn new() -> Heap {
        Heap::with_bytes(EMPTY_BYTES)
    }

    /// A memory of zeros.
    pub(crate) fn with_bytes(bytes: u64) -> Heap {
        let mut words = Vec::new();
        words.resize_with(word_number(bytes), AtomicU64::default);
        Heap { words }
    }

    /// Writes the first `bytes` bytes, as they lie in a file.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write_to(&self, bytes: u64, out: &mut impl Write) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(8 * WRITE_WORDS);
        for words in self.words.get(..word_number(bytes)).unwrap_or(&self.words).chunks(WRITE_WORDS) {
            buffer.clear();
            for word in words {
                buffer.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
            }
            out.write_all(&buffer)?;
        }
        Ok(())
    }

    fn word(&self, at: u64) -> Result<&AtomicU64, Error> {
        self.words.get(word_number(at)).ok_or_else(|| beyond(at))
    }

    fn words(&self, at: u64, bytes: usize) -> Result<&[AtomicU64], Error> {
        let from = word_number(at);
        from.checked_add(bytes.div_ceil(8)).and_then(|to| self.words.get(from..to)).ok_or_else(|| beyond(at))
    }
}

impl Grow for Heap {
    fn grow(&mut self, bytes: u64) -> Result<(), Error> {
        let words = word_number(bytes).max(self.words.len() + self.words.len() / 2);
        self.words.resize_with(words, AtomicU64::default);
        Ok(())
    }
}

impl Memory for Heap {
    fn bytes(&self) -> u64 {
        u64::try_from(self.words.len()).unwrap_or(u64::MAX / 8) * 8
    }

    fn load(&self, at: u64) -> Result<u64, Error> {
        Ok(self.word(at)?.load(Ordering::Acquire))
    }

    fn store(&self, at: u64, v: u64) -> Result<(), Error> {
        self.word(at)?.store(v, Ordering::Release);
        Ok(())
    }

    fn read(&self, at: u64, buf: &mut [u8]) -> Result<(), Error> {
        for (word, part) in self.words(at, buf.len())?.iter().zip(buf.chunks_mut(8)) {
            for (byte, found) in part.iter_mut().zip(word.load(Ordering::Relaxed).to_le_bytes()) {
                *byte = found;
            }
        }
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        for (word, part) in self.words(at, bytes.len())?.iter().zip(bytes.chunks_exact(8)) {
            word.store(part.first_chunk().map_or(0, |part| u64::from_le_bytes(*part)), Ordering::Relaxed);
        }
        Ok(())
    }
}

fn word_number(at: u64) -> usize {
    usize::try_from(at / 8).unwrap_or(usize::MAX)
}

fn beyond(at: u64) -> Error {
    Fault::Damaged { at, what: "beyond the end" }.into()
}

/// Words that `write_to` collects for one write: 1 MiB.
const WRITE_WORDS: usize = 1 << 17;
