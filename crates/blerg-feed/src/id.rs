//! Ids that never change: UUIDs of version 5 (RFC 9562 s.5.5) in the name space of the site's random id, which a dump
//! carries along. Start at [`Ids`]. Neither host nor format, edits nor the place in the log are in them.

use std::fmt::Write as _;

use uuid::Uuid;

/// Digits of the largest number.
const NUMBER_CHARS_MAX: usize = 20;

/// Makes ids for one site.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    site: Uuid,
}

impl Ids {
    pub(crate) fn new(site_id: [u8; 16]) -> Ids {
        Ids { site: Uuid::from_bytes(site_id) }
    }

    /// Of a record. Its first time is in it, so that a number that is used again after an old backup was restored is
    /// another record.
    pub(crate) fn record(&self, author: &str, record: u64, first_us: u64) -> String {
        let mut name = String::with_capacity("record///".len() + author.len() + 2 * NUMBER_CHARS_MAX);
        name.push_str("record/");
        name.push_str(author);
        name.make_ascii_lowercase();
        write!(name, "/{record}/{first_us}").expect("writing to memory does not fail");
        self.named(&name)
    }

    /// Of a change of the wiki, by its number, which is never used again.
    pub(crate) fn change(&self, id: u64) -> String {
        self.named(&format!("change/{id}"))
    }

    /// Of a feed, by the path that all its formats share.
    pub(crate) fn feed(&self, path: &str) -> String {
        self.named(&format!("feed/{path}"))
    }

    fn named(&self, name: &str) -> String {
        Uuid::new_v5(&self.site, name.as_bytes()).urn().encode_lower(&mut Uuid::encode_buffer()).to_owned()
    }
}

#[cfg(test)]
mod tests;
