//! An index memory in anonymous memory. Shared by reference it serves one writer and many readers, like a mapped file.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{EMPTY_BYTES, Fault, Grow, Memory};
use crate::Error;

/// Words of the first piece; each further one is as long as all before it.
const FIRST_WORDS: usize = 1 << 10;
const PIECES: usize = 24;

pub(super) struct Heap {
    pieces: [OnceLock<Box<[AtomicU64]>>; PIECES],
    bytes: AtomicU64,
}

impl Heap {
    /// A memory of zeros, large enough for an empty index.
    pub(super) fn new() -> Heap {
        Heap::with_bytes(EMPTY_BYTES)
    }

    pub(super) fn with_bytes(bytes: u64) -> Heap {
        Heap { pieces: [const { OnceLock::new() }; PIECES], bytes: AtomicU64::new(bytes) }
    }

    /// Not a byte more than asked for, so that a `need` which is too small shows.
    pub(super) fn grow_exactly(&self, bytes: u64) {
        self.bytes.fetch_max(bytes, Ordering::AcqRel);
    }

    pub(super) fn cut(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    /// The first bytes, as they would lie in a file.
    pub(super) fn file(&self, bytes: u64) -> Vec<u8> {
        let mut file = vec![0; usize::try_from(bytes).unwrap()];
        self.read(0, &mut file).unwrap();
        file
    }

    fn word(&self, at: u64) -> Result<&AtomicU64, Error> {
        if at.checked_add(8).is_none_or(|end| end > self.bytes()) {
            return Err(Fault::Damaged { at, what: "beyond the end" }.into());
        }
        let word = usize::try_from(at / 8).unwrap();
        let piece = (word / FIRST_WORDS).checked_ilog2().map_or(0, |bits| bits + 1);
        let from = if piece == 0 { 0 } else { FIRST_WORDS << (piece - 1) };
        let words = self.pieces[usize::try_from(piece).unwrap()]
            .get_or_init(|| (0..from.max(FIRST_WORDS)).map(|_| AtomicU64::default()).collect());
        Ok(&words[word - from])
    }
}

impl Grow for Heap {
    fn grow(&self, bytes: u64) -> Result<(), Error> {
        self.grow_exactly(bytes + bytes / 2);
        Ok(())
    }
}

impl Memory for Heap {
    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    fn load(&self, at: u64) -> Result<u64, Error> {
        Ok(self.word(at)?.load(Ordering::Acquire))
    }

    fn store(&self, at: u64, v: u64) -> Result<(), Error> {
        self.word(at)?.store(v, Ordering::Release);
        Ok(())
    }

    fn read(&self, at: u64, buf: &mut [u8]) -> Result<(), Error> {
        for (word_at, part) in (at..).step_by(8).zip(buf.chunks_mut(8)) {
            let word = self.word(word_at)?.load(Ordering::Relaxed).to_le_bytes();
            part.copy_from_slice(&word[..part.len()]);
        }
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        for (word_at, part) in (at..).step_by(8).zip(bytes.chunks(8)) {
            self.word(word_at)?.store(u64::from_le_bytes(part.try_into().unwrap()), Ordering::Relaxed);
        }
        Ok(())
    }
}
