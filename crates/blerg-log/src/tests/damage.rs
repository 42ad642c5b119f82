//! What is made of a log or an index in which bytes are not what was written: no id comes to mean something else, and no frame
//! has an effect on what it is not about.

use std::path::{Path, PathBuf};

use super::basics::{add, identity, options, put};
use super::fake::FakeDisk;
use super::models::{create, open};
use super::recovery::{FIRST, frames_in};
use crate::Backend::{Mapped, Pread};
use crate::control::Control;
use crate::frame::{Header, Kind};
use crate::*;

const DIR: &str = "/data";

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

fn control(disk: &FakeDisk) -> Control {
    Control::open_to_write(disk, DIR.as_ref()).unwrap().unwrap()
}

fn text_of(log: &Log, author: u32, no: u64) -> Option<String> {
    log.snapshot().unwrap().record(AuthorId(author), RecordNo(no)).unwrap().map(|record| record.text.into())
}

fn generation(log: &Log) -> u64 {
    log.snapshot().unwrap().stamp().generation
}

fn edit(author: u32, record: u64, text: &str) -> Op {
    Op::Edit { author: AuthorId(author), record: RecordNo(record), text: text.into(), tags: vec![], at_us: None }
}

fn delete(author: u32, record: u64) -> Op {
    Op::Delete { author: AuthorId(author), record: RecordNo(record) }
}

/// A store in which this was committed, in the first segment.
fn store(ops: Vec<Op>) -> (FakeDisk, Log) {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    for op in ops {
        assert!(log.commit(1, vec![op]).unwrap()[0].is_ok());
    }
    assert_eq!(log.snapshot().unwrap().stamp().visible.0 >> 11, 0, "one segment");
    (disk, log)
}

/// The last frame of this kind and author.
fn last_frame(disk: &FakeDisk, kind: Kind, author: u32) -> (u64, Header) {
    let frames = frames_in(&disk.bytes(&path(FIRST)));
    *frames.iter().rfind(|(_, header)| header.kind == kind && header.author == author).unwrap()
}

/// Flips bits in the header of a frame, and has a new index built.
fn lose(disk: &FakeDisk, log: &Log, at: u64) {
    disk.damage(&path(FIRST), at + 9, &[0xFF]);
    log.rebuild(&mut |_| {}).unwrap();
}

#[track_caller]
fn check_calm(log: &Log, want: u64) {
    let snapshot = log.snapshot().unwrap();
    for author in 0..snapshot.list(&ListKey::Authors).unwrap().len() as u32 {
        let _ = snapshot.author(AuthorId(author)).unwrap();
        for no in 0..snapshot.list(&ListKey::Timeline(AuthorId(author))).unwrap().len() {
            let _ = snapshot.record(AuthorId(author), RecordNo(no)).unwrap();
        }
    }
    log.commit(1, vec![put(0, "calm")]).unwrap();
    assert_eq!(generation(log), want, "what is lost is known, and no reason to build the index again");
}

#[test]
fn the_number_of_an_author_whose_frame_is_lost_is_not_given_out_again() {
    // Nothing else is known of the author; a record; a follower.
    let follow = Op::Follow { author: AuthorId(0), target: AuthorId(1) };
    for more in [vec![], vec![put(1, "mine")], vec![follow]] {
        let (disk, log) = store([vec![add("ada"), put(0, "one"), add("bob")], more, vec![put(0, "two")]].concat());
        let (at, _) = last_frame(&disk, Kind::USER, 1);
        lose(&disk, &log, at);
        let after = generation(&log);
        let Ok(Outcome::Author(eve)) = log.commit(1, vec![add("eve")]).unwrap()[0] else { panic!("not added") };
        assert!(eve > AuthorId(1), "{eve:?}");
        let snapshot = log.snapshot().unwrap();
        assert_eq!(snapshot.author(AuthorId(1)).unwrap(), None);
        assert_eq!(snapshot.author_by_name("eve").unwrap().unwrap().id, eve);
        assert_eq!(log.commit(1, vec![put(eve.0, "hers")]).unwrap(), [Ok(Outcome::Record(RecordNo(0)))]);
        assert_eq!(log.commit(1, vec![put(1, "whose?")]).unwrap(), [Err(Rejection::NoSuchAuthor)]);
        check_calm(&log, after);
    }
}

