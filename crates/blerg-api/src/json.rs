//! JSON written straight into one buffer: field order is the contract's, and text leaves exactly as it came in
//! (RFC 8259: control characters, `"` and `\` escaped, everything else raw UTF-8). Start at [`post`].
//! It never reads JSON and never sorts or indents.

use blerg_store::{Post, RecordNo};
use std::io::Write;

/// Microseconds in a second: the store counts in the first, the contract in the second.
const US_PER_SEC: u64 = 1_000_000;

/// Whether each object says who wrote it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// Lists of one author leave it out, as they always did.
    LeftOut,
    /// Lists of several put it first.
    Shown,
}

/// One record as an object.
pub(crate) fn post(out: &mut Vec<u8>, post: &Post, author: Author) {
    let mut object = Object::open(out);
    if author == Author::Shown {
        object.string("author", &post.author_name);
    }
    object.count("record", post.record.0);
    object.seconds("timestamp", post.timestamp_us);
    object.string("data", &post.text);
    if let Some(edited_us) = post.edited_us {
        object.seconds("edited", edited_us);
    }
    if let Some((name, record)) = &post.reply_to {
        object.string("reply_to", &reference(name, *record));
    }
    object.close();
}

/// `[…]`, each element written by `write`.
pub(crate) fn array<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// `author/record`: how parameters and answers name a record.
pub(crate) fn reference(name: &str, record: RecordNo) -> String {
    format!("{name}/{}", record.0)
}

/// Microseconds as the contract's UNIX seconds.
pub(crate) fn seconds_of(us: u64) -> u64 {
    us / US_PER_SEC
}

/// An object being written; fields stand in the order of the calls.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, is_first: true }
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    /// A text.
    pub(crate) fn string(&mut self, key: &'static str, value: &str) {
        string(self.key(key), value);
    }

    /// A record number or count: a string, because they have 64 bits and JavaScript's numbers 53.
    pub(crate) fn count(&mut self, key: &'static str, value: u64) {
        write_all(self.key(key), format_args!("\"{value}\""));
    }

    /// A time: a number, in UNIX seconds.
    pub(crate) fn seconds(&mut self, key: &'static str, us: u64) {
        write_all(self.key(key), format_args!("{}", seconds_of(us)));
    }

    /// A truth value.
    pub(crate) fn truth(&mut self, key: &'static str, value: bool) {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Writes the key; the caller appends the value.
    pub(crate) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// One JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing to memory does not fail");
}

fn write_all(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests;
