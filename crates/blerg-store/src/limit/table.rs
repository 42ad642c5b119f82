//! The file `limits`: a table of counters of fixed size (SCHEMA.md has its bytes). Start at `Table::spend`.
//!
//! A counter is one number, the time at which its owner will have paid for all its tries (GCRA, the token
//! bucket in one word); once that time has passed the slot is free again, so nothing is ever swept. A key has
//! one bucket of 256 slots, chosen by a hash that only this directory knows. In a full bucket the counter that
//! is nearest to free makes room: a flood of many addresses evicts its own light counters, not the heavy ones.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use blake2::{Blake2s256, Digest};
use blerg_log::AuthorId;
use rustix::fs::FlockOperation;

use super::{LimitKind, Rate};
use crate::error::Error;
use crate::ready::NO_LINK;

/// The table's name in the data directory.
pub const LIMITS_FILE: &str = "limits";

const MAGIC: [u8; 8] = *b"BLERGLM1";
const BUCKET_BYTES: usize = 4096;
/// 256 buckets of 256 slots: 1 MiB, of which only touched pages take space.
const BUCKETS: u64 = 256;
const SLOT_BYTES: usize = 16;
const FILE_BYTES: u64 = (BUCKETS + 1) * BUCKET_BYTES as u64;
const HEADER_BYTES: usize = 24;
/// Longest wait for the lock, which is held for microseconds unless its holder is stopped.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// The counters of one data directory.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    secret: [u8; 16],
    file: Mutex<File>,
}

/// What a counter is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'a> {
    Address(Option<IpAddr>),
    Name(&'a str),
    Author(AuthorId),
}

/// Where a counter lives: its bucket and what it is known by there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    bucket: u64,
    mark: u64,
}

/// One try to be counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spending {
    pub(crate) key: Slot,
    pub(crate) rate: Rate,
}

/// A counter found or chosen in its bucket.
#[derive(Debug, Clone, Copy)]
struct Found {
    offset: u64,
    /// When all tries so far are paid for; `now` or earlier for a fresh counter.
    paid_us: u64,
}

impl Found {
    fn with_one_more(&self, now_us: u64, spending: &Spending) -> u64 {
        self.paid_us.max(now_us) + step_us(spending.rate)
    }
}

