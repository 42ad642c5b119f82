//! A store opened. Start at [`Log`].

use std::path::Path;
use std::sync::Arc;

use crate::background::Background;
use crate::backup::write_format;
use crate::commit::has_last_frame;
use crate::control::{Control, Word};
use crate::core::Core;
use crate::file::File;
use crate::format::{FORMAT_FILE, Format, Naming};
use crate::frame::Sums;
use crate::geometry::Geometry;
use crate::lock::{LOCK_FILE, Lock, SYNC_LOCK_FILE};
use crate::scan::Window;
use crate::segment::{Access, LOG_DIR, SegmentHeader, Segments, Tail};
use crate::sync::Synced;
use crate::view::FIRST_FRAME;
use crate::{Disk, Error, Filesystem, Op, OpenMode, Outcome, Rejection, Snapshot};

/// What a success means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives a power cut.
    Sync,
    /// It survives the end of the process; the disk follows within about a second while a program with the mapped backend runs, and
    /// with the next commit or the system's own writing otherwise.
    None,
}

/// What a store is for all its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Random; kept by dump, compaction and restore.
    pub site_id: [u8; 16],
    /// Random and secret: key of the index's hash and seed of the frames' checksums.
    pub hash_key: [u8; 16],
    /// What a success means.
    pub durability: Durability,
}

/// How files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Through maps: for programs that live long.
    Mapped,
    /// By single reads: for one request, or little address space. A writer maps the control page and the index all the same.
    Pread,
}

/// What to do when the store needs a long recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Recover, however long it takes.
    Inline,
    /// Recover if it is short, else answer with an error that [`Error::is_recovering`].
    Refuse,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// How files are read.
    pub backend: Backend,
    /// What to do when the store needs a long recovery.
    pub recovery: Recovery,
    /// Fills a buffer with random bytes.
    pub random: fn(&mut [u8]),
    /// How long to wait for a lock of another process.
    pub lock_wait_ms: u64,
    /// Whether a network file system is accepted, at the operator's own risk.
    pub allow_network_fs: bool,
    /// Told how far a recovery has come.
    pub progress: fn(Progress),
}

impl Options {
    /// The usual way: locks are waited for 5 seconds, no network file system, nobody is told of progress.
    pub fn new(backend: Backend, recovery: Recovery, random: fn(&mut [u8])) -> Options {
        Options { backend, recovery, random, lock_wait_ms: 5_000, allow_network_fs: false, progress: |_| {} }
    }
}

/// How far long work has come: bytes of log done, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// An open store. Threads share it.
#[derive(Debug)]
pub struct Log {
    pub(crate) core: Arc<Core>,
    background: Option<Background>,
}

impl Log {
    /// Makes a directory a store, durably.
    ///
    /// # Errors
    /// There is one already, or the disk refused.
    pub fn create(dir: &Path, identity: &Identity, disk: Arc<dyn Disk>) -> Result<(), Error> {
        Log::create_with(dir, &Format { identity: identity.clone(), geometry: Geometry::USUAL }, &disk)
    }

    pub(crate) fn create_with(dir: &Path, format: &Format, disk: &Arc<dyn Disk>) -> Result<(), Error> {
        let log_dir = dir.join(LOG_DIR);
        disk.create_dir(&log_dir).map_err(|e| Error::io(&log_dir, "create", e))?;
        let lock = Lock::open(disk, &dir.join(LOCK_FILE), 5_000)?;
        drop(Lock::open(disk, &dir.join(SYNC_LOCK_FILE), 5_000)?);
        let _held = lock.hold()?;
        let path = dir.join(FORMAT_FILE);
        if File::open_if_there(&**disk, &path, OpenMode::Read)?.is_some() {
            return Err(Error::Exists { dir: dir.into() });
        }
        let segments = Segments::new(Arc::clone(disk), dir, format.geometry, Access::Write);
        refuse_orphans(&segments)?;
        let first = format.geometry.segment(0);
        let header = SegmentHeader { site_id: format.identity.site_id, base: 0, seal: Tail::default() };
        segments.create(first, &header, Sums::new(&format.identity.hash_key))?;
        write_format(&**disk, dir, format, Naming::default())
    }

