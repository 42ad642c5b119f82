//! An append-only, crash-safe log of records and the lists derived from it. Start at [`Log`]: it commits [`Op`]s
//! and hands out [`Snapshot`]s. Never trusts the index more than the log, never reads the clock or the
//! environment, and knows nothing of HTTP, HTML or SQL. The files and the order of writes: FORMAT.md.

mod disk;
mod error;
mod index;
mod list;
mod log;
mod op;
mod real;
mod snapshot;

pub use disk::{Disk, DiskFile, Filesystem, Mapping, OpenMode, Space};
pub use error::Error;
pub use list::{List, ListKey};
pub use log::{Backend, Durability, Identity, Log, Options, Progress, Recovery};
pub use op::{AuthorId, Op, Outcome, Position, RecordNo, Rejection, TagSpan};
pub use real::RealDisk;
pub use snapshot::{Author, Body, Frame, Frames, Record, Snapshot, Stamp, Version};
