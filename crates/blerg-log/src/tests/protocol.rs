//! The write protocol: who waits for whom, what is synced when, what is visible when, and what never changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::basics::{add, identity, options, put, tags};
use super::fake::{FakeDisk, Fault};
use super::model::ask;
use super::models::{SMALL, check_sound, create, filled, open};
use super::recovery::{FIRST, frames_in};
use crate::Backend::{Mapped, Pread};
use crate::control::{Control, State, Word};
use crate::format::Format;
use crate::frame::{FATE_IN_FRAME, Kind};
use crate::scrub::TEXTS_MAX;
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

/// A store with one author.
fn one() -> (FakeDisk, Log) {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    (disk, log)
}

#[test]
fn published_bytes_never_change_but_fates_and_erased_texts() {
    let (disk, _) = filled(33, 300);
    let before: Vec<_> =
        disk.names().iter().filter(|name| name.ends_with(FIRST)).map(|name| disk.bytes(name)).collect();
    let log = open(&disk, Mapped).unwrap();
    let snapshot = log.snapshot().unwrap();
    for author in 0..snapshot.list(&ListKey::Authors).unwrap().len() as u32 {
        for record in 0..4 {
            let (author, record) = (AuthorId(author), RecordNo(record));
            let edit = Op::Edit { author, record, text: "new".into(), tags: vec![], at_us: None };
            log.commit(1, vec![edit]).unwrap();
            if record.0 % 2 == 0 {
                log.commit(1, vec![Op::Delete { author, record }]).unwrap();
            }
        }
    }
    log.rebuild(&mut |_| {}).unwrap();
    let after = disk.bytes(&path(FIRST));
    for (at, header) in frames_in(&before[0]) {
        let end = at + header.frame_len();
        let fate = at + FATE_IN_FRAME..at + FATE_IN_FRAME + 8;
        let deleted = after[at as usize + 55] & 0x80 != 0;
        for byte in at..end {
            let (old, new) = (before[0][byte as usize], after[byte as usize]);
            let may = fate.contains(&byte) || (deleted && byte >= fate.end && new == 0);
            assert!(old == new || may, "byte {byte} of the frame at {at}, {:?}", header.kind);
        }
    }
}

#[test]
fn what_is_not_durable_is_not_shown() {
    let (disk, log) = one();
    let reader = open(&disk, Pread).unwrap();
    // The put is written, published and indexed; its sync fails.
    let syncs = (1..60).find(|more| {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Once(fork.steps() + more, std::io::ErrorKind::Other)));
        let failed = open(&fork, Mapped).unwrap().commit(1, vec![put(0, "unsynced")]).is_err();
        failed && fork.last_call().starts_with("sync")
    });
    disk.set_fault(Some(Fault::Once(disk.steps() + syncs.unwrap(), std::io::ErrorKind::Other)));
    assert!(log.commit(1, vec![put(0, "unsynced")]).unwrap_err().is_poisoned());
    let page = control(&disk);
    assert!(page.look().unwrap().indexed > page.look().unwrap().durable);
    for log in [&log, &reader] {
        assert_eq!(log.snapshot().unwrap().list(&ListKey::Latest).unwrap().len(), 0);
        assert_eq!(text_of(log, 0), None);
        assert!(
            log.snapshot().unwrap().frames(Position(0)).all(|frame| !matches!(frame.unwrap().body, Body::Put { .. }))
        );
    }
    // The next commit writes it anew, in a new file, and both are there for everybody.
    reader.commit(1, vec![put(0, "healed")]).unwrap();
    assert_eq!((text_of(&log, 0), text_of(&reader, 1)), (Some("unsynced".into()), Some("healed".into())));
    let cut = disk.after_worst_cut();
    assert_eq!(text_of(&open(&cut, Mapped).unwrap(), 1), Some("healed".into()));
}