    /// Opens a store; after an unclean end of the machine it recovers it first.
    ///
    /// # Errors
    /// There is none, it is damaged, or needs a longer recovery than `options` allow.
    pub fn open(dir: &Path, options: &Options, disk: Arc<dyn Disk>) -> Result<Log, Error> {
        let format = Format::read_naming(&*disk, dir)?;
        let kind = disk.filesystem(dir).map_err(|e| Error::io(dir, "statfs", e))?;
        if let (Filesystem::Network(kind), false) = (kind, options.allow_network_fs) {
            return Err(Error::NetworkFs { dir: dir.into(), kind });
        }
        let core = Arc::new(Core::new(dir.into(), disk, format, options.clone(), kind));
        core.home().refuse_link(&*core.disk)?;
        loop {
            match core.open_somehow() {
                // A compaction has taken away what was to be opened.
                Err(_) if core.follow_format()? => {}
                opened => break opened?,
            }
        }
        if options.recovery == Recovery::Inline {
            core.adopt_to_open();
        }
        let background = Background::start(&core);
        Ok(Log { core, background })
    }

    /// Commits operations, in order; returns once those that were accepted are durable.
    ///
    /// # Errors
    /// None of the operations is acknowledged.
    pub fn commit(&self, now_us: u64, ops: Vec<Op>) -> Result<Vec<Result<Outcome, Rejection>>, Error> {
        self.core.commit(now_us, ops)
    }

    /// The newest published commit.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        let (view, look) = self.core.reader()?;
        Snapshot::new(Arc::clone(&self.core), view, &look)
    }

    /// What the store is for all its life.
    pub fn identity(&self) -> &Identity {
        &self.core.format.identity
    }

    /// Makes everything durable that was committed; for stores that do not do so with each commit.
    ///
    /// # Errors
    /// The sync failed: the store takes no more writes.
    pub fn sync(&self) -> Result<(), Error> {
        self.core.sync_all()
    }

    /// Whether the index was found wrong and this process may not build another: until some process does, answers may lack something
    /// and nothing is written.
    pub fn is_rebuild_due(&self) -> bool {
        let look = if self.core.suspected() { self.core.reader().ok() } else { None };
        look.is_some_and(|(_, look)| look.is_suspect && self.core.allow_long(look.commit.end).is_err())
    }

    /// Builds a new index from the log and switches every process to it. Writers wait meanwhile.
    ///
    /// # Errors
    /// The log cannot be read, or there is no room.
    pub fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let _held = self.core.lock()?.hold()?;
        match self.core.ready() {
            Ok(_) | Err(Error::ReadOnly { .. }) => self.core.rebuild_index(progress).map(drop),
            Err(e) => Err(e),
        }
    }

    /// Tries once more to mend a store that takes no writes because a sync failed: for the operator, who knows that the disk is well.
    ///
    /// # Errors
    /// It failed again.
    pub fn mend(&self) -> Result<(), Error> {
        self.core.mend()
    }

    /// Closes the store and marks it clean, so that the index need not be built anew after the machine's next start.
    ///
    /// # Errors
    /// The mark could not be written; the store is sound all the same.
    pub fn close(self) -> Result<(), Error> {
        drop(self.background);
        let writer = self.core.writer()?;
        let view = &writer.view;
        let mark = view.control.look()?.mark();
        let end = mark.end;
        if self.core.sync_through(view, mark)? == Synced::Stale {
            return Err(self.core.poisoned());
        }
        self.core.scrub_if_due()?;
        view.segments.sync_all(end)?;
        view.index.memory().sync()?;
        let dir = &view.home.dir;
        self.core.disk.sync_dir(dir).map_err(|e| Error::io(dir, "sync", e))?;
        view.control.store(Word::CleanEnd, end);
        view.control.sync()
    }
}

