//! Where a page of a list goes on: below one record, written `author/record`. Start at [`Cursor`].
//! It stays good when the record it names is deleted meanwhile, or edited.

use std::{fmt, str::FromStr};

use blerg_log::{Body, ListKey, Position, RecordNo};

use crate::{Error, Reader};

/// "Older than this record": what `before=author/record` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The author's name.
    pub author: String,
    /// The record's number.
    pub record: RecordNo,
    /// Where a page stopped among dead elements: an earlier text's place on a tag list, say, which the record's own
    /// place does not tell. Seldom there; written as a third part.
    pub at: Option<Position>,
    /// The log that the third part is of: in another one it means nothing.
    pub log: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.author, self.record.0)?;
        match (self.at, self.log) {
            (Some(position), 0) => write!(f, "/{}", position.0),
            (Some(position), log) => write!(f, "/{}.{log}", position.0),
            (None, _) => Ok(()),
        }
    }
}

/// The text was not `author/record`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorError;

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "want author/record")
    }
}

impl std::error::Error for CursorError {}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Cursor, CursorError> {
        let mut parts = text.split('/');
        let author = parts.next().filter(|name| !name.is_empty()).ok_or(CursorError)?;
        let record = number(parts.next().ok_or(CursorError)?)?;
        let (at, log) = match parts.next() {
            None => (None, 0),
            Some(place) => match place.split_once('.') {
                None => (Some(Position(number(place)?)), 0),
                Some((at, log)) => (Some(Position(number(at)?)), number(log)?),
            },
        };
        if parts.next().is_some() {
            return Err(CursorError);
        }
        Ok(Cursor { author: author.to_owned(), record: RecordNo(record), at, log })
    }
}

fn number(text: &str) -> Result<u64, CursorError> {
    // `parse` alone would take a plus sign.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| CursorError)
    } else {
        Err(CursorError)
    }
}

/// The places of a cursor's record in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Where it was put: its place on timelines, `/latest`, threads and feeds.
    pub put: Position,
    /// Where its current version stands: its place on tag lists. That of a deleted record is where it was put.
    pub element: Position,
}

impl Reader {
    /// Where the record of a cursor stands; works for deleted records too.
    pub(crate) fn place(&self, cursor: &Cursor) -> Result<Place, Error> {
        let author = self.snapshot().author_by_name(&cursor.author)?.ok_or(Error::NoSuchAuthor)?;
        let timeline = self.snapshot().list(&ListKey::Timeline(author.id))?;
        if cursor.record.0 >= timeline.len() {
            return Err(Error::NoSuchRecord { record: cursor.record });
        }
        if let Some(at) = cursor.at
            && cursor.log == self.stamp().log
        {
            return Ok(Place { put: at, element: at });
        }
        let put = timeline.get(cursor.record.0)?;
        let element = self.snapshot().record(author.id, cursor.record)?.map_or(put, |record| record.element);
        Ok(Place { put, element })
    }

    /// The cursor that leads on below the dead element at `position`; `None` if it is damaged.
    pub(crate) fn cursor_at(&self, position: Position) -> Result<Option<Cursor>, Error> {
        let frame = match self.snapshot().frames(position).next() {
            Some(Ok(frame)) => frame,
            Some(Err(error)) if !error.is_damaged() => return Err(error.into()),
            _ => return Ok(None),
        };
        let (author, record) = match frame.body {
            Body::Put { author, record, .. }
            | Body::Edit { author, record, .. }
            | Body::PutHole { author, record, .. } => (author, record),
            _ => return Ok(None),
        };
        Ok(self.snapshot().author(author)?.map(|found| Cursor {
            author: found.name,
            record,
            at: Some(position),
            log: self.stamp().log,
        }))
    }
}