#[test]
fn after_a_second_failure_the_store_is_read_only_for_all_until_it_is_mended() {
    let (disk, log) = one();
    log.commit(1, vec![put(0, "one")]).unwrap();
    control(&disk).set_state(State::Poisoned);
    // The heal itself fails, at whichever of its calls.
    let other = open(&disk, Pread).unwrap();
    disk.set_fault(Some(Fault::Once(disk.steps() + 3, std::io::ErrorKind::Other)));
    assert!(other.commit(1, vec![put(0, "two")]).unwrap_err().is_poisoned());
    disk.set_fault(None);
    for log in [&log, &other, &open(&disk, Mapped).unwrap()] {
        assert!(log.commit(1, vec![put(0, "two")]).unwrap_err().is_poisoned());
        assert_eq!(text_of(log, 0), Some("one".into()));
    }
    log.mend().unwrap();
    assert_eq!(other.commit(1, vec![put(0, "two")]).unwrap(), [Ok(Outcome::Record(RecordNo(1)))]);
    assert_eq!(text_of(&open(&disk.after_worst_cut(), Mapped).unwrap(), 1), Some("two".into()));
}

#[test]
fn a_syncer_that_died_in_fdatasync_has_its_frames_written_again() {
    // The process dies in fdatasync, which had failed: the pages are clean and not on the disk, and nobody was told.
    let (disk, log) = one();
    let long = "x".repeat(700);
    drop(log);
    let before = disk.fork();
    let stop = (1..80)
        .find(|more| {
            let fork = before.fork();
            fork.set_fault(Some(Fault::Stop(fork.steps() + more)));
            let _ = open(&fork, Mapped).unwrap().commit(1, vec![put(0, &long)]);
            fork.last_call().starts_with("sync")
        })
        .unwrap();
    disk.set_fault(Some(Fault::Stop(disk.steps() + stop)));
    let _ = open(&disk, Mapped).unwrap().commit(1, vec![put(0, &long)]);
    let disk = disk.after_kill();
    assert_ne!(control(&disk).load(Word::Intent).unwrap(), 0);
    disk.forget_dirty(&path(FIRST));
    let log = open(&disk, Pread).unwrap();
    let long2 = "y".repeat(700);
    log.commit(1, vec![put(0, &long2)]).unwrap();
    let cut = open(&disk.after_worst_cut(), Mapped).unwrap();
    assert_eq!((text_of(&cut, 0), text_of(&cut, 1)), (Some(long), Some(long2)));
}

#[test]
fn a_put_costs_one_flush() {
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    let before = disk.syncs();
    for _ in 0..200 {
        log.commit(1, vec![put(0, "a text of the usual length, with a #tag")]).unwrap();
    }
    assert_eq!(disk.syncs() - before, 200);
}

#[test]
fn threads_share_flushes_and_get_consecutive_numbers() {
    let dir = tempfile::tempdir().unwrap();
    Log::create(dir.path(), &identity(), Arc::new(RealDisk)).unwrap();
    let log = Log::open(dir.path(), &options(Mapped), Arc::new(RealDisk)).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    let numbers: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let log = &log;
                scope.spawn(move || {
                    let commit = |n| match log.commit(n, vec![put(0, &format!("{thread} {n} #a"))]).unwrap()[0] {
                        Ok(Outcome::Record(no)) => no.0,
                        other => panic!("{other:?}"),
                    };
                    (0..40).map(commit).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..320).collect::<Vec<_>>());
    check_sound(&log);
}

#[test]
fn a_lock_that_is_held_is_waited_for_and_then_busy_and_reads_go_on() {
    let (disk, log) = one();
    log.commit(1, vec![put(0, "one")]).unwrap();
    let holder = disk.open(&path("lock"), OpenMode::Write).unwrap();
    assert!(holder.try_lock().unwrap());
    let busy = log.commit(1, vec![put(0, "two")]).unwrap_err();
    assert!(busy.is_busy() && matches!(busy, Error::Busy { waited_ms: 0, .. }), "not longer than it may: {busy:?}");
    assert_eq!(text_of(&log, 0), Some("one".into()));
    assert_eq!(text_of(&open(&disk, Pread).unwrap(), 0), Some("one".into()));
    holder.unlock().unwrap();
    log.commit(1, vec![put(0, "two")]).unwrap();
    // The same for the lock of those who sync; what was published meanwhile becomes durable later.
    let holder = disk.open(&path("sync.lock"), OpenMode::Write).unwrap();
    assert!(holder.try_lock().unwrap());
    assert!(log.commit(1, vec![put(0, "three")]).unwrap_err().is_busy());
    assert_eq!(text_of(&log, 2), None);
    drop(holder);
    log.commit(1, vec![put(0, "four")]).unwrap();
    assert_eq!((text_of(&log, 2), text_of(&log, 3)), (Some("three".into()), Some("four".into())));
}

