//! Opening and recovering a store of which a file is not what was written: start at [`run`]. Whatever stands in the log, the
//! control page, the index or FORMAT, the store is read and written, or refused with an error; both ways of reading say the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blerg_log::{
    AuthorId, Backend, Durability, Identity, ListKey, Log, Op, Options, Position, RecordNo, Recovery, TagSpan,
};

use crate::disk::MemoryDisk;
use crate::input::Input;

const DIR: &str = "/data";

/// Elements of a list that are read.
const ELEMENTS_MAX: u64 = 64;

type Files = Vec<(PathBuf, Vec<u8>)>;

/// First the file, then how it is damaged and seen, then the damage.
pub(crate) fn run(data: &[u8]) {
    thread_local! { static STORE: Files = store(); }
    let mut files = STORE.with(Clone::clone);
    let mut input = Input::new(data);
    let file = usize::from(input.byte()) % files.len();
    let how = input.byte();
    let is_small = damage(&mut files[file].1, how, input);
    let boot = how >> 7;
    let goes_on = if how & 32 == 0 { Backend::Pread } else { Backend::Mapped };
    let told = [Backend::Pread, Backend::Mapped].map(|backend| {
        let disk = MemoryDisk::new(&files, boot);
        let log = open(&disk, backend);
        let answers = log.as_ref().ok().map(answers);
        if let (Some(answers), true) = (&answers, is_small) {
            let known: BTreeSet<String> = texts().into_iter().collect();
            let wrong: Vec<&String> = answers.texts.difference(&known).collect();
            assert!(wrong.is_empty(), "{wrong:?} was never written");
        }
        if let (Ok(log), true) = (log, backend == goes_on) {
            if how & 64 != 0 {
                let _ = log.verify(&mut |_| {});
            }
            go_on(&disk, log, backend, how);
        }
        answers
    });
    assert_eq!(told[0], told[1], "reading and mapping say the same");
}

/// Damages a file; true if it is so little that no checksum can miss it.
fn damage(bytes: &mut Vec<u8>, how: u8, mut input: Input<'_>) -> bool {
    match how % 4 {
        // Cut off, or longer than it was.
        0 => {
            let length = input.short() + (usize::from(input.byte()) << 16);
            bytes.resize(length % (2 << 20), 0);
            input.is_empty()
        }
        // Something else altogether.
        1 => {
            let length = bytes.len();
            *bytes = input.rest().to_vec();
            if how & 4 == 0 {
                bytes.resize(length.max(bytes.len()), 0);
            }
            false
        }
        _ => {
            let mut patches = Vec::new();
            while !input.is_empty() {
                let (at, length) = (input.short(), usize::from(input.byte()) % 64);
                let patch = input.take(length);
                patches.push(patch.len());
                for (to, from) in bytes.iter_mut().skip(at).zip(patch) {
                    *to = *from;
                }
            }
            patches.len() <= 1 && patches.iter().all(|bytes| *bytes <= 4)
        }
    }
}

fn open(disk: &Arc<MemoryDisk>, backend: Backend) -> Result<Log, blerg_log::Error> {
    let options = Options::new(backend, Recovery::Inline, |bytes| bytes.fill(7));
    Log::open(Path::new(DIR), &options, Arc::clone(disk) as Arc<dyn blerg_log::Disk>)
}

/// What a store says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answers {
    authors: Vec<String>,
    texts: BTreeSet<String>,
    lists: Vec<Vec<Position>>,
    errors: usize,
}

fn answers(log: &Log) -> Answers {
    let mut said = Answers::default();
    let Ok(snapshot) = log.snapshot() else { return said };
    for author in 0..4 {
        match snapshot.author(AuthorId(author)) {
            Ok(author) => said.authors.push(format!("{author:?}")),
            Err(_) => said.errors += 1,
        }
        for record in 0..8 {
            match snapshot.record(AuthorId(author), RecordNo(record)) {
                Ok(Some(record)) => drop(said.texts.insert(record.text.to_string())),
                Ok(None) => {}
                Err(_) => said.errors += 1,
            }
        }
    }
    let _ = snapshot.author_by_name("ada").map(|author| said.authors.push(format!("{author:?}")));
    let timelines = (0..4).map(|author| ListKey::Timeline(AuthorId(author)));
    for key in timelines.chain([ListKey::Authors, ListKey::Tag("tag"), ListKey::Latest]) {
        let Ok(list) = snapshot.list(&key) else {
            said.errors += 1;
            continue;
        };
        let positions = (0..list.len().min(ELEMENTS_MAX)).map_while(|at| list.get(at).ok());
        let positions: Vec<Position> = positions.collect();
        assert!(positions.is_sorted(), "{key:?}: {positions:?}");
        said.lists.push(positions);
    }
    let frames = snapshot.frames(Position(0)).take(100).filter(Result::is_ok).count();
    assert!(frames <= 100);
    said
}

/// Writes, builds the index anew, closes and opens again: nothing that was said is unsaid.
fn go_on(disk: &Arc<MemoryDisk>, log: Log, backend: Backend, how: u8) {
    let written = log.commit(9_000_000, vec![put(0, "one more #tag")]);
    // That takes most of the time.
    let was_rebuilt = how & 16 != 0 && log.rebuild(&mut |_| {}).is_ok();
    let before = answers(&log);
    if let Ok([Ok(_)]) = written.as_deref() {
        assert!(!was_rebuilt || before.texts.contains("one more #tag"), "what was acknowledged is there");
    }
    let was_closed = log.close().is_ok();
    let again = open(disk, backend);
    if was_rebuilt && was_closed {
        let again = again.expect("it was closed well");
        assert_eq!(answers(&again), before);
    }
}

fn put(author: u32, text: &str) -> Op {
    let at = text.find('#').map(|at| TagSpan { start: at as u16, len: 4 });
    let tags = at.into_iter().collect();
    Op::Put { author: AuthorId(author), text: text.to_owned(), tags, reply_to: None, at_us: None }
}

/// Every text that was ever written.
fn texts() -> Vec<String> {
    let texts = ["first #tag", "second", "third #tag @ada", "in other words #tag", "gone", "of bob #tag"];
    texts.map(str::to_owned).into()
}

/// A store with something of everything, that was not closed.
fn store() -> Files {
    let disk = MemoryDisk::new(&[], 0);
    let identity = Identity { site_id: [1; 16], hash_key: [2; 16], durability: Durability::Sync };
    Log::create(Path::new(DIR), &identity, Arc::clone(&disk) as Arc<dyn blerg_log::Disk>).expect("a new store");
    let log = open(&disk, Backend::Pread).expect("a new store");
    let [first, second, third, other, gone, bobs] = <[String; 6]>::try_from(texts()).expect("six");
    let (author, record) = (AuthorId(0), RecordNo(0));
    let add = |name: &str| Op::AddAuthor { name: name.to_owned(), at_us: None };
    let tags = vec![TagSpan { start: 15, len: 4 }];
    let history = [
        vec![add("Ada"), add("bob")],
        vec![put(0, &first), put(0, &second)],
        vec![put(1, &bobs), put(0, &third)],
        vec![Op::Edit { author, record, text: other, tags, at_us: None }],
        vec![put(0, &gone), Op::Follow { author, target: AuthorId(1) }],
        vec![Op::Delete { author, record: RecordNo(3) }, Op::PutHole { author }],
        vec![add("eve"), Op::CloseAuthor { author: AuthorId(2) }],
    ];
    for (at, ops) in (1_u64..).zip(history) {
        let done = log.commit(at * 1_000_000, ops).expect("a sound store");
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }
    drop(log);
    disk.files()
}
