//! Reading: one published commit, seen whole. Start at [`Snapshot`]. Takes no lock and returns no byte whose checksum it
//! has not compared: a damaged index can hide a record, never show a wrong one.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::{Control, Look, Word};
use crate::core::Core;
use crate::frame::Kind;
use crate::frames::Frames;
use crate::index::is_filler;
use crate::key;
use crate::payload::Name;
use crate::scan::Window;
use crate::view::View;
use crate::{AuthorId, Error, List, ListKey, Position};

/// What a snapshot has seen; equal stamps mean equal answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Counts the compactions: positions of logs with different numbers have nothing to do with each other.
    pub log: u64,
    /// Random number of the last recovery.
    pub epoch: u64,
    /// Counts the indexes built.
    pub generation: u64,
    /// Frames before this position are seen.
    pub visible: Position,
}

/// An author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The number.
    pub id: AuthorId,
    /// The name as it is shown.
    pub name: String,
    /// When the author was created.
    pub created_us: u64,
    /// Whether the author has been closed.
    pub closed: bool,
}

/// One published commit, seen whole.
pub struct Snapshot {
    pub(crate) core: Arc<Core>,
    pub(crate) view: Arc<View>,
    stamp: Stamp,
    window: Mutex<Window>,
    /// Authors that were asked for, if any author was ever closed.
    closed: Mutex<HashMap<AuthorId, bool>>,
    /// Behind the last CLOSE_USER; 0: nobody ever left.
    closed_end: u64,
    damaged: AtomicU64,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(crate) fn new(core: Arc<Core>, view: Arc<View>, look: &Look) -> Result<Snapshot, Error> {
        let safe = if core.is_durable() { look.durable } else { look.commit.end };
        // Also indexed: so that lists and frames tell of the same commit.
        let visible = Position(safe.min(look.indexed).min(look.commit.end));
        let stamp = Stamp { log: look.log, epoch: look.epoch, generation: look.generation, visible };
        let (window, closed, damaged) = (Mutex::new(Window::glance()), Mutex::default(), AtomicU64::new(0));
        let closed_end = look.closed;
        Ok(Snapshot { core, view, stamp, window, closed, closed_end, damaged })
    }

    /// What this snapshot has seen, for entity tags.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// When the log was compacted last; 0: never. What was deleted before left no frame that tells when.
    pub fn compacted_us(&self) -> u64 {
        self.view.home.naming.since_us
    }

    /// The position of the last frame by which an author left; 0 if nobody ever did. It may lie behind what the snapshot
    /// sees.
    pub fn last_closing(&self) -> Position {
        Position(self.closed_end.saturating_sub(1))
    }

    /// The author of that name, in any ASCII case.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn author_by_name(&self, name: &str) -> Result<Option<Author>, Error> {
        let list = self.find(&key::of_name(name))?;
        if list.is_empty() {
            return Ok(None);
        }
        let author = self.author_at(list.get(0)?)?;
        Ok(author.filter(|author| author.name.eq_ignore_ascii_case(name)))
    }

    /// The author of that number.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn author(&self, id: AuthorId) -> Result<Option<Author>, Error> {
        let list = self.list(&ListKey::Authors)?;
        if u64::from(id.0) >= list.len() {
            return Ok(None);
        }
        let author = self.author_at(list.get(id.0.into())?)?;
        Ok(author.filter(|author| author.id == id))
    }

    fn author_at(&self, Position(at): Position) -> Result<Option<Author>, Error> {
        let mut window = self.window();
        let Some(entry) = window.entry(&self.view.segments, self.view.sums, at)? else {
            drop(window);
            if !self.is_filler(at) {
                self.suspect();
            }
            return Ok(None);
        };
        if !entry.is_intact() {
            self.count_damage();
            return Ok(None);
        }
        let name = match entry.header.kind {
            Kind::USER => Name::read(entry.header.flags, entry.payload),
            _ => None,
        };
        Ok(name.map(|name| Author {
            id: AuthorId(entry.header.author),
            name: name.name.into(),
            created_us: name.at_us.unwrap_or(entry.header.time_us),
            closed: entry.fate.deleted_by().is_some_and(|by| self.sees(by)),
        }))
    }

    /// A list; empty if nothing was ever put on it.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn list(&self, key: &ListKey<'_>) -> Result<List<'_>, Error> {
        self.find(&key.bytes())
    }

    fn find(&self, key: &[u8]) -> Result<List<'_>, Error> {
        self.noted(self.view.index.find(key).and_then(|head| List::new(self, head)))
    }

    /// Notes that the index is wrong, if that is the error.
    pub(crate) fn noted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Index { .. }) = &result {
            self.suspect();
        }
        result
    }

    /// Whom a follow frame on `author`'s [`ListKey::Follows`] names, if `author` follows them still by that very frame.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn following(&self, author: AuthorId, position: Position) -> Result<Option<AuthorId>, Error> {
        let found = self.window().header(&self.view.segments, self.view.sums, position.0)?;
        let target = match found {
            Some((header, _)) if header.kind == Kind::FOLLOW && header.author == author.0 => key::target(header.n),
            _ => None,
        };
        let Some(target) = target else {
            self.suspect();
            return Ok(None);
        };
        let pair = self.list(&ListKey::FollowPair(author, target))?;
        let is_last = pair.len() % 2 == 1 && pair.get(pair.len() - 1)? == position;
        Ok((is_last && !self.is_closed(target)?).then_some(target))
    }

    /// The frames from `from` on, in log order; `Position(0)` is the start. `from` is where a frame begins or one ended.
    pub fn frames(&self, from: Position) -> Frames<'_> {
        Frames::new(self, from)
    }

    /// How many frames this snapshot skipped for a wrong checksum.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Whether the frame at `position` is part of this snapshot.
    pub(crate) fn sees(&self, position: u64) -> bool {
        position < self.stamp.visible.0
    }

    /// Whether a position cannot be a frame's, but stands for a number whose frame is lost: whoever built the index knew.
    pub(crate) fn is_filler(&self, position: u64) -> bool {
        is_filler(Position(position)) && self.sees(position)
    }

    pub(crate) fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count_damage(&self) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether an author has left; their records are dead from that moment, before they are deleted one by one.
    pub(crate) fn is_closed(&self, id: AuthorId) -> Result<bool, Error> {
        if self.closed_end == 0 {
            return Ok(false);
        }
        let mut known = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(closed) = known.get(&id) {
            return Ok(*closed);
        }
        // Of one who cannot be found it is not known: rather too little is shown than too much.
        let closed = self.author(id)?.is_none_or(|author| author.closed);
        known.insert(id, closed);
        Ok(closed)
    }

    /// Notes that the index led to a place where what it promised is not: the next writer builds a new one.
    pub(crate) fn suspect(&self) {
        self.count_damage();
        self.core.note_suspect();
        if let Ok(Some(control)) = Control::open_to_write(&*self.core.disk, &self.view.home.dir)
            && control.look().is_ok_and(|look| self.view.is_of(&look))
        {
            control.store(Word::Suspect, 1);
        }
    }
}