#[test]
fn readers_open_no_lock() {
    let (disk, log) = one();
    drop(log);
    disk.remove(&path("lock")).unwrap();
    disk.remove(&path("sync.lock")).unwrap();
    let log = open(&disk, Pread).unwrap();
    assert!(log.snapshot().unwrap().author(AuthorId(0)).unwrap().is_some());
    assert!(!disk.names().contains(&path("lock")));
}

#[test]
fn indexing_frames_again_changes_nothing() {
    let (disk, model) = filled(17, 300);
    let page = control(&disk);
    let end = page.look().unwrap().indexed;
    let log = open(&disk, Mapped).unwrap();
    for from in [0, 1, end / 2] {
        let at =
            log.snapshot().unwrap().frames(Position(0)).map(|frame| frame.unwrap().position.0).find(|at| *at > from);
        page.store(Word::Indexed, at.unwrap());
        // The next writer first indexes what seems to be missing.
        log.commit(1, vec![put(99, "no such author")]).unwrap();
        assert_eq!(page.load(Word::Indexed).unwrap(), end);
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers());
        check_sound(&log);
    }
}

#[test]
fn a_seal_always_fits_and_segments_follow_each_other() {
    for extra in 0..70 {
        let disk = FakeDisk::new();
        create(&disk);
        let log = open(&disk, Pread).unwrap();
        log.commit(1, vec![add("ada")]).unwrap();
        for n in 0..6 {
            log.commit(1, vec![put(0, &"x".repeat(500 + 8 * extra + n))]).unwrap();
        }
        check_sound(&log);
        assert_eq!(text_of(&log, 5).unwrap().len(), 505 + 8 * extra);
    }
}

#[test]
fn a_snapshot_stays_as_it_is_while_others_write() {
    let (disk, log) = one();
    log.commit(1, vec![put(0, "one #a"), put(0, "two #a")]).unwrap();
    let old = log.snapshot().unwrap();
    let before = ask(&old).unwrap();
    let text = "new #c-c";
    let edit = Op::Edit { author: AuthorId(0), record: RecordNo(0), text: text.into(), tags: tags(text), at_us: None };
    log.commit(2, vec![edit.clone(), put(0, "three #a")]).unwrap();
    assert_eq!(ask(&old).unwrap(), before);
    log.commit(3, vec![edit]).unwrap();
    assert_eq!(ask(&old).unwrap(), before);
    assert_eq!(old.list(&ListKey::Tag("a")).unwrap().len(), 2);
    // Only an erased text is gone for everybody at once.
    log.commit(4, vec![Op::Delete { author: AuthorId(0), record: RecordNo(1) }]).unwrap();
    let _ = old.record(AuthorId(0), RecordNo(1)).unwrap();
    assert_eq!((text_of(&log, 1), old.damaged()), (None, 0));
    drop(disk);
}

#[test]
fn a_deleted_text_is_gone_from_the_disk_with_all_its_versions() {
    let (disk, log) = one();
    let secret = |n| format!("secret{n} #tag{n}");
    log.commit(1, vec![put(0, &secret(0))]).unwrap();
    for n in 1..4 {
        let text = secret(n);
        let tags = tags(&text);
        log.commit(1, vec![Op::Edit { author: AuthorId(0), record: RecordNo(0), text, tags, at_us: None }]).unwrap();
    }
    // Some of it lies in segments that were sealed since.
    for _ in 0..30 {
        log.commit(1, vec![put(0, &"filling ".repeat(30))]).unwrap();
    }
    let holds = |disk: &FakeDisk, what: &str| {
        let segments = disk.names().into_iter().filter(|name| name.to_str().unwrap().ends_with(".seg"));
        segments
            .map(|name| disk.durable_bytes(&name))
            .any(|bytes| bytes.windows(what.len()).any(|part| part == what.as_bytes()))
    };
    assert!(holds(&disk, "secret0") && holds(&disk, "secret3"));
    log.commit(1, vec![Op::Delete { author: AuthorId(0), record: RecordNo(0) }]).unwrap();
    for n in 0..4 {
        assert!(!holds(&disk, &format!("secret{n}")));
    }
    assert!(holds(&disk, "filling"));
    let log = open(&disk.after_worst_cut(), Mapped).unwrap();
    assert_eq!(text_of(&log, 0), None);
    assert_eq!(text_of(&log, 1), Some("filling ".repeat(30)));
    check_sound(&log);
}

