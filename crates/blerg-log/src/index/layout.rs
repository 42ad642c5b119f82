//! Where every word of the index lies, and how a word is sealed: pure numbers, no memory.
//! Constants are named after the rows of FORMAT.md, section "Index". Start at `seal`.

/// First word of the file: "BLERGIDX".
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"BLERGIDX");
/// Version of the index layout; another one means: build a new index from the log.
pub(crate) const VERSION: u64 = 2;

pub(crate) const MAGIC_AT: u64 = 0;
pub(crate) const SHAPE_AT: u64 = 8;
pub(crate) const GENERATION_AT: u64 = 16;
pub(crate) const FROM_AT: u64 = 24;
pub(crate) const TO_AT: u64 = 32;
pub(crate) const USED_AT: u64 = 40;
pub(crate) const CHECK_AT: u64 = 48;
/// Root slots begin on the second page, so that the header shares no page with them.
pub(crate) const ROOTS_AT: u64 = 4096;

/// 65,536 root slots: a table behind each holds 15 names at a million names, 760 at fifty million.
pub(crate) const ROOT_BITS: u32 = 16;
/// And for the smallest logs, which tests have.
pub(crate) const ROOT_BITS_TINY: u32 = 6;
/// More roots than this are damage: they would take 128 MiB.
pub(crate) const ROOT_BITS_MAX: u32 = 24;
/// Slots of one table: as many as the tag has values.
pub(crate) const TABLE_BITS_MAX: u32 = 24;
/// Bits of a hash that a slot keeps; they also say where in its table a name belongs, so a table is doubled without reading heads.
pub(crate) const TAG_BITS: u32 = 24;
/// A name further than this from its home (two cache lines) makes the table grow, if it is more than half full.
pub(crate) const PROBES: u64 = 16;

/// A key longer than this is refused: the longest is a tag of 64 characters, folded to at most 9 bytes each.
pub(crate) const KEY_BYTES_MAX: usize = 1024;

pub(crate) const COUNT_IN_HEAD: u64 = 0;
pub(crate) const CHANGED_IN_HEAD: u64 = 8;
pub(crate) const INLINE_IN_HEAD: u64 = 16;
pub(crate) const LAST_IN_HEAD: u64 = 32;
pub(crate) const KEY_WORD_IN_HEAD: u64 = 40;
pub(crate) const KEY_IN_HEAD: u64 = 48;

/// Elements that a head holds itself.
pub(crate) const INLINE: u64 = 2;
/// Elements of the first extent; each further one is twice as long.
pub(crate) const EXTENT_FIRST: u64 = 4;
/// Growing extents: 4, 8, ..., 4,096 elements.
pub(crate) const LEVELS: u32 = 11;
/// Elements of a fixed extent: 32 KiB.
pub(crate) const FIXED: u64 = 4096;
/// Index of the first element that lies in a fixed extent: 2 + 4 * (2^11 - 1).
pub(crate) const FIXED_FROM: u64 = INLINE + EXTENT_FIRST * ((1 << LEVELS) - 1);
/// Log2 of the entries of the first directory.
pub(crate) const DIRECTORY_BITS_FIRST: u32 = 3;
/// A directory beyond 2^28 entries (10^12 elements) is damage.
pub(crate) const DIRECTORY_BITS_MAX: u32 = 28;

/// Shapes of sealed words: what the value counts or points to.
pub(crate) const SHAPE_USED: u8 = 0;
pub(crate) const SHAPE_COUNT: u8 = 0;
/// Level 0 of the growing extents; level k is `SHAPE_CHAIN + k`.
pub(crate) const SHAPE_CHAIN: u8 = 1;
pub(crate) const SHAPE_FIXED: u8 = 0x10;
/// A directory of 2^j entries is `SHAPE_DIRECTORY + j`.
pub(crate) const SHAPE_DIRECTORY: u8 = 0x20;
/// A table of 2^j slots is `SHAPE_TABLE + j`.
pub(crate) const SHAPE_TABLE: u8 = 0x60;

