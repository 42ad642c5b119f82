//! Files that answer in small pieces, or not at once.

use std::io;
use std::sync::Mutex;

use super::File;
use crate::{DiskFile, Error, Mapping};

/// A file that reads and writes at most three bytes at a time, and is interrupted at each other call.
struct Slow {
    bytes: Mutex<Vec<u8>>,
    calls: Mutex<u32>,
    full_at: usize,
}

impl Slow {
    fn interrupt(&self) -> io::Result<()> {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        if (*calls).is_multiple_of(2) { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

impl DiskFile for Slow {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }
    fn inode(&self) -> io::Result<u64> {
        Ok(1)
    }
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.interrupt()?;
        let bytes = self.bytes.lock().unwrap();
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(into.len()).min(3);
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn write_at(&self, from: &[u8], at: u64) -> io::Result<usize> {
        self.interrupt()?;
        let mut bytes = self.bytes.lock().unwrap();
        let count = from.len().min(3).min(self.full_at.saturating_sub(at as usize));
        let length = bytes.len().max(at as usize + count);
        bytes.resize(length, 0);
        bytes[at as usize..at as usize + count].copy_from_slice(&from[..count]);
        Ok(count)
    }
    fn allocate(&self, _bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::QuotaExceeded.into())
    }
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }
    fn try_share(&self) -> io::Result<bool> {
        Ok(true)
    }
    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }
    fn map_read(&self, _at: u64, _bytes: usize) -> io::Result<Box<dyn Mapping>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn map_write(&self, _at: u64, _bytes: usize) -> io::Result<Box<dyn Mapping>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn slow(full_at: usize) -> File {
    File { path: "slow".into(), inner: Box::new(Slow { bytes: Mutex::default(), calls: Mutex::default(), full_at }) }
}

#[test]
fn short_and_interrupted_calls_come_to_the_whole() {
    let file = slow(100);
    let text = b"eleven bytes and more";
    file.write(text, 5).unwrap();
    let mut found = [0; 21];
    file.read(&mut found, 5).unwrap();
    assert_eq!(&found, text);
    let mut more = [0; 30];
    assert_eq!(file.read_up_to(&mut more, 5).unwrap(), 21);
}

#[test]
fn the_end_of_a_file_is_damage_where_bytes_must_be() {
    let file = slow(100);
    file.write(b"abc", 0).unwrap();
    let error = file.read(&mut [0; 4], 0).unwrap_err();
    assert!(error.is_damaged());
    assert_eq!(error.to_string(), "slow at byte 0: 4 bytes wanted, the file ends after 3");
}

#[test]
fn no_room_and_no_quota_are_full() {
    assert!(slow(4).write(b"abcdef", 0).unwrap_err().is_full());
    assert!(slow(4).allocate(9).unwrap_err().is_full());
    assert!(matches!(slow(4).map_read(0, 1), Err(Error::Io { .. })));
}