impl Core {
    /// Opens the reader's view, after whatever has to be done before.
    fn open_somehow(&self) -> Result<(), Error> {
        let home = self.home();
        let Some((control, look)) = self.current_control()? else { return self.recover_to_open() };
        match self.open_reader(&home, control, look) {
            Err(Error::Index { .. }) => self.mend_to_open(),
            Ok(_) if look.is_suspect => {
                self.note_suspect();
                // Rather what a wrong index hides is missing than everything.
                if self.allow_long(look.commit.end).is_ok()
                    && let Err(e) = self.mend_to_open()
                {
                    self.reader().map_err(|_| e)?;
                }
                Ok(())
            }
            opened => opened.map(drop),
        }
    }

    /// Builds a new index for one that cannot be opened or was found wrong, unless another process did so meanwhile.
    fn mend_to_open(&self) -> Result<(), Error> {
        let _held = self.lock()?.hold()?;
        self.follow_format()?;
        match self.reader() {
            Ok((_, look)) if !look.is_suspect => {}
            Ok(_) | Err(Error::Index { .. }) => drop(self.replace_index()?),
            Err(e) => return Err(e),
        }
        self.reader().map(drop)
    }

    /// Has what is written beyond the published end published, if there is anything: by a writer who was killed, or before the file
    /// system was shut down and mounted again, which left an old control page, or an old index. Short-lived programs leave this to the next writer.
    fn adopt_to_open(&self) {
        let is_more = self.reader().and_then(|(view, look)| {
            let mut scan = view.scan(look.commit.end, Window::glance());
            let is_behind = look.indexed < look.commit.end || !has_last_frame(&view)?;
            Ok(is_behind || scan.next_after(look.commit.last.hcrc)?.is_some())
        });
        // Who may not write shows what is published.
        if is_more.is_ok_and(|is_more| is_more) && self.writer().map(drop).is_ok() {
            let _ = self.sync_all();
        }
    }

    /// Recovers, unless another process did so meanwhile, and opens the reader's view. A store that is damaged opens for reading.
    fn recover_to_open(&self) -> Result<(), Error> {
        self.refuse_long()?;
        let recovered = {
            let _held = self.lock()?.hold()?;
            self.follow_format()?;
            match self.current_control()? {
                Some(_) => Ok(()),
                None => self.recover().map(drop),
            }
        };
        match recovered {
            Ok(()) | Err(Error::ReadOnly { .. }) => self.reader().map(drop),
            Err(e) => Err(e),
        }
    }
}

impl Core {
    /// Refuses a recovery that will be long before waiting for the lock, which another process may hold to do just that.
    fn refuse_long(&self) -> Result<(), Error> {
        if self.options.recovery == Recovery::Inline {
            return Ok(());
        }
        let home = self.home();
        let is_clean = match Control::open(&*self.disk, &home.dir, Backend::Pread)? {
            Some(page) => page.load(Word::CleanEnd).is_ok_and(|end| end != 0),
            None => false,
        };
        let segments = Segments::at(Arc::clone(&self.disk), &home.segments, self.format.geometry, Access::Read);
        match segments.count()?.checked_sub(1) {
            Some(last) if !is_clean => self.allow_long(segments.geometry().segment(last).base),
            _ => Ok(()),
        }
    }
}

/// Makes the names in a store, and its own, durable.
pub(crate) fn sync_names(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    disk.sync_dir(dir).map_err(|e| Error::io(dir, "sync", e))?;
    match dir.parent() {
        // Without permission to open the parent its owner has made the entry durable, or nobody can.
        Some(parent) if !parent.as_os_str().is_empty() => disk.sync_dir(parent).or(Ok(())),
        _ => Ok(()),
    }
}

/// A log whose FORMAT is gone is not to be overwritten by a new one.
fn refuse_orphans(segments: &Segments) -> Result<(), Error> {
    let count = segments.tidy_and_count()?;
    let mut first = [0; 8];
    let is_used = count > 1 || (count == 1 && segments.read_up_to(FIRST_FRAME, &mut first)? > 0 && first != [0; 8]);
    if is_used {
        let what = "missing, but there is a log with records; put back the FORMAT file that belongs to it".into();
        return Err(Error::Format { path: segments.path(0), what });
    }
    Ok(())
}
