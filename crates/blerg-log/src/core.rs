//! What all parts of an open store share. Start at [`Core`]. Opens files when they are first needed: a process that only
//! reads never opens a lock.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::control::{CONTROL_FILE, Control, Look, State};
use crate::format::Format;
use crate::frame::Sums;
use crate::group::Queue;
use crate::lock::{LOCK_FILE, Lock, SYNC_LOCK_FILE};
use crate::sync::Syncing;
use crate::view::{Purpose, View};
use crate::{Disk, Durability, Error, Filesystem, Options};

/// An open store.
pub(crate) struct Core {
    pub(crate) dir: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) format: Format,
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
    pub(crate) fn new(dir: PathBuf, disk: Arc<dyn Disk>, format: Format, options: Options, kind: Filesystem) -> Core {
        Core {
            sums: Sums::new(&format.identity.hash_key),
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

    pub(crate) fn is_durable(&self) -> bool {
        self.format.identity.durability == Durability::Sync
    }

    /// The lock of those who write.
    pub(crate) fn lock(&self) -> Result<&Lock, Error> {
        open_once(&self.lock, || Lock::open(&self.disk, &self.dir.join(LOCK_FILE), self.options.lock_wait_ms))
    }

    /// The lock of those who sync.
    pub(crate) fn sync_lock(&self) -> Result<&Lock, Error> {
        open_once(&self.sync_lock, || Lock::open(&self.disk, &self.dir.join(SYNC_LOCK_FILE), self.options.lock_wait_ms))
    }

    /// A number of this start of the machine.
    pub(crate) fn boot_id(&self) -> Option<[u8; 16]> {
        *self.boot_id.get_or_init(|| self.disk.boot_id())
    }

    /// The control page for a reader and what it holds, if it can be trusted.
    pub(crate) fn current_control(&self) -> Result<Option<(Control, Look)>, Error> {
        let Some(control) = Control::open(&*self.disk, &self.dir, self.options.backend)? else { return Ok(None) };
        let look = control.current(&self.format.identity.site_id, self.boot_id())?;
        Ok(look.map(|look| (control, look)))
    }

    /// Opens the reader's view.
    pub(crate) fn open_reader(&self, control: Control, look: Look) -> Result<Arc<View>, Error> {
        let purpose = Purpose::Read(self.options.backend);
        let view = Arc::new(View::open(&self.disk, &self.dir, &self.format, (control, look), purpose)?);
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&view));
        Ok(view)
    }

    /// The reader's view; opened anew if a recovery replaced it.
    pub(crate) fn reader(&self) -> Result<(Arc<View>, Look), Error> {
        loop {
            let view = self.reader.read().unwrap_or_else(PoisonError::into_inner).clone();
            let view = match view {
                Some(view) => view,
                None => self.reopen_reader()?,
            };
            let look = view.control.look()?;
            if view.is_of(&look) {
                return Ok((view, look));
            }
            self.reopen_reader()?;
        }
    }

    fn reopen_reader(&self) -> Result<Arc<View>, Error> {
        let control = Control::open(&*self.disk, &self.dir, self.options.backend)?;
        let control = control.ok_or_else(|| Error::damaged(&self.dir.join(CONTROL_FILE), 0, "no control page"))?;
        let look = control.look()?;
        self.open_reader(control, look)
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
            State::Open => return None,
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
