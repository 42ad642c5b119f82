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

#[test]
fn the_last_closing_is_known_and_moves_with_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &identity(), Arc::new(RealDisk)).unwrap();
    let log = open(dir.path(), Backend::Mapped);
    log.commit(1, vec![add("ada"), put(0, "one"), add("bo")]).unwrap();
    assert_eq!(log.snapshot().unwrap().last_closing(), Position(0));
    log.commit(2, vec![Op::CloseAuthor { author: AuthorId(1) }]).unwrap();
    let snapshot = log.snapshot().unwrap();
    let closing = snapshot.frames(Position(0)).map(Result::unwrap).last().unwrap();
    assert_eq!((closing.body, snapshot.last_closing()), (Body::CloseAuthor { author: AuthorId(1) }, closing.position));
    log.commit(3, vec![add("cy"), put(0, "two"), Op::Delete { author: AuthorId(0), record: RecordNo(0) }]).unwrap();
    assert_eq!(log.snapshot().unwrap().last_closing(), closing.position);
    log.rebuild(&mut |_| {}).unwrap();
    assert_eq!(log.snapshot().unwrap().last_closing(), closing.position);
}

#[test]
fn versions_are_read_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &identity(), Arc::new(RealDisk)).unwrap();
    let log = open(dir.path(), Backend::Mapped);
    let (author, record) = (AuthorId(0), RecordNo(0));
    let edit = |text: &str| Op::Edit { author, record, text: text.into(), tags: Vec::new(), at_us: None };
    log.commit(1, vec![add("ada"), put(0, "one"), put(0, "other"), edit("two"), edit("three")]).unwrap();
    let old = log.snapshot().unwrap();
    let places = old.version_positions(author, record).unwrap();
    let text = |place: &Position| old.version_at(author, record, *place).unwrap().map(|version| version.text);
    let texts: Vec<String> = places.iter().filter_map(text).collect();
    assert_eq!(texts, ["three", "two", "one"]);
    // Another record's text is not to be had this way.
    assert_eq!(old.version_at(author, RecordNo(1), places[0]).unwrap(), None);
    log.commit(2, vec![Op::Delete { author, record }]).unwrap();
    assert_eq!(log.snapshot().unwrap().version_positions(author, record).unwrap(), []);
}
