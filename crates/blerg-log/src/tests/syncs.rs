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

#[test]
fn what_the_page_cache_lost_is_not_written_again_as_if_it_were_whole() {
    let (disk, log) = relaxed();
    log.commit(1, vec![put(0, "lost"), put(0, "kept")]).unwrap();
    let waiting = mark(&disk);
    let (at, _) = frames_in(&disk.bytes(&path(FIRST)))[2];
    disk.damage(&path(FIRST), at + 60, &[0xFF]);
    // Who synced died in it.
    control(&disk).store(Word::Intent, waiting.end);
    assert!(log.core.sync_to(waiting).unwrap_err().is_poisoned());
    assert_eq!(control(&disk).state().unwrap(), State::Poisoned);
    // What is sound goes on: from the cut, with the numbers that are free again.
    assert_eq!(log.commit(1, vec![put(0, "next")]).unwrap(), [Ok(Outcome::Record(RecordNo(0)))]);
    check_sound(&log);
}

#[test]
fn a_rollover_whose_directory_sync_failed_is_not_taken_for_whole() {
    let (disk, log) = one();
    let long = "x".repeat(600);
    log.commit(1, vec![put(0, &long)]).unwrap();
    log.commit(1, vec![put(0, &long)]).unwrap();
    drop(log);
    let is_met = |more: &u64| {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Once(fork.steps() + more, std::io::ErrorKind::Other)));
        let failed = open(&fork, Mapped).unwrap().commit(1, vec![put(0, &long)]).is_err();
        (failed && fork.last_call() == "sync directory /data/log").then_some(fork)
    };
    let fork = (1..80).find_map(|more| is_met(&more)).unwrap();
    assert_eq!(control(&fork).state().unwrap(), State::Poisoned);
    let log = open(&fork, Mapped).unwrap();
    log.commit(1, vec![put(0, "next")]).unwrap();
    for log in [log, open(&fork.after_worst_cut(), Pread).unwrap()] {
        assert_eq!((text_of(&log, 1), text_of(&log, 2)), (Some(long.clone()), Some("next".into())));
        check_sound(&log);
    }
}

#[test]
fn a_rollover_that_was_not_published_does_not_outlive_a_heal() {
    let (disk, log) = one();
    let long = "x".repeat(600);
    log.commit(1, vec![put(0, &long)]).unwrap();
    log.commit(1, vec![put(0, &long)]).unwrap();
    drop(log);
    let segments =
        |disk: &FakeDisk| disk.names().iter().filter(|name| name.to_string_lossy().ends_with(".seg")).count();
    let mut met = 0;
    for more in 1..80 {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Stop(fork.steps() + more)));
        let _ = open(&fork, Mapped).unwrap().commit(1, vec![put(0, &long)]);
        let fork = fork.after_kill();
        if segments(&fork) == segments(&disk) || mark(&fork).end >= 1 << 11 {
            continue;
        }
        met += 1;
        control(&fork).set_state(State::Poisoned);
        let log = open(&fork, Mapped).unwrap();
        // Another time, so another SEAL.
        log.commit(9, vec![put(0, "short")]).unwrap();
        log.commit(9, vec![put(0, &long)]).unwrap();
        for log in [log, open(&fork.after_worst_cut(), Pread).unwrap()] {
            assert_eq!((text_of(&log, 2), text_of(&log, 3)), (Some("short".into()), Some(long.clone())));
            check_sound(&log);
        }
    }
    assert!(met > 2, "{met}");
}

/// The disk after each death in a sync of the log on the way through `body`: the kernel failed it, and nobody else is told.
fn deaths_in_sync(disk: &FakeDisk, body: impl Fn(&FakeDisk)) -> Vec<FakeDisk> {
    let dry = disk.fork();
    body(&dry);
    let die = |stop| {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Stop(stop)));
        body(&fork);
        let call = fork.last_call();
        let file = call.strip_prefix("sync ").filter(|file| file.ends_with(".seg"))?;
        let fork = fork.after_kill();
        fork.forget_dirty(file.as_ref());
        Some(fork)
    };
    dry.sync_steps().into_iter().filter(|stop| *stop > disk.steps()).filter_map(die).collect()
}

