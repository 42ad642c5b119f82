//! An open file of the disk in memory, and its maps. Start at [`FakeFile`].

use std::io;
use std::path::PathBuf;

use super::inode::Inode;
use super::{EINTR, FakeDisk, Fault, Lie, Rng, State};
use crate::control::Word;
use crate::{DiskFile, Mapping};

pub(super) struct FakeFile {
    pub(super) disk: FakeDisk,
    pub(super) inode: u64,
    pub(super) handle: u64,
    pub(super) name: PathBuf,
}

impl Drop for FakeFile {
    fn drop(&mut self) {
        let _ = self.unlock();
    }
}

impl FakeFile {
    fn with<T>(&self, body: impl FnOnce(&mut State, &mut Inode) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.is_stopped {
            return Err(io::Error::other("the disk has stopped"));
        }
        let mut inode = std::mem::take(state.inodes.entry(self.inode).or_default());
        let result = body(&mut state, &mut inode);
        state.inodes.insert(self.inode, inode);
        result
    }
}

/// Whether bytes are those of a SEAL frame alone.
fn is_seal(bytes: &[u8]) -> bool {
    bytes.len() == 56 && bytes[4] == 2
}

impl DiskFile for FakeFile {
    fn size(&self) -> io::Result<u64> {
        self.with(|state, inode| {
            state.ask(|| format!("stat {}", self.name.display()))?;
            state.reads += 1;
            Ok(inode.length)
        })
    }

