//! Entries as they were written last. Start at [`Fragments`]. A new record makes every feed that shows it a new document,
//! but 49 of its 50 entries are what they were, and writing them is nearly all that a feed costs. A fragment is given out
//! for the very record it was made of only: the whole record is compared, not a date or a hash.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use blerg_store::{AuthorId, Post, RecordNo};

use crate::feed::Entry;
use crate::format::Format;
use crate::id::Ids;
use crate::place::Place;
use crate::source::entry;
use crate::{atom, json, rss};

/// An entry in its format.
pub(crate) type Written = Arc<[u8]>;

/// Bytes of one generation of fragments, and two are kept: a few thousand usual entries together.
const GENERATION_BYTES_MAX: usize = 2 << 20;

/// A longer entry is not kept: it would drive out too many others.
const FRAGMENT_BYTES_MAX: usize = GENERATION_BYTES_MAX / 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    format: Format,
    author: AuthorId,
    record: RecordNo,
}

#[derive(Debug)]
struct Fragment {
    /// The address that the entry's links begin with.
    site: String,
    post: Post,
    written: Written,
}

impl Fragment {
    fn bytes(&self) -> usize {
        self.site.len() + self.post.text.len() + self.written.len() + size_of::<(Key, Fragment)>()
    }
}

/// The fragments used lately, and those used before them.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Fragment>,
    young_bytes: usize,
    old: HashMap<Key, Fragment>,
}

impl Generations {
    fn keep(&mut self, key: Key, fragment: Fragment) {
        let bytes = fragment.bytes();
        if bytes > FRAGMENT_BYTES_MAX {
            return;
        }
        if self.young_bytes + bytes > GENERATION_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        if let Some(replaced) = self.young.insert(key, fragment) {
            self.young_bytes -= replaced.bytes();
        }
    }

    /// What is used again stays.
    fn find(&mut self, key: Key, site: &str, post: &Post) -> Option<Written> {
        if let Some(old) = self.old.remove(&key)
            && !self.young.contains_key(&key)
        {
            self.keep(key, old);
        }
        let found = self.young.get(&key).filter(|found| found.site == site && found.post == *post)?;
        Some(Arc::clone(&found.written))
    }
}

/// Entries that were written lately.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    kept: Mutex<Generations>,
}

impl Fragments {
    /// The record as an entry in the format.
    pub(crate) fn of(&self, post: Post, format: Format, place: &Place, ids: &Ids) -> Result<Written, io::Error> {
        let key = Key { format, author: post.author, record: post.record };
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = kept().find(key, place.front(), &post) {
            return Ok(written);
        }
        let entry = entry(&post, place, ids);
        let written = write(&entry, format)?;
        let fragment = Fragment { site: place.front().to_owned(), post, written: Arc::clone(&written) };
        kept().keep(key, fragment);
        Ok(written)
    }
}

/// An entry in the format.
pub(crate) fn write(entry: &Entry, format: Format) -> Result<Written, io::Error> {
    let written = match format {
        Format::Rss => rss::item(entry)?,
        Format::Atom => atom::entry(entry)?,
        Format::Json => json::item(entry).map_err(io::Error::from)?,
    };
    Ok(written.into())
}

#[cfg(test)]
mod tests;
