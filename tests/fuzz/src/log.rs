//! Stores of which files are not what was written: start at [`run`] and [`salvage`]. Whatever stands in the log, the control page,
//! the index or FORMAT, the store is read and written, or refused with an error, and both ways of reading say the same; and
//! what can be read of it makes a sound store.

mod damage;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use blerg_log::{
    AuthorId, Backend, Durability, Identity, ListKey, Log, Op, Options, Position, RecordNo, Recovery, TagSpan, Wreck,
};

use crate::disk::{Files, MemoryDisk};
use crate::input::Input;
use damage::Harm;

const DIR: &str = "/data";
/// Where copies go.
const OTHER_DIR: &str = "/copy";

/// Elements of a list that are read.
const ELEMENTS_MAX: u64 = 64;

thread_local! { static STORE: Files = store(); }

/// The store's files, damaged as the input says behind its first byte.
fn damaged(input: Input<'_>) -> (Files, Harm) {
    let mut files = STORE.with(Clone::clone);
    let harm = damage::apply(&mut files, input);
    (files, harm)
}

/// First how the store is seen and gone on with, then the damage.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let how = input.byte();
    let (files, harm) = damaged(input);
    let boot = how >> 7;
    let goes_on = if how & 32 == 0 { Backend::Pread } else { Backend::Mapped };
    let told = [Backend::Pread, Backend::Mapped].map(|backend| {
        let disk = MemoryDisk::new(&files, boot);
        let log = open(&disk, DIR, backend);
        let answers = log.as_ref().ok().map(answers);
        if let (Some(answers), Harm::Small) = (&answers, harm) {
            answers.check_known();
        }
        if let (Ok(log), true) = (log, backend == goes_on) {
            if how & 64 != 0 {
                let _ = log.verify(&mut |_| {});
            }
            go_on(&disk, log, backend, (how, harm));
        }
        answers
    });
    assert_eq!(told[0], told[1], "reading and mapping say the same");
}

/// What can be read of the damaged log makes a sound one, and a copy of what can be opened is as good as that.
pub(crate) fn salvage(data: &[u8]) {
    let mut input = Input::new(data);
    let how = input.byte();
    let (mut files, harm) = damaged(input);
    if harm == Harm::Made {
        damage::tame(&mut files);
    }
    let disk = MemoryDisk::new(&files, how >> 7);
    match Wreck::open(Path::new(DIR), as_disk(&disk), random, &mut |_| {}) {
        Ok(wreck) => refill(&wreck, &disk, harm, is_whole(&files)),
        Err(error) => assert!(!is_whole(&files), "{error}"),
    }
    if how & 1 != 0 {
        back_up(&MemoryDisk::new(&files, how >> 7), harm);
    }
}

/// Whether log and FORMAT are as they were written: all else is made of them.
fn is_whole(files: &Files) -> bool {
    let is_truth = |path: &Path| path.ends_with("FORMAT") || path.extension().is_some_and(|ending| ending == "seg");
    STORE.with(|store| store.iter().filter(|(path, _)| is_truth(path)).all(|file| files.contains(file)))
}

/// Numbers are kept, so all that was found is where it was.
fn refill(wreck: &Wreck, disk: &Arc<MemoryDisk>, harm: Harm, is_whole: bool) {
    let names = |author: AuthorId| Some(format!("author {}", author.0));
    let dir = Path::new(OTHER_DIR);
    Log::create_tiny(dir, wreck.identity(), as_disk(disk)).expect("a free place");
    let log = open(disk, OTHER_DIR, Backend::Pread).expect("a new store");
    let refilled = wreck.refill(&log, 9_000_000, &names, &[Position(64), Position(400)], &mut |_| {});
    let refilled = match refilled {
        // A text that no writer wrote may be too long for a tiny segment.
        Err(_) if harm == Harm::Made => return,
        refilled => refilled.expect("room for what was there"),
    };
    assert!(refilled.lost_len >= refilled.lost.len() as u64);
    let verified = log.verify(&mut |_| {}).expect("a sound store");
    assert_eq!(verified.problems, [], "what was salvaged is sound");
    let said = answers(&log);
    assert_eq!(said.errors, 0);
    if is_whole {
        assert_eq!(wreck.lost().problems, []);
        // One was edited, one deleted.
        assert_eq!(said.texts.len(), texts().len() - 2, "{:?}", said.texts);
    }
    if harm == Harm::Small {
        said.check_known();
    }
    log.close().expect("a sound store");
    assert_eq!(answers(&open(disk, OTHER_DIR, Backend::Mapped).expect("it was closed well")), said);
}