    fn inode(&self) -> io::Result<u64> {
        self.with(|state, _| state.ask(|| format!("stat {}", self.name.display())))?;
        Ok(self.inode)
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.with(|state, inode| {
            state.reads += 1;
            state.ask(|| format!("read {} bytes at {at} of {}", into.len(), self.name.display()))?;
            let now = state.part((inode.length.saturating_sub(at) as usize).min(into.len()))?;
            inode.cache.read(at as usize, &mut into[..now]);
            Ok(now)
        })
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.with(|state, inode| {
            if state.lie == Some(Lie::NoSeal) && is_seal(bytes) {
                return Ok(bytes.len());
            }
            if let Err(e) = state.step(|| format!("write {} bytes at {at} of {}", bytes.len(), self.name.display())) {
                // Interrupted in the middle; of several frames some are whole, and a single word always is.
                let part = match bytes.len() {
                    8 => 8 * Rng(state.steps).below(2),
                    len if state.is_stopped => Rng(state.steps).below(len + 1),
                    len => len * 3 / 4,
                };
                inode.write(at as usize, &bytes[..part]);
                return Err(e);
            }
            if state.is_full() && at + bytes.len() as u64 > inode.length {
                return Err(io::ErrorKind::StorageFull.into());
            }
            state.writes.push(state.steps);
            let mut now = state.part(bytes.len())?;
            let steps = state.steps;
            for fault in &state.faults {
                match *fault {
                    Fault::Errno(at, EINTR) if at == steps => {
                        state.is_met = true;
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    // A word is never torn.
                    Fault::Short(at) if at == steps && bytes.len() > 8 => {
                        state.is_met = true;
                        now = 1 + Rng(steps).below(bytes.len() - 1);
                    }
                    _ => {}
                }
            }
            inode.write(at as usize, &bytes[..now]);
            inode.length = inode.length.max(at + now as u64);
            Ok(now)
        })
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.with(|state, inode| {
            state.step(|| format!("allocate {bytes} for {}", self.name.display()))?;
            let is_over =
                state.faults.contains(&Fault::Quota) && state.names.keys().any(|name| name.ends_with("ballast"));
            if (state.is_full() || is_over) && bytes > inode.length {
                return Err(io::ErrorKind::StorageFull.into());
            }
            inode.length = inode.length.max(bytes);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|state, inode| {
            let stopped = state.step(|| format!("sync {}", self.name.display()));
            state.syncs.push(state.steps);
            if stopped.is_err() && !state.is_stopped {
                // The kernel marks the pages clean all the same, and tells nobody else.
                inode.dirty.clear();
            }
            stopped?;
            if state.lie != Some(Lie::NoSync) {
                inode.sync();
            }
            Ok(())
        })
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.with(|state, inode| {
            state.ask(|| format!("lock {}", self.name.display()))?;
            let is_ours = |holder: u64| holder == self.handle;
            let free = inode.locked_by.is_none_or(is_ours) && inode.shared_by.iter().all(|holder| is_ours(*holder));
            if free {
                inode.shared_by.clear();
                inode.locked_by = Some(self.handle);
            }
            Ok(free)
        })
    }

    fn try_share(&self) -> io::Result<bool> {
        self.with(|state, inode| {
            state.ask(|| format!("share {}", self.name.display()))?;
            let free = inode.locked_by.is_none_or(|holder| holder == self.handle);
            if free {
                inode.locked_by = None;
                inode.shared_by.insert(self.handle);
            }
            Ok(free)
        })
    }

    fn unlock(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if let Some(inode) = state.inodes.get_mut(&self.inode) {
            inode.shared_by.remove(&self.handle);
            if inode.locked_by == Some(self.handle) {
                inode.locked_by = None;
            }
        }
        Ok(())
    }

    fn map_read(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        self.with(|state, _| state.ask(|| format!("map {}", self.name.display())))?;
        let name = self.name.clone();
        Ok(Box::new(FakeMap {
            disk: self.disk.clone(),
            inode: self.inode,
            at: at as usize,
            bytes,
            writable: false,
            name,
        }))
    }

    fn map_write(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        self.with(|state, _| state.ask(|| format!("map {}", self.name.display())))?;
        let name = self.name.clone();
        Ok(Box::new(FakeMap {
            disk: self.disk.clone(),
            inode: self.inode,
            at: at as usize,
            bytes,
            writable: true,
            name,
        }))
    }
}

struct FakeMap {
    disk: FakeDisk,
    inode: u64,
    at: usize,
    bytes: usize,
    writable: bool,
    name: PathBuf,
}

impl FakeMap {
    fn put(&self, at: usize, bytes: &[u8]) {
        let mut state = self.disk.state();
        let stepped = state.step(|| format!("store {} bytes at {at} of {}", bytes.len(), self.name.display()));
        // A store cannot fail; it is only never made.
        if !self.writable || (stepped.is_err() && state.is_stopped) {
            return;
        }
        assert!(at + bytes.len() <= self.bytes, "store beyond the map of {}", self.name.display());
        let inode = state.inodes.get_mut(&self.inode).unwrap();
        assert!(
            (self.at + at + bytes.len()) as u64 <= inode.length,
            "SIGBUS: store beyond the end of {}",
            self.name.display()
        );
        inode.write(self.at + at, bytes);
    }

    /// Whether the word is one of the control page, and which.
    fn is_word(&self, at: usize, word: Word) -> bool {
        self.name.ends_with("ctl") && at == word as usize
    }
}

impl Mapping for FakeMap {
    fn load(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn store(&self, at: usize, word: u64) {
        let lie = self.disk.state().lie;
        if lie == Some(Lie::NoPoison) && self.is_word(at, Word::State) && word != 0 {
            // Nor of the sync that did not end: that alone would have its frames written again.
            self.put(Word::Intent as usize, &[0; 8]);
            return;
        }
        if lie == Some(Lie::PublishLast) && self.is_word(at, Word::Current) {
            self.disk.state().held_back = Some((self.inode, at, word));
            return;
        }
        self.put(at, &word.to_le_bytes());
        if lie == Some(Lie::PublishLast) && self.is_word(at, Word::Indexed) {
            let held_back = self.disk.state().held_back.take();
            if let Some((_, at, word)) = held_back {
                self.put(at, &word.to_le_bytes());
            }
        }
    }

    fn read(&self, at: usize, into: &mut [u8]) {
        let state = self.disk.state();
        // The writer of a held-back commit sees what he stored.
        if let Some((inode, held_at, word)) = state.held_back
            && inode == self.inode
            && held_at == at
            && self.writable
            && into.len() == 8
        {
            into.copy_from_slice(&word.to_le_bytes());
            return;
        }
        assert!(at + into.len() <= self.bytes, "load beyond the map of {}", self.name.display());
        let inode = &state.inodes[&self.inode];
        assert!(
            (self.at + at + into.len()) as u64 <= inode.length,
            "SIGBUS: load beyond the end of {}",
            self.name.display()
        );
        inode.cache.read(self.at + at, into);
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        self.put(at, bytes);
    }

    fn populate(&self, _at: usize, _bytes: usize) -> io::Result<()> {
        let full = self.disk.state().is_full();
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}
