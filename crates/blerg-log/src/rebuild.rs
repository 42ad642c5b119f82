//! A new index from the log. Start at [`Core::build_index`]. Reads the log once, from one end to the other; sets and clears
//! fates on the way, so that they say what the log says.

use crate::apply;
use crate::control::Control;
use crate::core::Core;
use crate::frame::{FATE_IN_FRAME, Fate, HEADER_BYTES, Kind};
use crate::index::{EMPTY_BYTES, Index, Push};
use crate::key;
use crate::memory::FileMemory;
use crate::payload::{Text, run_most};
use crate::recover::is_backed;
use crate::scan::{Entry, Scan, Window};
use crate::segment::Segments;
use crate::view::{FIRST_FRAME, Purpose, View, index_path};
use crate::{AuthorId, Error, ListKey, Position, Progress};
use std::path::Path;
use std::sync::Arc;

/// Progress is told each time that this many bytes are done.
const STEP_BYTES: u64 = 4 << 20;
/// As many pushes are done together.
const BATCH_PUSHES: usize = 256;

/// A new index, and what was seen when it was built.
pub(crate) struct Built {
    pub(crate) view: View,
    /// Behind the last DELETE.
    pub(crate) deleted: u64,
    /// Behind the last CLOSE_USER.
    pub(crate) closed: u64,
    /// There is a frame that this version does not know and must not ignore.
    pub(crate) has_alien: bool,
    /// The first DELETE whose texts are still there.
    pub(crate) unscrubbed: Option<u64>,
}

impl Core {
    /// The number for the next index: higher than any there is.
    pub(crate) fn next_generation(&self, control: &Control) -> Result<u64, Error> {
        let named = match control.is_of(&self.format.identity.site_id)? {
            true => control.load(crate::control::Word::Generation)?,
            false => 0,
        };
        Ok(generations(self)?.into_iter().fold(named, u64::max).wrapping_add(1))
    }

    /// Builds the index of the log up to `end` and gives it its name. Nobody uses it before the control page names it.
    pub(crate) fn build_index(
        &self,
        generation: u64,
        control: Control,
        end: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Built, Error> {
        // Left over by those who were killed, or found no room for another.
        remove_unnamed(self, &self.home().dir)?;
        let path = index_path(&self.home().dir, generation);
        let tmp = path.with_extension(format!("{generation}.tmp"));
        let built = self.fill_index(&tmp, generation, control, end, progress);
        let built = built.and_then(|built| {
            self.disk.rename(&tmp, &path).map_err(|e| Error::io(&path, "rename", e))?;
            Ok(built)
        });
        built.inspect_err(|_| drop(self.disk.remove(&tmp)))
    }

    fn fill_index(
        &self,
        tmp: &Path,
        generation: u64,
        control: Control,
        end: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Built, Error> {
        let memory = FileMemory::create(&*self.disk, tmp, EMPTY_BYTES)?;
        let index = Index::format(memory, &self.format.identity.hash_key, self.format.geometry.root_bits())?;
        let access = Purpose::Write(self.options.backend).access();
        let home = self.home();
        let segments = Segments::at(Arc::clone(&self.disk), &home.segments, self.format.geometry, access);
        let view = View::built(home, control, (index, generation), segments, self.sums);
        let mut builder = Builder {
            view: &view,
            end,
            deleted: 0,
            closed: 0,
            has_alien: false,
            unscrubbed: None,
            batch: Vec::new(),
            authors: 0,
            runs: Vec::new(),
            gaps: Vec::new(),
        };
        builder.run(progress)?;
        let Builder { deleted, closed, has_alien, unscrubbed, .. } = builder;
        view.index.stamp(generation, Position(FIRST_FRAME), Position(end))?;
        Ok(Built { view, deleted, closed, has_alien, unscrubbed })
    }
}

struct Builder<'v> {
    view: &'v View,
    end: u64,
    deleted: u64,
    closed: u64,
    has_alien: bool,
    unscrubbed: Option<u64>,
    /// Pushes that gather: together they are faster.
    batch: Vec<Push<Vec<u8>>>,
    /// One more than the highest number of an author that any frame names.
    authors: u64,
    /// Runs of holes that are damaged: whose, and the first number that is surely behind them.
    runs: Vec<(AuthorId, u64)>,
    gaps: Vec<Gap>,
}

/// A stretch of the log that cannot be read.
struct Gap {
    from: u64,
    to: u64,
}

/// Bytes of the smallest frame that uses up a number.
const NUMBERED_BYTES: u64 = HEADER_BYTES as u64;
/// For one gap and list as many numbers are always left out, if it can have held as many.
const LEFT_OUT_MIN: u64 = 16;
/// And in all lists together about this many at most.
const LEFT_OUT_MAX: u64 = 1 << 20;

impl Builder<'_> {
    fn push(&mut self) -> Result<(), Error> {
        self.view.index.push_all_growing(&self.batch)?;
        self.batch.clear();
        Ok(())
    }

