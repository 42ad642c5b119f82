//! What the frames of each kind hold, to and from bytes. Start at [`Text`]. Pure: no I/O.
//! Layout: FORMAT.md, section "Payloads".

use crate::frame::{FLAG_AT, FLAG_REPLY, Fields, HEADER_BYTES, Header, Kind};
use crate::scan::Entry;
use crate::{AuthorId, Op, RecordNo, TagSpan};

/// Bytes of the longest payload: an edit with the longest text and the most tags.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 8 + 16 + 2 + 3 * Op::TAGS_MAX + Op::TEXT_BYTES_MAX;

/// The payload of PUT and EDIT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'b> {
    pub(crate) at_us: Option<u64>,
    pub(crate) origin: Origin,
    pub(crate) tags: Vec<TagSpan>,
    pub(crate) text: &'b str,
}

/// What a text comes from: the part in which PUT and EDIT differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A put, which may answer a record.
    Put { reply_to: Option<(AuthorId, RecordNo)> },
    /// An edit: where the record was put, and the version before this one.
    Edit { put: u64, previous: u64 },
}

impl Text<'_> {
    /// The flags of a frame with this payload.
    pub(crate) fn flags(&self) -> u8 {
        let at = if self.at_us.is_some() { FLAG_AT } else { 0 };
        let reply = if matches!(self.origin, Origin::Put { reply_to: Some(_) }) { FLAG_REPLY } else { 0 };
        at | reply
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if let Some(at_us) = self.at_us {
            out.extend_from_slice(&at_us.to_le_bytes());
        }
        match self.origin {
            Origin::Put { reply_to: None } => {}
            Origin::Put { reply_to: Some((author, record)) } => {
                out.extend_from_slice(&author.0.to_le_bytes());
                out.extend_from_slice(&record.0.to_le_bytes());
            }
            Origin::Edit { put, previous } => {
                out.extend_from_slice(&put.to_le_bytes());
                out.extend_from_slice(&previous.to_le_bytes());
            }
        }
        out.extend_from_slice(&u16::try_from(self.tags.len()).unwrap_or(u16::MAX).to_le_bytes());
        for tag in &self.tags {
            out.extend_from_slice(&tag.start.to_le_bytes());
            out.push(tag.len);
        }
        out.extend_from_slice(self.text.as_bytes());
    }
}

