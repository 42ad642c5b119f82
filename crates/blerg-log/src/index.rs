//! The list index: a map from key bytes to a strictly increasing list of log positions, in one mutable file. Start at [`Index`].
//!
//! It is derived from the log and can be thrown away. One writer at a time (he holds the store's lock), any number of readers in
//! any process, which take no lock. Every change becomes visible by exactly one 8-byte release store, of a word that readers
//! load with acquire before they touch what it publishes: the element, then the count; a head, then its slot; a table with the
//! new name in it, then its root. Published bytes never move and never change, so a reader who holds an older word still finds
//! all it promised, and a writer killed between two stores leaks some bytes and nothing else.
//!
//! Every offset is checked before it is used: a damaged index answers `Err(Fault::Damaged)` or misses something, it never
//! panics, never loops for ever and never leaves its file. It allocates only at the end of the file, never frees, and does no
//! I/O but through [`Memory`]. Layout: FORMAT.md, section "Index".

mod bulk;
mod check;
mod head;
mod layout;
mod need;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;

use siphasher::sip::SipHasher13;

pub(crate) use bulk::{Grow, Push, is_filler};
pub(crate) use head::Head;
use layout::{
    CHANGED_IN_HEAD, CHECK_AT, COUNT_IN_HEAD, DIRECTORY_BITS_FIRST, DIRECTORY_BITS_MAX, FIXED, FROM_AT, GENERATION_AT,
    INLINE_IN_HEAD, KEY_BYTES_MAX, KEY_IN_HEAD, KEY_WORD_IN_HEAD, LAST_IN_HEAD, LEVELS, MAGIC, MAGIC_AT, Place,
    ROOT_BITS_MAX, ROOTS_AT, SHAPE_AT, SHAPE_CHAIN, SHAPE_COUNT, SHAPE_DIRECTORY, SHAPE_FIXED, SHAPE_USED, TO_AT,
    USED_AT, VALUE_MAX, VERSION, chain_bytes, directory_bytes, key_word, links_bytes, place, seal, unseal,
};
pub(crate) use layout::{ROOT_BITS, ROOT_BITS_TINY};

use crate::{Error, Position};

/// Bytes of an index without a key: the least that a memory for [`Index::format`] must have reserved.
pub(crate) const EMPTY_BYTES: u64 = ROOTS_AT + (8 << ROOT_BITS);

/// The bytes of one index file, little-endian words of 8 bytes. `at` is always a multiple of 8.
///
/// Duties, on which the ordering argument rests: `load` is an acquire and `store` a release of one word, and neither is ever
/// torn; stores happen in program order; anything out of range is `Err`, never undefined. A reader whose file may have grown
/// since he mapped it looks at its length again before he says "out of range".
pub(crate) trait Memory {
    /// Bytes that are reserved, so that a store to them cannot fail. Only the writer asks.
    fn bytes(&self) -> u64;
    /// Acquire load of the word at `at`.
    ///
    /// # Errors
    /// The word is outside of the file, or could not be read.
    fn load(&self, at: u64) -> Result<u64, Error>;
    /// Release store of the word at `at`.
    ///
    /// # Errors
    /// The word is outside of the file, or could not be written.
    fn store(&self, at: u64, v: u64) -> Result<(), Error>;
    /// Copies bytes that are published and immutable (so they cannot be torn).
    ///
    /// # Errors
    /// They are outside of the file, or could not be read.
    fn read(&self, at: u64, buf: &mut [u8]) -> Result<(), Error>;
    /// Fills bytes that nobody can see yet; a whole number of words.
    ///
    /// # Errors
    /// They are outside of the file, or could not be written.
    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error>;
}

/// What can be wrong with an index; all of it is mended by building a new one from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A word at this offset is not what it must be.
    Damaged { at: u64, what: &'static str },
    /// The writer asked for more bytes than are reserved ([`Index::need`] was not heeded).
    Full { bytes: u64 },
    /// A key longer than `KEY_BYTES_MAX`.
    KeyLength { bytes: usize },
    /// An element beyond the end of its list was asked for.
    Element { index: u64, len: u64 },
    /// An element is to get a number before which more are missing than there are positions to stand for them.
    Missing { number: u64, len: u64, position: u64 },
    /// Not an index, or one of another version or another site.
    Foreign { what: &'static str },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Damaged { at, what } => write!(f, "index: damaged at byte {at}: {what}"),
            Fault::Full { bytes } => write!(f, "index: {bytes} bytes wanted, fewer are reserved"),
            Fault::KeyLength { bytes } => write!(f, "index: key of {bytes} bytes, limit {KEY_BYTES_MAX}"),
            Fault::Element { index, len } => write!(f, "index: element {index} of a list of {len}"),
            Fault::Missing { number, len, position } => {
                write!(f, "index: number {number} at {position} of a list of {len}")
            }
            Fault::Foreign { what } => write!(f, "index: {what}"),
        }
    }
}

