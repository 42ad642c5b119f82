//! A disk in memory, as plain as can be: start at [`MemoryDisk`]. Whoever touches a map beyond the end of its file is told so by a
//! panic, where the kernel would kill the process, and nobody gets more than 64 MiB. A disk is made of files as they are
//! ([`Content`]) at the cost of a count: only pages that are written are copied.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use blerg_log::{Disk, DiskFile, Filesystem, Mapping, OpenMode, Space};

const FILE_BYTES_MAX: u64 = 64 << 20;
const PAGE_BYTES: usize = 4096;

/// Every file with its name.
pub(crate) type Files = Vec<(PathBuf, Content)>;

type Page = [u8; PAGE_BYTES];

/// What is in a file. Behind its end the last page has zeros.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pages: Vec<Arc<Page>>,
    length: usize,
}

impl Content {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Makes it shorter, or longer by zeros.
    pub(crate) fn resize(&mut self, length: usize) {
        static ZEROS: LazyLock<Arc<Page>> = LazyLock::new(|| Arc::new([0; PAGE_BYTES]));
        self.pages.resize_with(length.div_ceil(PAGE_BYTES), || Arc::clone(&ZEROS));
        if let (true, Some(last)) = (length < self.length, self.pages.last_mut()) {
            let used = length - (length - 1) / PAGE_BYTES * PAGE_BYTES;
            Arc::make_mut(last)[used..].fill(0);
        }
        self.length = length;
    }

    /// Copies out what is there; says how much.
    pub(crate) fn read(&self, at: usize, into: &mut [u8]) -> usize {
        let there = into.len().min(self.length.saturating_sub(at));
        let mut done = 0;
        while done < there {
            let (page, offset) = ((at + done) / PAGE_BYTES, (at + done) % PAGE_BYTES);
            let now = (there - done).min(PAGE_BYTES - offset);
            into[done..done + now].copy_from_slice(&self.pages[page][offset..offset + now]);
            done += now;
        }
        there
    }

    /// Copies in what fits before the end.
    pub(crate) fn write(&mut self, at: usize, from: &[u8]) {
        let fits = from.len().min(self.length.saturating_sub(at));
        let mut done = 0;
        while done < fits {
            let (page, offset) = ((at + done) / PAGE_BYTES, (at + done) % PAGE_BYTES);
            let now = (fits - done).min(PAGE_BYTES - offset);
            Arc::make_mut(&mut self.pages[page])[offset..offset + now].copy_from_slice(&from[done..done + now]);
            done += now;
        }
    }
}

/// A file, whatever it is called.
struct Node {
    inode: u64,
    bytes: Mutex<Content>,
    locked: AtomicBool,
    shared: AtomicUsize,
}

impl Node {
    fn bytes(&self) -> MutexGuard<'_, Content> {
        lock(&self.bytes)
    }
}

#[derive(Default)]
struct Names {
    files: BTreeMap<PathBuf, Arc<Node>>,
    inodes: u64,
}

