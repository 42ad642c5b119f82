//! The keys of the index: one byte that says which kind of list, then what it is of. Start at [`ListKey::bytes`].
//! Names and tags are folded here and nowhere else. Table: FORMAT.md, section "Keys".

use crate::frame::{FLAG_HOLE, Header, Kind};
use crate::payload::{Name, Origin, Text, tag_in};
use crate::scan::Entry;
use crate::{AuthorId, ListKey, RecordNo};

impl ListKey<'_> {
    /// The bytes of the key.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match *self {
            ListKey::Authors => vec![b'A'],
            ListKey::Latest => vec![b'L'],
            ListKey::Deletes => vec![b'D'],
            ListKey::Timeline(author) => of_author(b'r', author),
            ListKey::Follows(author) => of_author(b'f', author),
            ListKey::Followers(author) => of_author(b'F', author),
            ListKey::Unfollows(author) => of_author(b'-', author),
            ListKey::Tag(name) => folded(b'#', name),
            ListKey::Mention(name) => folded(b'@', name),
            ListKey::Replies(author, record) => {
                let mut key = of_author(b't', author);
                key.extend_from_slice(&record.0.to_le_bytes());
                key
            }
            ListKey::FollowPair(author, target) => {
                let mut key = of_author(b'p', author);
                key.extend_from_slice(&target.0.to_le_bytes());
                key
            }
        }
    }
}

/// The key of the list that holds the USER frame of a name.
pub(crate) fn of_name(name: &str) -> Vec<u8> {
    folded(b'u', name)
}

fn of_author(kind: u8, author: AuthorId) -> Vec<u8> {
    let mut key = Vec::with_capacity(13);
    key.push(kind);
    key.extend_from_slice(&author.0.to_le_bytes());
    key
}

fn folded(kind: u8, name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + name.len());
    key.push(kind);
    key.extend(name.bytes().map(|byte| byte.to_ascii_lowercase()));
    key
}

/// The keys of the different tags and mentions of a text.
pub(crate) fn of_tags(text: &Text<'_>) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = Vec::with_capacity(text.tags.len());
    keys.extend(text.tags.iter().filter_map(|span| tag_in(text.text, *span)).map(|(sigil, name)| folded(sigil, name)));
    if keys.len() > 1 {
        keys.sort_unstable();
        keys.dedup();
    }
    keys
}

/// Whether a text holds the tag or mention of a key.
pub(crate) fn is_tagged(text: &str, tags: &[crate::TagSpan], key: &[u8]) -> bool {
    tags.iter().filter_map(|span| tag_in(text, *span)).any(|(sigil, name)| {
        key.split_first().is_some_and(|(kind, folded)| *kind == sigil && name.as_bytes().eq_ignore_ascii_case(folded))
    })
}

/// On which lists a frame stands whose payload may be damaged or erased: then only on those whose numbers its header tells.
pub(crate) fn of_checked_frame(entry: &Entry<'_>) -> Vec<Vec<u8>> {
    let author = AuthorId(entry.header.author);
    match entry.header.kind {
        _ if entry.is_intact() => of_frame(entry),
        Kind::USER => vec![ListKey::Authors.bytes()],
        Kind::PUT => vec![ListKey::Timeline(author).bytes()],
        _ => Vec::new(),
    }
}

/// On which lists a frame with a sound payload stands, if it is alive.
pub(crate) fn of_frame(entry: &Entry<'_>) -> Vec<Vec<u8>> {
    let Header { kind, flags, author, n, .. } = entry.header;
    let author = AuthorId(author);
    match kind {
        Kind::USER => match Name::read(flags, entry.payload) {
            Some(name) => vec![ListKey::Authors.bytes(), of_name(name.name)],
            None => Vec::new(),
        },
        Kind::PUT if flags & FLAG_HOLE != 0 => vec![ListKey::Timeline(author).bytes()],
        Kind::PUT => {
            let mut keys = Vec::new();
            if let Some(text) = Text::read_put(flags, entry.payload) {
                keys = of_tags(&text);
                if let Origin::Put { reply_to: Some((to, record)) } = text.origin {
                    keys.push(ListKey::Replies(to, record).bytes());
                }
                keys.push(ListKey::Latest.bytes());
            }
            keys.push(ListKey::Timeline(author).bytes());
            keys
        }
        Kind::EDIT => Text::read_edit(flags, entry.payload).map_or_else(Vec::new, |text| of_tags(&text)),
        Kind::DELETE => vec![ListKey::Deletes.bytes()],
        Kind::FOLLOW => target(n).map_or_else(Vec::new, |target| {
            let lists = [ListKey::Follows(author), ListKey::Followers(target), ListKey::FollowPair(author, target)];
            lists.iter().map(ListKey::bytes).collect()
        }),
        Kind::UNFOLLOW => target(n).map_or_else(Vec::new, |target| {
            vec![ListKey::Unfollows(target).bytes(), ListKey::FollowPair(author, target).bytes()]
        }),
        _ => Vec::new(),
    }
}

/// The author that FOLLOW and UNFOLLOW name.
pub(crate) fn target(n: u64) -> Option<AuthorId> {
    u32::try_from(n).ok().map(AuthorId)
}

/// The record that PUT, EDIT and DELETE are about.
pub(crate) fn record(header: &Header) -> (AuthorId, RecordNo) {
    (AuthorId(header.author), RecordNo(header.n))
}
