//! Feeds that were written last, so that a crowd which asks for the same one is answered from memory. Start at [`Cache`].
//! What is kept is only ever given out under the ETag it was made for, and that changes with everything in it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Documents kept: a site has few feeds that many ask for.
const ENTRIES_MAX: usize = 64;

/// Bytes of documents kept, all together.
const BYTES_MAX: usize = 4 << 20;

/// A larger document is not kept: it would drive out too many others.
const DOCUMENT_BYTES_MAX: usize = BYTES_MAX / 8;

/// A document with the header that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// The header `Link`.
    pub(crate) link: String,
    /// The feed.
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    url: String,
    etag: String,
    document: Document,
}

/// The documents, the one asked for last in front.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: Mutex<VecDeque<Entry>>,
}

impl Cache {
    /// A copy of the document at this address, if it is the one with this ETag.
    pub(crate) fn get(&self, url: &str, etag: &str) -> Option<Document> {
        let mut entries = self.lock();
        let at = entries.iter().position(|entry| entry.url == url && entry.etag == etag)?;
        let entry = entries.remove(at)?;
        let document = entry.document.clone();
        entries.push_front(entry);
        Some(document)
    }

    /// Keeps a document in place of an earlier one at the same address.
    pub(crate) fn put(&self, url: &str, etag: &str, document: &Document) {
        if document.body.len() > DOCUMENT_BYTES_MAX {
            return;
        }
        let mut entries = self.lock();
        entries.retain(|entry| entry.url != url);
        entries.push_front(Entry { url: url.to_owned(), etag: etag.to_owned(), document: document.clone() });
        let mut bytes: usize = entries.iter().map(|entry| entry.document.body.len()).sum();
        while bytes > BYTES_MAX || entries.len() > ENTRIES_MAX {
            let Some(last) = entries.pop_back() else { break };
            bytes -= last.document.body.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        // Every change leaves it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
