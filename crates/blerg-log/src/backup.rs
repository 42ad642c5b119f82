//! A copy of the log while others write to it. Start at [`Log::copy_to`]. Copies what was published, up to a place behind
//! which nothing has been deleted yet: a text that is erased meanwhile has its DELETE in the copy. Neither index nor control
//! page: who opens the copy makes them, by a recovery. FORMAT.md, section "Backup".

use std::path::Path;
use std::sync::Arc;

use crate::control::{Look, Word};
use crate::core::Core;
use crate::file::File;
use crate::format::{FORMAT_FILE, Format, Naming};
use crate::frame::{FATE_IN_FRAME, Kind};
use crate::home::Home;
use crate::log::sync_names;
use crate::moved;
use crate::recover::{is_backed, is_erased};
use crate::scan::{Entry, Scan, Window};
use crate::segment::{Access, SEGMENT_HEADER_BYTES, Segments, Tail};
use crate::sync::Synced;
use crate::verify::{PROBLEMS_MAX, Problem};
use crate::view::{FIRST_FRAME, View};
use crate::{AuthorId, Disk, Error, Log, OpenMode, Progress};

/// Bytes copied at once.
const CHUNK_BYTES: usize = 1 << 20;
/// So often the log is followed without a lock; then writers wait for the last, short, stretch.
const FREE_PASSES: u32 = 3;
/// So often it is begun anew, because files were replaced meanwhile.
const TRIES_MAX: u32 = 5;

/// A copy of a log, which is a store once its FORMAT is written.
#[derive(Debug)]
pub struct Copied {
    /// Bytes of log in it, headers of segments included.
    pub log_bytes: u64,
    /// Its frames.
    pub frames: u64,
    /// Its segments.
    pub segments: u64,
    /// Who has left, in this copy.
    pub closed: Vec<AuthorId>,
    /// What is damaged in it, by the files it was copied from; at most [`PROBLEMS_MAX`] are told.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problems_len: u64,
    /// The name of the directory in which it lies.
    pub log_dir: String,
    format: Format,
    naming: Naming,
}

/// Makes FORMAT, durably, whole or not at all.
pub(crate) fn write_format(disk: &dyn Disk, dir: &Path, format: &Format, naming: Naming) -> Result<(), Error> {
    let path = dir.join(FORMAT_FILE);
    let tmp = path.with_extension("tmp");
    let file = File::open(disk, &tmp, OpenMode::Replace)?;
    file.write(format.text_naming(naming).as_bytes(), 0)?;
    file.sync()?;
    disk.rename(&tmp, &path).map_err(|e| Error::io(&path, "rename", e))?;
    sync_names(disk, dir)
}

impl Log {
    /// Copies the log below `to`, an empty directory, durably: everything that was acknowledged when this is called, and perhaps
    /// some that came later. `to` is no store before [`Log::finish_copy`].
    ///
    /// # Errors
    /// A file cannot be read or written; the log is replaced again and again. Damaged frames are no error, but told.
    pub fn copy_to(&self, to: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Copied, Error> {
        for _ in 0..TRIES_MAX {
            let (view, look) = self.core.reader()?;
            let (disk, geometry) = (&self.core.disk, self.core.format.geometry);
            let home = Home::of(to, view.home.naming);
            let log_dir = home.segments.clone();
            disk.create_dir(&log_dir).map_err(|e| Error::io(&log_dir, "create", e))?;
            let copy = Copy {
                core: &self.core,
                // By single reads: a map would end the process where the disk cannot be read.
                from: Segments::at(Arc::clone(disk), &view.home.segments, geometry, Access::Read),
                to: Segments::at(Arc::clone(disk), &log_dir, geometry, Access::Write),
                home,
                view,
                look,
            };
            if let Some(copied) = copy.run(progress)? {
                moved::copy(&**disk, &copy.view.home, &copy.home)?;
                return Ok(copied);
            }
            remove_all(&**disk, &log_dir)?;
        }
        Err(Error::Busy { path: self.core.dir.clone(), waited_ms: 0 })
    }

    /// Writes the file that makes `dir`, where a copied log lies by now, a store: durably, and whole or not at all.
    ///
    /// # Errors
    /// The disk refused.
    pub fn finish_copy(&self, copied: &Copied, dir: &Path) -> Result<(), Error> {
        write_format(&*self.core.disk, dir, &copied.format, copied.naming)
    }
}

fn remove_all(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    for name in disk.list(dir).map_err(|e| Error::io(dir, "list", e))? {
        let path = dir.join(name);
        disk.remove(&path).map_err(|e| Error::io(&path, "remove", e))?;
    }
    disk.remove_dir(dir).map_err(|e| Error::io(dir, "remove", e))
}

struct Copy<'c> {
    core: &'c Core,
    from: Segments,
    to: Segments,
    /// Where the copy lies.
    home: Home,
    view: Arc<View>,
    /// The control page when it began.
    look: Look,
}

