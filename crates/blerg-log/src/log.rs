//! A store opened. Start at [`Log`].

use std::path::Path;
use std::sync::Arc;

use crate::{Disk, Error, Op, Outcome, Rejection, Snapshot};

/// What a success means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives a power cut.
    Sync,
    /// It survives the end of the process; the disk follows within about a second.
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
    /// By single reads: for one request, or little address space.
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
}

impl Options {
    /// The usual way: locks are waited for 5 seconds, no network file system.
    pub fn new(backend: Backend, recovery: Recovery, random: fn(&mut [u8])) -> Options {
        Options { backend, recovery, random, lock_wait_ms: 5_000, allow_network_fs: false }
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

/// An open store.
#[derive(Debug)]
pub struct Log {
    identity: Identity,
}

impl Log {
    /// Makes a directory a store, durably.
    ///
    /// # Errors
    /// There is one already, or the disk refused.
    pub fn create(_dir: &Path, _identity: &Identity, _disk: Arc<dyn Disk>) -> Result<(), Error> {
        Ok(())
    }

    /// Opens a store; after an unclean end of the machine it recovers it first.
    ///
    /// # Errors
    /// There is none, it is damaged, or needs a longer recovery than `options` allow.
    pub fn open(dir: &Path, _options: &Options, _disk: Arc<dyn Disk>) -> Result<Log, Error> {
        Err(Error::Format { path: dir.into(), what: "opening is not written yet".into() })
    }

    /// Commits operations, in order; returns once those that were accepted are durable.
    ///
    /// # Errors
    /// None of the operations is acknowledged.
    pub fn commit(&self, _now_us: u64, _ops: Vec<Op>) -> Result<Vec<Result<Outcome, Rejection>>, Error> {
        Err(Error::Format { path: "log".into(), what: "writing is not written yet".into() })
    }

    /// The newest published commit.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot {})
    }

    /// What the store is for all its life.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Closes the store and marks it clean, so that the index need not be built anew after the machine's next start.
    ///
    /// # Errors
    /// The mark could not be written; the store is sound all the same.
    pub fn close(self) -> Result<(), Error> {
        Ok(())
    }
}