    fn run(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let mut scan = Scan::new(&self.view.segments, self.view.sums, FIRST_FRAME, Window::wide());
        let mut told = 0;
        while scan.at() < self.end {
            let from = scan.at();
            if let Some(entry) = scan.next()? {
                self.add(&entry)?;
            } else {
                let more = scan.resync(self.end)?;
                self.gaps.push(self.gap(from, if more { scan.at() } else { self.end })?);
                if !more {
                    break;
                }
            }
            if scan.at() >= told + STEP_BYTES {
                told = scan.at();
                progress(Progress { done: told, total: self.end });
            }
        }
        self.push()?;
        self.leave_out_lost_numbers()?;
        progress(Progress { done: self.end, total: self.end });
        Ok(())
    }

    /// What lies between two places; not the room behind a SEAL, where nothing was ever written.
    fn gap(&self, from: u64, to: u64) -> Result<Gap, Error> {
        let segments = &self.view.segments;
        let end = segments.geometry().segment_of(from).end();
        if to < end {
            return Ok(Gap { from, to });
        }
        let mut bytes = vec![0; usize::try_from(end - from).unwrap_or_default()];
        let found = segments.read_up_to(from, &mut bytes).unwrap_or(0);
        let used = bytes.iter().take(found).rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        Ok(Gap { from, to: from + used.max(NUMBERED_BYTES) })
    }

    /// Numbers that a frame which cannot be read may have had are not given out again: ids would come to mean something else.
    fn leave_out_lost_numbers(&self) -> Result<(), Error> {
        let authors = ListKey::Authors.bytes();
        let lost = self.lost_behind(&authors, 1)?;
        let known = self.view.index.find(&authors)?.map_or(0, |head| head.len()).max(self.authors);
        self.lengthen(&authors, known + lost)?;
        for (author, behind) in &self.runs {
            self.lengthen(&ListKey::Timeline(*author).bytes(), *behind)?;
        }
        if self.gaps.is_empty() {
            return Ok(());
        }
        for author in (0..known + lost).filter_map(key::target) {
            let timeline = ListKey::Timeline(author).bytes();
            let lost = self.lost_behind(&timeline, known + lost)?;
            let known = self.view.index.find(&timeline)?.map_or(0, |head| head.len());
            self.lengthen(&timeline, known + lost)?;
        }
        Ok(())
    }

    /// How many numbers of a list were perhaps used behind its last element, in gaps; `lists` are asked for.
    fn lost_behind(&self, key: &[u8], lists: u64) -> Result<u64, Error> {
        let last = match self.view.index.find(key)? {
            Some(head) => head.get(head.len() - 1)?.0,
            None => 0,
        };
        let most = (LEFT_OUT_MAX / lists.max(1)).max(LEFT_OUT_MIN);
        let gaps = self.gaps.iter().filter(|gap| gap.to > last);
        Ok(gaps.map(|gap| (gap.to - gap.from).div_ceil(NUMBERED_BYTES).min(most)).sum())
    }

    fn lengthen(&self, key: &[u8], wanted: u64) -> Result<(), Error> {
        self.view.index.lengthen(key, wanted, Position(self.end))
    }

