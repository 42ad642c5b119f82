//! [`Stats`]: what a server has done so far, counted as it goes.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of a server; each only grows, but for `connections`.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections that are open.
    pub connections: AtomicU64,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Requests begun, refused ones included.
    pub requests: AtomicU64,
    /// Requests refused because the pool was full.
    pub overloads: AtomicU64,
    /// Times a loop asked the kernel what is ready.
    pub polls: AtomicU64,
    /// Reads from connections.
    pub reads: AtomicU64,
    /// Writes to connections.
    pub writes: AtomicU64,
}

impl Stats {
    /// Reads one of the counters.
    #[must_use]
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