#[test]
fn the_number_of_a_record_whose_frame_is_lost_is_not_given_out_again() {
    // Nothing else is known of the record; or an edit; or that it was deleted.
    for (more, is_known) in [(vec![], false), (vec![edit(0, 1, "new")], true), (vec![delete(0, 1)], true)] {
        let ops = vec![add("ada"), add("bob"), put(1, "his"), put(0, "zero"), put(0, "lost"), put(1, "his too")];
        let (disk, log) = store([ops, more].concat());
        let (at, _) = last_frame(&disk, Kind::PUT, 0);
        lose(&disk, &log, at);
        let after = generation(&log);
        let Ok(Outcome::Record(next)) = log.commit(1, vec![put(0, "next")]).unwrap()[0] else { panic!("not put") };
        assert!(next > RecordNo(1) && (!is_known || next < RecordNo(5)), "{next:?}");
        assert_eq!((text_of(&log, 0, 0), text_of(&log, 0, 1)), (Some("zero".into()), None));
        assert_eq!(text_of(&log, 0, next.0), Some("next".into()));
        assert_eq!(log.commit(1, vec![edit(0, 1, "revived")]).unwrap(), [Err(Rejection::NoSuchRecord)]);
        // Who has put since then has lost nothing.
        assert_eq!(log.commit(1, vec![put(1, "three")]).unwrap(), [Ok(Outcome::Record(RecordNo(2)))]);
        check_calm(&log, after);
        // Another index leaves the same numbers out.
        log.rebuild(&mut |_| {}).unwrap();
        assert_eq!(text_of(&log, 0, next.0), Some("next".into()));
    }
}

#[test]
fn a_frame_whose_payload_is_damaged_has_no_effect_on_others() {
    let ops = || vec![add("ada"), add("bob"), put(0, "zero"), put(1, "his"), put(0, "one"), edit(0, 0, "zero again")];
    let close = Op::CloseAuthor { author: AuthorId(0) };
    // Which frame is damaged, and where the position in it is that then leads to another record or author.
    for (last, kind, fields) in [
        (None, Kind::EDIT, vec![0, 8]),
        (Some(delete(0, 1)), Kind::DELETE, vec![0, 8]),
        (Some(close), Kind::CLOSE_USER, vec![0, 8]),
    ] {
        let (disk, log) = store([ops(), last.into_iter().collect()].concat());
        let (at, _) = last_frame(&disk, kind, 0);
        let victims =
            [last_frame(&disk, Kind::PUT, 1).0, last_frame(&disk, Kind::USER, 1).0, at, at + 800, 1 << 40, u64::MAX];
        for victim in victims {
            let fork = disk.fork();
            for field in &fields {
                fork.damage(&path(FIRST), at + 56 + field, &victim.to_le_bytes());
            }
            // The fates are told by the log alone.
            for (position, header) in frames_in(&fork.bytes(&path(FIRST))) {
                if header.author == 1 {
                    fork.damage(&path(FIRST), position + 48, &[0; 8]);
                }
            }
            let log = open(&fork, Pread).unwrap();
            log.rebuild(&mut |_| {}).unwrap();
            assert_eq!(text_of(&log, 1, 0), Some("his".into()), "{kind:?} leads to {victim}");
            assert!(!log.snapshot().unwrap().author(AuthorId(1)).unwrap().unwrap().closed);
            assert_eq!(log.commit(1, vec![edit(1, 0, "his still")]).unwrap(), [Ok(Outcome::Done)]);
            assert_eq!(text_of(&log, 1, 0), Some("his still".into()));
        }
        drop(log);
    }
}