#[test]
fn erasing_that_was_interrupted_is_finished_by_the_next_writer_or_recovery() {
    let (disk, log) = one();
    log.commit(1, vec![put(0, &format!("secret {}", "x".repeat(600))), put(0, "other")]).unwrap();
    drop(log);
    let delete = vec![Op::Delete { author: AuthorId(0), record: RecordNo(0) }];
    for more in 1..80 {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Stop(fork.steps() + more)));
        let _ = open(&fork, Mapped).unwrap().commit(1, delete.clone());
        for disk in [fork.after_kill(), fork.after_worst_cut(), fork.after_best_cut()] {
            let log = open(&disk, Mapped).unwrap();
            log.commit(1, vec![put(0, "next")]).unwrap();
            let log_file = path(FIRST);
            let dead = text_of(&log, 0).is_none();
            let there = disk.durable_bytes(&log_file).windows(6).any(|part| part == b"secret");
            assert_ne!(dead, there, "stopped after {more}");
            check_sound(&log);
        }
    }
}

#[test]
fn a_rebuild_drops_dead_elements_and_keeps_numbers() {
    let (disk, log) = one();
    log.commit(1, (0..10).map(|n| put(0, &format!("{n} #a"))).collect()).unwrap();
    log.commit(1, (0..8).map(|record| Op::Delete { author: AuthorId(0), record: RecordNo(record) }).collect()).unwrap();
    let lengths = |log: &Log| {
        let snapshot = log.snapshot().unwrap();
        [ListKey::Tag("a"), ListKey::Latest, ListKey::Timeline(AuthorId(0))]
            .map(|key| snapshot.list(&key).unwrap().len())
    };
    assert_eq!(lengths(&log), [10, 10, 10]);
    log.rebuild(&mut |_| {}).unwrap();
    assert_eq!(lengths(&log), [2, 2, 10]);
    assert_eq!(log.commit(1, vec![put(0, "next")]).unwrap(), [Ok(Outcome::Record(RecordNo(10)))]);
    drop(disk);
}

#[test]
fn what_touches_a_list_moves_its_last_change() {
    let (_disk, log) = one();
    log.commit(1, vec![put(0, "one #a"), put(0, "two #Bb")]).unwrap();
    let changed = |log: &Log| {
        let snapshot = log.snapshot().unwrap();
        let keys = [ListKey::Timeline(AuthorId(0)), ListKey::Latest, ListKey::Tag("a"), ListKey::Tag("bb")];
        keys.map(|key| snapshot.list(&key).unwrap().changed())
    };
    let first = changed(&log);
    let text = "one #c-c";
    let edit = Op::Edit { author: AuthorId(0), record: RecordNo(0), text: text.into(), tags: tags(text), at_us: None };
    log.commit(2, vec![edit]).unwrap();
    let second = changed(&log);
    assert!(second[0] > first[0] && second[1] > first[1] && second[2] > first[2]);
    assert_eq!(second[3], first[3]);
    log.commit(3, vec![Op::Delete { author: AuthorId(0), record: RecordNo(1) }]).unwrap();
    let third = changed(&log);
    assert!(third[0] > second[0] && third[3] > second[3]);
    assert_eq!(third[2], second[2]);
    // A tag that only a later version had, too.
    let before = log.snapshot().unwrap().list(&ListKey::Tag("c-c")).unwrap().changed();
    let edit = Op::Edit { author: AuthorId(0), record: RecordNo(0), text: "one".into(), tags: vec![], at_us: None };
    log.commit(4, vec![edit]).unwrap();
    assert!(log.snapshot().unwrap().list(&ListKey::Tag("c-c")).unwrap().changed() > before);
}

