//! Pages that were shown last to visitors without a session, so that a crowd which asks for the same one costs a look-up
//! and a copy each. Start at [`Cache`]. What is kept is only ever given out under the version that it was made of.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pages kept: a wiki has few that many ask for.
const ENTRIES_MAX: usize = 64;

/// Bytes of pages kept, all together.
const BYTES_MAX: usize = 2 << 20;

/// A longer page is not kept: it would drive out too many others.
const PAGE_BYTES_MAX: usize = BYTES_MAX / 8;

/// A page as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The version of the wiki's page.
    pub(crate) version: u64,
    /// When its text changed last.
    pub(crate) changed_us: u64,
    /// The whole document.
    pub(crate) html: Vec<u8>,
}

/// The pages by their addresses, the one asked for last in front.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: Mutex<VecDeque<(String, Kept)>>,
}

impl Cache {
    /// The version that is kept of a page.
    pub(crate) fn version(&self, address: &str) -> Option<u64> {
        self.lock().iter().find(|(known, _)| known == address).map(|(_, kept)| kept.version)
    }

    /// A copy of the page, if it is of this version.
    pub(crate) fn get(&self, address: &str, version: u64) -> Option<Kept> {
        let mut entries = self.lock();
        let at = entries.iter().position(|(known, kept)| known == address && kept.version == version)?;
        let entry = entries.remove(at)?;
        let kept = entry.1.clone();
        entries.push_front(entry);
        Some(kept)
    }

    /// Keeps a page in place of what was kept at its address.
    pub(crate) fn put(&self, address: &str, kept: Kept) {
        if kept.html.len() > PAGE_BYTES_MAX {
            return;
        }
        let mut entries = self.lock();
        entries.retain(|(known, _)| known != address);
        entries.push_front((address.to_owned(), kept));
        let mut bytes: usize = entries.iter().map(|(_, kept)| kept.html.len()).sum();
        while bytes > BYTES_MAX || entries.len() > ENTRIES_MAX {
            let Some((_, last)) = entries.pop_back() else { break };
            bytes -= last.html.len();
        }
    }

    /// Nothing is ever half done under the lock.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Kept)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
