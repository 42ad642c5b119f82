//! A disk in memory that crashes, fails and lies on demand. Page cache and disk are kept apart: a crash keeps of each sector
//! that was not synced any state it had since, and of the changes of names any subset. Maps share the page cache.

mod file;
mod inode;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::{Disk, DiskFile, Filesystem, OpenMode, Space};

use file::FakeFile;
use inode::{Inode, NameChange};

const PAGE: usize = 4096;
const SECTOR: usize = 512;
/// States of a sector that are remembered between two syncs.
const VERSIONS_MAX: usize = 4;

/// Numbers that look random and are the same in each run.
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// How the disk lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// fdatasync does nothing.
    NoSync,
    /// fsync of a directory does nothing.
    NoSyncDir,
    /// No process learns that the store is poisoned.
    NoPoison,
    /// A SEAL is not written.
    NoSeal,
    /// A commit is published only when it is indexed.
    PublishLast,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call that is counted as this number, once.
    Once(u64, io::ErrorKind),
    /// This one and all later ones: the process was killed, or the power went.
    Stop(u64),
    /// All writes that need new room, and syncs never.
    FullFrom(u64),
    /// All allocations, while there is a ballast: a quota, of which nobody is told.
    Quota,
    /// The call that is counted as this number, once, with what the system calls it.
    Errno(u64, i32),
    /// That write writes a part and says so.
    Short(u64),
    /// The call that only opens, asks or reads and is counted as this number, once.
    Ask(u64, i32),
    /// From this one on no file can be opened: the process has too many.
    NoFilesFrom(u64),
}

/// Numbers of errors that tests have the disk answer with.
pub(crate) const EIO: i32 = 5;
pub(crate) const EINTR: i32 = 4;
pub(crate) const EMFILE: i32 = 24;
pub(crate) const ENOSPC: i32 = 28;

/// What a power cut decides about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Whether this change of a name, counted from the first that was not synced, is on the disk.
    Name(usize),
    /// Whether the new length of this file is.
    Length(u64),
    /// Which of the contents of this sector of a file is.
    Sector(u64, usize),
}

/// How what was not synced reaches the disk, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing did.
    Worst,
    /// Everything did.
    Best,
    /// Each sector and each change of a name for itself.
    Sectors,
    /// Whole pages, as they are written back.
    Pages,
    /// Some files wholly, others not at all; and of the names those up to some change.
    Files,
}

impl Cut {
    pub(crate) const ALL: [Cut; 5] = [Cut::Worst, Cut::Best, Cut::Sectors, Cut::Pages, Cut::Files];

    /// What it makes of one thing that has so many states, the last one the newest.
    fn choose(self, seed: u64, unit: Unit, choices: usize) -> usize {
        let chance = |name: u64| Rng(seed ^ name.wrapping_mul(0x9e37_79b9_7f4a_7c15)).below(1 << 20);
        match (self, unit) {
            (Cut::Worst, _) => 0,
            (Cut::Best, _) => choices - 1,
            (Cut::Sectors, Unit::Name(n)) => chance(n as u64) % choices,
            (Cut::Sectors, Unit::Length(file)) => chance(file << 32) % choices,
            (Cut::Sectors, Unit::Sector(file, sector)) => chance(file << 32 | (sector as u64 + 1)) % choices,
            // A journal keeps their order.
            (Cut::Pages | Cut::Files, Unit::Name(n)) => usize::from(n < chance(1 << 60) % 8),
            (Cut::Pages, Unit::Length(file)) => chance(file << 32) % choices,
            (Cut::Pages, Unit::Sector(file, sector)) => match chance(file << 32 | (sector / 8 + 1) as u64) % 3 {
                0 => 0,
                1 => choices / 2,
                _ => choices - 1,
            },
            (Cut::Files, Unit::Length(file) | Unit::Sector(file, _)) => (chance(file) % 2) * (choices - 1),
        }
    }
}