/// The disk.
pub(crate) struct MemoryDisk {
    names: Mutex<Names>,
    boot: u8,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl MemoryDisk {
    /// A disk with these files, seen by the start of a machine of this number.
    pub(crate) fn new(files: &[(PathBuf, Content)], boot: u8) -> Arc<MemoryDisk> {
        let disk = MemoryDisk { names: Mutex::default(), boot };
        for (path, bytes) in files {
            disk.make(path, bytes.clone());
        }
        Arc::new(disk)
    }

    fn make(&self, path: &Path, bytes: Content) -> Arc<Node> {
        let mut names = lock(&self.names);
        names.inodes += 1;
        let node = Node {
            inode: names.inodes,
            bytes: Mutex::new(bytes),
            locked: AtomicBool::new(false),
            shared: AtomicUsize::new(0),
        };
        let node = Arc::new(node);
        names.files.insert(path.to_owned(), Arc::clone(&node));
        node
    }

    fn find(&self, path: &Path) -> io::Result<Arc<Node>> {
        lock(&self.names).files.get(path).cloned().ok_or_else(missing)
    }

    /// All files.
    pub(crate) fn files(&self) -> Files {
        lock(&self.names).files.iter().map(|(path, node)| (path.clone(), node.bytes().clone())).collect()
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let node = match (mode, self.find(path)) {
            (OpenMode::Replace, _) | (OpenMode::Create, Err(_)) => self.make(path, Content::default()),
            (_, found) => found?,
        };
        Ok(Box::new(Opened { node, holds: AtomicBool::new(false), shares: AtomicBool::new(false) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut names = lock(&self.names);
        let node = names.files.remove(from).ok_or_else(missing)?;
        names.files.insert(to.to_owned(), node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        lock(&self.names).files.remove(path).map(drop).ok_or_else(missing)
    }

    fn remove_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = lock(&self.names);
        let inside = names.files.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn space(&self, _dir: &Path) -> io::Result<Space> {
        Ok(Space { free: 1 << 40, total: 1 << 41 })
    }

    fn filesystem(&self, _dir: &Path) -> io::Result<Filesystem> {
        Ok(Filesystem::Local)
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        Some([self.boot; 16])
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        Ok(self.find(path)?.inode)
    }
}

struct Opened {
    node: Arc<Node>,
    holds: AtomicBool,
    shares: AtomicBool,
}

impl Opened {
    fn give_back(&self) {
        if self.holds.swap(false, Ordering::Relaxed) {
            self.node.locked.store(false, Ordering::Relaxed);
        }
        if self.shares.swap(false, Ordering::Relaxed) {
            self.node.shared.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn place(at: u64) -> io::Result<usize> {
    if at > FILE_BYTES_MAX { Err(io::ErrorKind::StorageFull.into()) } else { Ok(usize::try_from(at).expect("64 MiB")) }
}

impl DiskFile for Opened {
    fn size(&self) -> io::Result<u64> {
        Ok(self.node.bytes().len() as u64)
    }

    fn inode(&self) -> io::Result<u64> {
        Ok(self.node.inode)
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        Ok(self.node.bytes().read(usize::try_from(at).unwrap_or(usize::MAX), into))
    }

    fn write_at(&self, from: &[u8], at: u64) -> io::Result<usize> {
        let (start, end) = (place(at)?, place(at.saturating_add(from.len() as u64))?);
        let mut bytes = self.node.bytes();
        if bytes.len() < end {
            bytes.resize(end);
        }
        bytes.write(start, from);
        Ok(from.len())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let end = place(bytes)?;
        let mut bytes = self.node.bytes();
        if bytes.len() < end {
            bytes.resize(end);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        let others = self.node.shared.load(Ordering::Relaxed) - usize::from(self.shares.load(Ordering::Relaxed));
        let free = others == 0 && !self.node.locked.swap(true, Ordering::Relaxed);
        if free {
            self.give_back();
            self.node.locked.store(true, Ordering::Relaxed);
            self.holds.store(true, Ordering::Relaxed);
        }
        Ok(free)
    }

    fn try_share(&self) -> io::Result<bool> {
        let free = self.holds.load(Ordering::Relaxed) || !self.node.locked.load(Ordering::Relaxed);
        if free {
            self.give_back();
            self.node.shared.fetch_add(1, Ordering::Relaxed);
            self.shares.store(true, Ordering::Relaxed);
        }
        Ok(free)
    }

    fn unlock(&self) -> io::Result<()> {
        self.give_back();
        Ok(())
    }

    fn map_read(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        assert!(at.is_multiple_of(PAGE_BYTES as u64), "maps begin with a page");
        if bytes == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Box::new(Map { node: Arc::clone(&self.node), at: place(at)?, bytes }))
    }

    fn map_write(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        self.map_read(at, bytes)
    }
}

/// A window on a file.
struct Map {
    node: Arc<Node>,
    at: usize,
    bytes: usize,
}

impl Map {
    /// The file, for `wanted` bytes of the map from there on; with their place in it, and how many lie in the map.
    fn touch(&self, at: usize, wanted: usize) -> (MutexGuard<'_, Content>, usize, usize) {
        let bytes = wanted.min(self.bytes.saturating_sub(at));
        let file = self.node.bytes();
        let end = self.at + at + bytes;
        let pages = file.len().next_multiple_of(PAGE_BYTES);
        assert!(bytes == 0 || end <= pages, "SIGBUS: byte {end} of a file of {} bytes", file.len());
        (file, self.at.saturating_add(at), bytes)
    }
}

impl Mapping for Map {
    fn load(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        self.read(at, &mut word);
        u64::from_le_bytes(word)
    }

    fn store(&self, at: usize, word: u64) {
        assert!(at.is_multiple_of(8), "words are aligned");
        self.write(at, &word.to_le_bytes());
    }

    fn read(&self, at: usize, into: &mut [u8]) {
        // What reaches beyond the map is zeros, and so is the rest of the last page.
        into.fill(0);
        let (file, at, bytes) = self.touch(at, into.len());
        file.read(at, &mut into[..bytes]);
    }

    fn write(&self, at: usize, from: &[u8]) {
        let (mut file, at, bytes) = self.touch(at, from.len());
        // The rest of the last page is there, and forgotten.
        file.write(at, &from[..bytes]);
    }

    fn populate(&self, _at: usize, _bytes: usize) -> io::Result<()> {
        Ok(())
    }
}