/// Values of a sealed word and offsets in a slot have 40 bits; offsets count 8-byte units, so a file has at most 8 TiB.
pub(crate) const VALUE_BITS: u32 = 40;
pub(crate) const VALUE_MAX: u64 = (1 << VALUE_BITS) - 1;
const CHECK_SHIFT: u32 = 48;

/// A word `value:40 | shape:8 | check:16`. The check covers the owner too (the offset of the head or root it belongs to), so that a
/// word that decayed, or that was copied from elsewhere, is noticed before anything is read or written through it.
pub(crate) fn seal(owner: u64, value: u64, shape: u8) -> u64 {
    let body = (value & VALUE_MAX) | (u64::from(shape) << VALUE_BITS);
    body | (check(owner, body) << CHECK_SHIFT)
}

/// Value and shape of a sealed word, or `None` if it was not sealed by this owner.
pub(crate) fn unseal(owner: u64, word: u64) -> Option<(u64, u8)> {
    let body = word & ((1 << CHECK_SHIFT) - 1);
    if word >> CHECK_SHIFT != check(owner, body) {
        return None;
    }
    let shape = u8::try_from(body >> VALUE_BITS).ok()?;
    Some((body & VALUE_MAX, shape))
}

fn check(owner: u64, body: u64) -> u64 {
    let mut x = (body ^ owner.rotate_left(40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 32;
    x.wrapping_mul(0xd6e8_feb8_6659_fd93) >> CHECK_SHIFT
}

/// Where element `index` of a list lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the head.
    Inline(u64),
    /// In a growing extent.
    Chain { level: u32, offset: u64 },
    /// In a fixed extent, found through the directory.
    Fixed { entry: u64, offset: u64 },
}

pub(crate) fn place(index: u64) -> Place {
    if index < INLINE {
        Place::Inline(index)
    } else if index < FIXED_FROM {
        let level = ((index - INLINE) / EXTENT_FIRST + 1).ilog2();
        Place::Chain { level, offset: index - chain_from(level) }
    } else {
        let beyond = index - FIXED_FROM;
        Place::Fixed { entry: beyond / FIXED, offset: beyond % FIXED }
    }
}

/// Index of the first element in the growing extent of `level`.
pub(crate) fn chain_from(level: u32) -> u64 {
    INLINE + EXTENT_FIRST * ((1 << level) - 1)
}

/// Elements of the growing extent of `level`.
pub(crate) fn chain_elements(level: u32) -> u64 {
    EXTENT_FIRST << level
}

/// Bytes of the links with which the growing extent of `level` begins: to each extent before it, from the first on. So each is
/// two steps away, however long the list. A directory begins with links to all of them.
pub(crate) fn links_bytes(level: u32) -> u64 {
    8 * u64::from(level)
}

/// Bytes of the growing extent of `level`: links to those before it, then the elements.
pub(crate) fn chain_bytes(level: u32) -> u64 {
    links_bytes(level) + 8 * chain_elements(level)
}

/// Bytes of a directory: links to the growing extents, then links to the fixed ones.
pub(crate) fn directory_bytes(bits: u32) -> u64 {
    links_bytes(LEVELS) + (8 << bits)
}

/// Bytes of a head with a key of this length.
pub(crate) fn head_bytes(key_bytes: usize) -> u64 {
    KEY_IN_HEAD + u64::try_from(key_bytes.next_multiple_of(8)).unwrap_or(u64::MAX / 2)
}

/// The word before a key: its length and the part of its hash that the root's number does not tell.
pub(crate) fn key_word(hash: u64, key_bytes: usize) -> u64 {
    (hash & !0xffff) | u64::try_from(key_bytes & 0xffff).unwrap_or(0)
}

/// The tag of a hash: bits 16 to 40 (the lower ones choose the root).
pub(crate) fn tag(hash: u64) -> u64 {
    (hash >> 16) & ((1 << TAG_BITS) - 1)
}