#[test]
fn a_sound_frame_has_no_effect_on_what_it_is_not_about() {
    // A frame that a program with a bug wrote: every checksum is right.
    let (disk, log) = store(vec![add("ada"), add("bob"), put(0, "zero"), put(1, "his"), delete(0, 0)]);
    let (at, header) = last_frame(&disk, Kind::DELETE, 0);
    let (his, _) = last_frame(&disk, Kind::PUT, 1);
    drop(log);
    for wrong in [his, at + 8, 1 << 40, u64::MAX] {
        let fork = disk.fork();
        let payload = [wrong.to_le_bytes(), wrong.to_le_bytes()].concat();
        let mut header = Header { payload_crc: crc32c::crc32c(&payload), ..header };
        let bytes = [header.seal(at, crate::frame::Sums::new(&[2; 16])).to_vec(), payload].concat();
        fork.damage(&path(FIRST), at, &bytes);
        fork.damage(&path(FIRST), his + 48, &[0; 8]);
        let log = open(&fork, Pread).unwrap();
        log.rebuild(&mut |_| {}).unwrap();
        assert_eq!(text_of(&log, 1, 0), Some("his".into()));
        let place = if wrong == his { his } else { at };
        let told = log.verify(&mut |_| {}).unwrap().problems;
        assert!(told.iter().any(|problem| problem.offset == place), "{wrong}: {told:?}");
    }
}

/// Where an index file holds this position as a word.
fn words(disk: &FakeDisk, index: &Path, position: u64) -> Vec<u64> {
    let bytes = disk.bytes(index);
    (0..bytes.len()).step_by(8).filter(|at| bytes[*at..at + 8] == position.to_le_bytes()).map(|at| at as u64).collect()
}

#[test]
fn an_element_beyond_the_log_hides_its_record_and_is_mended() {
    let (disk, log) = store(vec![add("ada"), put(0, "zero"), put(0, "one #a"), put(0, "two")]);
    let snapshot = log.snapshot().unwrap();
    let one = snapshot.record(AuthorId(0), RecordNo(1)).unwrap().unwrap().put.0;
    let index = path(&format!("index.{}", snapshot.stamp().generation));
    drop((snapshot, log));
    let places = words(&disk, &index, one);
    for wrong in [1 << 20, (1 << 61) - 8, 1 << 61, (1 << 62) + 8, u64::MAX - 7, u64::MAX] {
        for backend in [Mapped, Pread] {
            let fork = disk.fork();
            places.iter().for_each(|at| fork.damage(&index, *at, &u64::to_le_bytes(wrong)));
            let log = open(&fork, backend).unwrap();
            let snapshot = log.snapshot().unwrap();
            assert_eq!(snapshot.record(AuthorId(0), RecordNo(1)).unwrap(), None, "{wrong:x}");
            assert_eq!(snapshot.element(&ListKey::Tag("a"), Position(wrong)).unwrap(), None);
            assert!(control(&fork).look().unwrap().is_suspect);
            drop((snapshot, log));
            let log = open(&fork, backend).unwrap();
            assert_eq!(text_of(&log, 0, 1), Some("one #a".into()));
        }
    }
}

#[test]
fn whoever_meets_an_index_that_leads_nowhere_has_it_mended() {
    let (disk, log) = store(vec![add("ada")]);
    log.commit(1, vec![put(0, "one of many"); 100]).unwrap();
    let index = path(&format!("index.{}", generation(&log)));
    drop(log);
    let bytes = disk.bytes(&index);
    let used = |at: &usize| bytes[*at..at + 8] != [0; 8];
    let mut met = 0;
    for at in (0..bytes.len()).step_by(8).filter(used) {
        let fork = disk.fork();
        fork.damage(&index, at as u64, &[0xff; 8]);
        let log = open(&fork, Pread).unwrap();
        let snapshot = log.snapshot().unwrap();
        // Behind the first element and the last, which opening looks at.
        let Ok(list) = snapshot.list(&ListKey::Latest) else { continue };
        let mut run = vec![Position(0); list.len() as usize];
        if list.fill(0, &mut run).is_err() {
            assert!(control(&fork).look().unwrap().is_suspect, "the word at {at}");
            met += 1;
        }
    }
    assert!(met > 0);
}

