//! What is alive in one log, written into another. Start at [`Copier::round`]. Order, times and numbers stay; deleted records become
//! holes, many of them one frame. The new log is written by the same code as any other, so its frames, lists and fates agree.

use std::collections::HashMap;

use crate::append::{Appender, is_hole};
use crate::apply::sound_target;
use crate::core::Core;
use crate::decide::Decider;
use crate::frame::Kind;
use crate::key;
use crate::moved::Marks;
use crate::payload::{Name, Origin, Text, run_of};
use crate::recover::is_backed;
use crate::scan::{Entry, Window};
use crate::view::{FIRST_FRAME, View};
use crate::{AuthorId, Error, ListKey, Op, Outcome, Position, Progress, Rejection, Snapshot};

/// Frames that are decided together: what a decider remembers of them is forgotten then.
const BATCH_FRAMES_MAX: usize = 4_096;
/// Progress is told each time that this many bytes are done.
const STEP_BYTES: u64 = 4 << 20;

/// How much was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) authors: u64,
    pub(crate) records: u64,
    pub(crate) edits: u64,
    pub(crate) follows: u64,
}

/// A log on its way into another.
pub(crate) struct Copier<'c> {
    heir: &'c Core,
    view: &'c View,
    /// Everything before this is copied.
    pub(crate) at: u64,
    /// Numbers of dead records that the new log does not know of yet: the first behind them, by author.
    used: HashMap<AuthorId, u64>,
    pub(crate) marks: Marks,
    pub(crate) counts: Counts,
}

/// Frames that go into the new log together.
struct Batch<'c> {
    out: Appender<'c>,
    decider: Decider<'c>,
}

impl<'c> Copier<'c> {
    pub(crate) fn new(heir: &'c Core, view: &'c View, marks: Marks) -> Copier<'c> {
        Copier { heir, view, at: FIRST_FRAME, used: HashMap::new(), marks, counts: Counts::default() }
    }

    /// Copies what was written since the last round and is alive in this snapshot; what was copied before and died since dies too.
    pub(crate) fn round(&mut self, from: &Snapshot, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let end = from.stamp().visible.0;
        let mut scan = from.view.scan(self.at, Window::wide());
        let mut told = self.at;
        while scan.at() < end {
            let mut batch = self.batch()?;
            for _ in 0..BATCH_FRAMES_MAX {
                let at = scan.at();
                if at >= end {
                    break;
                }
                self.marks.pass(at, batch.out.end());
                let entry = scan.next()?.ok_or_else(|| unreadable(from, at))?;
                self.frame(from, &entry, &mut batch)?;
            }
            batch.out.flush()?;
            if scan.at() >= told + STEP_BYTES {
                told = scan.at();
                progress(Progress { done: told, total: end });
            }
        }
        let mut batch = self.batch()?;
        let mut used: Vec<(AuthorId, u64)> = self.used.drain().collect();
        used.sort_unstable_by_key(|(author, _)| author.0);
        for (author, next) in used {
            batch.decider.fill_up(0, author, next, &mut batch.out)?;
        }
        batch.out.flush()?;
        self.marks.pass(end, batch.out.end());
        self.at = end;
        progress(Progress { done: end, total: end });
        Ok(())
    }

    fn batch(&self) -> Result<Batch<'c>, Error> {
        let (out, decider) = (Appender::new(self.heir, self.view, false)?, Decider::of_copies(self.view)?);
        Ok(Batch { out, decider })
    }

    fn frame(&mut self, from: &Snapshot, entry: &Entry<'_>, batch: &mut Batch<'_>) -> Result<(), Error> {
        let header = &entry.header;
        let (author, record) = key::record(header);
        match header.kind {
            Kind::EPOCH | Kind::SEAL => Ok(()),
            Kind::USER => {
                let name = Name::read(header.flags, entry.payload).filter(|_| entry.is_intact());
                let name = name.ok_or_else(|| unreadable(from, entry.position))?;
                self.counts.authors += 1;
                let op = Op::AddAuthor { name: name.name.into(), at_us: name.at_us };
                batch.commit(entry, &op, Outcome::Author(author))
            }
            Kind::PUT if is_hole(header) => {
                if !entry.is_intact() {
                    return Err(unreadable(from, entry.position));
                }
                self.note_used(author, header.n + run_of(entry));
                Ok(())
            }
            Kind::PUT | Kind::EDIT => self.text(from, entry, batch),
            Kind::DELETE => match sound_target(entry) {
                Some(target) if from.view.is_text_of(target.put, entry)? => {
                    batch.commit_if_there(entry, &Op::Delete { author, record })
                }
                _ => Ok(()),
            },
            Kind::CLOSE_USER => {
                if let Some(next) = self.used.remove(&author) {
                    batch.decider.fill_up(header.time_us, author, next, &mut batch.out)?;
                }
                batch.commit(entry, &Op::CloseAuthor { author }, Outcome::Done)
            }
            Kind::FOLLOW | Kind::UNFOLLOW => self.follow(from, entry, batch),
            kind => Err(Error::ReadOnly {
                dir: from.core.dir.clone(),
                why: format!("the log holds frames of kind {}, of a later version: that one can compact it", kind.0),
            }),
        }
    }

    fn text(&mut self, from: &Snapshot, entry: &Entry<'_>, batch: &mut Batch<'_>) -> Result<(), Error> {
        let header = &entry.header;
        let (author, record) = key::record(header);
        let is_put = header.kind == Kind::PUT;
        if !is_alive(from, entry)? {
            if is_put {
                self.note_used(author, header.n + 1);
            }
            return Ok(());
        }
        let text = if is_put {
            Text::read_put(header.flags, entry.payload)
        } else {
            Text::read_edit(header.flags, entry.payload)
        };
        let Text { at_us, origin, tags, text } = text.ok_or_else(|| unreadable(from, entry.position))?;
        let text = text.to_owned();
        match origin {
            Origin::Put { reply_to } => {
                self.used.remove(&author);
                batch.decider.fill_up(header.time_us, author, header.n, &mut batch.out)?;
                self.counts.records += 1;
                batch.commit(entry, &Op::Put { author, text, tags, reply_to, at_us }, Outcome::Record(record))
            }
            Origin::Edit { put, previous } => {
                if !from.view.is_text_of(put, entry)? || !from.view.is_text_of(previous, entry)? {
                    return Ok(());
                }
                self.counts.edits += 1;
                batch.commit(entry, &Op::Edit { author, record, text, tags, at_us }, Outcome::Done)
            }
        }
    }

    /// Of followings that ended nothing stays.
    fn follow(&mut self, from: &Snapshot, entry: &Entry<'_>, batch: &mut Batch<'_>) -> Result<(), Error> {
        let author = AuthorId(entry.header.author);
        let Some(target) = key::target(entry.header.n) else { return Ok(()) };
        if entry.header.kind == Kind::UNFOLLOW {
            return batch.commit_if_there(entry, &Op::Unfollow { author, target });
        }
        let pair = from.list(&ListKey::FollowPair(author, target))?;
        let place = pair.lower_bound(Position(entry.position))?;
        // Only the index tells what became of it: where that has lost it, the following would be lost for good.
        if place >= pair.len() || pair.get(place)? != Position(entry.position) {
            from.suspect();
            return Err(Error::Index { what: format!("no list holds the FOLLOW at {}", entry.position) });
        }
        if place + 1 < pair.len() {
            return Ok(());
        }
        self.counts.follows += 1;
        batch.commit(entry, &Op::Follow { author, target }, Outcome::Done)
    }

    fn note_used(&mut self, author: AuthorId, next: u64) {
        let used = self.used.entry(author).or_default();
        *used = next.max(*used);
    }
}

