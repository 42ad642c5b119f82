//! Where the files of one log lie, by its number: a compaction makes a new log beside the old one, and FORMAT says which of them
//! counts. Start at [`Home`]. Knows names only. FORMAT.md, section "Files".

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::format::Naming;
use crate::moved::MOVED_FILE;
use crate::segment::LOG_DIR;
use crate::{Disk, Error};

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
    pub(crate) fn likely(disk: &dyn Disk, data: &Path) -> Result<Home, Error> {
        let names = disk.list(data).map_err(|e| Error::io(data, "list", e))?;
        let number = |name: &String| name.strip_prefix(LOG_DIR)?.strip_prefix('.')?.parse().ok();
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        let homes = numbers.into_iter().rev().map(|number| Home::of(data, Naming { number, since_us: 0 }));
        let is_finished = |home: &Home| disk.inode(&home.dir.join(MOVED_FILE)).is_ok();
        Ok(homes.into_iter().find(is_finished).unwrap_or_else(|| Home::of(data, Naming::default())))
    }

    /// Refuses a link in place of the directory of the segments: through it we would read, write and remove what lies elsewhere.
    pub(crate) fn refuse_link(&self, disk: &dyn Disk) -> Result<(), Error> {
        match disk.is_link(&self.segments) {
            Ok(true) => Err(Error::io(&self.segments, "open", Errno::LOOP.into())),
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(&self.segments, "look at", e)),
            _ => Ok(()),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.naming.number
    }
}
