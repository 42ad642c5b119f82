//! An append-only, crash-safe log of records and the lists derived from it. Start at [`Log`]: it commits [`Op`]s
//! and hands out [`Snapshot`]s. Never trusts the index more than the log, never reads the clock or the
//! environment, and knows nothing of HTTP, HTML or SQL. The files and the order of writes: FORMAT.md.
//!
//! ```
//! use std::sync::Arc;
//! use blerg_log::*;
//!
//! let dir = tempfile::tempdir()?;
//! let identity = Identity { site_id: [1; 16], hash_key: [2; 16], durability: Durability::Sync };
//! Log::create(dir.path(), &identity, Arc::new(RealDisk))?;
//! let options = Options::new(Backend::Mapped, Recovery::Inline, |bytes| bytes.fill(7));
//! let log = Log::open(dir.path(), &options, Arc::new(RealDisk))?;
//!
//! let put = Op::Put { author: AuthorId(0), text: "hello".into(), tags: vec![], reply_to: None, at_us: None };
//! log.commit(1_000_000, vec![Op::AddAuthor { name: "Ada".into(), at_us: None }, put])?;
//!
//! let snapshot = log.snapshot()?;
//! let ada = snapshot.author_by_name("ada")?.expect("she was added");
//! assert_eq!(snapshot.record(ada.id, RecordNo(0))?.expect("it was put").text, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod append;
mod apply;
mod background;
mod backup;
mod commit;
mod compact;
mod control;
mod copy;
mod core;
mod decide;
mod disk;
mod error;
mod file;
mod format;
mod frame;
mod frames;
mod geometry;
mod group;
mod home;
mod index;
mod key;
mod leftover;
mod list;
mod lock;
mod log;
mod map;
mod memory;
mod moved;
mod op;
mod payload;
mod planted;
mod real;
mod rebuild;
mod record;
mod recover;
mod salvage;
mod scan;
mod scrub;
mod segment;
mod slots;
mod small;
mod snapshot;
mod space;
mod sync;
mod verify;
mod view;

pub use backup::Copied;
pub use compact::{Compacted, Followers};
pub use disk::{Disk, DiskFile, Filesystem, Mapping, OpenMode, Space};
pub use error::Error;
pub use frames::{Body, Frame, Frames};
pub use list::{List, ListKey};
pub use log::{Backend, Durability, Identity, Log, Options, Progress, Recovery};
pub use moved::Moves;
pub use op::{AuthorId, Op, Outcome, Position, RecordNo, Rejection, TagSpan};
pub use real::RealDisk;
pub use record::{Record, Version};
pub use salvage::{Lost, Refilled, Wreck};
pub use snapshot::{Author, Snapshot, Stamp};
pub use verify::{PROBLEMS_MAX, Problem, Verified};

#[cfg(test)]
mod tests;
