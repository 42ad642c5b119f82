//! Names: root slot -> table -> head. A table is a power of two of slots `tag:24 | offset:40`, probed one after the other.
//! Start at `locate`. A name never moves or goes within a table; a full table is copied into one of twice its size.

use super::layout::{
    KEY_IN_HEAD, KEY_WORD_IN_HEAD, PROBES, ROOTS_AT, SHAPE_TABLE, TABLE_BITS_MAX, VALUE_BITS, VALUE_MAX, head_bytes,
    key_word, seal, tag, unseal,
};
use super::{Error, Index, Memory, Position, damaged, shape_plus};

/// Where a key is, or where it would be.
pub(super) enum Spot {
    /// Its head.
    Head(u64),
    /// Nowhere.
    Gap(Gap),
}

/// Where a key that is not there would go.
pub(super) struct Gap {
    pub(super) root_at: u64,
    pub(super) table: Option<Table>,
    /// The first empty slot on its way, and how far from home that is.
    empty: Option<(u64, u64)>,
}

/// A table of 2^bits slots.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) at: u64,
    pub(super) bits: u32,
}

impl Table {
    pub(super) fn slots(self) -> u64 {
        1 << self.bits
    }

    pub(super) fn bytes(self) -> u64 {
        8 << self.bits
    }

    pub(super) fn slot_at(self, tag: u64, probe: u64) -> u64 {
        self.at + 8 * (tag.wrapping_add(probe) & (self.slots() - 1))
    }
}

impl<M: Memory> Index<M> {
    /// Looks a key up. Both the root and the slot are loaded with acquire: what they lead to is complete.
    pub(super) fn locate(&self, hash: u64, key: &[u8]) -> Result<Spot, Error> {
        let root_at = self.root_at(hash);
        let Some(table) = self.table(root_at)? else {
            return Ok(Spot::Gap(Gap { root_at, table: None, empty: None }));
        };
        let tag = tag(hash);
        for probe in 0..table.slots() {
            let slot_at = table.slot_at(tag, probe);
            let slot = self.memory.load(slot_at)?;
            if slot == 0 {
                return Ok(Spot::Gap(Gap { root_at, table: Some(table), empty: Some((slot_at, probe)) }));
            }
            if slot >> VALUE_BITS == tag {
                let at = self.slot_head(slot_at, slot)?;
                if self.has_key(at, hash, key)? {
                    return Ok(Spot::Head(at));
                }
            }
        }
        Ok(Spot::Gap(Gap { root_at, table: Some(table), empty: None }))
    }

    pub(super) fn root_at(&self, hash: u64) -> u64 {
        ROOTS_AT + 8 * (hash & ((1 << self.root_bits) - 1))
    }

    /// The table behind a root slot, if there is one.
    pub(super) fn table(&self, root_at: u64) -> Result<Option<Table>, Error> {
        let word = self.memory.load(root_at)?;
        if word == 0 {
            return Ok(None);
        }
        let (units, shape) = unseal(root_at, word).ok_or_else(|| damaged(root_at, "root slot"))?;
        let bits = u32::from(shape.wrapping_sub(SHAPE_TABLE));
        if bits > TABLE_BITS_MAX || units * 8 < self.first() {
            return Err(damaged(root_at, "root slot"));
        }
        Ok(Some(Table { at: units * 8, bits }))
    }

    /// The head that a slot points to.
    pub(super) fn slot_head(&self, slot_at: u64, slot: u64) -> Result<u64, Error> {
        let at = (slot & VALUE_MAX) * 8;
        if at < self.first() {
            return Err(damaged(slot_at, "slot"));
        }
        Ok(at)
    }

    fn has_key(&self, at: u64, hash: u64, key: &[u8]) -> Result<bool, Error> {
        // The word first: the key found may be shorter than the one wanted, and be the last thing in the file.
        let mut word = [0; 8];
        self.memory.read(at + KEY_WORD_IN_HEAD, &mut word)?;
        if word != key_word(hash, key.len()).to_le_bytes() {
            return Ok(false);
        }
        let mut part_at = at + KEY_IN_HEAD;
        for part in key.chunks(PART) {
            let mut found = [0; PART];
            let (found, _) = found.split_at_mut(part.len());
            self.memory.read(part_at, found)?;
            if found != part {
                return Ok(false);
            }
            part_at += PART_BYTES;
        }
        Ok(true)
    }

    /// The bits of the table that must be made before the key can go in; `None` if there is room.
    pub(super) fn bits_wanted(&self, gap: &Gap) -> Result<Option<u32>, Error> {
        match (gap.table, gap.empty) {
            (None, _) => Ok(Some(0)),
            (Some(table), None) => Ok(Some(table.bits + 1)),
            (Some(table), Some((_, probe))) if probe >= PROBES && 2 * self.names(table)? > table.slots() => {
                Ok(Some(table.bits + 1))
            }
            _ => Ok(None),
        }
    }

    /// Slots in use.
    pub(super) fn names(&self, table: Table) -> Result<u64, Error> {
        let mut names = 0;
        for number in 0..table.slots() {
            names += u64::from(self.memory.load(table.at + 8 * number)? != 0);
        }
        Ok(names)
    }

    /// Puts a new key with one element into its gap: the head first, complete, and last the one word that shows it.
    pub(super) fn insert(&self, gap: &Gap, hash: u64, key: &[u8], position: Position) -> Result<(), Error> {
        let head = head_bytes(key.len());
        let Some(bits) = self.bits_wanted(gap)? else {
            let (slot_at, _) = gap.empty.ok_or_else(|| damaged(gap.root_at, "table without an empty slot"))?;
            let at = self.allocate(head)?;
            self.write_head(at, hash, key, position)?;
            return self.memory.store(slot_at, slot(hash, at));
        };
        if bits > TABLE_BITS_MAX {
            return Err(damaged(gap.root_at, "table too large"));
        }
        let mut slots = self.copy_slots(gap.table, bits)?;
        let table = Table { at: 0, bits };
        let at = self.allocate(head + table.bytes())?;
        self.write_head(at, hash, key, position)?;
        put_slot(&mut slots, slot(hash, at));
        let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_le_bytes()).collect();
        let table_at = at + head;
        self.memory.write(table_at, &bytes)?;
        self.memory.store(gap.root_at, seal(gap.root_at, table_at / 8, shape_plus(SHAPE_TABLE, bits)))
    }

    /// The slots of `old` as they lie in a table of 2^bits.
    fn copy_slots(&self, old: Option<Table>, bits: u32) -> Result<Vec<u64>, Error> {
        let mut slots = vec![0; 1 << bits];
        if let Some(old) = old {
            for number in 0..old.slots() {
                let slot = self.memory.load(old.at + 8 * number)?;
                if slot != 0 {
                    put_slot(&mut slots, slot);
                }
            }
        }
        Ok(slots)
    }
}

fn slot(hash: u64, at: u64) -> u64 {
    (tag(hash) << VALUE_BITS) | (at / 8)
}

/// Puts a slot into the first empty place from its home on; the caller left room for it.
fn put_slot(slots: &mut [u64], slot: u64) {
    let home = usize::try_from(slot >> VALUE_BITS).unwrap_or(0) & (slots.len() - 1);
    let (before, from_home) = slots.split_at_mut(home);
    if let Some(empty) = from_home.iter_mut().chain(before).find(|place| **place == 0) {
        *empty = slot;
    }
}

/// Bytes of a key that are compared at once: a usual key needs one read, which is a system call where there is no map.
const PART: usize = 64;
const PART_BYTES: u64 = 64;
