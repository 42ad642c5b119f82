//! User text to tags and safe HTML; pure functions without I/O. Start at [`tags`].
//! It never knows of records, accounts or HTTP.
//!
//! ```
//! let text = "a #walk with @ada";
//! let found: Vec<&str> = blerg_markup::tags(text).iter().filter_map(|span| span.text(text)).collect();
//! assert_eq!(found, ["#walk", "@ada"]);
//! ```
#![forbid(unsafe_code)]

mod tags;

pub use tags::{Span, TAG_BYTES_MAX, TAGS_MAX, is_tag_name, occurrences, tags};
