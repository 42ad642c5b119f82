//! One list as a reader sees it: length fixed when it was found, elements by number or by position. Start at [`Head`].
//! Random access costs at most two dependent loads, however long the list.

use super::layout::{
    CHANGED_IN_HEAD, COUNT_IN_HEAD, DIRECTORY_BITS_MAX, FIXED, FIXED_FROM, INLINE, INLINE_IN_HEAD, LAST_IN_HEAD,
    LEVELS, Place, SHAPE_CHAIN, SHAPE_COUNT, SHAPE_DIRECTORY, SHAPE_FIXED, chain_elements, chain_from, links_bytes,
    place, unseal,
};
use super::{Fault, Memory, damaged, shape_plus};
use crate::{Error, Position};

/// A list, as long as it was when it was found.
pub(crate) struct Head<'a, M> {
    memory: &'a M,
    at: u64,
    len: u64,
    changed: u64,
    /// The link to the last block: that of this length or a newer one, which leads to all that were before.
    last: u64,
}

impl<M> Clone for Head<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Head<'_, M> {}

/// A run of elements that lie side by side: the first's number, how many, and where.
#[derive(Clone, Copy)]
struct Run {
    from: u64,
    len: u64,
    at: u64,
}

impl<'a, M: Memory> Head<'a, M> {
    /// The list whose head is at `at`. The count is loaded with acquire and before anything else: all below it is published.
    pub(super) fn at(memory: &'a M, at: u64) -> Result<Head<'a, M>, Error> {
        let Some((len, SHAPE_COUNT)) = unseal(at, memory.load(at + COUNT_IN_HEAD)?) else {
            return Err(damaged(at, "count"));
        };
        if len == 0 {
            return Err(damaged(at, "count of zero"));
        }
        let changed = memory.load(at + CHANGED_IN_HEAD)?;
        let last = if len > INLINE { memory.load(at + LAST_IN_HEAD)? } else { 0 };
        Ok(Head { memory, at, len, changed, last })
    }

    /// Elements, at least one.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The highest position that was pushed to the list or touched it.
    pub(crate) fn changed(&self) -> Position {
        Position(self.changed)
    }

    /// Element `index`, counted from 0.
    ///
    /// # Errors
    /// There is none, or the index is damaged on the way to it.
    pub(crate) fn get(&self, index: u64) -> Result<Position, Error> {
        if index >= self.len {
            return Err(Fault::Element { index, len: self.len }.into());
        }
        Ok(Position(self.memory.load(self.element_at(index)?)?))
    }

    /// Where element `index` lies, or would lie in the blocks that there are.
    pub(super) fn element_at(&self, index: u64) -> Result<u64, Error> {
        Ok(match place(index) {
            Place::Inline(index) => self.at + INLINE_IN_HEAD + 8 * index,
            Place::Chain { level, offset } => self.chain(level)? + links_bytes(level) + 8 * offset,
            Place::Fixed { entry, offset } => self.fixed(entry)? + 8 * offset,
        })
    }

    /// Elements `from..from + out.len()`, with one read for each extent they lie in.
    ///
    /// # Errors
    /// Some are beyond the end, or the index is damaged on the way to them.
    pub(crate) fn fill(&self, from: u64, out: &mut [Position]) -> Result<(), Error> {
        let mut index = from;
        let mut rest = out;
        while !rest.is_empty() {
            if index >= self.len {
                return Err(Fault::Element { index, len: self.len }.into());
            }
            let run = self.run(index)?;
            let skip = index - run.from;
            let count = usize::try_from(run.len - skip).unwrap_or(usize::MAX).min(rest.len()).min(FILL_ELEMENTS_MAX);
            let (now, later) = rest.split_at_mut(count);
            let mut buffer = [0; 8 * FILL_ELEMENTS_MAX];
            let (bytes, _) = buffer.split_at_mut(8 * count);
            self.memory.read(run.at + 8 * skip, bytes)?;
            for (position, word) in now.iter_mut().zip(bytes.chunks_exact(8)) {
                *position = Position(word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
            }
            index += u64::try_from(count).unwrap_or(u64::MAX);
            rest = later;
        }
        Ok(())
    }

    /// Number of elements below `position`: the number of the first one that is not.
    ///
    /// # Errors
    /// The index is damaged on the way.
    pub(crate) fn lower_bound(&self, position: Position) -> Result<u64, Error> {
        // Mostly asked to leave out what is not visible yet, which is at most the last few.
        if self.get(self.len - 1)? < position {
            return Ok(self.len);
        }
        let run = self.run_with(position)?;
        let (mut low, mut high) = (0, run.len);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.memory.load(run.at + 8 * middle)? < position.0 {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(run.from + low)
    }

    /// The last run whose first element is not above `position`, or the first run.
    fn run_with(&self, position: Position) -> Result<Run, Error> {
        let mut run = self.run(self.len - 1)?;
        if run.from > FIXED_FROM {
            let (mut low, mut high) = (0, (run.from - FIXED_FROM) / FIXED);
            while low < high {
                let middle = low + (high - low).div_ceil(2);
                if self.memory.load(self.fixed(middle)?)? <= position.0 {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            run = self.run(FIXED_FROM + FIXED * low)?;
        }
        // From here at most eleven steps back, each to a shorter extent.
        while run.from > 0 && self.memory.load(run.at)? > position.0 {
            run = self.run(run.from - 1)?;
        }
        Ok(run)
    }

    /// The run that element `index` lies in, cut at the length of the list.
    fn run(&self, index: u64) -> Result<Run, Error> {
        let (from, len, at) = match place(index) {
            Place::Inline(_) => (0, INLINE, self.at + INLINE_IN_HEAD),
            Place::Chain { level, .. } => {
                (chain_from(level), chain_elements(level), self.chain(level)? + links_bytes(level))
            }
            Place::Fixed { entry, .. } => (FIXED_FROM + FIXED * entry, FIXED, self.fixed(entry)?),
        };
        Ok(Run { from, len: len.min(self.len - from), at })
    }

    /// Where the head is.
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    /// Where the growing extent of `level` is: the last block, or linked from its beginning.
    pub(super) fn chain(&self, level: u32) -> Result<u64, Error> {
        let wanted = shape_plus(SHAPE_CHAIN, level);
        let (last, shape) = self.last()?;
        if shape == wanted {
            return Ok(last);
        }
        if shape < wanted || shape == SHAPE_FIXED {
            return Err(damaged(self.at + LAST_IN_HEAD, "extent missing"));
        }
        let word_at = last + links_bytes(level);
        match self.link(word_at)? {
            (at, found) if found == wanted => Ok(at),
            _ => Err(damaged(word_at, "link to an extent before")),
        }
    }

    /// Offset and shape of the last block.
    fn last(&self) -> Result<(u64, u8), Error> {
        self.block(self.last).ok_or_else(|| damaged(self.at + LAST_IN_HEAD, "link to the last block"))
    }

    /// Where the fixed extent of number `entry` is.
    pub(super) fn fixed(&self, entry: u64) -> Result<u64, Error> {
        let (directory, shape) = self.last()?;
        match shape.checked_sub(SHAPE_DIRECTORY) {
            Some(bits) if entry < 1 << bits => {}
            _ => return Err(damaged(self.at + LAST_IN_HEAD, "directory missing or too small")),
        }
        let entry_at = directory + links_bytes(LEVELS) + 8 * entry;
        match self.link(entry_at)? {
            (at, SHAPE_FIXED) => Ok(at),
            _ => Err(damaged(entry_at, "entry of a directory")),
        }
    }

    /// Offset and shape of the block that the word at `word_at` links to; the shape is one of those a block can have.
    pub(super) fn link(&self, word_at: u64) -> Result<(u64, u8), Error> {
        self.block(self.memory.load(word_at)?).ok_or_else(|| damaged(word_at, "link to an extent"))
    }

    fn block(&self, word: u64) -> Option<(u64, u8)> {
        let directories = SHAPE_DIRECTORY..=shape_plus(SHAPE_DIRECTORY, DIRECTORY_BITS_MAX);
        let chains = SHAPE_CHAIN..shape_plus(SHAPE_CHAIN, LEVELS);
        let (units, shape) = unseal(self.at, word)?;
        let is_block = chains.contains(&shape) || shape == SHAPE_FIXED || directories.contains(&shape);
        is_block.then_some((units * 8, shape))
    }
}

/// Elements that `fill` copies at once: 1 KiB on the stack.
const FILL_ELEMENTS_MAX: usize = 128;
