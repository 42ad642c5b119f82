//! What all parts of an open store share. Start at [`Core`]. Opens files when they are first needed: a process that only
//! reads never opens a lock.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::control::{CONTROL_FILE, Control, Look, State};
use crate::format::FORMAT_FILE;
use crate::format::{Format, Naming};
use crate::frame::Sums;
use crate::group::Queue;
use crate::home::Home;
use crate::lock::{LOCK_FILE, Lock, SYNC_LOCK_FILE};
use crate::sync::Syncing;
use crate::view::{Purpose, View};
use crate::{Disk, Durability, Error, Filesystem, Options};

/// An open store.
pub(crate) struct Core {
    pub(crate) dir: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    /// What it is for all its life.
    pub(crate) format: Format,
    /// The log that counts, as far as this process knows.
    home: RwLock<Arc<Home>>,
    /// Where the locks lie: not with those of the store while a log is being made that does not count yet.
    lock_dir: PathBuf,
    pub(crate) sums: Sums,
    pub(crate) options: Options,
    /// The file system needs room for a page that is written again.
    pub(crate) copies_on_write: bool,
    /// Requests that wait for a leader.
    pub(crate) queue: Queue,
    pub(crate) syncing: Syncing,
    /// This process met an index that was found wrong, or found it so.
    suspected: AtomicBool,
    reader: RwLock<Option<Arc<View>>>,
    writer: Mutex<Option<Arc<View>>>,
    lock: OnceLock<Lock>,
    sync_lock: OnceLock<Lock>,
    boot_id: OnceLock<Option<[u8; 16]>>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(
        dir: PathBuf,
        disk: Arc<dyn Disk>,
        (format, naming): (Format, Naming),
        options: Options,
        kind: Filesystem,
    ) -> Core {
        Core {
            sums: Sums::new(&format.identity.hash_key),
            home: RwLock::new(Arc::new(Home::of(&dir, naming))),
            lock_dir: dir.clone(),
            dir,
            disk,
            format,
            options,
            copies_on_write: matches!(kind, Filesystem::CopyOnWrite(_)),
            queue: Queue::default(),
            syncing: Syncing::default(),
            suspected: AtomicBool::new(false),
            reader: RwLock::new(None),
            writer: Mutex::new(None),
            lock: OnceLock::new(),
            sync_lock: OnceLock::new(),
            boot_id: OnceLock::new(),
        }
    }

    /// A log beside that of this store, with locks of its own: nobody else knows of it.
    pub(crate) fn beside(&self, naming: Naming) -> Core {
        let copies_on_write = self.copies_on_write;
        let (dir, disk, options) = (self.dir.clone(), Arc::clone(&self.disk), self.options.clone());
        let core = Core::new(dir, disk, (self.format.clone(), naming), options, Filesystem::Local);
        let lock_dir = core.home().dir.clone();
        Core { copies_on_write, lock_dir, ..core }
    }

    /// Where the log lies that counts, as far as this process knows.
    pub(crate) fn home(&self) -> Arc<Home> {
        Arc::clone(&self.home.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads FORMAT, and goes over to the log that it names; whether that is another one.
    pub(crate) fn follow_format(&self) -> Result<bool, Error> {
        let (format, naming) = Format::read_naming(&*self.disk, &self.dir)?;
        if format.identity != self.format.identity {
            let path = self.dir.join(FORMAT_FILE);
            return Err(Error::Format { path, what: "of another site than when the store was opened".into() });
        }
        let mut home = self.home.write().unwrap_or_else(PoisonError::into_inner);
        if home.naming == naming {
            return Ok(false);
        }
        *home = Arc::new(Home::of(&self.dir, naming));
        drop(home);
        self.forget_views();
        Ok(true)
    }

    /// Whether another log counts than this one by now; if so this process goes over.
    pub(crate) fn has_left(&self, home: &Home) -> Result<bool, Error> {
        self.follow_format()?;
        Ok(self.home().number() != home.number())
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.format.identity.durability == Durability::Sync
    }

    /// The lock of those who write.
    pub(crate) fn lock(&self) -> Result<&Lock, Error> {
        open_once(&self.lock, || Lock::open(&self.disk, &self.lock_dir.join(LOCK_FILE), self.options.lock_wait_ms))
    }

    /// The lock of those who sync.
    pub(crate) fn sync_lock(&self) -> Result<&Lock, Error> {
        let wait_ms = self.options.lock_wait_ms;
        open_once(&self.sync_lock, || Lock::open(&self.disk, &self.lock_dir.join(SYNC_LOCK_FILE), wait_ms))
    }

    /// A number of this start of the machine.
    pub(crate) fn boot_id(&self) -> Option<[u8; 16]> {
        *self.boot_id.get_or_init(|| self.disk.boot_id())
    }

    /// The control page for a reader and what it holds, if it can be trusted.
    pub(crate) fn current_control(&self) -> Result<Option<(Control, Look)>, Error> {
        let home = self.home();
        let Some(control) = Control::open(&*self.disk, &home.dir, self.options.backend)? else { return Ok(None) };
        let look = control.current(&self.format.identity.site_id, self.boot_id())?;
        Ok(look.map(|look| (control, look)))
    }

    /// Opens the reader's view. While it is there, the files of its log stay.
    pub(crate) fn open_reader(&self, home: &Arc<Home>, control: Control, look: Look) -> Result<Arc<View>, Error> {
        let purpose = Purpose::Read(self.options.backend);
        let view = Arc::new(View::open(&self.disk, home, &self.format, (control, look), purpose)?);
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&view));
        Ok(view)
    }