impl Copy<'_> {
    /// `None` if files were replaced, or the log was cut, since it began.
    fn run(&self, progress: &mut dyn FnMut(Progress)) -> Result<Option<Copied>, Error> {
        let mut passes = 0;
        let mut end = 0;
        loop {
            let held = match passes < FREE_PASSES {
                true => None,
                // Nothing is deleted while it is held.
                false => Some(self.core.lock()?.hold()?),
            };
            if held.is_some() {
                let view = self.core.ready()?;
                if self.core.sync_through(&view, view.control.look()?.mark())? == Synced::Stale {
                    return Ok(None);
                }
            }
            let Some(visible) = self.visible()? else { return Ok(None) };
            self.stretch(end, visible, progress)?;
            end = visible;
            passes += 1;
            // In this order: what was erased up to here was deleted before it was read.
            let durable = self.view.control.load(Word::Durable)?;
            if self.view.control.load(Word::Deleted)?.min(durable) <= end || held.is_some() {
                break;
            }
        }
        let copied = self.compare(end, progress)?;
        self.to.sync_all(end)?;
        self.to.sync_dir()?;
        Ok(self.visible()?.map(|_| copied))
    }

    /// How far frames are visible; `None` if the files are not those of the beginning any more.
    fn visible(&self) -> Result<Option<u64>, Error> {
        let look = self.view.control.look()?;
        let is_same = (look.generation, look.replaced, look.cut)
            == (self.look.generation, self.look.replaced, self.look.cut)
            && self.core.current_control()?.is_some_and(|(control, _)| control.inode() == self.view.control.inode());
        let safe = if self.core.is_durable() { look.durable } else { look.commit.end };
        Ok(is_same.then_some(safe.min(look.indexed).min(look.commit.end)))
    }

    fn stretch(&self, from: u64, to: u64, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let geometry = self.from.geometry();
        let mut bytes = vec![0; CHUNK_BYTES];
        let mut at = from;
        while at < to {
            let place = geometry.segment_of(at);
            if at == place.base {
                let file = File::open(&*self.core.disk, &self.to.path(place.base), OpenMode::Create)?;
                file.allocate(place.bytes)?;
            }
            let stop = place.end().min(to);
            let now = usize::try_from(stop - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let (part, _) = bytes.split_at_mut(now);
            self.from.read(at, part)?;
            self.to.write(at, part)?;
            at += now as u64;
            progress(Progress { done: at, total: to });
        }
        Ok(())
    }

    /// Reads the copy as its first recovery will, and gives it the fates that came while it was made. What is wrong with it is wrong
    /// with the log too.
    fn compare(&self, end: u64, progress: &mut dyn FnMut(Progress)) -> Result<Copied, Error> {
        let geometry = self.to.geometry();
        let mut copied = Copied {
            log_bytes: end,
            frames: 0,
            segments: geometry.segment_of(end - 1).number + 1,
            closed: Vec::new(),
            problems: Vec::new(),
            problems_len: 0,
            log_dir: self.home.segments.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            format: self.core.format.clone(),
            naming: self.home.naming,
        };
        let mut scan = Scan::new(&self.to, self.core.sums, FIRST_FRAME, Window::wide());
        let mut last = Some(Tail::default());
        while scan.at() < end {
            let at = scan.at();
            if at == geometry.segment_of(at).base + SEGMENT_HEADER_BYTES {
                let header = self.to.header(geometry.segment_of(at), self.core.sums);
                let problem = match &header {
                    Ok(header) if last.is_none_or(|last| last == header.seal) => None,
                    Ok(_) => Some("the segment follows another seal than the one before it"),
                    Err(_) => Some("no segment header of this site"),
                };
                copied.note(&self.from, geometry.segment_of(at).base, problem);
                last = header.ok().map(|header| header.seal);
            }
            if let Some(entry) = scan.next()? {
                let is_next = last.is_none_or(|last| entry.header.follows(last.hcrc));
                copied.note(&self.from, at, (!is_next).then_some("the frame does not follow the one before it"));
                last = Some(entry.tail());
                copied.frames += 1;
                if entry.header.kind == Kind::CLOSE_USER {
                    copied.closed.push(AuthorId(entry.header.author));
                }
                let is_sound = self.is_sound(&entry)?;
                copied.note(&self.from, at, (!is_sound).then_some("wrong checksum of the payload"));
            } else {
                last = None;
                copied.note(&self.from, at, Some("no sound frame"));
                if !scan.resync(end)? {
                    break;
                }
            }
        }
        progress(Progress { done: end, total: end });
        Ok(copied)
    }

    /// Whether a frame's payload is what was written, or was erased. Read beside the one who erased it, its fate may be from before.
    fn is_sound(&self, entry: &Entry<'_>) -> Result<bool, Error> {
        if entry.is_intact() || is_erased(&self.to, self.core.sums, entry)? {
            return Ok(true);
        }
        let fate = self.view.fate(entry.position)?;
        let Some(by) = fate.deleted_by() else { return Ok(false) };
        let is_deleted = is_backed(&self.to, self.core.sums, entry, Kind::DELETE, by)?;
        if is_deleted {
            self.to.write(entry.position + FATE_IN_FRAME, &fate.0.to_le_bytes())?;
        }
        Ok(is_deleted)
    }
}

impl Copied {
    fn note(&mut self, segments: &Segments, position: u64, problem: Option<&str>) {
        let Some(what) = problem else { return };
        self.problems_len += 1;
        if self.problems.len() < PROBLEMS_MAX {
            let base = segments.geometry().segment_of(position).base;
            self.problems.push(Problem { path: segments.path(base), offset: position - base, what: what.to_owned() });
        }
    }
}