fn damaged(at: u64, what: &'static str) -> Error {
    Fault::Damaged { at, what }.into()
}

/// How a key becomes 64 bits. Names are chosen by visitors, so the hash is keyed by a secret of the site.
enum Hasher {
    Sip(SipHasher13),
    #[cfg(test)]
    Plain(fn(&[u8]) -> u64),
}

impl Hasher {
    fn hash(&self, key: &[u8]) -> u64 {
        match self {
            Hasher::Sip(sip) => sip.hash(key),
            #[cfg(test)]
            Hasher::Plain(hash) => hash(key),
        }
    }
}

/// Key bytes -> strictly increasing list of positions, and the last position that changed it.
///
/// `find` and the iterations are for everybody; `push`, `touch` and `stamp` for the one who holds the store's lock.
pub(crate) struct Index<M> {
    memory: M,
    hasher: Hasher,
    root_bits: u32,
    /// As it was noted when this was opened; an index that nobody reads yet has none.
    generation: u64,
}

/// Bytes of the header.
const HEADER_BYTES: usize = 56;

impl<M: Memory> Index<M> {
    /// Makes an empty index in a memory of zeros with at least [`EMPTY_BYTES`] reserved, with 2^`root_bits` roots, at most
    /// 2^[`ROOT_BITS`].
    ///
    /// # Errors
    /// The memory is too small or cannot be written.
    pub(crate) fn format(memory: M, key: &[u8; 16], root_bits: u32) -> Result<Index<M>, Error> {
        Self::format_with(memory, Hasher::Sip(SipHasher13::new_with_key(key)), root_bits)
    }

    fn format_with(memory: M, hasher: Hasher, root_bits: u32) -> Result<Index<M>, Error> {
        let bytes = ROOTS_AT + (8 << root_bits);
        if memory.bytes() < bytes {
            return Err(Fault::Full { bytes }.into());
        }
        let index = Index { memory, hasher, root_bits, generation: 0 };
        index.memory.store(USED_AT, seal(USED_AT, bytes / 8, SHAPE_USED))?;
        index.memory.store(SHAPE_AT, shape_word(root_bits))?;
        index.memory.store(CHECK_AT, index.header_check())?;
        index.memory.store(MAGIC_AT, MAGIC)?;
        Ok(index)
    }

    /// Opens an index that `format` made with the same key; looks at the header only.
    ///
    /// # Errors
    /// It is none, of another version or site, or its header is damaged.
    pub(crate) fn open(memory: M, key: &[u8; 16]) -> Result<Index<M>, Error> {
        Self::open_with(memory, Hasher::Sip(SipHasher13::new_with_key(key)))
    }

    fn open_with(memory: M, hasher: Hasher) -> Result<Index<M>, Error> {
        // All that never changes, at once.
        let mut header = [0; HEADER_BYTES];
        memory.read(0, &mut header)?;
        let word = |at: u64| {
            let bytes = header.get(usize::try_from(at).unwrap_or(usize::MAX)..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |word| u64::from_le_bytes(*word))
        };
        if word(MAGIC_AT) != MAGIC {
            return Err(Fault::Foreign { what: "not an index file" }.into());
        }
        let (shape, generation) = (word(SHAPE_AT), word(GENERATION_AT));
        let root_bits = u32::try_from(shape >> 32).unwrap_or(u32::MAX);
        if root_bits > ROOT_BITS_MAX || shape != shape_word(root_bits) {
            return Err(Fault::Foreign { what: "another version" }.into());
        }
        let check = word(CHECK_AT);
        let index = Index { memory, hasher, root_bits, generation };
        if check != index.header_check() {
            return Err(Fault::Foreign { what: "of another site, or its header is damaged" }.into());
        }
        index.used()?;
        Ok(index)
    }

    /// Bytes in use from the start of the file; everything behind them is free.
    ///
    /// # Errors
    /// The word that says so is damaged.
    pub(crate) fn used(&self) -> Result<u64, Error> {
        match unseal(USED_AT, self.memory.load(USED_AT)?) {
            Some((units, SHAPE_USED)) if units * 8 >= self.first() => Ok(units * 8),
            _ => Err(damaged(USED_AT, "allocation mark")),
        }
    }

    /// Notes the generation and the covered range `[from, to)` of an index that nobody reads yet.
    ///
    /// # Errors
    /// The memory cannot be written.
    pub(crate) fn stamp(&self, generation: u64, from: Position, to: Position) -> Result<(), Error> {
        self.memory.store(GENERATION_AT, generation)?;
        self.memory.store(FROM_AT, from.0)?;
        self.memory.store(TO_AT, to.0)
    }