#[test]
fn no_number_is_given_out_by_an_index_whose_last_element_is_wrong() {
    let (disk, log) = store(vec![add("ada"), add("bob"), put(1, "his"), put(0, "zero"), put(0, "one")]);
    let before = generation(&log);
    let index = path(&format!("index.{before}"));
    drop(log);
    let frame = |kind, author| last_frame(&disk, kind, author).0;
    // The newest record of one author leads to that of another, the newest author to another one, and both nowhere.
    for (from, to, op, want) in [
        (frame(Kind::PUT, 0), frame(Kind::PUT, 1), put(0, "two"), Outcome::Record(RecordNo(2))),
        (frame(Kind::USER, 1), frame(Kind::USER, 0), add("eve"), Outcome::Author(AuthorId(2))),
        (frame(Kind::PUT, 0), frame(Kind::PUT, 0) - 8, put(0, "two"), Outcome::Record(RecordNo(2))),
    ] {
        let fork = disk.fork();
        words(&disk, &index, from).iter().for_each(|at| fork.damage(&index, *at, &to.to_le_bytes()));
        let log = open(&fork, Pread).unwrap();
        assert_eq!(log.commit(1, vec![op]).unwrap(), [Ok(want)]);
        assert!(generation(&log) > before, "mended on the way");
        assert_eq!(text_of(&log, 0, 1), Some("one".into()));
    }
}

#[test]
fn by_a_wrong_index_that_it_may_not_mend_a_process_does_not_write() {
    // 5 MiB of log.
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    for _ in 0..80 {
        log.commit(1, vec![put(0, &"x".repeat(65_000))]).unwrap();
    }
    let before = generation(&log);
    drop(log);
    let refuse = || {
        let options = Options { recovery: Recovery::Refuse, lock_wait_ms: 0, ..options(Pread) };
        Log::open(DIR.as_ref(), &options, disk.arc()).unwrap()
    };
    let (log, early) = (refuse(), refuse());
    assert!(!log.is_rebuild_due());
    early.snapshot().unwrap().suspect();
    assert!(early.is_rebuild_due(), "whoever found it knows");
    assert!(log.commit(1, vec![put(0, "by chance with a used number")]).unwrap_err().is_recovering());
    let late = refuse();
    assert!(late.is_rebuild_due(), "whoever opens it then too");
    assert_eq!(late.snapshot().unwrap().list(&ListKey::Latest).unwrap().len(), 80, "and reads what there is");
    // What such a process then starts in the background.
    drop(open(&disk, Mapped).unwrap());
    assert!(!late.is_rebuild_due());
    assert!(generation(&late) > before);
    assert_eq!(log.commit(1, vec![put(0, "next")]).unwrap(), [Ok(Outcome::Record(RecordNo(80)))]);
}

#[test]
fn a_fate_that_no_frame_can_have_decided_is_told_by_a_check_and_mended_by_a_rebuild() {
    // Far behind the log; and without the word for what became of it.
    for mask in [0x01, 0x40] {
        let (disk, log) = store(vec![add("ada"), put(0, "one"), edit(0, 0, "two")]);
        assert_eq!(log.verify(&mut |_| {}).unwrap().problems, []);
        let (at, _) = last_frame(&disk, Kind::PUT, 0);
        let highest = at + crate::frame::FATE_IN_FRAME + 7;
        let byte = disk.bytes(&path(FIRST))[usize::try_from(highest).unwrap()];
        disk.damage(&path(FIRST), highest, &[byte ^ mask]);
        assert_ne!(text_of(&log, 0, 0).as_deref(), Some("two"));
        let found = log.verify(&mut |_| {}).unwrap();
        assert_eq!(found.problems.len(), 1, "{mask:#x}: {found:?}");
        assert_eq!((found.problems[0].path.clone(), found.problems[0].offset), (path(FIRST), at));
        log.rebuild(&mut |_| {}).unwrap();
        assert_eq!(text_of(&log, 0, 0).as_deref(), Some("two"));
        assert_eq!(log.verify(&mut |_| {}).unwrap().problems, []);
    }
}

