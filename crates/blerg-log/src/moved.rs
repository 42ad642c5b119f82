//! Where positions of one log are in the log that was made of it: for whoever has noted a position elsewhere. Start at
//! [`Log::moves`]. Written by a compaction before its log counts, and never again. FORMAT.md, section "moved".

use std::collections::VecDeque;
use std::path::Path;

use crate::file::File;
use crate::frame::Fields;
use crate::home::Home;
use crate::{Disk, Error, Log, OpenMode, Position};

/// The file, beside the segments.
pub(crate) const MOVED_FILE: &str = "moved";
const MAGIC: [u8; 8] = *b"BLERGMV1";
/// Magic, the two logs' numbers, how many pairs.
const HEAD_BYTES: usize = 32;
/// Of the frames before those written during the compaction as many are told one by one: whoever looked at the log just before it
/// may note a position only later.
const RECENT_MAX: usize = 4_096;

/// Positions on their way from one log into the other.
pub(crate) struct Marks {
    /// Positions that somebody has noted, the first in front.
    wanted: VecDeque<u64>,
    pairs: Vec<(u64, u64)>,
    recent: VecDeque<(u64, u64)>,
    /// From here on every frame is told.
    tells_all: bool,
}

impl Marks {
    pub(crate) fn new(wanted: Vec<Position>) -> Marks {
        let mut wanted: Vec<u64> = wanted.into_iter().map(|Position(at)| at).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Marks { wanted: wanted.into(), pairs: Vec::new(), recent: VecDeque::new(), tells_all: false }
    }

    /// Everything before `old` is copied, and before `new`.
    pub(crate) fn pass(&mut self, old: u64, new: u64) {
        while self.wanted.front().is_some_and(|wanted| *wanted <= old) {
            self.pairs.extend(self.wanted.pop_front().map(|wanted| (wanted, new)));
        }
        if self.tells_all {
            self.pairs.push((old, new));
            return;
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((old, new));
    }

    /// What comes now is written during the compaction.
    pub(crate) fn tell_all(&mut self) {
        self.tells_all = true;
        self.pairs.extend(self.recent.drain(..));
    }

    /// Writes the file, durably but for its name.
    pub(crate) fn write(mut self, disk: &dyn Disk, from: &Home, to: &Home) -> Result<(), Error> {
        self.pairs.sort_unstable();
        self.pairs.dedup_by_key(|(old, _)| *old);
        let numbers = [from.number(), to.number(), self.pairs.len() as u64];
        let mut bytes = MAGIC.to_vec();
        let words = numbers.into_iter().chain(self.pairs.iter().flat_map(|(old, new)| [*old, *new]));
        bytes.extend(words.flat_map(u64::to_le_bytes));
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        let file = File::open(disk, &to.dir.join(MOVED_FILE), OpenMode::Replace)?;
        file.write(&bytes, 0)?;
        file.sync()
    }
}

/// The pairs that the file in `dir` tells, if it is there and whole: positions of the log before and of this one.
fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Vec<(u64, u64)>>, Error> {
    let Some(file) = File::open_if_there(disk, &dir.join(MOVED_FILE), OpenMode::Read)? else { return Ok(None) };
    let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(0)];
    file.read(&mut bytes, 0)?;
    let Some((summed, sum)) = bytes.split_last_chunk() else { return Ok(None) };
    if !summed.starts_with(&MAGIC) || crc32c::crc32c(summed) != u32::from_le_bytes(*sum) {
        return Err(Error::damaged(file.path(), 0, "not a sound table of positions"));
    }
    let mut fields = Fields { bytes: summed.split_at_checked(HEAD_BYTES).unwrap_or_default().1 };
    let mut pairs = Vec::new();
    while let (Some(old), Some(new)) = (fields.u64(), fields.u64()) {
        pairs.push((old, new));
    }
    Ok(Some(pairs))
}

/// Where positions of one log lie in another: what was before one is before it, what was not is not.
#[derive(Debug)]
pub struct Moves {
    /// `None`: it is the same log.
    pairs: Option<Vec<(u64, u64)>>,
}

impl Moves {
    /// Where a position lies.
    pub fn of(&self, position: Position) -> Position {
        let Some(pairs) = &self.pairs else { return position };
        // Before everything in any log.
        if position == Position(0) {
            return position;
        }
        let behind = pairs.partition_point(|(here, _)| *here <= position.0);
        let found = behind.checked_sub(1).and_then(|at| pairs.get(at));
        Position(found.map_or(0, |(_, there)| *there))
    }
}

/// Brings the file along into a copy of its log, durably but for its name.
pub(crate) fn copy(disk: &dyn Disk, from: &Home, to: &Home) -> Result<(), Error> {
    let Some(file) = File::open_if_there(disk, &from.dir.join(MOVED_FILE), OpenMode::Read)? else { return Ok(()) };
    let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(0)];
    file.read(&mut bytes, 0)?;
    let copy = File::open(disk, &to.dir.join(MOVED_FILE), OpenMode::Replace)?;
    copy.write(&bytes, 0)?;
    copy.sync()?;
    disk.sync_dir(&to.dir).map_err(|e| Error::io(&to.dir, "sync", e))
}

impl Log {
    /// Where positions of the log number `from` ([`Stamp::log`](crate::Stamp)) lie in the log number `to`, one before or behind it.
    /// `None` if that is not known any more.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn moves(&self, from: u64, to: u64) -> Result<Option<Moves>, Error> {
        if from == to {
            return Ok(Some(Moves { pairs: None }));
        }
        if from.abs_diff(to) != 1 {
            return Ok(None);
        }
        let naming = crate::format::Naming { number: from.max(to), since_us: 0 };
        let home = Home::of(&self.core.dir, naming);
        let Some(mut pairs) = read(&*self.core.disk, &home.dir)? else { return Ok(None) };
        if from > to {
            pairs = pairs.into_iter().map(|(old, new)| (new, old)).collect();
        }
        Ok(Some(Moves { pairs: Some(pairs) }))
    }
}