impl Batch<'_> {
    fn commit(&mut self, entry: &Entry<'_>, op: &Op, wanted: Outcome) -> Result<(), Error> {
        match self.decider.decide(entry.header.time_us, op, &mut self.out)? {
            Ok(found) if found == wanted => Ok(()),
            other => Err(Error::Index { what: format!("the frame at {} came to {other:?}", entry.position) }),
        }
    }

    /// What the new log does not know is as good as gone.
    fn commit_if_there(&mut self, entry: &Entry<'_>, op: &Op) -> Result<(), Error> {
        match self.decider.decide(entry.header.time_us, op, &mut self.out)? {
            Ok(_) | Err(Rejection::NoSuchRecord | Rejection::NoSuchAuthor) => Ok(()),
            Err(other) => Err(Error::Index { what: format!("the frame at {} came to {other:?}", entry.position) }),
        }
    }
}

/// Whether a PUT or EDIT is of a record that is there. An error if it is and cannot be read: a compaction must not lose it.
fn is_alive(from: &Snapshot, entry: &Entry<'_>) -> Result<bool, Error> {
    if from.is_closed(AuthorId(entry.header.author))? || is_deleted(from, entry, |by| from.sees(by))? {
        return Ok(false);
    }
    if entry.is_intact() {
        return Ok(true);
    }
    // Deleted and erased behind this snapshot; the next round will meet the DELETE.
    let now = Entry { fate: from.view.fate(entry.position)?, ..*entry };
    if is_deleted(from, &now, |_| true)? { Ok(false) } else { Err(unreadable(from, entry.position)) }
}

fn is_deleted(from: &Snapshot, entry: &Entry<'_>, is_seen: impl Fn(u64) -> bool) -> Result<bool, Error> {
    match entry.fate.deleted_by() {
        Some(by) if is_seen(by) => is_backed(&from.view.segments, from.view.sums, entry, Kind::DELETE, by),
        _ => Ok(false),
    }
}

fn unreadable(from: &Snapshot, position: u64) -> Error {
    from.view.segments.damage(position, "a frame that cannot be read; a compaction would lose it for good")
}

/// How many bytes of frames a copy of this snapshot takes, about.
pub(crate) fn measure(from: &Snapshot) -> Result<u64, Error> {
    let end = from.stamp().visible.0;
    let mut scan = from.view.scan(FIRST_FRAME, Window::wide());
    let mut bytes = 0;
    while scan.at() < end {
        let at = scan.at();
        let entry = scan.next()?.ok_or_else(|| unreadable(from, at))?;
        let is_copied = match entry.header.kind {
            Kind::PUT if is_hole(&entry.header) => false,
            Kind::PUT | Kind::EDIT => is_alive(from, &entry)?,
            Kind::USER | Kind::CLOSE_USER | Kind::FOLLOW => true,
            _ => false,
        };
        // A dead one may need a hole of its own; in runs it costs about a byte.
        bytes += if is_copied { entry.header.frame_len() } else { 2 };
    }
    Ok(bytes)
}
