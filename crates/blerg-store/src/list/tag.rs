//! Tags and mentions as lists. Start at [`TagKey`]. A record stands on them at its last edit, and only with the tags
//! of its current text.

use std::{collections::HashMap, fmt, ops::RangeInclusive, str::FromStr};

use blerg_log::{ListKey, Op, TagSpan};

use super::{Page, Post, Reader};
use crate::{Error, list::Cursor};

/// Most of the newest records that are looked through for the tags used last.
const LATEST_TAGS_SCAN_MAX: u64 = 1_000;

/// A `#tag` or an `@mention`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TagKey {
    /// `#`, without the sigil.
    Tag(String),
    /// `@`, without the sigil.
    Mention(String),
}

/// A tag and how often it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// The tag in the spelling of its newest use, without the `#`.
    pub name: String,
    /// The entries of its list.
    pub count: u64,
}

/// The text was no tag of the contract's alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagKeyError;

impl fmt::Display for TagKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "want #, H or @ and then 1 to {} of 0-9 A-Z a-z - _", Op::TAG_BYTES_MAX)
    }
}

impl std::error::Error for TagKeyError {}

impl FromStr for TagKey {
    type Err = TagKeyError;

    /// Reads `#name`, `Hname` or `@name`.
    fn from_str(text: &str) -> Result<TagKey, TagKeyError> {
        let mut letters = text.chars();
        let sigil = letters.next();
        let name = letters.as_str();
        if !is_tag_name(name) {
            return Err(TagKeyError);
        }
        match sigil {
            Some('#' | 'H') => Ok(TagKey::Tag(name.to_owned())),
            Some('@') => Ok(TagKey::Mention(name.to_owned())),
            _ => Err(TagKeyError),
        }
    }
}

/// Whether a tag may have this name: 1 to 64 of `0-9 A-Z a-z - _`.
pub(crate) fn is_tag_name(name: &str) -> bool {
    (1..=Op::TAG_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl TagKey {
    /// The log's key of the tag's list.
    #[must_use]
    pub fn list_key(&self) -> ListKey<'_> {
        match self {
            TagKey::Tag(name) => ListKey::Tag(name),
            TagKey::Mention(name) => ListKey::Mention(name),
        }
    }

    /// The name, if this is a `#tag`.
    pub(crate) fn tag(&self) -> Option<&str> {
        if let TagKey::Tag(name) = self { Some(name) } else { None }
    }

    /// The name, if this is an `@mention`.
    pub(crate) fn mention(&self) -> Option<&str> {
        if let TagKey::Mention(name) = self { Some(name) } else { None }
    }

    /// The tag or mention that stands at `span` of `text`.
    pub(crate) fn at(text: &str, span: TagSpan) -> Option<TagKey> {
        let start = usize::from(span.start);
        let name = text.get(start.checked_add(1)?..start.checked_add(usize::from(span.len))?)?;
        match text.as_bytes().get(start)? {
            b'#' => Some(TagKey::Tag(name.to_owned())),
            b'@' => Some(TagKey::Mention(name.to_owned())),
            _ => None,
        }
    }
}

impl Reader {
    /// How many entries a tag has: the end of its entry numbers.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn tag_len(&self, key: &TagKey) -> Result<u64, Error> {
        Ok(self.snapshot().list(&key.list_key())?.len())
    }

    /// Records that have all of 1 to 8 tags, from below a cursor or the newest.
    ///
    /// # Errors
    /// There are no or too many tags, the cursor names no record, or the log cannot be read.
    pub fn tag_page(&self, keys: &[TagKey], before: Option<&Cursor>, n: usize) -> Result<Page, Error> {
        let place = before.map(|cursor| self.place(cursor)).transpose()?;
        match keys {
            [key] => {
                let key = key.list_key();
                let list = self.snapshot().list(&key)?;
                let end = place.map_or(Ok(list.len()), |place| list.lower_bound(place.element))?;
                self.page_below(&key, &list, end, n)
            }
            _ => self.intersection(keys, place.map(|place| place.element), n),
        }
    }

    /// The entries `range` of a tag, both ends included, newest first; `None` if it has no such entry yet.
    ///
    /// # Errors
    /// The range is empty or too long, or the log cannot be read.
    pub fn tag_range(&self, key: &TagKey, range: RangeInclusive<u64>) -> Result<Option<Vec<Post>>, Error> {
        self.range_of(&key.list_key(), range)
    }

    /// The `n` tags used last, newest use first, among the newest records.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn latest_tags(&self, n: usize) -> Result<Vec<TagCount>, Error> {
        let latest = self.snapshot().list(&ListKey::Latest)?;
        let first = latest.len().saturating_sub(LATEST_TAGS_SCAN_MAX);
        let mut seen: HashMap<String, ()> = HashMap::new();
        let mut tags = Vec::new();
        for i in (first..latest.len()).rev() {
            let Some(record) = self.snapshot().element(&ListKey::Latest, latest.get(i)?)? else { continue };
            for span in &record.tags {
                let Some(TagKey::Tag(name)) = TagKey::at(&record.text, *span) else { continue };
                if seen.insert(name.to_ascii_lowercase(), ()).is_some() {
                    continue;
                }
                let count = self.snapshot().list(&ListKey::Tag(&name))?.len();
                tags.push(TagCount { name, count });
                if tags.len() == n {
                    return Ok(tags);
                }
            }
        }
        Ok(tags)
    }
}