#[test]
fn a_relaxed_store_shows_what_is_published_and_loses_only_a_tail() {
    let disk = FakeDisk::new();
    let relaxed = Identity { durability: Durability::None, ..identity() };
    Log::create_with(DIR.as_ref(), &Format { identity: relaxed, geometry: SMALL }, &disk.arc()).unwrap();
    let log = open(&disk, Pread).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    let before = disk.syncs();
    for n in 0..5 {
        log.commit(1, vec![put(0, &format!("{n} {}", "x".repeat(100)))]).unwrap();
    }
    assert_eq!(disk.syncs(), before, "no commit waits for the disk");
    assert_eq!(text_of(&log, 4).unwrap().len(), 102);
    let epoch = log.snapshot().unwrap().stamp().epoch;
    let after_kill = open(&disk.after_kill(), Mapped).unwrap();
    assert!(text_of(&after_kill, 4).is_some());
    drop(after_kill);
    let cut = open(&disk.after_worst_cut(), Mapped).unwrap();
    assert_eq!(text_of(&cut, 0), None);
    assert_ne!(cut.snapshot().unwrap().stamp().epoch, epoch, "a number that is used again is not mistaken");
    // A second later a commit brings everything to the disk.
    log.commit(2_000_000, vec![put(0, "later")]).unwrap();
    assert_eq!(disk.syncs(), before + 1);
    assert_eq!(text_of(&open(&disk.after_worst_cut(), Mapped).unwrap(), 5), Some("later".into()));
}

#[test]
fn a_relaxed_store_that_a_program_has_mapped_is_synced_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let relaxed = Identity { durability: Durability::None, ..identity() };
    Log::create(dir.path(), &relaxed, Arc::new(RealDisk)).unwrap();
    let log = Log::open(dir.path(), &options(Mapped), Arc::new(RealDisk)).unwrap();
    log.commit(1, vec![add("ada"), put(0, "one")]).unwrap();
    let page = Control::open(&RealDisk, dir.path(), Mapped).unwrap().unwrap();
    let end = page.look().unwrap().commit.end;
    let begun = std::time::Instant::now();
    while page.look().unwrap().durable < end {
        assert!(begun.elapsed().as_secs() < 20, "not synced");
        std::thread::yield_now();
    }
}

#[test]
fn limits_hold_and_one_more_is_refused() {
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    let one = |op| log.commit(1, vec![op]).unwrap().pop().unwrap();
    assert_eq!(one(add(&"n".repeat(Op::NAME_BYTES_MAX))), Ok(Outcome::Author(AuthorId(0))));
    assert_eq!(one(add(&"n".repeat(Op::NAME_BYTES_MAX + 1))), Err(Rejection::NameLength));
    assert_eq!(one(add("")), Err(Rejection::NameLength));
    assert_eq!(one(put(0, &"x".repeat(Op::TEXT_BYTES_MAX))), Ok(Outcome::Record(RecordNo(0))));
    assert_eq!(one(put(0, &"x".repeat(Op::TEXT_BYTES_MAX + 1))), Err(Rejection::TextLength));
    assert_eq!(one(put(0, "")), Err(Rejection::TextLength));
    let many = |count: usize| {
        let text: Vec<String> = (0..count).map(|n| format!("#t{n}")).collect();
        put(0, &text.join(" "))
    };
    assert_eq!(one(many(Op::TAGS_MAX)), Ok(Outcome::Record(RecordNo(1))));
    assert_eq!(one(many(Op::TAGS_MAX + 1)), Err(Rejection::TagSpans));
    assert_eq!(log.snapshot().unwrap().list(&ListKey::Tag("t1023")).unwrap().len(), 1);
    assert_eq!(text_of(&log, 0).unwrap().len(), Op::TEXT_BYTES_MAX);
    check_sound(&log);
}

#[test]
fn an_author_follows_so_many_and_no_more() {
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    let count = Op::FOLLOWS_MAX as u32 + 2;
    log.commit(1, (0..count).map(|n| add(&format!("u{n}"))).collect()).unwrap();
    let follow = |target| Op::Follow { author: AuthorId(0), target: AuthorId(target) };
    let half = count / 2;
    assert!(log.commit(1, (1..half).map(follow).collect()).unwrap().iter().all(Result::is_ok));
    let answers = log.commit(1, (half..count).map(follow).collect()).unwrap();
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Rejection::FollowLimit)).count(), 1);
    assert_eq!(answers.last(), Some(&Err(Rejection::FollowLimit)));
    let unfollow = Op::Unfollow { author: AuthorId(0), target: AuthorId(7) };
    assert_eq!(log.commit(1, vec![unfollow, follow(count - 1)]).unwrap(), [Ok(Outcome::Done), Ok(Outcome::Done)]);
}