fn back_up(disk: &Arc<MemoryDisk>, harm: Harm) {
    let Ok(log) = open(disk, DIR, Backend::Mapped) else { return };
    let dir = Path::new(OTHER_DIR);
    let Ok(copied) = log.copy_to(dir, &mut |_| {}) else { return };
    log.finish_copy(&copied, dir).expect("a free place");
    let copy = open(disk, OTHER_DIR, Backend::Pread);
    if copied.problems_len > 0 || harm == Harm::Made {
        return;
    }
    let copy = copy.expect("it was found sound");
    let verified = copy.verify(&mut |_| {}).expect("it was found sound");
    assert_eq!(verified.problems, [], "the copy was found sound");
    let (ours, theirs) = (answers(&log), answers(&copy));
    // The index of the copy is new; that of the original may be damaged and lack something.
    if log.verify(&mut |_| {}).is_ok_and(|verified| verified.problems_len == 0) {
        assert_eq!((ours.authors, ours.texts), (theirs.authors, theirs.texts));
    }
}

fn as_disk(disk: &Arc<MemoryDisk>) -> Arc<dyn blerg_log::Disk> {
    Arc::clone(disk) as Arc<dyn blerg_log::Disk>
}

fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

fn open(disk: &Arc<MemoryDisk>, dir: &str, backend: Backend) -> Result<Log, blerg_log::Error> {
    let options = Options { lock_wait_ms: 0, ..Options::new(backend, Recovery::Inline, random) };
    Log::open(Path::new(dir), &options, as_disk(disk))
}

/// What a store says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answers {
    authors: Vec<String>,
    texts: BTreeSet<String>,
    lists: Vec<Vec<Position>>,
    errors: usize,
}

impl Answers {
    #[track_caller]
    fn check_known(&self) {
        let known: BTreeSet<String> = texts().into_iter().collect();
        let wrong: Vec<&String> = self.texts.difference(&known).collect();
        assert!(wrong.is_empty(), "{wrong:?} was never written");
    }
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

/// Writes, builds the index anew or compacts, closes and opens again: nothing that was said is unsaid.
fn go_on(disk: &Arc<MemoryDisk>, log: Log, backend: Backend, (how, harm): (u8, Harm)) {
    let written = log.commit(9_000_000, vec![put(0, "one more #tag")]);
    let is_new = match how & 24 {
        8 => log.compact(9_500_000, 0, || Ok::<_, blerg_log::Error>(Vec::new()), &mut |_| {}).is_ok(),
        16 => log.rebuild(&mut |_| {}).is_ok(),
        _ => false,
    };
    let before = answers(&log);
    if let Ok([Ok(_)]) = written.as_deref() {
        let is_there = before.texts.contains("one more #tag");
        assert!(is_there || !is_new || harm == Harm::Made, "what was acknowledged is there");
    }
    // Frames that no writer writes may name segments that are not there.
    if is_new && how & 64 != 0 && harm != Harm::Made {
        let verified = log.verify(&mut |_| {}).expect("its index is new");
        let of_index = |path: &Path| path.to_string_lossy().contains("index.");
        let wrong: Vec<_> = verified.problems.iter().filter(|problem| of_index(&problem.path)).collect();
        assert!(wrong.is_empty(), "a new index is as the log says: {wrong:?}");
    }
    let was_closed = log.close().is_ok();
    let again = open(disk, DIR, backend);
    if is_new && was_closed {
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
    // With this one the log goes on in a second segment.
    texts.map(str::to_owned).into_iter().chain(["a long one ".repeat(70)]).collect()
}

/// A store with something of everything, that was not closed.
fn store() -> Files {
    let disk = MemoryDisk::new(&[], 0);
    let identity = Identity { site_id: [1; 16], hash_key: damage::HASH_KEY, durability: Durability::Sync };
    Log::create_tiny(Path::new(DIR), &identity, as_disk(&disk)).expect("a new store");
    let log = open(&disk, DIR, Backend::Pread).expect("a new store");
    let [first, second, third, other, gone, bobs, long] = <[String; 7]>::try_from(texts()).expect("seven");
    let (author, record) = (AuthorId(0), RecordNo(0));
    let add = |name: &str| Op::AddAuthor { name: name.to_owned(), at_us: None };
    let tags = vec![TagSpan { start: 15, len: 4 }];
    let history = [
        vec![add("Ada"), add("bob")],
        vec![put(0, &first), put(0, &second)],
        vec![put(1, &bobs), put(0, &third), put(1, &long)],
        vec![Op::Edit { author, record, text: other, tags, at_us: None }],
        vec![put(0, &gone), Op::Follow { author, target: AuthorId(1) }],
        vec![Op::Delete { author, record: RecordNo(3) }, Op::PutHole { author }, put(1, &second)],
        vec![add("eve"), Op::CloseAuthor { author: AuthorId(2) }],
    ];
    for (at, ops) in (1_u64..).zip(history) {
        let done = log.commit(at * 1_000_000, ops).expect("a sound store");
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }
    drop(log);
    disk.files()
}
