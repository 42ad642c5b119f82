//! Which segment holds which positions: computed, never listed. Start at [`Geometry`].

use crate::index::{ROOT_BITS, ROOT_BITS_TINY};

/// The sizes of the segments: the first has 2^`first_bits` bytes, each further one twice as many, up to 2^`last_bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) first_bits: u32,
    pub(crate) last_bits: u32,
}

/// Where one segment lies in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 0.
    pub(crate) number: u64,
    /// Position of its first byte, which is the first of its header.
    pub(crate) base: u64,
    /// Its length.
    pub(crate) bytes: u64,
}

impl Place {
    /// The position behind its last byte.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.bytes
    }
}

/// A log is not longer than this: two bits of a fate word are not part of the position.
pub(crate) const POSITION_MAX: u64 = 1 << 61;

impl Geometry {
    /// 1 MiB doubling to 64 MiB: a new site fits a small quota, a large one has few files.
    pub(crate) const USUAL: Geometry = Geometry { first_bits: 20, last_bits: 26 };

    /// 2 KiB each: tests have such logs, millions of them.
    pub(crate) const TINY: Geometry = Geometry { first_bits: 11, last_bits: 11 };

    /// Log2 of the roots that the log's index has.
    pub(crate) fn root_bits(self) -> u32 {
        if self == Geometry::TINY { ROOT_BITS_TINY } else { ROOT_BITS }
    }

    /// Whether the numbers make sense; the longest frame must fit into a usual first segment, and tests use smaller ones.
    pub(crate) fn is_sound(self) -> bool {
        (10..=30).contains(&self.first_bits) && (self.first_bits..=30).contains(&self.last_bits)
    }

    /// The segment number `number`.
    pub(crate) fn segment(self, number: u64) -> Place {
        let doublings = u64::from(self.last_bits - self.first_bits);
        let grown = number.min(doublings);
        let base = ((1 << grown) - 1) << self.first_bits;
        Place {
            number,
            base: base + ((number - grown) << self.last_bits),
            bytes: 1 << (u64::from(self.first_bits) + grown),
        }
    }

    /// The segment that holds `position`.
    pub(crate) fn segment_of(self, position: u64) -> Place {
        let doublings = u64::from(self.last_bits - self.first_bits);
        let last_base = ((1 << doublings) - 1) << self.first_bits;
        let number = match position.checked_sub(last_base) {
            Some(beyond) => doublings + (beyond >> self.last_bits),
            None => u64::from(((position >> self.first_bits) + 1).ilog2()),
        };
        self.segment(number)
    }

    /// Whether a segment of a log can begin there.
    pub(crate) fn is_base(self, position: u64) -> bool {
        position < POSITION_MAX && self.segment_of(position).base == position
    }
}

#[cfg(test)]
mod tests;