#[test]
fn follows_that_ended_count_for_nothing_as_long_as_they_can_be_told_apart() {
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    let most = Op::FOLLOWS_MAX as u32;
    log.commit(1, (0..most + 3).map(|n| add(&format!("u{n}"))).collect()).unwrap();
    let follow = |target| Op::Follow { author: AuthorId(0), target: AuthorId(target) };
    let unfollow = |target| Op::Unfollow { author: AuthorId(0), target: AuthorId(target) };
    let all_done = |ops: Vec<Op>| log.commit(1, ops).unwrap().iter().all(|answer| *answer == Ok(Outcome::Done));
    // Somebody who cannot make up his mind, twice as often as one may follow.
    for _ in 0..2 {
        assert!(all_done((0..most).flat_map(|_| [follow(1), unfollow(1)]).collect()));
    }
    assert!(all_done(vec![follow(2), unfollow(2), follow(1)]));
    assert!(all_done((2..=most).map(follow).collect()), "all that one may");
    assert_eq!(log.commit(1, vec![follow(most + 1)]).unwrap(), [Err(Rejection::FollowLimit)]);
    assert!(all_done(vec![unfollow(2), follow(most + 1)]));
    assert_eq!(log.commit(1, vec![follow(2)]).unwrap(), [Err(Rejection::FollowLimit)]);
    // Now the newest frames are all of one: those before are looked for so far and no further.
    let churn = |n: u32| (0..n).flat_map(|_| [unfollow(3), follow(3)]).collect::<Vec<Op>>();
    assert!(all_done(vec![unfollow(4)]));
    // One look for each of 5,000 that were followed once, and for the one of the beginning.
    assert!(all_done(churn(most - 1)));
    assert!(all_done(vec![follow(4), unfollow(4)]), "the last look that is had");
    assert_eq!(log.commit(1, vec![follow(4)]).unwrap(), [Err(Rejection::FollowLimit)]);
    check_sound(&log);
}

#[test]
fn a_delete_of_very_many_texts_is_erased_in_rounds_that_others_can_come_between() {
    for (texts, rounds) in [(TEXTS_MAX, 1), (TEXTS_MAX + 1, 2), (2 * TEXTS_MAX, 2), (2 * TEXTS_MAX + 1, 3)] {
        let disk = FakeDisk::new();
        Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
        let log = open(&disk, Mapped).unwrap();
        let edit = |n: usize| Op::Edit {
            author: AuthorId(0),
            record: RecordNo(0),
            text: format!("secret {n}"),
            tags: Vec::new(),
            at_us: None,
        };
        log.commit(1, vec![add("ada"), put(0, "secret first")]).unwrap();
        log.commit(1, (1..texts).map(edit).collect()).unwrap();
        let before = log.snapshot().unwrap().version_positions(AuthorId(0), RecordNo(0)).unwrap();
        assert_eq!(before.len(), texts);
        log.commit(1, vec![Op::Delete { author: AuthorId(0), record: RecordNo(0) }]).unwrap();
        let page = control(&disk);
        let deleted = page.load(Word::Deleted).unwrap();
        assert_eq!(page.load(Word::Scrubbed).unwrap(), deleted);
        for name in disk.names().iter().filter(|name| name.to_string_lossy().ends_with(".seg")) {
            assert!(!disk.durable_bytes(name).windows(6).any(|part| part == b"secret"), "{texts}");
        }
        // The same by writers who come by, one round each, as after a kill.
        page.store(Word::Scrubbed, 0);
        page.store(Word::ErasedOf, 0);
        for round in 1..=rounds + 1 {
            assert_eq!(page.load(Word::Scrubbed).unwrap() < deleted, round <= rounds, "{texts}: round {round}");
            log.core.scrub_a_little().unwrap();
        }
        check_sound(&log);
    }
}

