//! What a store does when something is not as it was a moment ago: room, files, locks, and other processes that stopped.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::basics::{add, options, put};
use super::fake::{FakeDisk, Fault};
use super::models::{check_sound, create, open};
use super::recovery::{FIRST, frames_in};
use crate::Backend::{Mapped, Pread};
use crate::control::{Control, Word};
use crate::frame::Kind;
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
fn an_index_that_found_no_room_leaves_nothing_behind() {
    let (disk, log) = one();
    drop(log);
    let mut failed = 0;
    for more in 1..20 {
        let fork = disk.fork();
        let log = open(&fork, Mapped).unwrap();
        fork.set_fault(Some(Fault::Once(fork.steps() + more, ErrorKind::StorageFull)));
        failed += usize::from(log.rebuild(&mut |_| {}).is_err());
        assert!(
            !fork.names().iter().any(|name| name.to_string_lossy().ends_with(".tmp")),
            "{more}: {:?}",
            fork.names()
        );
        // Nor does one whose builder was killed, once the next one is begun.
        fork.set_fault(Some(Fault::Stop(fork.steps() + more)));
        let _ = log.rebuild(&mut |_| {});
        let fork = fork.after_kill();
        let log = open(&fork, Mapped).unwrap();
        fork.set_fault(Some(Fault::FullFrom(fork.steps())));
        let _ = log.rebuild(&mut |_| {});
        assert!(
            !fork.names().iter().any(|name| name.to_string_lossy().ends_with(".tmp")),
            "{more}: {:?}",
            fork.names()
        );
    }
    assert!(failed > 1, "{failed}");
}

#[test]
fn a_quota_that_ends_at_a_rollover_keeps_nobody_from_deleting() {
    let (disk, log) = one();
    let long = "x".repeat(500);
    log.commit(1, vec![put(0, &long), put(0, &long)]).unwrap();
    assert!(disk.names().contains(&path("ballast")));
    disk.set_fault(Some(Fault::Quota));
    assert!(log.commit(1, vec![put(0, &"x".repeat(900))]).unwrap_err().is_full());
    let frames = frames_in(&disk.bytes(&path(FIRST)));
    assert!(frames.iter().all(|(_, header)| header.kind != Kind::SEAL), "what still fits has its place");
    assert!(log.commit(1, vec![put(0, "short")]).unwrap()[0].is_ok());
    assert!(disk.names().contains(&path("ballast")), "puts do not touch it");
    let mut deletes = 0;
    while disk.names().contains(&path("ballast")) {
        let answers =
            log.commit(1, vec![put(0, "short"), Op::Delete { author: AuthorId(0), record: RecordNo(deletes) }]);
        let Err(e) = answers else {
            deletes += 1;
            continue;
        };
        assert!(e.is_full());
        let done = log.commit(1, vec![Op::Delete { author: AuthorId(0), record: RecordNo(deletes) }]).unwrap();
        assert_eq!(done, [Ok(Outcome::Done)], "the ballast makes room for it");
        deletes += 1;
    }
    assert!(text_of(&log, deletes - 1).is_none());
    check_sound(&log);
}

#[test]
fn who_waits_for_a_stopped_syncer_waits_once() {
    let (disk, log) = one();
    drop(log);
    let options = Options { lock_wait_ms: 300, ..options(Mapped) };
    let log = Log::open(DIR.as_ref(), &options, disk.arc()).unwrap();
    let stopped = disk.open(&path("sync.lock"), OpenMode::Write).unwrap();
    assert!(stopped.try_lock().unwrap());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let commit = || scope.spawn(|| log.commit(1, vec![put(0, "one")]));
        let threads: Vec<_> = (0..16).map(|_| commit()).collect();
        threads.into_iter().for_each(|thread| assert!(thread.join().unwrap().unwrap_err().is_busy()));
    });
    assert!(begun.elapsed() < Duration::from_millis(16 * 300 / 2), "{:?}", begun.elapsed());
    drop(stopped);
    log.commit(1, vec![put(0, "two")]).unwrap();
    assert_eq!(text_of(&log, 16), Some("two".into()));
}

#[test]
fn the_lock_that_counts_is_the_one_in_the_directory_of_now() {
    let (disk, log) = one();
    disk.rename(&path("lock"), &path("lock.before")).unwrap();
    let holder = disk.open(&path("lock"), OpenMode::Create).unwrap();
    assert!(holder.try_lock().unwrap());
    assert!(log.commit(1, vec![put(0, "one")]).unwrap_err().is_busy());
    holder.unlock().unwrap();
    log.commit(1, vec![put(0, "two")]).unwrap();
    assert_eq!(text_of(&log, 0), Some("two".into()));
}

#[test]
fn a_writer_does_not_go_on_where_a_recovery_was_cut_short() {
    let (disk, log) = one();
    log.commit(1, vec![put(0, "one")]).unwrap();
    let epoch = log.snapshot().unwrap().stamp().epoch;
    // Another process began to recover, made the page nobody's, and was killed.
    let page = control(&disk);
    page.store(Word::Boot, 0);
    page.store(Word::BootHigh, 0);
    log.commit(1, vec![put(0, "two")]).unwrap();
    assert_ne!(log.snapshot().unwrap().stamp().epoch, epoch);
    assert_eq!(text_of(&open(&disk, Pread).unwrap(), 1), Some("two".into()));
    check_sound(&log);
}

#[test]
fn a_clean_mark_that_could_not_be_cleared_is_cleared_by_the_next_one() {
    let (disk, log) = one();
    log.close().unwrap();
    let is_met = |more: &u64| {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Once(fork.steps() + more, ErrorKind::Other)));
        let log = open(&fork, Mapped).unwrap();
        let failed = log.commit(1, vec![put(0, "one")]).is_err();
        (failed && fork.last_call() == "sync /data/ctl").then_some((fork, log))
    };
    let (disk, log) = (1..40).find_map(|more| is_met(&more)).unwrap();
    log.commit(1, vec![put(0, "two")]).unwrap();
    assert_eq!(control(&disk.after_worst_cut()).load(Word::CleanEnd).unwrap(), 0);
}
