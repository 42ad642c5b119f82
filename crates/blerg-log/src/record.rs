//! Records as a snapshot sees them: the put, its newest visible version, and what came before. Start at [`Record`].

use std::borrow::Cow;

use crate::append::is_hole;
use crate::frame::{Fate, Header, Kind};
use crate::key;
use crate::payload::{Origin, Text};
use crate::{AuthorId, Error, ListKey, Position, RecordNo, Snapshot, TagSpan};

/// A record in its current version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'s> {
    /// Whose.
    pub author: AuthorId,
    /// Which.
    pub no: RecordNo,
    /// Where it was put.
    pub put: Position,
    /// Where its current version stands: `put`, or that of the last edit.
    pub element: Position,
    /// When it was put.
    pub created_us: u64,
    /// When it was edited last.
    pub edited_us: Option<u64>,
    /// The record that it answers.
    pub reply_to: Option<(AuthorId, RecordNo)>,
    /// The text.
    pub text: Cow<'s, str>,
    /// The tags and mentions in the text.
    pub tags: Vec<TagSpan>,
}

/// One version of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// When it was written.
    pub at_us: u64,
    /// Its text.
    pub text: String,
}

/// A PUT or EDIT, out of the log.
struct Stage {
    position: u64,
    header: Header,
    fate: Fate,
    at_us: u64,
    origin: Origin,
    /// None: its checksum is wrong.
    text: Option<(String, Vec<TagSpan>)>,
}