#[derive(Clone)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    disk_names: BTreeMap<PathBuf, u64>,
    changes: Vec<NameChange>,
    next_inode: u64,
    next_handle: u64,
    boot: u8,
    steps: u64,
    /// Which of the counted calls were fdatasync.
    syncs: Vec<u64>,
    /// And which were writes.
    writes: Vec<u64>,
    reads: u64,
    /// Calls that open, ask or read, so far; maps apart.
    asks: u64,
    faults: Vec<Fault>,
    is_stopped: bool,
    /// Whether the fault has come.
    is_met: bool,
    /// Reads and writes are interrupted and short by chance.
    is_rough: bool,
    lie: Option<Lie>,
    held_back: Option<(u64, usize, u64)>,
    free: u64,
    kind: Filesystem,
    /// What each counted call was, for messages.
    last_call: String,
}

/// A disk in memory.
#[derive(Clone)]
pub(crate) struct FakeDisk(Arc<Mutex<State>>);

impl FakeDisk {
    pub(crate) fn new() -> FakeDisk {
        FakeDisk(Arc::new(Mutex::new(State {
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            disk_names: BTreeMap::new(),
            changes: Vec::new(),
            next_inode: 1,
            next_handle: 1,
            boot: 1,
            steps: 0,
            syncs: Vec::new(),
            writes: Vec::new(),
            reads: 0,
            asks: 0,
            faults: Vec::new(),
            is_stopped: false,
            is_met: false,
            is_rough: false,
            lie: None,
            held_back: None,
            free: 1 << 40,
            kind: Filesystem::Local,
            last_call: String::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn arc(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// A disk with the same content that goes its own way.
    pub(crate) fn fork(&self) -> FakeDisk {
        FakeDisk(Arc::new(Mutex::new(self.state().clone())))
    }

    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        self.set_faults(fault.into_iter().collect());
    }

    pub(crate) fn set_faults(&self, faults: Vec<Fault>) {
        let mut state = self.state();
        state.faults = faults;
        state.is_stopped = false;
        state.is_met = false;
    }

    /// Has reads and writes interrupted, and end early, by chance.
    pub(crate) fn set_rough(&self, is_rough: bool) {
        self.state().is_rough = is_rough;
    }

    /// Whether a fault has come since they were set.
    pub(crate) fn is_met(&self) -> bool {
        self.state().is_met
    }

    /// Calls that open, ask or read, so far.
    pub(crate) fn asks(&self) -> u64 {
        self.state().asks
    }

    pub(crate) fn set_lie(&self, lie: Option<Lie>) {
        self.state().lie = lie;
    }

    pub(crate) fn set_kind(&self, kind: Filesystem) {
        self.state().kind = kind;
    }

    /// Calls that changed something, so far.
    pub(crate) fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Says that so much is free; what is written does not count.
    pub(crate) fn set_free(&self, free: u64) {
        self.state().free = free;
    }

    /// Calls that open, read or ask, so far.
    pub(crate) fn reads(&self) -> u64 {
        self.state().reads
    }

    /// Calls of fdatasync, so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs.len() as u64
    }

    /// Which of the counted calls were fdatasync.
    pub(crate) fn sync_steps(&self) -> Vec<u64> {
        self.state().syncs.clone()
    }

    /// Which of the counted calls were writes.
    pub(crate) fn write_steps(&self) -> Vec<u64> {
        self.state().writes.clone()
    }

    /// What the system does now and then by itself: everything reaches the disk.
    pub(crate) fn write_back(&self) {
        let mut state = self.state();
        if !state.is_stopped {
            state.disk_names = state.names.clone();
            state.changes.clear();
            state.inodes.values_mut().for_each(Inode::sync);
        }
    }

    /// What the kernel does when a write fails: the file's pages are clean, and not on the disk.
    pub(crate) fn forget_dirty(&self, path: &Path) {
        let mut state = self.state();
        let number = state.names[path];
        state.inodes.get_mut(&number).unwrap().dirty.clear();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    pub(crate) fn last_call(&self) -> String {
        self.state().last_call.clone()
    }

    /// The disk as the next process of this start of the machine finds it: the page cache is whole, the locks are free.
    pub(crate) fn after_kill(&self) -> FakeDisk {
        let fork = self.fork();
        {
            let mut state = fork.state();
            state.faults.clear();
            state.is_stopped = false;
            state.held_back = None;
            state.inodes.values_mut().for_each(|inode| {
                inode.locked_by = None;
                inode.shared_by.clear();
            });
        }
        fork
    }

    /// The disk after a power cut at which nothing was written that was not synced.
    pub(crate) fn after_worst_cut(&self) -> FakeDisk {
        self.after(Cut::Worst, 0)
    }

    /// The disk after a power cut at which everything had been written.
    pub(crate) fn after_best_cut(&self) -> FakeDisk {
        self.after(Cut::Best, 0)
    }

    /// The disk after a power cut at which chance decided.
    pub(crate) fn after_power_cut(&self, rng: &mut Rng) -> FakeDisk {
        self.after_cut(&mut |_, choices| rng.below(choices))
    }

    /// The disk after a power cut of this kind; seeds differ in what they leave.
    pub(crate) fn after(&self, cut: Cut, seed: u64) -> FakeDisk {
        self.after_cut(&mut |unit, choices| cut.choose(seed, unit, choices))
    }

    /// The disk after its file system was shut down under the same start of the machine, and mounted again.
    pub(crate) fn after_shutdown(&self, cut: Cut, seed: u64) -> FakeDisk {
        let fork = self.after(cut, seed);
        fork.state().boot -= 1;
        fork
    }

    /// The disk after a power cut; `choose` picks one of so many states.
    fn after_cut(&self, choose: &mut dyn FnMut(Unit, usize) -> usize) -> FakeDisk {
        let fork = self.after_kill();
        {
            let mut state = fork.state();
            state.boot += 1;
            let mut names = std::mem::take(&mut state.disk_names);
            for (n, change) in std::mem::take(&mut state.changes).into_iter().enumerate() {
                if choose(Unit::Name(n), 2) == 1 {
                    change.apply(&mut names);
                }
            }
            state.names = names.clone();
            state.disk_names = names;
            let State { inodes, names, .. } = &mut *state;
            inodes.retain(|number, _| names.values().any(|named| named == number));
            inodes.iter_mut().for_each(|(number, inode)| inode.crash(*number, choose));
        }
        fork
    }

    /// The content of a file.
    pub(crate) fn bytes(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        let inode = &state.inodes[&state.names[path]];
        let mut bytes = vec![0; inode.length as usize];
        inode.cache.read(0, &mut bytes);
        bytes
    }

    /// What of a file would survive a power cut at the worst.
    pub(crate) fn durable_bytes(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        let inode = &state.inodes[&state.names[path]];
        let mut bytes = vec![0; inode.length as usize];
        inode.disk.read(0, &mut bytes);
        bytes
    }

    /// Changes a file behind everybody's back, in cache and on disk.
    pub(crate) fn damage(&self, path: &Path, at: u64, bytes: &[u8]) {
        let mut state = self.state();
        let number = state.names[path];
        let inode = state.inodes.get_mut(&number).unwrap();
        inode.cache.write(at as usize, bytes);
        inode.disk.write(at as usize, bytes);
    }

    pub(crate) fn names(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }
}

impl State {
    /// Counts a call that changes something; an error if it is to fail.
    fn step(&mut self, call: impl FnOnce() -> String) -> io::Result<()> {
        if self.is_stopped {
            return Err(io::Error::other("the disk has stopped"));
        }
        self.steps += 1;
        for fault in &self.faults {
            let error = match *fault {
                Fault::Once(at, kind) if at == self.steps => kind.into(),
                // Of what may be interrupted and is not done again by the system's own functions there are only writes.
                Fault::Errno(at, EINTR) if at == self.steps => continue,
                Fault::Errno(at, code) if at == self.steps => io::Error::from_raw_os_error(code),
                Fault::Stop(at) if at <= self.steps => {
                    self.is_stopped = true;
                    io::Error::other("the disk has stopped")
                }
                _ => continue,
            };
            self.is_met = true;
            self.last_call = call();
            return Err(error);
        }
        Ok(())
    }

    /// Counts a call that opens, asks or reads; an error if it is to fail.
    fn ask(&mut self, call: impl FnOnce() -> String) -> io::Result<()> {
        if self.is_stopped {
            return Err(io::Error::other("the disk has stopped"));
        }
        self.asks += 1;
        let fault = self.faults.iter().find(|fault| matches!(fault, Fault::Ask(at, _) if *at == self.asks));
        if let Some(Fault::Ask(_, code)) = fault.copied() {
            self.is_met = true;
            self.last_call = call();
            return Err(io::Error::from_raw_os_error(code));
        }
        Ok(())
    }

    /// The same for a call that needs one more file.
    fn ask_to_open(&mut self, call: impl FnOnce() -> String) -> io::Result<()> {
        self.ask(call)?;
        if self.faults.iter().any(|fault| matches!(fault, Fault::NoFilesFrom(at) if *at <= self.asks)) {
            self.is_met = true;
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        Ok(())
    }

    /// How many of so many bytes are read or written by one call; an error if it is interrupted.
    fn part(&mut self, len: usize) -> io::Result<usize> {
        if !self.is_rough || len <= 8 {
            return Ok(len);
        }
        let mut rng = Rng(self.steps << 32 | self.asks);
        match rng.below(4) {
            0 => Err(io::ErrorKind::Interrupted.into()),
            1 => Ok(len),
            _ => Ok(1 + rng.below(len)),
        }
    }

    fn is_full(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault, Fault::FullFrom(at) if *at <= self.steps))
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    fn lookup(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for FakeDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.ask_to_open(|| format!("open {}", path.display()))?;
        state.reads += 1;
        let found = state.lookup(path);
        let inode = match (found, mode) {
            (Ok(inode), OpenMode::Read | OpenMode::Write | OpenMode::Create) => inode,
            (Err(e), OpenMode::Read | OpenMode::Write) => return Err(e),
            (_, OpenMode::Create | OpenMode::Replace) => {
                state.step(|| format!("create {}", path.display()))?;
                if state.is_full() {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let inode = state.next_inode;
                state.next_inode += 1;
                state.inodes.insert(inode, Inode::default());
                state.change(NameChange::Set(path.into(), inode));
                inode
            }
        };
        let handle = state.next_handle;
        state.next_handle += 1;
        Ok(Box::new(FakeFile { disk: self.clone(), inode, handle, name: path.into() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step(|| format!("rename to {}", to.display()))?;
        let inode = state.lookup(from)?;
        state.change(NameChange::Rename(from.into(), to.into(), inode));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.lookup(path)?;
        state.step(|| format!("remove {}", path.display()))?;
        state.change(NameChange::Remove(path.into()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.ask_to_open(|| format!("list {}", dir.display()))?;
        let in_dir = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(in_dir.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn remove_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.state().ask(|| format!("create {}", dir.display()))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.ask_to_open(|| format!("open directory {}", dir.display()))?;
        state.step(|| format!("sync directory {}", dir.display()))?;
        if state.lie == Some(Lie::NoSyncDir) {
            return Ok(());
        }
        let State { changes, disk_names, .. } = &mut *state;
        changes.retain(|change| {
            let synced = change.dir() == dir;
            if synced {
                change.apply(disk_names);
            }
            !synced
        });
        Ok(())
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        let mut state = self.state();
        state.ask(|| format!("statfs {}", dir.display()))?;
        Ok(Space { free: if state.is_full() { 0 } else { state.free }, total: 1 << 30 })
    }

    fn filesystem(&self, dir: &Path) -> io::Result<Filesystem> {
        let mut state = self.state();
        state.ask(|| format!("statfs {}", dir.display()))?;
        Ok(state.kind)
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        let mut state = self.state();
        state.ask_to_open(|| "open the boot id".to_owned()).ok()?;
        Some([state.boot; 16])
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.state();
        state.ask(|| format!("stat {}", path.display()))?;
        state.lookup(path)
    }
}
