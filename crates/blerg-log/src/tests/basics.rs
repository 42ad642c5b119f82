//! The first steps of a store, and the small helpers that all tests use.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::*;

/// Numbers that differ, and are the same in each run of one test alone.
pub(crate) fn random(into: &mut [u8]) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut rng = super::fake::Rng(NEXT.fetch_add(1, Ordering::Relaxed));
    into.iter_mut().for_each(|byte| *byte = rng.next() as u8);
}

pub(crate) fn identity() -> Identity {
    Identity { site_id: [1; 16], hash_key: [2; 16], durability: Durability::Sync }
}

pub(crate) fn options(backend: Backend) -> Options {
    Options::new(backend, Recovery::Inline, random)
}

fn open(dir: &Path, backend: Backend) -> Log {
    Log::open(dir, &options(backend), Arc::new(RealDisk)).unwrap()
}

pub(crate) fn tags(text: &str) -> Vec<TagSpan> {
    let mut spans = Vec::new();
    let mut at = 0;
    for word in text.split(' ') {
        if word.len() > 1 && word.starts_with(['#', '@']) {
            spans.push(TagSpan { start: at as u16, len: word.len() as u8 });
        }
        at += word.len() + 1;
    }
    spans
}

pub(crate) fn put(author: u32, text: &str) -> Op {
    Op::Put { author: AuthorId(author), text: text.into(), tags: tags(text), reply_to: None, at_us: None }
}

pub(crate) fn add(name: &str) -> Op {
    Op::AddAuthor { name: name.into(), at_us: None }
}

#[test]
fn a_put_is_read_back_by_both_backends() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &identity(), Arc::new(RealDisk)).unwrap();
    for (n, backend) in [Backend::Mapped, Backend::Pread].into_iter().enumerate() {
        let log = open(dir.path(), backend);
        if n == 0 {
            let answers = log.commit(1_000_000, vec![add("Ada"), put(0, "hello #World"), put(0, "more")]).unwrap();
            assert_eq!(
                answers,
                [Ok(Outcome::Author(AuthorId(0))), Ok(Outcome::Record(RecordNo(0))), Ok(Outcome::Record(RecordNo(1)))]
            );
        }
        let snapshot = log.snapshot().unwrap();
        assert_eq!(snapshot.author_by_name("aDA").unwrap().unwrap().name, "Ada");
        let record = snapshot.record(AuthorId(0), RecordNo(0)).unwrap().unwrap();
        assert_eq!((&*record.text, record.created_us), ("hello #World", 1_000_000));
        let list = snapshot.list(&ListKey::Tag("WORLD")).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(snapshot.element(&ListKey::Tag("WORLD"), list.get(0).unwrap()).unwrap(), Some(record));
        assert_eq!(snapshot.damaged(), 0);
    }
}
