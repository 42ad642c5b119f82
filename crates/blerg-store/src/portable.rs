//! A site as lines of text: dumps that restore to an equal site, and imports of what people wrote elsewhere. Start at
//! [`Store::dump`], [`Store::restore`] and [`Store::import`]. Whatever comes in is hostile until proved otherwise: a
//! bad line is refused whole and named by its number. The format of a dump: `portable/line.rs`.

mod base64;
mod date;
mod dump;
mod entry;
mod html;
mod import;
mod input;
mod json;
mod line;
mod mastodon;
mod restore;
mod twtxt;
pub(crate) mod wiki;

use blerg_log::TagSpan;

pub use dump::Dumped;
pub use import::{ImportOptions, Imported};
pub use restore::Restored;
pub(crate) use restore::{index, move_up};

/// The number of the dump format that is written, and the only one that is read so far.
pub const DUMP_VERSION: u64 = 1;

/// Most operations of one commit of an import: one sync for all of them.
const BATCH_OPS_MAX: usize = 1_000;

/// Most bytes of text of one such commit: what one group commit of the log takes.
const BATCH_BYTES_MAX: usize = 512 * 1024;

/// Finds the tags of a text; this crate does not know the grammar.
pub type FindTags = fn(&str) -> Vec<TagSpan>;

/// What is being imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// A JSON object a line, or a user's export.
    JsonLines,
    /// twtxt: a date, a tab and a text a line.
    Twtxt,
    /// The `outbox.json` of a Mastodon archive.
    Mastodon,
}

/// How far long work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, as a phrase.
    pub doing: &'static str,
    /// How much is done, in the unit of `total`.
    pub done: u64,
    /// How much there is in all, where that is known.
    pub total: Option<u64>,
}

/// Takes the progress of long work.
pub type OnProgress<'p> = &'p mut dyn FnMut(Progress);
