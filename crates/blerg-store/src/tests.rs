//! What the tests of records share: a site in a folder of its own, a seeded random source, and the plain model.

mod damage;
mod formats;
pub(crate) mod model;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    Argon2Cost, AuthorId, Backend, Durability, Limits, Page, Post, PutText, RecordNo, Recovery, Registration, Settings,
    Store, TagSpan,
};

/// When the tests take place: 2026-01-01.
pub(crate) const NOW_US: u64 = 1_767_225_600_000_000;

/// A source of numbers that a seed decides (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

fn fill(buffer: &mut [u8]) {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let mut random = Random(COUNTER.fetch_add(0x1234_5678_9ABC, Ordering::Relaxed));
    buffer.fill_with(|| random.next().to_le_bytes()[0]);
}

pub(crate) fn settings() -> Settings {
    Settings {
        durability: Some(Durability::None),
        backend: Backend::Mapped,
        recovery: Recovery::Inline,
        argon2: Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 },
        password_min: 1,
        registration: Registration::Open,
        limits: Limits::OFF,
        allow_network_fs: true,
        hash_wait_ms: 60_000,
        wiki: crate::WikiSettings::default(),
        random: fill,
    }
}

/// A store in a folder of its own.
pub(crate) struct Site {
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        Site { store: Store::new(folder.path().join("data"), settings()), _folder: folder }
    }

    /// Another process's view of the same directory.
    pub(crate) fn again(&self) -> Store {
        Store::new(self.store.dir(), settings())
    }

    pub(crate) fn author(&self, name: &str) -> AuthorId {
        let op = blerg_log::Op::AddAuthor { name: name.to_owned(), at_us: None };
        match self.store.commit_one(NOW_US, op).unwrap() {
            blerg_log::Outcome::Author(author) => author,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn put(&self, author: AuthorId, text: &str) -> RecordNo {
        self.store.put(NOW_US, author, put_text(text)).unwrap()
    }
}

pub(crate) fn put_text(text: &str) -> PutText {
    PutText { text: text.to_owned(), spans: tags_of(text), reply_to: None }
}

/// The tags of a text whose tags stand between single spaces.
pub(crate) fn tags_of(text: &str) -> Vec<TagSpan> {
    let mut spans: Vec<TagSpan> = Vec::new();
    let mut start = 0;
    for word in text.split(' ') {
        if word.len() > 1 && word.starts_with(['#', '@']) {
            let known = spans.iter().any(|span| {
                let from = usize::from(span.start);
                text[from..from + usize::from(span.len)].eq_ignore_ascii_case(word)
            });
            if !known {
                spans.push(TagSpan { start: start.try_into().unwrap(), len: word.len().try_into().unwrap() });
            }
        }
        start += word.len() + 1;
    }
    spans
}

/// The records of a page, as author name and number.
pub(crate) fn names(posts: &[Post]) -> Vec<(String, u64)> {
    posts.iter().map(|post| (post.author_name.clone(), post.record.0)).collect()
}

/// All pages of a list, each of at most `n`; fails if a page is too long or the list does not end.
#[track_caller]
pub(crate) fn all_pages(n: usize, mut page: impl FnMut(Option<&crate::Cursor>) -> Page) -> Vec<Post> {
    let mut posts = Vec::new();
    let mut before = None;
    for _ in 0..100_000 {
        let found = page(before.as_ref());
        assert!(found.posts.len() <= n, "page of {}, want at most {n}", found.posts.len());
        posts.extend(found.posts);
        let Some(next) = found.next else { return posts };
        // A cursor travels as text.
        before = Some(next.to_string().parse().unwrap());
    }
    panic!("the list does not end");
}

/// The files below a directory.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The files below `dir` that hold `needle`.
pub(crate) fn files_with(dir: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    };
    files(dir).into_iter().filter(holds).collect()
}
