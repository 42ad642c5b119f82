//! One generation of a store, opened: its control page, index and segments. Start at [`View`]. Readers and the writer
//! have one each, opened in their own ways; both share the questions here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::control::{Control, Look};
use crate::format::Format;
use crate::frame::{FATE_IN_FRAME, Fate, Header, Kind, Sums};
use crate::home::Home;
use crate::index::Index;
use crate::memory::{FileMemory, Reach};
use crate::payload::{Origin, Text};
use crate::scan::{Entry, Scan, Window};
use crate::segment::{Access, SEGMENT_HEADER_BYTES, Segments};
use crate::{Backend, Disk, Error};

/// The first frame of the log.
pub(crate) const FIRST_FRAME: u64 = SEGMENT_HEADER_BYTES;

/// One generation of a store, opened.
pub(crate) struct View {
    pub(crate) home: Arc<Home>,
    pub(crate) control: Control,
    pub(crate) index: Index<FileMemory>,
    pub(crate) segments: Segments,
    pub(crate) sums: Sums,
    pub(crate) generation: u64,
    pub(crate) replaced: u64,
    /// Whether the files stay that this one has not opened yet; a writer, who holds the lock, does not ask.
    pub(crate) is_kept: bool,
}

/// How a view is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// By a reader.
    Read(Backend),
    /// By the one who holds the lock.
    Write(Backend),
}

impl Purpose {
    pub(crate) fn access(self) -> Access {
        match self {
            Purpose::Read(Backend::Mapped) => Access::Map,
            Purpose::Read(Backend::Pread) => Access::Read,
            Purpose::Write(Backend::Mapped) => Access::MapAndWrite,
            Purpose::Write(Backend::Pread) => Access::Write,
        }
    }

    fn reach(self) -> Reach {
        match self {
            Purpose::Read(Backend::Mapped) => Reach::Map,
            Purpose::Read(Backend::Pread) => Reach::Read,
            Purpose::Write(_) => Reach::Write,
        }
    }
}

/// The index file of a generation.
pub(crate) fn index_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("index.{generation}"))
}

/// How often a view is opened anew because a recovery replaced the index meanwhile.
const TRIES_MAX: u32 = 10;

impl View {
    /// Opens the generation that the control page names.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        home: &Arc<Home>,
        format: &Format,
        (control, look): (Control, Look),
        purpose: Purpose,
    ) -> Result<View, Error> {
        let (mut look, mut tries) = (look, 0);
        loop {
            match FileMemory::open(&**disk, &index_path(&home.dir, look.generation), purpose.reach()) {
                Ok(memory) => {
                    // Whoever is to remove the files of this log asks for the same lock, after he has said that another one counts.
                    let is_kept = matches!(purpose, Purpose::Write(_)) || memory.share()?;
                    let index = Index::open(memory, &format.identity.hash_key)?;
                    // Somebody put a file of before in its place.
                    if index.generation() != look.generation {
                        let found = index.generation();
                        return Err(Error::Index { what: format!("index.{}: generation {found}", look.generation) });
                    }
                    let segments = Segments::at(Arc::clone(disk), &home.segments, format.geometry, purpose.access());
                    let sums = Sums::new(&format.identity.hash_key);
                    let (home, generation, replaced) = (Arc::clone(home), look.generation, look.replaced);
                    return Ok(View { home, control, index, segments, sums, generation, replaced, is_kept });
                }
                Err(e) if e.is_missing() && tries < TRIES_MAX => {
                    tries += 1;
                    look = control.look()?;
                }
                Err(e) if e.is_missing() => {
                    return Err(Error::Index { what: format!("index.{}: missing", look.generation) });
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Whether the control page names this generation still.
    pub(crate) fn is_of(&self, look: &Look) -> bool {
        (self.generation, self.replaced) == (look.generation, look.replaced)
    }

    /// Of an index that was just built, for the one who holds the lock.
    pub(crate) fn built(
        home: Arc<Home>,
        control: Control,
        (index, generation): (Index<FileMemory>, u64),
        segments: Segments,
        sums: Sums,
    ) -> View {
        View { home, control, index, segments, sums, generation, replaced: 0, is_kept: true }
    }

    /// Whether all files stay that this view may have to open yet.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Reads frames from `at` on.
    pub(crate) fn scan(&self, at: u64, window: Window) -> Scan<'_> {
        Scan::new(&self.segments, self.sums, at, window)
    }

    /// What became of the frame at `position`.
    pub(crate) fn fate(&self, position: u64) -> Result<Fate, Error> {
        let mut word = [0; 8];
        self.segments.read(position.saturating_add(FATE_IN_FRAME), &mut word)?;
        Ok(Fate(u64::from_le_bytes(word)))
    }

    /// Sets a fate, unless a later frame has already decided it.
    pub(crate) fn raise_fate(&self, position: u64, fate: Fate) -> Result<(), Error> {
        if self.fate(position)?.position() < fate.position() {
            self.segments.write(position + FATE_IN_FRAME, &fate.0.to_le_bytes())?;
        }
        Ok(())
    }

    /// Whether a PUT or EDIT of the record of `by` stands at `position`, before that.
    pub(crate) fn is_text_of(&self, position: u64, by: &Entry<'_>) -> Result<bool, Error> {
        let found = self.header_before(position, by)?;
        Ok(found.is_some_and(|header| header.kind != Kind::DELETE && is_same_record(&header, &by.header)))
    }

    /// Whether the USER of the author of `by` stands at `position`, before that.
    pub(crate) fn is_user_of(&self, position: u64, by: &Entry<'_>) -> Result<bool, Error> {
        let found = self.header_before(position, by)?;
        Ok(found.is_some_and(|header| header.kind == Kind::USER && header.author == by.header.author))
    }

    fn header_before(&self, position: u64, by: &Entry<'_>) -> Result<Option<Header>, Error> {
        if position >= by.position {
            return Ok(None);
        }
        Ok(Window::glance().header(&self.segments, self.sums, position)?.map(|(header, _)| header))
    }

    /// Writes a fate that is there once more, so that the next sync is about it too.
    pub(crate) fn rewrite_fate(&self, position: u64) -> Result<(), Error> {
        let fate = self.fate(position)?;
        self.segments.write(position + FATE_IN_FRAME, &fate.0.to_le_bytes())
    }

    /// The versions of a record from the newest back to the put, as far as they can be followed. What leads back is kept when
    /// the texts are erased.
    pub(crate) fn versions(&self, put: u64, newest: u64) -> Result<Vec<u64>, Error> {
        let mut window = Window::glance();
        let mut found = Vec::new();
        let mut at = newest;
        let Some((put_header, _)) = window.header(&self.segments, self.sums, put)? else { return Ok(found) };
        while at > put {
            let Some(entry) = window.entry(&self.segments, self.sums, at)? else { break };
            let origin = Text::origin(entry.header.kind, entry.header.flags, entry.payload);
            let Some(Origin::Edit { put: its_put, previous }) = origin else { break };
            if its_put != put || previous >= at || !is_same_record(&entry.header, &put_header) {
                break;
            }
            found.push(at);
            at = previous;
        }
        found.push(put);
        Ok(found)
    }
}

/// Whether two frames are about one record.
pub(crate) fn is_same_record(one: &Header, other: &Header) -> bool {
    (one.author, one.n) == (other.author, other.n) && [one.kind, other.kind].iter().all(|kind| is_about_record(*kind))
}

fn is_about_record(kind: Kind) -> bool {
    [Kind::PUT, Kind::EDIT, Kind::DELETE].contains(&kind)
}
