//! Acknowledgements when a sync failed, its process died, or the store was replaced meanwhile: none is lost, none is falsely
//! given, and none is refused without need.

use std::path::{Path, PathBuf};

use super::basics::{add, identity, put};
use super::fake::{FakeDisk, Fault};
use super::models::{SMALL, check_sound, create, open};
use super::recovery::{FIRST, frames_in};
use crate::Backend::{Mapped, Pread};
use crate::control::{Control, Mark, State, Word};
use crate::format::Format;
use crate::*;

const DIR: &str = "/data";

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

fn control(disk: &FakeDisk) -> Control {
    Control::open_to_write(disk, DIR.as_ref()).unwrap().unwrap()
}

fn text_of(log: &Log, no: u64) -> Option<String> {
    log.snapshot().unwrap().record(AuthorId(0), RecordNo(no)).unwrap().map(|record| record.text.into())
}

fn mark(disk: &FakeDisk) -> Mark {
    control(disk).look().unwrap().mark()
}

/// A store with one author, in which what a commit publishes is durable only when that is asked for.
fn relaxed() -> (FakeDisk, Log) {
    let disk = FakeDisk::new();
    let relaxed = Identity { durability: Durability::None, ..identity() };
    Log::create_with(DIR.as_ref(), &Format { identity: relaxed, geometry: SMALL }, &disk.arc()).unwrap();
    let log = open(&disk, Pread).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    log.sync().unwrap();
    (disk, log)
}

/// A store with one author that syncs each commit.
fn one() -> (FakeDisk, Log) {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    (disk, log)
}

#[test]
fn a_position_from_before_a_cut_is_never_called_durable() {
    let (disk, log) = relaxed();
    log.commit(1, vec![put(0, "lost")]).unwrap();
    let lost = mark(&disk);
    // Another process' sync fails, and the page cache has lost the frame with it.
    let (at, _) = *frames_in(&disk.bytes(&path(FIRST))).last().unwrap();
    disk.damage(&path(FIRST), at + 9, &[0xFF]);
    control(&disk).set_state(State::Poisoned);
    let other = open(&disk, Pread).unwrap();
    other.commit(1, vec![put(0, &"longer ".repeat(20))]).unwrap();
    other.sync().unwrap();
    assert!(control(&disk).load(Word::Durable).unwrap() > lost.end);
    // Whoever still waits for the first is told the truth, by the view of before and by a new one.
    for _ in 0..2 {
        assert!(log.core.sync_to(lost).unwrap_err().is_poisoned());
        log.core.forget_views();
    }
    log.sync().unwrap();
    check_sound(&log);
}

#[test]
fn who_waits_while_the_index_is_replaced_is_synced_through_the_new_one() {
    let (disk, log) = relaxed();
    log.commit(1, vec![put(0, "one")]).unwrap();
    let waiting = mark(&disk);
    let other = open(&disk, Pread).unwrap();
    other.rebuild(&mut |_| {}).unwrap();
    assert!(control(&disk).load(Word::Durable).unwrap() < waiting.end);
    log.core.sync_to(waiting).unwrap();
    assert_eq!(text_of(&open(&disk.after_worst_cut(), Mapped).unwrap(), 0), Some("one".into()));
}

#[test]
fn who_finds_no_view_to_sync_through_opens_one_and_does_not_answer_before() {
    for all in [false, true] {
        let (disk, log) = relaxed();
        log.commit(1, vec![put(0, "one")]).unwrap();
        // As another thread of the process leaves it while it mends the store.
        log.core.forget_views();
        let result = if all { log.sync() } else { log.core.sync_to(mark(&disk)) };
        result.unwrap();
        assert_eq!(text_of(&open(&disk.after_worst_cut(), Mapped).unwrap(), 0), Some("one".into()));
    }
}

#[test]
fn a_heal_that_would_end_before_what_was_durable_leaves_the_file_as_it_is() {
    let (disk, log) = one();
    for n in 0..3 {
        log.commit(1, vec![put(0, &format!("{n} #a"))]).unwrap();
    }
    let (at, _) = frames_in(&disk.bytes(&path(FIRST)))[3];
    disk.damage(&path(FIRST), at + 9, &[0xFF]);
    let before = (disk.inode(&path(FIRST)).unwrap(), disk.bytes(&path(FIRST)));
    control(&disk).set_state(State::Poisoned);
    for _ in 0..2 {
        assert!(log.commit(1, vec![put(0, "next")]).unwrap_err().is_poisoned());
        assert_eq!((disk.inode(&path(FIRST)).unwrap(), disk.bytes(&path(FIRST))), before);
    }
    assert!(log.mend().unwrap_err().is_poisoned());
    assert_eq!((disk.inode(&path(FIRST)).unwrap(), disk.bytes(&path(FIRST))), before);
}

#[test]
fn an_erasure_that_fails_fails_the_delete_and_no_put() {
    let (disk, log) = one();
    log.commit(1, vec![put(0, "secret")]).unwrap();
    log.commit(1, vec![Op::Delete { author: AuthorId(0), record: RecordNo(0) }]).unwrap();
    drop(log);
    let mut failed = 0;
    for more in 1..60 {
        let fork = disk.fork();
        // A text is still there, as when a writer was killed before he erased it.
        control(&fork).store(Word::Scrubbed, 0);
        let log = open(&fork, Pread).unwrap();
        fork.set_fault(Some(Fault::Once(fork.steps() + more, std::io::ErrorKind::Other)));
        let result = log.commit(1, vec![put(0, "other")]);
        fork.set_fault(None);
        let page = control(&fork);
        let durable = page.load(Word::Durable).unwrap();
        let is_erased = page.load(Word::Scrubbed).unwrap() > 0;
        if text_of(&open(&fork, Mapped).unwrap(), 1).is_some() {
            assert!(result.is_ok(), "{more}: {}, durable to {durable}", fork.last_call());
            failed += usize::from(!is_erased);
        }
    }
    assert!(failed >= 2, "{failed} erasures failed");
}