#[test]
fn readers_beside_threads_that_edit_and_delete_see_whole_records() {
    let dir = tempfile::tempdir().unwrap();
    let relaxed = Identity { durability: Durability::None, ..identity() };
    Log::create(dir.path(), &relaxed, Arc::new(RealDisk)).unwrap();
    let log = Log::open(dir.path(), &options(Mapped), Arc::new(RealDisk)).unwrap();
    log.commit(1, vec![add("ada"), put(0, "0 #a")]).unwrap();
    let (stop, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for backend in [Mapped, Pread] {
            let (dir, stop, reads) = (dir.path(), &stop, &reads);
            scope.spawn(move || {
                let log = Log::open(dir, &options(backend), Arc::new(RealDisk)).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    let snapshot = log.snapshot().unwrap();
                    // Record 0 is edited all the time, and is on the list exactly once in any snapshot.
                    let record = snapshot.record(AuthorId(0), RecordNo(0)).unwrap().unwrap();
                    let list = snapshot.list(&ListKey::Tag("a")).unwrap();
                    let mut seen = 0;
                    for i in 0..list.len() {
                        if let Some(found) = snapshot.element(&ListKey::Tag("a"), list.get(i).unwrap()).unwrap() {
                            assert_eq!(found, record);
                            seen += 1;
                        }
                    }
                    assert_eq!((seen, snapshot.damaged()), (1, 0));
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let begun = std::time::Instant::now();
        let mut n = 0;
        while reads.load(Ordering::Relaxed) < 300 && n < 3_000 && begun.elapsed().as_secs() < 30 {
            n += 1;
            let text = format!("{n} #a");
            let tags = tags(&text);
            log.commit(n, vec![Op::Edit { author: AuthorId(0), record: RecordNo(0), text, tags, at_us: None }])
                .unwrap();
            log.commit(n, vec![put(0, "passing")]).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(reads.load(Ordering::Relaxed) > 10, "{reads:?}");
}

#[test]
fn kinds_of_frames_are_told_in_log_order() {
    let (_disk, log) = one();
    let follow = Op::Follow { author: AuthorId(0), target: AuthorId(0) };
    log.commit(1, vec![put(0, "one"), Op::PutHole { author: AuthorId(0) }, follow]).unwrap();
    log.commit(1, vec![Op::Delete { author: AuthorId(0), record: RecordNo(0) }]).unwrap();
    let snapshot = log.snapshot().unwrap();
    let frames: Vec<Frame> = snapshot.frames(Position(0)).map(Result::unwrap).collect();
    assert!(frames.windows(2).all(|pair| pair[0].next == pair[1].position));
    let (author, record) = (AuthorId(0), RecordNo(0));
    let bodies: Vec<Body> = frames.into_iter().map(|frame| frame.body).collect();
    assert_eq!(
        bodies,
        [
            Body::Other { kind: Kind::EPOCH.0 },
            Body::AddAuthor { author, name: "ada".into(), at_us: 1 },
            Body::Put { author, record, text: None, reply_to: None, at_us: 1 },
            Body::PutHole { author, record: RecordNo(1), count: 1 },
            Body::Follow { author, target: author },
            Body::Delete { author, record },
        ]
    );
}

#[test]
fn the_calls_of_a_page_do_not_grow_with_the_data() {
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, (0..20).map(|n| add(&format!("user {n}"))).collect()).unwrap();
    // The last records of an author, or the first.
    let page = |is_last: bool| {
        let before = disk.reads();
        let log = open(&disk, Pread).unwrap();
        let snapshot = log.snapshot().unwrap();
        let author = snapshot.author_by_name("USER 7").unwrap().unwrap().id;
        let key = ListKey::Timeline(author);
        let list = snapshot.list(&key).unwrap();
        let from = if is_last { list.len() - 50 } else { 0 };
        let found = (from..from + 50).filter(|i| snapshot.element(&key, list.get(*i).unwrap()).unwrap().is_some());
        assert_eq!(found.count(), 50);
        disk.reads() - before
    };
    let mut calls = Vec::new();
    for round in 0..14 {
        // Most of them of one author: 1,600 in the end, then 16,000, which no growing extents can hold.
        for batch in 0..if round < 10 { 20 } else { 40 } {
            let text = format!("{round} {batch} {} #a", "filling ".repeat(20));
            log.commit(1, (0..100).map(|n| put(if round < 10 { n % 20 } else { 7 }, &text)).collect()).unwrap();
        }
        calls.push((page(true), page(false)));
    }
    // One call a record, some to find them, and some at opening to see that the index has the last frame.
    let (last, first) = calls[0];
    assert!(last < 50 + 65 && first < 50 + 65, "{calls:?}");
    // One segment more may be touched, and at opening the last one; an extent is as near in a list of 100 as in one of 17,000.
    assert!(calls.iter().all(|(more, _)| *more <= last + 4), "{calls:?}");
    assert!(calls.iter().all(|(_, more)| *more <= first + 4), "{calls:?}");
}

#[test]
fn a_write_that_failed_leaves_nothing_behind() {
    let (disk, log) = one();
    let writes = (1..60).find(|more| {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Once(fork.steps() + more, std::io::ErrorKind::StorageFull)));
        let failed = open(&fork, Mapped).unwrap().commit(1, vec![put(0, "a"), put(0, "b"), put(0, "c")]).is_err();
        failed && fork.last_call().starts_with("write")
    });
    disk.set_fault(Some(Fault::Once(disk.steps() + writes.unwrap(), std::io::ErrorKind::StorageFull)));
    let failed = log.commit(1, vec![put(0, "a"), put(0, "b"), put(0, "c")]);
    assert!(failed.unwrap_err().is_full());
    // Whoever tries again does not find it there twice.
    assert_eq!(log.commit(2, vec![put(0, "a")]).unwrap(), [Ok(Outcome::Record(RecordNo(0)))]);
    assert_eq!(log.snapshot().unwrap().list(&ListKey::Latest).unwrap().len(), 1);
}

#[test]
fn the_last_room_is_kept_for_deletes() {
    let (disk, log) = one();
    for _ in 0..6 {
        log.commit(1, vec![put(0, &"x".repeat(300))]).unwrap();
    }
    disk.set_free(6_000);
    let before = |disk: &FakeDisk| disk.names().iter().filter(|name| name.to_str().unwrap().ends_with(".seg")).count();
    let segments = before(&disk);
    let refused = (0..20).find_map(|_| log.commit(1, vec![put(0, &"x".repeat(300))]).err());
    assert!(refused.unwrap().is_full());
    assert_eq!(before(&disk), segments, "there is room for a segment, but not for the margin");
    assert!(disk.names().contains(&path("ballast")));
    for record in 0..12 {
        let delete = Op::Delete { author: AuthorId(0), record: RecordNo(record) };
        let done = log.commit(1, vec![delete]).unwrap();
        assert!(matches!(done[0], Ok(Outcome::Done) | Err(Rejection::NoSuchRecord)));
    }
    assert_eq!(before(&disk), segments + 1, "deletes may use the margin");
    assert!(!disk.names().contains(&path("ballast")));
    disk.set_free(1 << 40);
    log.commit(1, vec![put(0, &"x".repeat(300))]).unwrap();
    check_sound(&log);
}

#[test]
fn lists_and_frames_tell_of_the_same_commit() {
    let (disk, log) = one();
    log.commit(1, vec![put(0, "one"), put(0, "two")]).unwrap();
    // A writer was killed between publishing and indexing the last frame, and another process synced meanwhile.
    let last = log.snapshot().unwrap().frames(Position(0)).last().unwrap().unwrap().position;
    control(&disk).store(Word::Indexed, last.0);
    let snapshot = log.snapshot().unwrap();
    let puts = snapshot.frames(Position(0)).filter(|frame| matches!(frame.as_ref().unwrap().body, Body::Put { .. }));
    assert_eq!((puts.count(), snapshot.list(&ListKey::Latest).unwrap().len()), (1, 1));
    assert_eq!(snapshot.record(AuthorId(0), RecordNo(1)).unwrap(), None);
}

#[test]
fn put_and_deleted_in_one_commit_is_not_taken_for_torn() {
    let (disk, log) = one();
    let delete = Op::Delete { author: AuthorId(0), record: RecordNo(0) };
    log.commit(1, vec![put(0, "secret"), put(0, "other"), delete]).unwrap();
    drop(log);
    let log = open(&disk.after_worst_cut(), Mapped).unwrap();
    assert_eq!((text_of(&log, 0), text_of(&log, 1)), (None, Some("other".into())));
    check_sound(&log);
}
