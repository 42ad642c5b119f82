//! How many bytes a batch of pushes can take, told before the first of them, so that the file is long enough and no push can
//! fail for lack of space. Start at [`Index::need`]. An upper bound; exact for one push of a key.

use super::bulk::TOGETHER;
use super::layout::{
    DIRECTORY_BITS_FIRST, FIXED, FIXED_FROM, LEVELS, TABLE_BITS_MAX, chain_bytes, chain_from, directory_bytes,
    head_bytes,
};
use super::table::{Gap, Spot};
use super::{Error, Head, Index, Memory};

/// A key of the batch and what was found of it.
struct Wanted<'k> {
    key: &'k [u8],
    pushes: u64,
    spot: Spot,
}

impl<M: Memory> Index<M> {
    /// Bytes that pushes to these keys take at most: one entry for each push, in any order. Changes nothing.
    ///
    /// # Errors
    /// The index is damaged on the way to a key.
    pub(crate) fn need<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<u64, Error> {
        let mut bytes = 0;
        let mut gaps = Vec::new();
        for wanted in self.wanted(keys)? {
            match &wanted.spot {
                Spot::Head(at) => bytes += block_bytes(Head::at(self.memory(), *at)?.len(), wanted.pushes),
                Spot::Gap(_) => {
                    bytes += head_bytes(wanted.key.len()) + block_bytes(1, wanted.pushes - 1);
                    gaps.push(wanted);
                }
            }
        }
        gaps.sort_unstable_by_key(|wanted| wanted.gap().map(|gap| gap.root_at));
        for together in gaps.chunk_by(|a, b| a.gap().map(|gap| gap.root_at) == b.gap().map(|gap| gap.root_at)) {
            bytes += self.table_bytes(together)?;
        }
        Ok(bytes)
    }

    /// The different keys, each with the number of its pushes and its place.
    fn wanted<'k, K: AsRef<[u8]>>(&self, keys: &'k [K]) -> Result<Vec<Wanted<'k>>, Error> {
        let mut sorted: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        sorted.sort_unstable();
        let mut different = Vec::with_capacity(sorted.len());
        for same in sorted.chunk_by(|a, b| a == b) {
            if let Some(key) = same.first() {
                different.push((*key, u64::try_from(same.len()).unwrap_or(u64::MAX)));
            }
        }
        let mut wanted = Vec::with_capacity(different.len());
        for together in different.chunks(TOGETHER) {
            let hashes = self.look_ahead(together.iter().map(|(key, _)| *key));
            for ((key, pushes), hash) in together.iter().zip(hashes) {
                wanted.push(Wanted { key, pushes: *pushes, spot: self.locate(hash, key)? });
            }
        }
        Ok(wanted)
    }

    /// Bytes of the tables that new keys of one root can make. The first key is looked at; for each further one the table is
    /// taken to double as soon as it is more than half full, which is the earliest that it may.
    fn table_bytes(&self, together: &[Wanted<'_>]) -> Result<u64, Error> {
        let Some(gap) = together.first().and_then(Wanted::gap) else { return Ok(0) };
        let further = u64::try_from(together.len()).unwrap_or(u64::MAX) - 1;
        let mut wanted = self.bits_wanted(gap)?;
        if further == 0 {
            return Ok(wanted.map_or(0, |bits| 8 << bits.min(TABLE_BITS_MAX)));
        }
        let mut bytes = 0;
        let mut bits = gap.table.map_or(0, |table| table.bits);
        let held = gap.table.map_or(Ok(0), |table| self.names(table))?;
        for names in held..=held.saturating_add(further) {
            let at_half = names > 0 && 2 * (names + 1) > 1 << bits;
            if let Some(larger) = wanted.take().or(at_half.then_some(bits + 1)) {
                bits = larger.min(TABLE_BITS_MAX);
                bytes += 8 << bits;
            }
        }
        Ok(bytes)
    }
}

impl Wanted<'_> {
    fn gap(&self) -> Option<&Gap> {
        match &self.spot {
            Spot::Gap(gap) => Some(gap),
            Spot::Head(_) => None,
        }
    }
}

/// Bytes of the blocks that a list of `len` elements gets while `pushes` more are appended.
fn block_bytes(len: u64, pushes: u64) -> u64 {
    let to = len + pushes;
    let mut bytes = 0;
    for level in 0..LEVELS {
        if (len..to).contains(&chain_from(level)) {
            bytes += chain_bytes(level);
        }
    }
    let (before, after) = (fixed_extents(len), fixed_extents(to));
    bytes += (after - before) * 8 * FIXED;
    let mut bits = DIRECTORY_BITS_FIRST;
    let mut entries = 0;
    while entries < after {
        if before <= entries {
            bytes += directory_bytes(bits);
        }
        entries = 1 << bits;
        bits += 1;
    }
    bytes
}

/// Fixed extents that a list of `len` elements has.
fn fixed_extents(len: u64) -> u64 {
    len.saturating_sub(FIXED_FROM).div_ceil(FIXED)
}