impl Snapshot {
    /// The newest version of a record; `None` if it was deleted, never was, is a hole, or is damaged.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn record(&self, author: AuthorId, no: RecordNo) -> Result<Option<Record<'_>>, Error> {
        let timeline = self.list(&ListKey::Timeline(author))?;
        if no.0 >= timeline.len() {
            return Ok(None);
        }
        self.record_put_at(timeline.get(no.0)?, Some((author, no)))
    }

    /// The record of one element of the list of `key`, in its current version; `None` if the element is dead or does not belong
    /// there, and is to be skipped. In a tag's or a mention's list only the current version's own element counts.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn element(&self, key: &ListKey<'_>, position: Position) -> Result<Option<Record<'_>>, Error> {
        match key {
            ListKey::Tag(_) | ListKey::Mention(_) => self.tagged(&key.bytes(), position),
            ListKey::Timeline(author) => {
                let record = self.record_put_at(position, None)?;
                Ok(record.filter(|record| record.author == *author))
            }
            ListKey::Replies(author, no) => {
                let record = self.record_put_at(position, None)?;
                Ok(record.filter(|record| record.reply_to == Some((*author, *no))))
            }
            _ => self.record_put_at(position, None),
        }
    }

    /// All versions of a record, oldest first; none if it was deleted.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn versions(&self, author: AuthorId, no: RecordNo) -> Result<Vec<Version>, Error> {
        let mut versions = Vec::new();
        for position in self.version_positions(author, no)? {
            versions.extend(self.version_at(author, no, position)?);
        }
        versions.reverse();
        Ok(versions)
    }

    /// Where the versions of a record stand, newest first; nowhere if it was deleted. For whoever takes them one by one
    /// with [`Snapshot::version_at`]: together they may be more than fits into memory.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn version_positions(&self, author: AuthorId, no: RecordNo) -> Result<Vec<Position>, Error> {
        let Some(record) = self.record(author, no)? else { return Ok(Vec::new()) };
        let positions = self.view.versions(record.put.0, record.element.0)?;
        Ok(positions.into_iter().map(Position).collect())
    }

    /// The version of a record at one of its [`Snapshot::version_positions`]; `None` if it is damaged, or was erased since.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn version_at(&self, author: AuthorId, no: RecordNo, position: Position) -> Result<Option<Version>, Error> {
        let stage = self.stage(position.0)?.filter(|stage| key::record(&stage.header) == (author, no));
        Ok(stage.and_then(|stage| stage.text.map(|(text, _)| Version { at_us: stage.at_us, text })))
    }

    /// The PUT or EDIT at a position that the index gave; `None`, and the index is suspect, if there is neither.
    fn stage(&self, position: u64) -> Result<Option<Stage>, Error> {
        let mut window = self.window();
        let entry = window.entry(&self.view.segments, self.view.sums, position)?;
        let stage = entry.and_then(|entry| {
            let (kind, flags) = (entry.header.kind, entry.header.flags);
            let origin = Text::origin(kind, flags, entry.payload)?;
            let text = match kind {
                _ if !entry.is_intact() => None,
                Kind::PUT => Text::read_put(flags, entry.payload),
                _ => Text::read_edit(flags, entry.payload),
            };
            Some(Stage {
                position,
                header: entry.header,
                fate: entry.fate,
                at_us: text.as_ref().and_then(|text| text.at_us).unwrap_or(entry.header.time_us),
                origin,
                text: text.map(|text| (text.text.to_owned(), text.tags)),
            })
        });
        drop(window);
        if stage.is_none() && !self.is_filler(position) {
            self.suspect();
        }
        Ok(stage)
    }

    /// The record that was put at `position`, if it is `wanted`.
    fn record_put_at(
        &self,
        Position(position): Position,
        wanted: Option<(AuthorId, RecordNo)>,
    ) -> Result<Option<Record<'_>>, Error> {
        let Some(put) = self.stage(position)? else { return Ok(None) };
        let found = key::record(&put.header);
        if put.header.kind != Kind::PUT || wanted.is_some_and(|wanted| wanted != found) {
            self.suspect();
            return Ok(None);
        }
        if is_hole(&put.header) || self.is_dead(put.fate) || self.is_closed(found.0)? {
            return Ok(None);
        }
        match self.newest(&put)? {
            Newest::Put => self.finish(put, None),
            Newest::Edit(edit) => self.finish(put, Some(edit)),
            Newest::Lost => Ok(None),
        }
    }

    /// The record whose current version stands at `position`, if it holds the tag of `key`.
    fn tagged(&self, key: &[u8], position: Position) -> Result<Option<Record<'_>>, Error> {
        let Some(stage) = self.stage(position.0)? else { return Ok(None) };
        let is_replaced = stage.fate.superseded_by().is_some_and(|by| self.sees(by));
        if is_replaced || self.is_dead(stage.fate) || self.is_closed(AuthorId(stage.header.author))? {
            return Ok(None);
        }
        let record = match stage.origin {
            // What replaced it last may lie behind this snapshot, and what did before that not.
            Origin::Put { .. } => match self.newest(&stage)? {
                Newest::Put => self.finish(stage, None)?,
                Newest::Edit(_) | Newest::Lost => None,
            },
            Origin::Edit { put, .. } => {
                let wanted = key::record(&stage.header);
                self.record_put_at(Position(put), Some(wanted))?.filter(|record| record.element == position)
            }
        };
        let is_tagged = record.as_ref().is_none_or(|record| key::is_tagged(&record.text, &record.tags, key));
        if !is_tagged {
            self.suspect();
        }
        Ok(record.filter(|_| is_tagged))
    }

    fn is_dead(&self, fate: Fate) -> bool {
        fate.deleted_by().is_some_and(|by| self.sees(by))
    }

    /// The newest version of a record that this snapshot sees: back from the newest of all.
    fn newest(&self, put: &Stage) -> Result<Newest, Error> {
        let mut at = match put.fate.superseded_by() {
            Some(by) => by,
            // Deleted behind this snapshot: the edits before that are found from the DELETE.
            None => match put.fate.deleted_by() {
                Some(by) => self.newest_before(put, by)?,
                None => put.position,
            },
        };
        while at > put.position {
            let Some(edit) = self.stage(at)? else { return Ok(Newest::Lost) };
            match edit.origin {
                Origin::Edit { put: its_put, previous }
                    if its_put == put.position
                        && previous < at
                        && key::record(&edit.header) == key::record(&put.header) =>
                {
                    if self.sees(at) {
                        return Ok(Newest::Edit(Box::new(edit)));
                    }
                    at = previous;
                }
                _ => {
                    self.suspect();
                    return Ok(Newest::Lost);
                }
            }
        }
        Ok(Newest::Put)
    }

    /// The newest version that the DELETE at `by` takes away.
    fn newest_before(&self, put: &Stage, by: u64) -> Result<u64, Error> {
        let mut window = self.window();
        let entry = window.entry(&self.view.segments, self.view.sums, by)?;
        let target =
            entry.filter(|entry| entry.is_intact()).and_then(|entry| crate::payload::Target::read(entry.payload));
        Ok(target.filter(|target| target.put == put.position).map_or(put.position, |target| target.newest))
    }

    /// The record of a put and its newest edit, if both texts are what was written.
    fn finish(&self, put: Stage, edit: Option<Box<Stage>>) -> Result<Option<Record<'_>>, Error> {
        let Origin::Put { reply_to } = put.origin else { return Ok(None) };
        let (author, no) = key::record(&put.header);
        let (position, created_us) = (put.position, put.at_us);
        let element = Position(edit.as_ref().map_or(position, |edit| edit.position));
        let edited_us = edit.as_ref().map(|edit| edit.at_us);
        let text = match edit {
            _ if put.text.is_none() => None,
            Some(edit) => edit.text,
            None => put.text,
        };
        let Some((text, tags)) = text else {
            // Deleted behind this snapshot, the text may be erased already; that is no damage.
            if self.view.fate(position)?.deleted_by().is_none() {
                self.count_damage();
            }
            return Ok(None);
        };
        let text = Cow::Owned(text);
        Ok(Some(Record { author, no, put: Position(position), element, created_us, edited_us, reply_to, text, tags }))
    }
}

/// The newest version of a record.
enum Newest {
    Put,
    Edit(Box<Stage>),
    /// It cannot be read.
    Lost,
}
