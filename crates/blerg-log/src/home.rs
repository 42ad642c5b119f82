//! Where the files of one log lie, by its number: a compaction makes a new log beside the old one, and FORMAT says which of them
//! counts. Start at [`Home`]. Knows names only; opens nothing. FORMAT.md, section "Files".

use std::path::{Path, PathBuf};

use crate::format::Naming;
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

    pub(crate) fn number(&self) -> u64 {
        self.naming.number
    }
}
