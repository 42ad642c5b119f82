//! Walks through a whole index: every key, every element. Start at [`Index::for_each_key`].
//! For `check` and for tests; it never changes anything, and it stops at the first damage.

use super::layout::{
    DIRECTORY_BITS_FIRST, FIXED, FIXED_FROM, KEY_BYTES_MAX, KEY_IN_HEAD, KEY_WORD_IN_HEAD, LEVELS, ROOTS_AT,
    VALUE_BITS, chain_bytes, chain_from, directory_bytes, head_bytes, key_word, tag,
};
use super::table::Spot;
use super::{Error, Head, Index, Memory, Position, damaged};

/// What `verify` counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Different keys, each with a list of at least one element.
    pub(crate) keys: u64,
    /// Elements of all lists.
    pub(crate) elements: u64,
    /// Bytes that all this takes, header and roots included.
    pub(crate) live_bytes: u64,
    /// Bytes in use: the live ones, outgrown tables and directories, and what killed writers leaked.
    pub(crate) used_bytes: u64,
}

impl<M: Memory> Index<M> {
    /// Shows every key and its list once, in no useful order.
    ///
    /// # Errors
    /// The index is damaged, or `show` answered so.
    pub(crate) fn for_each_key(
        &self,
        mut show: impl FnMut(&[u8], Head<'_, M>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for root in 0..1 << self.root_bits {
            let root_at = ROOTS_AT + 8 * root;
            let Some(table) = self.table(root_at)? else { continue };
            for number in 0..table.slots() {
                let slot_at = table.at + 8 * number;
                let slot = self.memory().load(slot_at)?;
                if slot != 0 {
                    let at = self.slot_head(slot_at, slot)?;
                    let key = self.key_at(at, root, slot >> VALUE_BITS)?;
                    show(&key, Head::at(self.memory(), at)?)?;
                }
            }
        }
        Ok(())
    }

    /// The key of the head at `at`, to which a slot with this root and tag led.
    fn key_at(&self, at: u64, root: u64, slot_tag: u64) -> Result<Vec<u8>, Error> {
        let word_at = at + KEY_WORD_IN_HEAD;
        let word = self.memory().load(word_at)?;
        let bytes = usize::from(u16::try_from(word & 0xffff).unwrap_or(u16::MAX));
        if bytes > KEY_BYTES_MAX {
            return Err(damaged(word_at, "length of a key"));
        }
        let mut key = vec![0; bytes];
        self.memory().read(at + KEY_IN_HEAD, &mut key)?;
        let hash = self.hasher.hash(&key);
        if key_word(hash, bytes) != word || tag(hash) != slot_tag || hash & ((1 << self.root_bits) - 1) != root {
            return Err(damaged(word_at, "key"));
        }
        Ok(key)
    }

    /// Reads everything: every key is found where it is, every list strictly increases.
    ///
    /// # Errors
    /// The first damage that was met.
    pub(crate) fn verify(&self) -> Result<Summary, Error> {
        let mut sum = Summary { live_bytes: self.first(), ..Summary::default() };
        for root in 0..1 << self.root_bits {
            sum.live_bytes += self.table(ROOTS_AT + 8 * root)?.map_or(0, super::table::Table::bytes);
        }
        self.for_each_key(|key, head| {
            match self.locate(self.hasher.hash(key), key)? {
                Spot::Head(at) if at == head.offset() => {}
                _ => return Err(damaged(head.offset(), "key that is there twice")),
            }
            let mut last = None;
            elements(&head, |position| {
                if last >= Some(position) {
                    return Err(damaged(head.offset(), "list that does not increase"));
                }
                last = Some(position);
                Ok(())
            })?;
            if last > Some(head.changed()) {
                return Err(damaged(head.offset(), "change older than the last element"));
            }
            sum.keys += 1;
            sum.elements += head.len();
            sum.live_bytes += head_bytes(key.len()) + blocks_bytes(head.len());
            Ok(())
        })?;
        // Last: a writer may be at work, and what was just counted was taken into use before.
        sum.used_bytes = self.used()?;
        if sum.live_bytes > sum.used_bytes {
            return Err(damaged(super::layout::USED_AT, "less in use than there is"));
        }
        Ok(sum)
    }
}

/// Shows all elements of a list in order.
pub(super) fn elements<M: Memory>(
    head: &Head<'_, M>,
    mut show: impl FnMut(Position) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut buffer = [Position(0); ELEMENTS_AT_ONCE];
    let mut from = 0;
    while from < head.len() {
        let count = usize::try_from(head.len() - from).unwrap_or(usize::MAX).min(ELEMENTS_AT_ONCE);
        let (now, _) = buffer.split_at_mut(count);
        head.fill(from, now)?;
        for position in now {
            show(*position)?;
            from += 1;
        }
    }
    Ok(())
}

/// Bytes of the blocks of a list, outgrown directories not counted.
fn blocks_bytes(len: u64) -> u64 {
    let chain: u64 = (0..LEVELS).filter(|level| len > chain_from(*level)).map(chain_bytes).sum();
    let fixed = len.saturating_sub(FIXED_FROM).div_ceil(FIXED);
    let directory = match fixed {
        0 => 0,
        _ => directory_bytes(fixed.next_power_of_two().ilog2().max(DIRECTORY_BITS_FIRST)),
    };
    chain + directory + 8 * FIXED * fixed
}

/// Elements copied at once.
const ELEMENTS_AT_ONCE: usize = 256;
