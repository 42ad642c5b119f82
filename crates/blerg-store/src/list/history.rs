//! The texts of one record, one at a time. Start at [`Reader::history`]. Whoever edits a long record a thousand times has
//! a thousand long texts kept: no answer ever holds them all.

use std::vec;

use blerg_log::{AuthorId, Position, RecordNo};

use super::{Reader, Revision};
use crate::Error;

/// The texts of a record that are still to be read.
#[derive(Clone, Debug)]
pub struct History {
    author: AuthorId,
    record: RecordNo,
    /// Newest first.
    left: vec::IntoIter<Position>,
}

impl Reader {
    /// All texts of a record, the current one included: for its author only.
    ///
    /// # Errors
    /// There is no such record, or the log cannot be read.
    pub fn history(&self, author: AuthorId, record: RecordNo) -> Result<History, Error> {
        let places = self.snapshot.version_positions(author, record)?;
        if places.is_empty() {
            return Err(Error::NoSuchRecord { record });
        }
        Ok(History { author, record, left: places.into_iter() })
    }
}

impl History {
    /// Takes the newest text that is left, by the reader that the history is of; one that is damaged, or erased since, is
    /// passed over.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn newest(&mut self, reader: &Reader) -> Result<Option<Revision>, Error> {
        for place in self.left.by_ref() {
            if let Some(revision) = reader.snapshot.version_at(self.author, self.record, place)? {
                return Ok(Some(revision));
            }
        }
        Ok(None)
    }

    /// Takes the oldest text that is left.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn oldest(&mut self, reader: &Reader) -> Result<Option<Revision>, Error> {
        while let Some(place) = self.left.next_back() {
            if let Some(revision) = reader.snapshot.version_at(self.author, self.record, place)? {
                return Ok(Some(revision));
            }
        }
        Ok(None)
    }

    /// Passes the newest text over: an export shows it in its own place.
    pub fn skip_newest(&mut self) {
        self.left.next();
    }
}

#[cfg(test)]
impl History {
    /// All that are left, oldest first.
    pub(crate) fn all(mut self, reader: &Reader) -> Vec<(u64, String)> {
        std::iter::from_fn(|| self.oldest(reader).unwrap()).map(|text| (text.at_us, text.text)).collect()
    }
}