impl<'b> Text<'b> {
    /// The payload of a PUT with these flags; `None` if it is none.
    pub(crate) fn read_put(flags: u8, payload: &'b [u8]) -> Option<Text<'b>> {
        let mut fields = Fields { bytes: payload };
        let at_us = read_at(flags, &mut fields)?;
        let origin = read_put_origin(flags, &mut fields)?;
        Text::read_rest(fields, at_us, origin)
    }

    /// The payload of an EDIT with these flags; `None` if it is none.
    pub(crate) fn read_edit(flags: u8, payload: &'b [u8]) -> Option<Text<'b>> {
        let mut fields = Fields { bytes: payload };
        let at_us = read_at(flags, &mut fields)?;
        let origin = read_edit_origin(&mut fields)?;
        Text::read_rest(fields, at_us, origin)
    }

    /// What the text of a frame comes from: also of one whose text was erased.
    pub(crate) fn origin(kind: Kind, flags: u8, payload: &[u8]) -> Option<Origin> {
        let mut fields = Fields { bytes: payload };
        read_at(flags, &mut fields)?;
        match kind {
            Kind::PUT => read_put_origin(flags, &mut fields),
            Kind::EDIT => read_edit_origin(&mut fields),
            _ => None,
        }
    }

    /// Bytes before the tags and the text: these stay when the rest is erased.
    pub(crate) fn origin_bytes(kind: Kind, flags: u8) -> usize {
        let at = if flags & FLAG_AT == 0 { 0 } else { 8 };
        let origin = match kind {
            Kind::EDIT => 16,
            _ if flags & FLAG_REPLY == 0 => 0,
            _ => 12,
        };
        at + origin
    }

    fn read_rest(mut fields: Fields<'b>, at_us: Option<u64>, origin: Origin) -> Option<Text<'b>> {
        let count = usize::from(fields.u16()?);
        if count > Op::TAGS_MAX {
            return None;
        }
        let mut tags = Vec::with_capacity(count);
        for _ in 0..count {
            tags.push(TagSpan { start: fields.u16()?, len: u8::from_le_bytes(fields.take()?) });
        }
        let text = std::str::from_utf8(fields.bytes).ok()?;
        Some(Text { at_us, origin, tags, text })
    }
}

fn read_put_origin(flags: u8, fields: &mut Fields<'_>) -> Option<Origin> {
    let reply_to = match flags & FLAG_REPLY {
        0 => None,
        _ => Some((AuthorId(fields.u32()?), RecordNo(fields.u64()?))),
    };
    Some(Origin::Put { reply_to })
}

fn read_edit_origin(fields: &mut Fields<'_>) -> Option<Origin> {
    Some(Origin::Edit { put: fields.u64()?, previous: fields.u64()? })
}

fn read_at(flags: u8, fields: &mut Fields<'_>) -> Option<Option<u64>> {
    if flags & FLAG_AT == 0 { Some(None) } else { fields.u64().map(Some) }
}

/// Most numbers that one frame of holes uses up: with room for as many positions it still fits into the smallest segment.
pub(crate) const RUN_MAX: u64 = 1_000;

/// The payload of a hole that uses up several numbers. The frame is long enough that each of them has a position in it at which no
/// frame can begin: so the list of the author's records needs nothing from elsewhere.
pub(crate) fn run_payload(count: u64) -> Vec<u8> {
    let mut payload = count.to_le_bytes().to_vec();
    let room = usize::try_from((count * 8).div_ceil(7)).unwrap_or(usize::MAX);
    payload.resize(room.saturating_sub(HEADER_BYTES).max(8), 0);
    payload
}

/// How many numbers a hole uses up; of a damaged one at least.
pub(crate) fn run_of(entry: &Entry<'_>) -> u64 {
    let count = entry.payload.first_chunk().map_or(1, |count| u64::from_le_bytes(*count));
    if entry.is_intact() { count.clamp(1, RUN_MAX) } else { 1 }
}

/// How many numbers a hole uses up at most: its length tells, which the header's checksum covers.
pub(crate) fn run_most(header: &Header) -> u64 {
    let room = u64::from(header.payload_len) + HEADER_BYTES as u64;
    if header.payload_len == 0 { 1 } else { (room * 7 / 8).min(RUN_MAX) }
}

/// The tag or mention of a span: `#` or `@`, and the name behind it; `None` if there is none.
pub(crate) fn tag_in(text: &str, span: TagSpan) -> Option<(u8, &str)> {
    let start = usize::from(span.start);
    let tag = text.get(start..start.checked_add(usize::from(span.len))?)?;
    let name = tag.strip_prefix(['#', '@'])?;
    (!name.is_empty() && name.len() <= Op::TAG_BYTES_MAX).then_some((*tag.as_bytes().first()?, name))
}

/// The payload of USER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'b> {
    pub(crate) at_us: Option<u64>,
    pub(crate) name: &'b str,
}

impl<'b> Name<'b> {
    pub(crate) fn flags(&self) -> u8 {
        if self.at_us.is_some() { FLAG_AT } else { 0 }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if let Some(at_us) = self.at_us {
            out.extend_from_slice(&at_us.to_le_bytes());
        }
        out.extend_from_slice(self.name.as_bytes());
    }

    pub(crate) fn read(flags: u8, payload: &'b [u8]) -> Option<Name<'b>> {
        let mut fields = Fields { bytes: payload };
        let at_us = read_at(flags, &mut fields)?;
        Some(Name { at_us, name: std::str::from_utf8(fields.bytes).ok()? })
    }
}

/// The payload of DELETE: what it takes away. In CLOSE_USER both are the USER frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where the record was put.
    pub(crate) put: u64,
    /// Its newest version.
    pub(crate) newest: u64,
}

impl Target {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.put.to_le_bytes());
        out.extend_from_slice(&self.newest.to_le_bytes());
    }

    pub(crate) fn read(payload: &[u8]) -> Option<Target> {
        let mut fields = Fields { bytes: payload };
        let target = Target { put: fields.u64()?, newest: fields.u64()? };
        fields.bytes.is_empty().then_some(target)
    }
}

#[cfg(test)]
mod tests;
