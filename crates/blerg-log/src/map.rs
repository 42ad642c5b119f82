//! Shared maps of files: the only unsafe code. Start at [`SharedMap`]. Every access is checked against the length of the
//! map; that the file is as long as what is touched is the duty of the caller ([`Mapping`]), who never shrinks a file.
#![expect(unsafe_code, reason = "a map is raw memory; this is the one file that touches it")]

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapRaw;

use crate::Mapping;

/// A map shared with every process that maps the same file.
#[derive(Debug)]
pub(crate) struct SharedMap {
    raw: MmapRaw,
    writable: bool,
}

impl SharedMap {
    /// Wraps a map that was made for reading.
    pub(crate) fn for_reading(raw: MmapRaw) -> SharedMap {
        SharedMap { raw, writable: false }
    }

    /// Wraps a map that was made for reading and writing.
    pub(crate) fn for_writing(raw: MmapRaw) -> SharedMap {
        SharedMap { raw, writable: true }
    }

    /// The address of `bytes` bytes at `at`, if they lie in the map.
    fn address(&self, at: usize, bytes: usize) -> Option<*mut u8> {
        let end = at.checked_add(bytes)?;
        (end <= self.raw.len()).then(|| self.raw.as_mut_ptr().wrapping_add(at))
    }

    /// The word at `at`, if it lies in the map and is aligned.
    fn word(&self, at: usize) -> Option<&AtomicU64> {
        let address = self.address(at, 8)?.cast::<u64>();
        if !address.is_aligned() {
            return None;
        }
        // SAFETY: `address` found the 8 bytes inside the map, which lives as long as `self`; they are aligned, and
        // all processes reach index and control words by atomic operations only.
        Some(unsafe { AtomicU64::from_ptr(address) })
    }
}

impl Mapping for SharedMap {
    fn load(&self, at: usize) -> u64 {
        self.word(at).map_or(0, |word| u64::from_le(word.load(Ordering::Acquire)))
    }

    fn store(&self, at: usize, word: u64) {
        if let (true, Some(place)) = (self.writable, self.word(at)) {
            place.store(word.to_le(), Ordering::Release);
        }
    }

    fn read(&self, at: usize, into: &mut [u8]) {
        let Some(from) = self.address(at, into.len()) else {
            into.fill(0);
            return;
        };
        // SAFETY: `address` found the bytes inside the map; `into` is ours alone and cannot overlap it. Another process may
        // write the bytes meanwhile: they are copied as bytes, and believed only after their checksum was compared.
        unsafe { ptr::copy_nonoverlapping(from.cast_const(), into.as_mut_ptr(), into.len()) }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        if let (true, Some(to)) = (self.writable, self.address(at, bytes.len())) {
            // SAFETY: `address` found the bytes inside the map, which is writable; `bytes` is a Rust slice and cannot
            // overlap it. Nobody reads them before a word that leads to them is stored with release ordering.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
        }
    }

    fn populate(&self, at: usize, bytes: usize) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if self.writable && self.address(at, bytes).is_some() {
            use rustix::io::Errno;
            match self.raw.advise_range(memmap2::Advice::PopulateWrite, at, bytes) {
                Err(e) if e.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {}
                other => return other,
            }
        }
        let _ = (at, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
