//! T1: random operations against the plainest store, by both backends, and with the index deleted, rebuilt, damaged.

use std::sync::Arc;

use proptest::prelude::*;

use super::basics::{identity, options};
use super::fake::{FakeDisk, Rng};
use super::model::{Answers, Model, ask, random_op};
use crate::format::Format;
use crate::geometry::Geometry;
use crate::*;

const DIR: &str = "/data";
/// Small segments, so that the log rolls over often.
pub(crate) const SMALL: Geometry = Geometry { first_bits: 11, last_bits: 12 };

pub(crate) fn create(disk: &FakeDisk) {
    let format = Format { identity: identity(), geometry: SMALL };
    Log::create_with(DIR.as_ref(), &format, &disk.arc()).unwrap();
}

pub(crate) fn open(disk: &FakeDisk, backend: Backend) -> Result<Log, Error> {
    Log::open(DIR.as_ref(), &Options { lock_wait_ms: 0, ..options(backend) }, disk.arc())
}

#[track_caller]
pub(crate) fn check_sound(log: &Log) {
    let found = log.verify(&mut |_| {}).unwrap();
    assert_eq!(found.problems, []);
}

/// What is done to the store between two batches.
#[derive(Clone, Copy, Debug)]
enum Event {
    Commit(usize),
    Reopen,
    Restart,
    Rebuild,
    Compact,
    DeleteIndex,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        20 => (1_usize..6).prop_map(Event::Commit),
        2 => Just(Event::Reopen),
        1 => Just(Event::Restart),
        1 => Just(Event::Rebuild),
        2 => Just(Event::Compact),
        1 => Just(Event::DeleteIndex),
    ]
}

fn run(seed: u64, events: &[Event]) {
    let mut disk = FakeDisk::new();
    create(&disk);
    let mut rng = Rng(seed);
    let mut model = Model::default();
    let backends = [Backend::Mapped, Backend::Pread];
    let mut log = open(&disk, backends[rng.below(2)]).unwrap();
    for event in events {
        match *event {
            Event::Commit(count) => {
                let mut wanted = Vec::new();
                let mut ops = Vec::new();
                for _ in 0..count {
                    let op = random_op(&mut rng, &model);
                    wanted.push(model.apply(&op));
                    ops.push(op);
                }
                assert_eq!(log.commit(rng.next() % 1000, ops).unwrap(), wanted);
            }
            Event::Reopen => {
                drop(log);
                log = open(&disk, backends[rng.below(2)]).unwrap();
            }
            Event::Restart => {
                if rng.below(2) == 0 {
                    log.close().unwrap();
                } else {
                    drop(log);
                }
                disk = disk.after_power_cut(&mut rng);
                log = open(&disk, backends[rng.below(2)]).unwrap();
            }
            Event::Rebuild => log.rebuild(&mut |_| {}).unwrap(),
            Event::Compact => {
                super::compactions::compact(&log).unwrap();
                model.compact();
                check_sound(&log);
            }
            Event::DeleteIndex => {
                drop(log);
                for name in disk.names() {
                    if name.to_str().unwrap().contains("index.") {
                        disk.remove(&name).unwrap();
                    }
                }
                log = open(&disk, backends[rng.below(2)]).unwrap();
            }
        }
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers(), "after {event:?}");
    }
    assert_eq!(log.snapshot().unwrap().damaged(), 0);
    check_sound(&log);
    for backend in backends {
        assert_eq!(ask(&open(&disk, backend).unwrap().snapshot().unwrap()).unwrap(), model.answers());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_that_of_the_plainest_store(seed: u64, events in prop::collection::vec(event(), 1..40)) {
        run(seed, &events);
    }
}

/// A store with some hundred operations in it.
pub(crate) fn filled(seed: u64, count: usize) -> (FakeDisk, Model) {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Backend::Mapped).unwrap();
    let (mut rng, mut model) = (Rng(seed), Model::default());
    for _ in 0..count {
        let op = random_op(&mut rng, &model);
        let wanted = model.apply(&op);
        assert_eq!(log.commit(1, vec![op]).unwrap(), [wanted]);
    }
    drop(log);
    (disk, model)
}