impl Table {
    /// Opens the table in `dir`, making it if it is missing or unreadable.
    pub(crate) fn open(dir: &Path, random: fn(&mut [u8])) -> Result<Table, Error> {
        let path = dir.join(LIMITS_FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(NO_LINK)
            .open(&path)
            .map_err(Error::io(&path, "open"))?;
        let secret = {
            let _lock = FileLock::take(&file, &path)?;
            match read_header(&file).map_err(Error::io(&path, "read"))? {
                Some(secret) => secret,
                None => format(&file, random).map_err(Error::io(&path, "write"))?,
            }
        };
        Ok(Table { path, secret, file: Mutex::new(file) })
    }

    /// The place of a counter.
    pub(crate) fn key(&self, kind: LimitKind, key: Key<'_>) -> Slot {
        let mut hash = Blake2s256::new();
        hash.update(self.secret);
        hash.update([match kind {
            LimitKind::Login => 1,
            LimitKind::Create => 2,
            LimitKind::Put => 3,
            LimitKind::Look => 4,
            LimitKind::Small => 5,
        }]);
        match key {
            Key::Address(address) => hash.update(network(address)),
            Key::Name(folded) => {
                hash.update(b"n");
                hash.update(folded);
            }
            Key::Author(author) => {
                hash.update(b"a");
                hash.update(author.0.to_le_bytes());
            }
        }
        let digest = hash.finalize();
        let (bucket, rest) = digest.split_at(8);
        let (mark, _) = rest.split_at(8);
        Slot {
            bucket: word(bucket) % BUCKETS,
            // Zero marks a slot that was never used.
            mark: word(mark).max(1),
        }
    }

    /// Counts all of `spendings`, or none and tells the microseconds to wait.
    pub(crate) fn spend(&self, now_us: u64, spendings: &[Spending]) -> Result<Option<u64>, Error> {
        let file = self.file();
        let _lock = FileLock::take(&file, &self.path)?;
        let mut wait_us = 0;
        for spending in spendings {
            let paid_us = self.find(&file, now_us, spending)?.with_one_more(now_us, spending);
            let allowed_us = now_us + window_us(spending.rate);
            wait_us = wait_us.max(paid_us.saturating_sub(allowed_us));
        }
        if wait_us > 0 {
            return Ok(Some(wait_us));
        }
        for spending in spendings {
            // Looked up again, because the one before may have taken the slot that was free.
            let found = self.find(&file, now_us, spending)?;
            let paid_us = found.with_one_more(now_us, spending);
            self.store(&file, found.offset, spending.key.mark, paid_us)?;
        }
        Ok(None)
    }

    /// Takes one try back from a counter, if it still stands.
    pub(crate) fn give_back(&self, now_us: u64, spending: &Spending) -> Result<(), Error> {
        let file = self.file();
        let _lock = FileLock::take(&file, &self.path)?;
        let found = self.find(&file, now_us, spending)?;
        if found.paid_us <= now_us {
            return Ok(());
        }
        let paid_us = found.paid_us.saturating_sub(step_us(spending.rate));
        self.store(&file, found.offset, spending.key.mark, paid_us)
    }

    /// The key's counter, or the slot that it may take: a free one, else the one nearest to free.
    fn find(&self, file: &File, now_us: u64, spending: &Spending) -> Result<Found, Error> {
        let base = (spending.key.bucket + 1) * BUCKET_BYTES as u64;
        let mut bucket = [0_u8; BUCKET_BYTES];
        self.read_bucket(file, &mut bucket, base).map_err(Error::io(&self.path, "read"))?;
        let mut best = Found { offset: base, paid_us: u64::MAX };
        for (slot, offset) in bucket.chunks_exact(SLOT_BYTES).zip((base..).step_by(SLOT_BYTES)) {
            let (mark, paid) = slot.split_at(8);
            let paid_us = word(paid);
            if word(mark) == spending.key.mark {
                // A time beyond what the rate can owe comes from a clock that was set back, or another rate.
                let owed_max_us = now_us + window_us(spending.rate);
                let paid_us = if paid_us > owed_max_us { 0 } else { paid_us };
                return Ok(Found { offset, paid_us });
            }
            let free = paid_us <= now_us || paid_us > now_us + owed_by_any_us();
            let paid_us = if free { 0 } else { paid_us };
            if paid_us < best.paid_us {
                best = Found { offset, paid_us };
            }
        }
        Ok(Found { paid_us: 0, ..best })
    }

    fn read_bucket(&self, file: &File, bucket: &mut [u8], base: u64) -> Result<(), io::Error> {
        match file.read_exact_at(bucket, base) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                // Somebody cut the file: what is lost is forgiven, and the table has its size again.
                file.set_len(FILE_BYTES)?;
                file.read_exact_at(bucket, base)
            }
            other => other,
        }
    }

    fn store(&self, file: &File, offset: u64, mark: u64, paid_us: u64) -> Result<(), Error> {
        let mut slot = [0_u8; SLOT_BYTES];
        let (left, right) = slot.split_at_mut(8);
        left.copy_from_slice(&mark.to_le_bytes());
        right.copy_from_slice(&paid_us.to_le_bytes());
        file.write_all_at(&slot, offset).map_err(Error::io(&self.path, "write"))
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The kernel's lock on the table, between processes; threads of one process have the mutex.
struct FileLock<'f>(&'f File);

impl FileLock<'_> {
    fn take<'f>(file: &'f File, path: &Path) -> Result<FileLock<'f>, Error> {
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(FileLock(file)),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(Error::io(path, "lock")(io::Error::from(errno))),
            }
            if Instant::now() >= deadline {
                return Err(Error::Busy { retry_after_secs: 2 });
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Drop for FileLock<'_> {
    fn drop(&mut self) {
        // Closing the file would drop the lock too; an error here has nobody to go to.
        let _ = rustix::fs::flock(self.0, FlockOperation::Unlock);
    }
}

fn read_header(file: &File) -> io::Result<Option<[u8; 16]>> {
    if file.metadata()?.len() != FILE_BYTES {
        return Ok(None);
    }
    let mut header = [0_u8; HEADER_BYTES];
    file.read_exact_at(&mut header, 0)?;
    let (magic, secret) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return Ok(None);
    }
    Ok(secret.try_into().ok())
}

/// Makes an empty table with a new secret. Nobody maps the file, so it may shrink.
fn format(file: &File, random: fn(&mut [u8])) -> io::Result<[u8; 16]> {
    let mut secret = [0_u8; 16];
    random(&mut secret);
    file.set_len(0)?;
    file.set_len(FILE_BYTES)?;
    let mut header = [0_u8; HEADER_BYTES];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    rest.copy_from_slice(&secret);
    file.write_all_at(&header, 0)?;
    Ok(secret)
}

/// The part of an address that one visitor cannot change at will.
fn network(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        None => b"-".to_vec(),
        Some(IpAddr::V4(v4)) => [b"4".as_slice(), &v4.octets()].concat(),
        Some(IpAddr::V6(v6)) => {
            let octets = v6.octets();
            let (network, _) = octets.split_at(8);
            [b"6".as_slice(), network].concat()
        }
    }
}

fn step_us(rate: Rate) -> u64 {
    window_us(rate) / u64::from(rate.tries.max(1))
}

fn window_us(rate: Rate) -> u64 {
    u64::from(rate.window_secs) * 1_000_000
}

fn owed_by_any_us() -> u64 {
    u64::from(super::WINDOW_SECS_MAX) * 1_000_000
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}