#[test]
fn a_segment_that_lost_its_end_is_damage_and_never_cut() {
    let folder = tempfile::tempdir().unwrap();
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(RealDisk);
    Log::create_small(folder.path(), &identity(), std::sync::Arc::clone(&disk)).unwrap();
    let log = Log::open(folder.path(), &options(Pread), std::sync::Arc::clone(&disk)).unwrap();
    for op in [add("ada"), put(0, "one"), put(0, "two"), put(0, "three")] {
        log.commit(1, vec![op]).unwrap()[0].unwrap();
    }
    drop(log);
    let segment = folder.path().join(FIRST);
    std::fs::File::options().write(true).open(&segment).unwrap().set_len(400).unwrap();
    std::fs::remove_file(folder.path().join("ctl")).unwrap();
    for backend in [Pread, Mapped, Pread, Mapped] {
        let refused = Log::open(folder.path(), &options(backend), std::sync::Arc::clone(&disk))
            .and_then(|log| log.commit(1, vec![put(0, "next")]).map(drop));
        assert!(refused.is_err(), "{backend:?}");
        assert_eq!(std::fs::metadata(&segment).unwrap().len(), 400, "{backend:?}");
    }
}

#[test]
fn a_format_of_a_later_version_is_not_salvaged_and_a_damaged_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(RealDisk);
    Log::create_small(folder.path(), &identity(), std::sync::Arc::clone(&disk)).unwrap();
    let path = folder.path().join("FORMAT");
    let later = std::fs::read_to_string(&path).unwrap().replace("blerg log 1", "blerg log 9");
    let open = || Wreck::open(folder.path(), std::sync::Arc::clone(&disk), options(Pread).random, &mut |_| {});
    let (body, _) = later.rsplit_once("crc32c").unwrap();
    std::fs::write(&path, format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes()))).unwrap();
    assert!(matches!(open(), Err(Error::Format { .. })));
    for damaged in [later.as_str(), "blerg log ", ""] {
        std::fs::write(&path, damaged).unwrap();
        let wreck = open().unwrap();
        assert_eq!((wreck.identity().site_id, wreck.lost().len), (identity().site_id, 1), "{damaged:?}");
    }
}

#[test]
fn names_far_behind_the_log_make_a_salvage_neither_long_nor_large() {
    let folder = tempfile::tempdir().unwrap();
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(RealDisk);
    Log::create_small(folder.path(), &identity(), std::sync::Arc::clone(&disk)).unwrap();
    let log = Log::open(folder.path(), &options(Pread), std::sync::Arc::clone(&disk)).unwrap();
    log.commit(1, vec![add("ada"), put(0, "one")]).unwrap();
    drop(log);
    let stray = |base: u64| {
        std::fs::write(folder.path().join(format!("log/{base:016x}.seg")), b"not ours").unwrap();
        Wreck::open(folder.path(), std::sync::Arc::clone(&disk), options(Pread).random, &mut |_| {}).unwrap()
    };
    // Where no segment can begin.
    let (_, _, wreck) = (stray(u64::MAX), stray(1 << 61), stray(1024 + (1 << 40) + 8));
    assert_eq!(wreck.lost().len, 3, "{:?}", wreck.lost());
    let to = tempfile::tempdir().unwrap();
    Log::create_small(to.path(), wreck.identity(), std::sync::Arc::clone(&disk)).unwrap();
    let log = Log::open(to.path(), &options(Pread), std::sync::Arc::clone(&disk)).unwrap();
    let done = wreck.refill(&log, 1, &|_| None, &[], &mut |_| {}).unwrap();
    assert_eq!((done.authors, done.records), (1, 1));
    assert_eq!(text_of(&log, 0, 0).as_deref(), Some("one"));
    // Where one can: those that are missing between are told in one word, and a file that is too short.
    let wreck = stray(1024 + (1 << 40));
    assert!(wreck.lost().len < 9, "{:?}", wreck.lost());
}
