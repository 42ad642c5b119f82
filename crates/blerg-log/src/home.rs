//! Where the files of one log lie, by its number: a compaction makes a new log beside the old one, and FORMAT says which of them
//! counts. Start at [`Home`]. Knows names only. FORMAT.md, section "Files".

use std::path::{Path, PathBuf};

use crate::Disk;
use crate::format::Naming;
use crate::moved::MOVED_FILE;
use crate::segment::LOG_DIR;

/// The place of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) naming: Naming,
    /// Where its control page and index lie.
    pub(crate) dir: PathBuf,
    /// Where its segments lie.
    pub(crate) segments: PathBuf,
}

impl Home {
    /// The log of that number below the data directory.
    pub(crate) fn of(data: &Path, naming: Naming) -> Home {
        match naming.number {
            0 => Home { naming, dir: data.into(), segments: data.join(LOG_DIR) },
            number => {
                let dir = data.join(format!("{LOG_DIR}.{number}"));
                Home { naming, segments: dir.clone(), dir }
            }
        }
    }

    /// The log that counted, most likely, where FORMAT does not say: the latest one that a compaction had finished.
    pub(crate) fn likely(disk: &dyn Disk, data: &Path) -> Home {
        let number = |name: &String| name.strip_prefix(LOG_DIR)?.strip_prefix('.')?.parse().ok();
        let mut numbers: Vec<u64> = disk.list(data).unwrap_or_default().iter().filter_map(number).collect();
        numbers.sort_unstable();
        let homes = numbers.into_iter().rev().map(|number| Home::of(data, Naming { number, since_us: 0 }));
        let is_finished = |home: &Home| disk.inode(&home.dir.join(MOVED_FILE)).is_ok();
        homes.into_iter().find(is_finished).unwrap_or_else(|| Home::of(data, Naming::default()))
    }

    pub(crate) fn number(&self) -> u64 {
        self.naming.number
    }
}
