//! Which cases there are: every byte of every file, and every length. Start at [`of`]. What is left out is left out by this list
//! only, so that a run can say how much of all of it ran.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::victim::{Past, Victim};

/// Unused bytes next to each other that are changed together; where anybody notices, each is changed alone.
const FILL_BYTES: usize = 256;
/// Zeros in a row from which on they are taken for unused.
const UNUSED_BYTES: usize = 16;

#[derive(Clone, Debug, Hash)]
pub(super) enum How {
    Flip(usize, u8),
    /// From there, so many.
    Fill(usize, usize),
    Cut(usize),
    Longer(usize),
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Damage {
    pub(super) file: String,
    pub(super) how: How,
}

/// What a file is to a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nature {
    Format,
    Log,
    Index,
    Control,
    Moved,
    Database,
}

impl Damage {
    pub(super) fn nature(&self) -> Nature {
        nature(&self.file).unwrap_or_else(|| panic!("{}", self.file))
    }
}

/// `None`: SQLite's, made anew whenever it is opened, or empty in a site that ended in order.
fn nature(file: &str) -> Option<Nature> {
    let name = file.rsplit('/').next().unwrap_or(file);
    match name {
        "FORMAT" => Some(Nature::Format),
        "ctl" => Some(Nature::Control),
        "moved" => Some(Nature::Moved),
        _ if name.ends_with(".seg") => Some(Nature::Log),
        _ if name.starts_with("index.") => Some(Nature::Index),
        _ if name.ends_with(".db") => Some(Nature::Database),
        _ => {
            assert!(name.ends_with("-shm") || name.ends_with("-wal"), "{file}: what is it?");
            None
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) past: Past,
    pub(super) damage: Damage,
    /// Beside the control page of now, or after another start of the machine.
    pub(super) is_live: bool,
}

impl Case {
    /// Cases that are counted together.
    pub(super) fn kind(&self) -> String {
        let file = match self.damage.nature() {
            Nature::Log => "log",
            Nature::Index => "index",
            _ => self.damage.file.rsplit('/').next().unwrap_or_default(),
        };
        let past = if self.past == Past::Compacted { ", compacted" } else { "" };
        let how = if matches!(self.damage.how, How::Flip(..) | How::Fill(..)) { "bytes" } else { "lengths" };
        format!("{file}{past}: {how}")
    }

    /// Whether another bit of the same byte is a case of its own.
    pub(super) fn is_another_bit(&self) -> bool {
        matches!(self.damage.how, How::Flip(at, mask) if mask != 1 << (at % 8))
    }

    /// A number that tells cases apart.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.past == Past::Compacted, &self.damage, self.is_live).hash(&mut hasher);
        hasher.finish()
    }
}

/// Every case of a site. What is derived, and the databases, of a compacted one are no others than those of one that has grown.
pub(super) fn of(victim: &Victim) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, bytes) in &victim.files {
        let Some(nature) = nature(name) else { continue };
        let hows = match nature {
            Nature::Database | Nature::Index | Nature::Control if victim.past == Past::Compacted => continue,
            Nature::Format => [bits(bytes, 8), lengths(bytes, 1)].concat(),
            Nature::Log if victim.past == Past::Grown => [bits(bytes, 8), lengths(bytes, 1)].concat(),
            Nature::Log | Nature::Control | Nature::Moved => [bits(bytes, 1), lengths(bytes, 1)].concat(),
            Nature::Index => [used(bytes), lengths(bytes, 509)].concat(),
            Nature::Database => [used(bytes), lengths(bytes, 512)].concat(),
        };
        cases.extend(hows.into_iter().map(|how| {
            let is_live = match how {
                How::Flip(at, mask) => (at / 8 + mask.trailing_zeros() as usize).is_multiple_of(2),
                How::Cut(len) => len.is_multiple_of(2),
                How::Fill(..) | How::Longer(_) => true,
            };
            let damage = Damage { file: name.clone(), how };
            Case { past: victim.past, damage, is_live: is_live || nature != Nature::Log }
        }));
    }
    cases
}

/// Every byte with one bit of it changed, or with each of `bits`, one at a time, where it is not zero.
fn bits(bytes: &[u8], bits: usize) -> Vec<How> {
    let of_byte = |at: usize| if bytes[at] == 0 || bits == 1 { at % 8..at % 8 + 1 } else { 0..8 };
    (0..bytes.len()).flat_map(|at| of_byte(at).map(move |bit| How::Flip(at, 1 << bit))).collect()
}

/// Every byte with one bit of it changed, but long runs of zeros changed together.
fn used(bytes: &[u8]) -> Vec<How> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let zeros = bytes[at..].iter().take_while(|byte| **byte == 0).count();
        if zeros >= UNUSED_BYTES {
            found.extend(
                (at..at + zeros).step_by(FILL_BYTES).map(|from| How::Fill(from, FILL_BYTES.min(at + zeros - from))),
            );
            at += zeros;
        } else {
            found.push(How::Flip(at, 1 << (at % 8)));
            at += 1;
        }
    }
    found
}

/// Every length that leaves other bytes than the one before, where those behind the end read as zeros, and every `stride`th of
/// all; and more than all.
fn lengths(bytes: &[u8], stride: usize) -> Vec<How> {
    let cuts = (0..bytes.len()).filter(|len| len.is_multiple_of(stride) || bytes[*len] != 0).map(How::Cut);
    cuts.chain([1, 8, 4096, 100_000].map(How::Longer)).collect()
}
