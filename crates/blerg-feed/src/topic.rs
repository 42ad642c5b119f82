//! Which feeds a record is news in, and by which addresses a hub knows them. Start at [`topics`].
//! A topic is a feed's path without its ending, as it stands in the queue of jobs.

use blerg_store::TagKey;

use crate::format::Format;
use crate::place::encode;
use crate::route::tag_path;

/// Of a record's tags, these are told: more would make one record a flood at the hub.
pub const TOPIC_TAGS_MAX: usize = 16;

/// The feeds in which a user's record with this text stands, searches aside.
#[must_use]
pub fn topics(author: &str, text: &str) -> Vec<String> {
    let tags = blerg_markup::tags(text).into_iter().take(TOPIC_TAGS_MAX);
    let tags = tags.filter_map(|span| span.text(text)?.to_ascii_lowercase().parse::<TagKey>().ok());
    let own = [format!("user/{}", encode(author)), "latest".to_owned()];
    own.into_iter().chain(tags.map(|tag| format!("tag/{}", tag_path(&tag)))).collect()
}

/// A topic's addresses, one for each format; `base` is the site's public root, ending in `/`.
#[must_use]
pub fn topic_urls(base: &str, topic: &str) -> Vec<String> {
    Format::ALL.iter().map(|format| format!("{base}rss/{topic}.{}", format.ending())).collect()
}

#[cfg(test)]
mod tests;