    /// Notes which numbers a frame proves to be used: that of its author, of whom it follows, and of the record that it is about.
    fn note_numbers(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let header = &entry.header;
        if !(Kind::USER.0..=Kind::UNFOLLOW.0).contains(&header.kind.0) {
            return Ok(());
        }
        self.authors = self.authors.max(u64::from(header.author) + 1);
        match header.kind {
            Kind::PUT if apply::is_run(header) && !entry.is_intact() => {
                self.runs.push((AuthorId(header.author), header.n.saturating_add(run_most(header))));
                Ok(())
            }
            Kind::FOLLOW | Kind::UNFOLLOW => {
                self.authors = self.authors.max(key::target(header.n).map_or(0, |target| u64::from(target.0) + 1));
                Ok(())
            }
            Kind::EDIT | Kind::DELETE => {
                let timeline = ListKey::Timeline(AuthorId(header.author)).bytes();
                self.view.index.lengthen(&timeline, header.n.saturating_add(1), Position(entry.position))
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.has_alien |= entry.header.is_alien();
        let fate = self.true_fate(entry)?;
        self.batch.extend(apply::pushes(entry, lists(entry, fate)));
        if self.batch.len() >= BATCH_PUSHES || apply::has_effects(&entry.header) {
            self.push()?;
            apply::effects(self.view, entry)?;
        }
        self.note_numbers(entry)?;
        if entry.header.kind == Kind::CLOSE_USER {
            self.closed = entry.position + 1;
        }
        if entry.header.kind == Kind::DELETE {
            self.deleted = entry.position + 1;
            if self.unscrubbed.is_none() && self.has_text(entry)? {
                self.unscrubbed = Some(entry.position);
            }
        }
        Ok(())
    }

    /// The fate of a frame; one that no frame backs is cleared: what decided it was lost with a torn tail.
    fn true_fate(&self, entry: &Entry<'_>) -> Result<Fate, Error> {
        let by = entry.fate.position();
        if entry.fate == Fate::LIVE {
            return Ok(Fate::LIVE);
        }
        let kind = match (entry.header.kind, entry.fate.deleted_by()) {
            (Kind::USER, Some(_)) => Kind::CLOSE_USER,
            (_, Some(_)) => Kind::DELETE,
            (_, None) => Kind::EDIT,
        };
        if by < self.end && is_backed(&self.view.segments, self.view.sums, entry, kind, by)? {
            return Ok(entry.fate);
        }
        self.view.segments.write(entry.position + FATE_IN_FRAME, &Fate::LIVE.0.to_le_bytes())?;
        Ok(Fate::LIVE)
    }

    /// Whether a text that a DELETE takes away is still there.
    fn has_text(&self, delete: &Entry<'_>) -> Result<bool, Error> {
        let Some(target) = apply::sound_target(delete) else { return Ok(false) };
        if !self.view.is_text_of(target.put, delete)? {
            return Ok(false);
        }
        let mut window = Window::glance();
        for version in self.view.versions(target.put, target.newest)? {
            let Some(entry) = window.entry(&self.view.segments, self.view.sums, version)? else { continue };
            let from = Text::origin_bytes(entry.header.kind, entry.header.flags);
            if entry.payload.get(from..).is_some_and(|text| text.iter().any(|byte| *byte != 0)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// On which lists a frame goes: a dead record keeps its number only, a replaced version loses its tags.
pub(crate) fn lists(entry: &Entry<'_>, fate: Fate) -> Vec<Vec<u8>> {
    let mut keys = key::of_checked_frame(entry);
    if fate == Fate::LIVE || ![Kind::PUT, Kind::EDIT].contains(&entry.header.kind) {
        return keys;
    }
    let timeline = ListKey::Timeline(AuthorId(entry.header.author)).bytes();
    let is_dead = fate.deleted_by().is_some();
    keys.retain(|key| match key.first() {
        Some(b'#' | b'@') => false,
        _ => !is_dead || *key == timeline,
    });
    keys
}

fn generations(core: &Core) -> Result<Vec<u64>, Error> {
    generations_in(core, &core.home().dir)
}

/// The numbers of the indexes that lie in a directory.
pub(crate) fn generations_in(core: &Core, dir: &Path) -> Result<Vec<u64>, Error> {
    let names = core.disk.list(dir).map_err(|e| Error::io(dir, "list", e))?;
    Ok(names.iter().filter_map(|name| name.strip_prefix("index.")?.trim_end_matches(".tmp").parse().ok()).collect())
}

/// Removes indexes in a directory that are not whole. The caller holds the lock of its log, so nobody is at one; or nobody writes to
/// that log any more.
pub(crate) fn remove_unnamed(core: &Core, dir: &Path) -> Result<(), Error> {
    let names = match core.disk.list(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        names => names.map_err(|e| Error::io(dir, "list", e))?,
    };
    for name in names.iter().filter(|name| name.starts_with("index.") && name.ends_with(".tmp")) {
        let _ = core.disk.remove(&dir.join(name));
    }
    Ok(())
}

/// Removes the indexes of other generations. Whoever has one mapped keeps it until he lets go; if it cannot be removed, it only
/// takes room.
pub(crate) fn remove_old_indexes(core: &Core, generation: u64) {
    for old in generations(core).unwrap_or_default() {
        let path = index_path(&core.home().dir, old);
        if old != generation {
            let _ = core.disk.remove(&path);
        }
        let _ = core.disk.remove(&path.with_extension(format!("{old}.tmp")));
    }
}
