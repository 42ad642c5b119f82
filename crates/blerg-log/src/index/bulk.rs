//! Many keys at once. A push waits for memory four times, each time for an address that it has just read. So a batch is looked
//! up in steps, one step for all its keys, and the waits overlap; then all that the pushes need is at hand. Start at
//! [`Index::push_all_growing`], which is how a rebuild fills an index of its own: three times as fast as one push after another.

use super::layout::{COUNT_IN_HEAD, KEY_IN_HEAD, PROBES, VALUE_BITS, tag};
use super::{Error, Fault, Head, Index, Memory, Position};

/// Keys that are looked up together: more than the misses a processor has under way at once, few enough for its first cache.
pub(super) const TOGETHER: usize = 32;
/// Bytes that are kept free at least: more than one push takes, but for a large table or directory.
const GROW_SLACK: u64 = 256 << 10;

/// Frames begin at multiples of this.
const FRAME_ALIGN: u64 = 8;

/// A memory that can become longer.
pub(crate) trait Grow {
    /// Reserves at least `bytes` in all; new bytes are zero.
    ///
    /// # Errors
    /// There is no room for them.
    fn grow(&self, bytes: u64) -> Result<(), Error>;
}

/// One push of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Push<K> {
    pub(crate) key: K,
    /// The number that the element must get, if its list is one in which numbers mean something.
    pub(crate) number: Option<u64>,
    pub(crate) position: Position,
}

impl<M: Memory + Grow> Index<M> {
    /// The same pushes in the same order, and the same index, as by `push`; only faster, and the memory grows when it must.
    /// Numbers that are missing before the one an element must get are filled with positions behind the last element at which no
    /// frame can begin; a list that has the number already stays as it is.
    ///
    /// # Errors
    /// As for `push`, the memory cannot grow, or more numbers are missing than there are positions for them. The pushes before
    /// the one that failed are done.
    pub(crate) fn push_all_growing<K: AsRef<[u8]>>(&self, batch: &[Push<K>]) -> Result<(), Error> {
        for together in batch.chunks(TOGETHER) {
            let hashes = self.look_ahead(together.iter().map(|push| push.key.as_ref()));
            for (Push { key, number, position }, hash) in together.iter().zip(hashes) {
                if let Some(number) = number {
                    self.fill_up(hash, key.as_ref(), *number, *position)?;
                }
                self.grow_ahead()?;
                self.push_hashed(hash, key.as_ref(), *position)?;
            }
        }
        Ok(())
    }

    /// Makes a list at least `wanted` elements long, with such positions before `before`; not quite as long if there are not as many.
    ///
    /// # Errors
    /// As for [`Index::push_all_growing`].
    pub(crate) fn lengthen(&self, key: &[u8], wanted: u64, before: Position) -> Result<(), Error> {
        let hash = self.hasher.hash(key);
        let (len, free) = self.len_and_free(hash, key)?;
        self.fill(hash, key, free, wanted.saturating_sub(len).min(fillers(free, before.0)))
    }

    /// Fills a list up to the element before `number`.
    fn fill_up(&self, hash: u64, key: &[u8], number: u64, position: Position) -> Result<(), Error> {
        if number == 0 {
            return Ok(());
        }
        let (len, free) = self.len_and_free(hash, key)?;
        let missing = number.saturating_sub(len);
        if missing > fillers(free, position.0) {
            return Err(Fault::Missing { number, len, position: position.0 }.into());
        }
        self.fill(hash, key, free, missing)
    }

    /// The length of a list, and the position behind its last element.
    fn len_and_free(&self, hash: u64, key: &[u8]) -> Result<(u64, u64), Error> {
        Ok(match self.find_hashed(hash, key)? {
            Some(head) => (head.len(), head.get(head.len() - 1)?.0.saturating_add(1)),
            None => (0, 1),
        })
    }

    fn fill(&self, hash: u64, key: &[u8], free: u64, missing: u64) -> Result<(), Error> {
        let count = usize::try_from(missing).unwrap_or(usize::MAX);
        for filler in (free..).filter(|at| is_filler(Position(*at))).take(count) {
            self.grow_ahead()?;
            self.push_hashed(hash, key, Position(filler))?;
        }
        Ok(())
    }

    /// Sees to it that one push has room. A table or directory is a small part of the names or lists that it is for.
    fn grow_ahead(&self) -> Result<(), Error> {
        let used = self.used()?;
        let slack = GROW_SLACK + used / 64;
        if used + slack > self.memory.bytes() {
            self.memory.grow(used + slack)?;
        }
        Ok(())
    }
}

/// Whether a position stands for a number whose frame is lost: no frame begins there.
pub(crate) fn is_filler(position: Position) -> bool {
    !position.0.is_multiple_of(FRAME_ALIGN)
}

/// How many such positions there are from `from` on and before `before`.
fn fillers(from: u64, before: u64) -> u64 {
    before.saturating_sub(from) - before.div_ceil(FRAME_ALIGN).saturating_sub(from.div_ceil(FRAME_ALIGN))
}

impl<M: Memory> Index<M> {
    /// Hashes of up to `TOGETHER` keys; on the way loads what `find` or `push` will load for them. Each step first finds an
    /// address for every key, in what the step before has loaded, and then loads from all of them in a loop so short that many
    /// loads are under way at once. That is only a hint: what cannot be loaded, or is not the right name after all, is passed over.
    pub(super) fn look_ahead<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> [u64; TOGETHER] {
        let mut all = [0; TOGETHER];
        let mut count = 0;
        for (hash, key) in all.iter_mut().zip(keys) {
            *hash = self.hasher.hash(key);
            count += 1;
        }
        let mut ats = [0; TOGETHER];
        let ((hashes, _), (ats, _)) = (all.split_at(count), ats.split_at_mut(count));
        for (hash, at) in hashes.iter().zip(ats.iter_mut()) {
            *at = self.root_at(*hash);
        }
        self.load_all(ats, 0);
        for (hash, at) in hashes.iter().zip(ats.iter_mut()) {
            *at = self.table(*at).ok().flatten().map_or(0, |table| table.slot_at(tag(*hash), 0));
        }
        self.load_all(ats, 0);
        for (hash, at) in hashes.iter().zip(ats.iter_mut()) {
            *at = self.first_with_tag(*hash).unwrap_or(0);
        }
        self.load_all(ats, COUNT_IN_HEAD);
        self.load_all(ats, KEY_IN_HEAD);
        for at in ats.iter_mut() {
            // The element before the next one: mostly in the line where the next one goes.
            let element =
                (*at > 0).then(|| Head::at(&self.memory, *at).and_then(|head| head.element_at(head.len() - 1)));
            *at = element.and_then(Result::ok).unwrap_or(0);
        }
        self.load_all(ats, 0);
        all
    }

    fn load_all(&self, ats: &[u64], plus: u64) {
        let mut sum = 0;
        for at in ats {
            sum ^= self.memory.load(*at + plus).unwrap_or(0);
        }
        std::hint::black_box(sum);
    }

    /// Where the first head with the tag of `hash` is.
    fn first_with_tag(&self, hash: u64) -> Option<u64> {
        let table = self.table(self.root_at(hash)).ok()??;
        for probe in 0..PROBES.min(table.slots()) {
            let slot_at = table.slot_at(tag(hash), probe);
            let slot = self.memory.load(slot_at).ok()?;
            if slot >> VALUE_BITS == tag(hash) || slot == 0 {
                return self.slot_head(slot_at, slot).ok();
            }
        }
        None
    }
}