    /// The generation that was noted in the index when it was opened.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The memory, for one who must sync or grow it.
    pub(crate) fn memory(&self) -> &M {
        &self.memory
    }

    /// The list of `key`, as it is now: its length is fixed, later pushes do not show in it.
    ///
    /// # Errors
    /// The index is damaged on the way to it.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<Head<'_, M>>, Error> {
        self.find_hashed(self.hasher.hash(key), key)
    }

    fn find_hashed(&self, hash: u64, key: &[u8]) -> Result<Option<Head<'_, M>>, Error> {
        match self.locate(hash, key)? {
            table::Spot::Head(at) => Ok(Some(Head::at(&self.memory, at)?)),
            table::Spot::Gap(_) => Ok(None),
        }
    }

    /// Appends `position` to the list of `key`, unless the list already reaches it (so replaying is harmless), and raises its
    /// `changed`. The bytes that [`Index::need`] told must have been reserved.
    ///
    /// # Errors
    /// Nothing became visible, unless the error came from the memory itself: damage, a key too long, or no bytes reserved.
    pub(crate) fn push(&self, key: &[u8], position: Position) -> Result<(), Error> {
        self.push_hashed(self.hasher.hash(key), key, position)
    }

    fn push_hashed(&self, hash: u64, key: &[u8], position: Position) -> Result<(), Error> {
        if key.len() > KEY_BYTES_MAX {
            return Err(Fault::KeyLength { bytes: key.len() }.into());
        }
        match self.locate(hash, key)? {
            table::Spot::Head(at) => self.append(at, position),
            table::Spot::Gap(gap) => self.insert(&gap, hash, key, position),
        }
    }

    /// Raises `changed` of the list of `key` to `position`; without such a list there is nothing to raise.
    ///
    /// # Errors
    /// The index is damaged on the way to it.
    pub(crate) fn touch(&self, key: &[u8], position: Position) -> Result<(), Error> {
        match self.locate(self.hasher.hash(key), key)? {
            table::Spot::Head(at) => self.raise(at, position),
            table::Spot::Gap(_) => Ok(()),
        }
    }

    /// First byte behind the root slots: no block begins before it.
    fn first(&self) -> u64 {
        ROOTS_AT + (8 << self.root_bits)
    }

    fn header_check(&self) -> u64 {
        let mut words = [0; 16];
        let (magic, shape) = words.split_at_mut(8);
        magic.copy_from_slice(&MAGIC.to_le_bytes());
        shape.copy_from_slice(&shape_word(self.root_bits).to_le_bytes());
        self.hasher.hash(&words)
    }

    /// Takes `bytes` (a multiple of 8) from the end. The mark moves first: a writer killed after it leaks them, but no later
    /// one ever finds his half-written words in fresh bytes.
    fn allocate(&self, bytes: u64) -> Result<u64, Error> {
        let at = self.used()?;
        let end = at + bytes;
        if end > self.memory.bytes() || end / 8 > VALUE_MAX {
            return Err(Fault::Full { bytes: end }.into());
        }
        self.memory.store(USED_AT, seal(USED_AT, end / 8, SHAPE_USED))?;
        Ok(at)
    }

    /// Writes a complete head with one element at `at`.
    fn write_head(&self, at: u64, hash: u64, key: &[u8], position: Position) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(128);
        for word in [seal(at, 1, SHAPE_COUNT), position.0, position.0, 0, 0, key_word(hash, key.len())] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(key);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        self.memory.write(at, &bytes)
    }

    /// Appends to an existing list. `changed` goes before the element, so that it is never older than the last one, whenever
    /// the writer is killed; a list whose `changed` is older than `position` then takes it without a look at its last element.
    fn append(&self, at: u64, position: Position) -> Result<(), Error> {
        let head = Head::at(&self.memory, at)?;
        let len = head.len();
        if head.changed() >= position && head.get(len - 1)? >= position {
            return Ok(());
        }
        let element_at = self.room(&head)?;
        self.raise(at, position)?;
        self.memory.store(element_at, position.0)?;
        // Here the element becomes visible, and with it the blocks that `room` made, if any.
        self.memory.store(at + COUNT_IN_HEAD, seal(at, len + 1, SHAPE_COUNT))
    }

    fn raise(&self, at: u64, position: Position) -> Result<(), Error> {
        let changed_at = at + CHANGED_IN_HEAD;
        if self.memory.load(changed_at)? < position.0 {
            self.memory.store(changed_at, position.0)?;
        }
        Ok(())
    }

    /// Offset of the word for the next element. Blocks are made and linked as needed: a reader does not mind, because a newer
    /// block leads back to all the older ones.
    fn room(&self, head: &Head<'_, M>) -> Result<u64, Error> {
        match place(head.len()) {
            Place::Inline(index) => Ok(head.offset() + INLINE_IN_HEAD + 8 * index),
            Place::Chain { level, offset } => {
                let block = if offset == 0 { self.chain_room(head, level)? } else { head.chain(level)? };
                Ok(block + links_bytes(level) + 8 * offset)
            }
            Place::Fixed { entry, offset } => {
                let block = if offset == 0 { self.fixed_room(head, entry)? } else { head.fixed(entry)? };
                Ok(block + 8 * offset)
            }
        }
    }

    /// The growing extent of `level`, which is to get its first element.
    fn chain_room(&self, head: &Head<'_, M>, level: u32) -> Result<u64, Error> {
        let last_at = head.offset() + LAST_IN_HEAD;
        let before = self.memory.load(last_at)?;
        let shape = shape_plus(SHAPE_CHAIN, level);
        if before != 0 {
            let (at, found) = head.link(last_at)?;
            if found == shape {
                // A writer was killed after linking it: an empty extent of the right size.
                return Ok(at);
            }
            if level == 0 || found != shape - 1 {
                return Err(damaged(last_at, "link to the last extent"));
            }
        } else if level != 0 {
            return Err(damaged(last_at, "no extents"));
        }
        let links = self.links_with(head, level)?;
        let at = self.allocate(chain_bytes(level))?;
        self.memory.write(at, &links)?;
        self.memory.store(last_at, seal(head.offset(), at / 8, shape))?;
        Ok(at)
    }

    /// Links to all growing extents below `level`: those with which the last of them begins, and one to that.
    fn links_with(&self, head: &Head<'_, M>, level: u32) -> Result<Vec<u8>, Error> {
        let Some(below) = level.checked_sub(1) else { return Ok(Vec::new()) };
        let last = head.chain(below)?;
        let mut links = vec![0; 8 * below as usize];
        self.memory.read(last, &mut links)?;
        links.extend_from_slice(&seal(head.offset(), last / 8, shape_plus(SHAPE_CHAIN, below)).to_le_bytes());
        Ok(links)
    }

    /// The fixed extent of number `entry`, which is to get its first element.
    fn fixed_room(&self, head: &Head<'_, M>, entry: u64) -> Result<u64, Error> {
        let last_at = head.offset() + LAST_IN_HEAD;
        let (last, shape) = head.link(last_at)?;
        let directory = match shape.checked_sub(SHAPE_DIRECTORY) {
            Some(bits) if entry < 1 << bits => last,
            Some(bits) => self.new_directory(head, last, u32::from(bits) + 1)?,
            None => self.new_directory(head, last, DIRECTORY_BITS_FIRST)?,
        };
        let at = self.allocate(8 * FIXED)?;
        self.memory.store(directory + links_bytes(LEVELS) + 8 * entry, seal(head.offset(), at / 8, SHAPE_FIXED))?;
        Ok(at)
    }

    /// A directory of 2^bits entries with those of `last`, if that is one, at its beginning; then linked as the last block.
    fn new_directory(&self, head: &Head<'_, M>, last: u64, bits: u32) -> Result<u64, Error> {
        let last_at = head.offset() + LAST_IN_HEAD;
        if bits > DIRECTORY_BITS_MAX {
            return Err(damaged(last_at, "directory too large"));
        }
        let bytes = directory_bytes(bits);
        let mut words = Vec::new();
        if bits == DIRECTORY_BITS_FIRST {
            // The first directory comes behind the last growing extent.
            words = self.links_with(head, LEVELS)?;
        } else {
            let old = directory_bytes(bits - 1);
            if last + old > self.used()? {
                return Err(damaged(last_at, "directory beyond the end"));
            }
            words.resize(usize::try_from(old).map_err(|_| damaged(last_at, "directory too large"))?, 0);
            self.memory.read(last, &mut words)?;
        }
        words.resize(usize::try_from(bytes).map_err(|_| damaged(last_at, "directory too large"))?, 0);
        let at = self.allocate(bytes)?;
        self.memory.write(at, &words)?;
        self.memory.store(last_at, seal(head.offset(), at / 8, shape_plus(SHAPE_DIRECTORY, bits)))?;
        Ok(at)
    }
}

fn shape_word(root_bits: u32) -> u64 {
    VERSION | (u64::from(root_bits) << 32)
}

fn shape_plus(shape: u8, plus: u32) -> u8 {
    shape.saturating_add(u8::try_from(plus).unwrap_or(u8::MAX))
}

const _: () = assert!(KEY_WORD_IN_HEAD + 8 == KEY_IN_HEAD, "the key follows its word");
const _: () = assert!(KEY_BYTES_MAX < 1 << 16, "the length of a key has 16 bits in its word");
