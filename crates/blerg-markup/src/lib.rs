//! User text to tags and safe HTML; pure functions without I/O. Start at [`tags`], [`post_html`] and, for pages,
//! [`wiki::render`]; [`diff`] and [`merge`] compare texts.
//! It never knows of records, accounts or HTTP.
//!
//! ```
//! let text = "a #walk with @ada";
//! let found: Vec<&str> = blerg_markup::tags(text).iter().filter_map(|span| span.text(text)).collect();
//! assert_eq!(found, ["#walk", "@ada"]);
//! ```
#![forbid(unsafe_code)]

mod clean;
pub mod diff;
mod links;
pub mod merge;
mod post;
mod tags;
mod title;
pub mod wiki;

pub use clean::{clean, escape, escape_content};
pub use post::{Places, post_html, post_html_of};
pub use tags::{Span, TAG_BYTES_MAX, TAGS_MAX, first_of_each, is_tag_name, occurrences, tags};
pub use title::{TITLE_BYTES_MAX, TITLE_CHARS_MAX, post_title};