    /// The reader's view; opened anew if a recovery replaced it, or another log counts by now.
    pub(crate) fn reader(&self) -> Result<(Arc<View>, Look), Error> {
        loop {
            let view = self.reader.read().unwrap_or_else(PoisonError::into_inner).clone();
            let view = match view {
                Some(view) => view,
                None => self.reopen_reader()?,
            };
            let look = view.control.look()?;
            if look.state == State::Moving && self.has_left(&view.home)? {
                self.forget_reader_of(&view.home);
            } else if view.is_of(&look) && view.is_kept() {
                return Ok((view, look));
            } else {
                self.reopen_reader()?;
            }
        }
    }

    fn forget_reader_of(&self, home: &Home) {
        let mut reader = self.reader.write().unwrap_or_else(PoisonError::into_inner);
        if reader.as_ref().is_some_and(|view| view.home.number() == home.number()) {
            *reader = None;
        }
    }

    fn reopen_reader(&self) -> Result<Arc<View>, Error> {
        loop {
            let home = self.home();
            match self.open_reader_of(&home) {
                // A compaction has removed it meanwhile.
                Err(_) if self.has_left(&home)? => {}
                opened => return opened,
            }
        }
    }

    fn open_reader_of(&self, home: &Arc<Home>) -> Result<Arc<View>, Error> {
        let control = Control::open(&*self.disk, &home.dir, self.options.backend)?;
        let control = control.ok_or_else(|| Error::damaged(&home.dir.join(CONTROL_FILE), 0, "no control page"))?;
        let look = control.look()?;
        self.open_reader(home, control, look)
    }

    /// Forgets the views, so that they are opened anew.
    pub(crate) fn forget_views(&self) {
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.set_writer(None);
    }

    /// The writer's view, if it was opened before.
    pub(crate) fn last_writer(&self) -> Option<Arc<View>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_writer(&self, view: Option<Arc<View>>) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// Remembers that the index was found wrong.
    pub(crate) fn note_suspect(&self) {
        self.suspected.store(true, Ordering::Relaxed);
    }

    pub(crate) fn suspected(&self) -> bool {
        self.suspected.load(Ordering::Relaxed)
    }

    pub(crate) fn poisoned(&self) -> Error {
        Error::Poisoned { dir: self.dir.clone() }
    }

    /// Why a store in this state takes no writes.
    pub(crate) fn refusal(&self, state: State) -> Option<Error> {
        let why = match state {
            State::Open | State::Moving => return None,
            State::Poisoned | State::Lost => return Some(self.poisoned()),
            State::Damaged => "the log is damaged before its durable end; the rest awaits salvage",
            State::Alien => "a later version wrote to it; use that, or rebuild the index with it",
        };
        Some(Error::ReadOnly { dir: self.dir.clone(), why: why.into() })
    }
}

fn open_once<T>(cell: &OnceLock<T>, open: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    match cell.get() {
        Some(found) => Ok(found),
        None => {
            let made = open()?;
            Ok(cell.get_or_init(|| made))
        }
    }
}
