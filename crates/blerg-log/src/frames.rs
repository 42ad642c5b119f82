//! The log as a sequence of frames, for dumps, full text and checks. Start at [`Frames`].

use std::fmt;

use crate::append::is_hole;
use crate::frame::Kind;
use crate::key;
use crate::payload::{Name, Origin, Text, run_of};
use crate::scan::{Entry, Scan, Window};
use crate::view::FIRST_FRAME;
use crate::{AuthorId, Error, Position, RecordNo, Snapshot, TagSpan};

/// One frame of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it stands.
    pub position: Position,
    /// Where the next one stands.
    pub next: Position,
    /// When it was written; never before the frame before it.
    pub time_us: u64,
    /// What it says.
    pub body: Body,
}

/// What a frame says.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// An author was created.
    AddAuthor {
        /// Number.
        author: AuthorId,
        /// Name.
        name: String,
        /// When: the import's time, or the frame's.
        at_us: u64,
    },
    /// A record was added. No text: it was erased, or is damaged.
    Put {
        /// Whose.
        author: AuthorId,
        /// Which.
        record: RecordNo,
        /// The text and its tags, unless erased.
        text: Option<(String, Vec<TagSpan>)>,
        /// What it answers.
        reply_to: Option<(AuthorId, RecordNo)>,
        /// When: the import's time, or the frame's.
        at_us: u64,
    },
    /// Numbers were used up.
    PutHole {
        /// Whose.
        author: AuthorId,
        /// The first.
        record: RecordNo,
        /// How many.
        count: u64,
    },
    /// A record got a new text. No text: it was erased, or is damaged.
    Edit {
        /// Whose.
        author: AuthorId,
        /// Which.
        record: RecordNo,
        /// The text and its tags, unless erased.
        text: Option<(String, Vec<TagSpan>)>,
        /// When: the import's time, or the frame's.
        at_us: u64,
    },
    /// A record was removed.
    Delete {
        /// Whose.
        author: AuthorId,
        /// Which.
        record: RecordNo,
    },
    /// An author left.
    CloseAuthor {
        /// Who.
        author: AuthorId,
    },
    /// A following began.
    Follow {
        /// Who follows.
        author: AuthorId,
        /// Who is followed.
        target: AuthorId,
    },
    /// A following ended.
    Unfollow {
        /// Who followed.
        author: AuthorId,
        /// Who was followed.
        target: AuthorId,
    },
    /// Housekeeping, or a kind that this program does not know and may skip.
    Other {
        /// The kind byte.
        kind: u8,
    },
}

/// The frames from a position on, in log order; damaged stretches are skipped and counted.
pub struct Frames<'s> {
    snapshot: &'s Snapshot,
    scan: Scan<'s>,
}

impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("at", &self.scan.at()).finish_non_exhaustive()
    }
}

impl<'s> Frames<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot, from: Position) -> Frames<'s> {
        Frames { snapshot, scan: snapshot.view.scan(from.0.max(FIRST_FRAME), Window::wide()) }
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<Frame, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let visible = self.snapshot.stamp().visible.0;
        while self.scan.at() < visible {
            match self.scan.next() {
                Ok(Some(entry)) => {
                    let dead = entry.fate.deleted_by().is_some_and(|by| self.snapshot.sees(by));
                    let body = body(&entry, dead);
                    let (position, time_us) = (Position(entry.position), entry.header.time_us);
                    return Some(Ok(Frame { position, next: Position(self.scan.at()), time_us, body }));
                }
                Ok(None) => {
                    self.snapshot.count_damage();
                    match self.scan.resync(visible) {
                        Ok(true) => {}
                        Ok(false) => return None,
                        Err(e) => return Some(Err(e)),
                    }
                }
                Err(e) => return Some(Err(e)),
            }
        }
        None
    }
}

/// What a frame says.
pub(crate) fn body(entry: &Entry<'_>, dead: bool) -> Body {
    let header = &entry.header;
    let author = AuthorId(header.author);
    let record = RecordNo(header.n);
    let target = key::target(header.n);
    match header.kind {
        Kind::USER if entry.is_intact() => match Name::read(header.flags, entry.payload) {
            Some(name) => {
                Body::AddAuthor { author, name: name.name.into(), at_us: name.at_us.unwrap_or(header.time_us) }
            }
            None => Body::Other { kind: header.kind.0 },
        },
        Kind::PUT if is_hole(header) => Body::PutHole { author, record, count: run_of(entry) },
        Kind::PUT | Kind::EDIT => text_body(entry, dead),
        Kind::DELETE => Body::Delete { author, record },
        Kind::CLOSE_USER => Body::CloseAuthor { author },
        Kind::FOLLOW if target.is_some() => Body::Follow { author, target: target.unwrap_or_default() },
        Kind::UNFOLLOW if target.is_some() => Body::Unfollow { author, target: target.unwrap_or_default() },
        kind => Body::Other { kind: kind.0 },
    }
}

fn text_body(entry: &Entry<'_>, dead: bool) -> Body {
    let (header, payload) = (&entry.header, entry.payload);
    let (author, record) = key::record(header);
    let origin = Text::origin(header.kind, header.flags, payload);
    let text = match header.kind {
        _ if dead || !entry.is_intact() => None,
        Kind::PUT => Text::read_put(header.flags, payload),
        _ => Text::read_edit(header.flags, payload),
    };
    let at_us = text.as_ref().and_then(|text| text.at_us).unwrap_or(header.time_us);
    let text = text.map(|text| (text.text.to_owned(), text.tags));
    match origin {
        Some(Origin::Put { reply_to }) => Body::Put { author, record, text, reply_to, at_us },
        _ => Body::Edit { author, record, text, at_us },
    }
}
