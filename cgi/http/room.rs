//! The memory that clients can make the server hold: bodies on their way in, answers on their way out. Start at [`Room`].
//! Small ones are not counted: the kernel's buffers take them, and every connection may have one. Never waits: who finds no
//! room is refused, and those that hold some and do not move make room.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all bodies may hold together.
pub(crate) const INCOMING_BYTES: usize = 64 * 1024 * 1024;
/// What all answers may hold together. The allocator keeps about as much again for each answer that is made.
pub(crate) const OUTGOING_BYTES: usize = 32 * 1024 * 1024;
/// What is not counted.
pub(crate) const SMALL_BYTES_MAX: usize = 16 * 1024;
/// How long a client that holds room may stand still while there is little left.
pub(crate) const TIGHT_WAIT_MAX: Duration = Duration::from_secs(2);
/// What room is counted in.
const UNIT_BYTES: usize = 1024;

/// Room for bytes that wait for clients.
#[derive(Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    units: usize,
}

/// Some room, until it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Room {
    pub(crate) fn new(bytes: usize) -> Arc<Room> {
        let units = bytes / UNIT_BYTES;
        Arc::new(Room { free: Arc::new(Semaphore::new(units)), units })
    }

    /// Room for so many bytes, if there is.
    pub(crate) fn take(&self, bytes: usize) -> Option<Place> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).ok()?;
        Arc::clone(&self.free).try_acquire_many_owned(units).ok()
    }

    /// Whether less than half is left.
    pub(crate) fn is_tight(&self) -> bool {
        self.free.available_permits() < self.units / 2
    }
}

#[cfg(test)]
mod tests;
