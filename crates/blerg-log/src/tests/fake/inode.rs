//! What a file and a directory hold, in the page cache and on the disk. Start at [`Inode`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{PAGE, SECTOR, Unit, VERSIONS_MAX};

#[derive(Clone, Default)]
pub(super) struct Pages(Vec<Option<Arc<[u8; PAGE]>>>);

impl Pages {
    pub(super) fn read(&self, at: usize, into: &mut [u8]) {
        let mut done = 0;
        while done < into.len() {
            let (page, from) = ((at + done) / PAGE, (at + done) % PAGE);
            let now = (PAGE - from).min(into.len() - done);
            match self.0.get(page).and_then(Option::as_ref) {
                Some(bytes) => into[done..done + now].copy_from_slice(&bytes[from..from + now]),
                None => into[done..done + now].fill(0),
            }
            done += now;
        }
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let (page, from) = ((at + done) / PAGE, (at + done) % PAGE);
            let now = (PAGE - from).min(bytes.len() - done);
            if self.0.len() <= page {
                self.0.resize(page + 1, None);
            }
            let place = Arc::make_mut(self.0[page].get_or_insert_with(|| Arc::new([0; PAGE])));
            place[from..from + now].copy_from_slice(&bytes[done..done + now]);
            done += now;
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct Inode {
    pub(super) cache: Pages,
    pub(super) length: u64,
    pub(super) disk: Pages,
    pub(super) disk_length: u64,
    /// By sector, the contents it had since the last sync.
    pub(super) dirty: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    pub(super) locked_by: Option<u64>,
    pub(super) shared_by: BTreeSet<u64>,
}

impl Inode {
    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        self.cache.write(at, bytes);
        for sector in at / SECTOR..(at + bytes.len()).div_ceil(SECTOR) {
            let mut content = [0; SECTOR];
            self.cache.read(sector * SECTOR, &mut content);
            let versions = self.dirty.entry(sector).or_default();
            if versions.len() == VERSIONS_MAX {
                versions.remove(0);
            }
            versions.push(content);
        }
    }

    pub(super) fn sync(&mut self) {
        for (sector, versions) in std::mem::take(&mut self.dirty) {
            self.disk.write(sector * SECTOR, versions.last().unwrap());
        }
        self.disk_length = self.length;
    }

    pub(super) fn crash(&mut self, number: u64, choose: &mut dyn FnMut(Unit, usize) -> usize) {
        for (sector, versions) in std::mem::take(&mut self.dirty) {
            match choose(Unit::Sector(number, sector), versions.len() + 1) {
                0 => {}
                n => self.disk.write(sector * SECTOR, &versions[n - 1]),
            }
        }
        if choose(Unit::Length(number), 2) == 1 {
            self.disk_length = self.length;
        }
        self.length = self.disk_length;
        self.cache = self.disk.clone();
        self.cache.0.truncate((self.length as usize).div_ceil(PAGE));
        self.disk.0.truncate((self.length as usize).div_ceil(PAGE));
        self.locked_by = None;
        self.shared_by.clear();
    }
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Set(PathBuf, u64),
    Rename(PathBuf, PathBuf, u64),
    Remove(PathBuf),
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            NameChange::Set(path, inode) => drop(names.insert(path.clone(), *inode)),
            NameChange::Remove(path) => drop(names.remove(path)),
            NameChange::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }

    pub(super) fn dir(&self) -> &Path {
        match self {
            NameChange::Set(path, _) | NameChange::Remove(path) | NameChange::Rename(_, path, _) => {
                path.parent().unwrap()
            }
        }
    }
}