/// That answers are the truth, or lack some of it.
fn check_no_lie(found: &Answers, truth: &Answers) {
    assert!(found.authors.len() <= truth.authors.len());
    for (found, truth) in found.authors.iter().zip(&truth.authors) {
        assert!(found.0 == truth.0 || found.0 == "(lost)", "{} is not {}", found.0, truth.0);
        for (no, record) in found.2.iter().enumerate() {
            if let Some(record) = record {
                let truth = truth.2[no].as_ref().expect("a record that is not there");
                assert_eq!((&record.text, record.reply_to), (&truth.text, truth.reply_to));
                assert!(record.versions.iter().all(|version| truth.versions.contains(version)));
            }
        }
    }
    let is_part = |found: &[(AuthorId, RecordNo)], truth: &[(AuthorId, RecordNo)]| {
        let mut rest = truth.iter();
        found.iter().all(|one| rest.any(|other| other == one))
    };
    assert!(is_part(&found.latest, &truth.latest), "{:?} of {:?}", found.latest, truth.latest);
    for (tag, list) in &found.tags {
        assert!(is_part(list, &truth.tags[tag]), "{tag}");
    }
    for (to, list) in &found.replies {
        assert!(is_part(list, &truth.replies[to]), "{to:?}");
    }
    assert!(found.follows.is_subset(&truth.follows));
}

#[test]
fn a_damaged_index_hides_but_never_lies_and_the_next_writer_mends_it() {
    let (disk, model) = filled(1, 150);
    let truth = model.answers();
    let index = disk.names().into_iter().find(|name| name.to_str().unwrap().contains("index.")).unwrap();
    let used: Vec<usize> = (0..).zip(disk.bytes(&index)).filter(|(_, byte)| *byte != 0).map(|(at, _)| at).collect();
    let mut rng = Rng(2);
    let (mut noticed, mut mended, mut rounds) = (0, 0, 0);
    for round in 0..400 {
        let fork = disk.fork();
        for _ in 0..1 + rng.below(3) {
            let at = used[rng.below(used.len())];
            let byte = fork.bytes(&index)[at] ^ (1 << rng.below(8));
            fork.damage(&index, at as u64, &[byte]);
        }
        let backend = [Backend::Mapped, Backend::Pread][round % 2];
        let Ok(log) = open(&fork, backend) else { continue };
        rounds += 1;
        // An error is no lie either.
        if let Ok(found) = log.snapshot().and_then(|snapshot| ask(&snapshot)) {
            check_no_lie(&found, &truth);
            noticed += usize::from(found != truth);
        }
        drop(log);
        // Whoever found it wrong has noted it; the next one to open the store mends it, and what nobody met a rebuild does.
        let log = open(&fork, backend).unwrap();
        mended += usize::from(ask(&log.snapshot().unwrap()).is_ok_and(|found| found == truth));
        log.rebuild(&mut |_| {}).unwrap();
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), truth);
    }
    assert!(noticed > 20, "{noticed} of {rounds} damages showed at all");
    assert!(mended > rounds * 9 / 10, "{mended} of {rounds} were mended by opening");
}

#[test]
fn rebuilding_gives_the_same_answers_and_a_sound_store() {
    let (disk, model) = filled(3, 400);
    let log = open(&disk, Backend::Mapped).unwrap();
    let reader = open(&disk, Backend::Pread).unwrap();
    let before = log.snapshot().unwrap().stamp();
    log.rebuild(&mut |_| {}).unwrap();
    check_sound(&log);
    assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers());
    // Another process notices the new index with its next snapshot.
    assert_eq!(ask(&reader.snapshot().unwrap()).unwrap(), model.answers());
    assert!(reader.snapshot().unwrap().stamp().generation > before.generation);
    let _: Arc<dyn Disk> = disk.arc();
}