#[test]
fn who_dies_in_the_syncs_of_an_erasure_loses_no_fate() {
    let nothing = vec![put(99, "no such author")];
    // Of some length the text begins with a sector, and erasing it does not bring its fate to the disk by chance.
    for extra in 0..64 {
        let (disk, log) = one();
        let syncer = open(&disk, Mapped).unwrap();
        syncer.commit(1, nothing.clone()).unwrap();
        // In one commit: no later frame proves that the first ones were durable, and are not torn but erased.
        let delete = Op::Delete { author: AuthorId(0), record: RecordNo(1) };
        let ops = vec![put(0, &"x".repeat(100 + 8 * extra)), put(0, "secret"), put(0, "other"), delete];
        // The writer is killed when all is published and nothing indexed, and another process syncs that.
        let published = |more: &u64| {
            let fork = disk.fork();
            fork.set_fault(Some(Fault::Stop(fork.steps() + more)));
            let _ = open(&fork, Mapped).unwrap().commit(1, ops.clone());
            mark(&fork.after_kill()) != mark(&disk)
        };
        disk.set_fault(Some(Fault::Stop(disk.steps() + (1..).find(published).unwrap())));
        let _ = log.commit(1, ops.clone());
        disk.set_fault(None);
        syncer.core.sync_to(mark(&disk)).unwrap();
        let died = deaths_in_sync(&disk, |disk| drop(open(disk, Mapped).unwrap().commit(1, nothing.clone())));
        assert_eq!(died.len(), 2, "for the fates, and for the texts");
        for disk in died {
            open(&disk, Mapped).unwrap().commit(1, nothing.clone()).unwrap();
            let log = open(&disk.after_worst_cut(), Mapped).unwrap();
            assert_eq!((text_of(&log, 1), text_of(&log, 2)), (None, Some("other".into())), "{extra} more");
            check_sound(&log);
        }
    }
}

#[test]
fn who_dies_in_the_syncs_of_an_erasure_loses_no_put_of_others() {
    let (disk, log) = relaxed();
    log.commit(1, vec![put(0, "secret")]).unwrap();
    log.commit(1, vec![Op::Delete { author: AuthorId(0), record: RecordNo(0) }]).unwrap();
    drop(log);
    // Its text is still there, as when a writer was killed before he erased it; meanwhile others put.
    control(&disk).store(Word::Scrubbed, 0);
    let long = "x".repeat(600);
    let died = deaths_in_sync(&disk, |disk| drop(open(disk, Mapped).unwrap().commit(1, vec![put(0, &long)])));
    assert_eq!(died.len(), 2);
    for disk in died {
        let log = open(&disk, Mapped).unwrap();
        log.sync().unwrap();
        drop(log);
        let log = open(&disk.after_worst_cut(), Mapped).unwrap();
        assert_eq!(text_of(&log, 1), Some(long.clone()));
        check_sound(&log);
    }
}

#[test]
fn who_dies_in_the_syncs_of_a_recovery_loses_nothing() {
    let long = "x".repeat(600);
    // Of some length the EPOCH ends with a sector: then nothing behind it brings it to the disk by chance.
    for extra in 0..64 {
        let (disk, log) = relaxed();
        log.commit(1, vec![put(0, &"x".repeat(100 + 8 * extra)), put(0, &long)]).unwrap();
        drop(log);
        // Within one start of the machine: what was put is in the page cache only.
        disk.remove(&path("ctl")).unwrap();
        let died = deaths_in_sync(&disk, |disk| drop(open(disk, Mapped)));
        assert_eq!(died.len(), 2, "of the log, and of the EPOCH");
        for disk in died {
            let log = open(&disk, Mapped).unwrap();
            log.commit(1, vec![put(0, &long)]).unwrap();
            log.sync().unwrap();
            drop(log);
            let log = open(&disk.after_worst_cut(), Mapped).unwrap();
            assert_eq!((text_of(&log, 1), text_of(&log, 2)), (Some(long.clone()), Some(long.clone())), "{extra} more");
            check_sound(&log);
        }
    }
}

#[test]
fn who_dies_in_the_sync_of_a_seal_at_the_very_end_of_a_segment_stops_nobody() {
    // Of one of these lengths the SEAL takes the last bytes there are.
    for len in (1_700..1_760).step_by(8) {
        let (disk, log) = one();
        log.commit(1, vec![put(0, &"x".repeat(len))]).unwrap();
        drop(log);
        for disk in deaths_in_sync(&disk, |disk| drop(open(disk, Mapped).unwrap().commit(1, vec![put(0, "one")]))) {
            let log = open(&disk, Mapped).unwrap();
            log.commit(1, vec![put(0, "two")]).unwrap();
            check_sound(&log);
        }
    }
}
