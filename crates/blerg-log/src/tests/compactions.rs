//! Compaction: the same answers before and after, for everybody who has the store open, wherever it is stopped.

use super::basics::{add, options, put, tags};
use super::fake::{Cut, EIO, FakeDisk, Fault, Rng};
use super::model::{Model, ask};
use super::models::{check_sound, create, filled, open};
use crate::*;

use Backend::{Mapped, Pread};

/// Compacts; nobody has noted any position.
pub(super) fn compact(log: &Log) -> Result<Compacted, Error> {
    log.compact(7, 0, || Ok::<_, Error>(Vec::new()), &mut |_| {})
}

fn delete(author: u32, record: u64) -> Op {
    Op::Delete { author: AuthorId(author), record: RecordNo(record) }
}

fn edit(author: u32, record: u64, text: &str) -> Op {
    Op::Edit { author: AuthorId(author), record: RecordNo(record), text: text.into(), tags: tags(text), at_us: None }
}

/// All bytes of all files that are there.
fn everything(disk: &FakeDisk) -> Vec<u8> {
    disk.names().iter().flat_map(|name| disk.bytes(name)).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[track_caller]
fn check(log: &Log, model: &Model) {
    assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers());
}

/// Commits to the store and to the model.
#[track_caller]
fn both(log: &Log, model: &mut Model, ops: &[Op]) {
    let wanted: Vec<_> = ops.iter().map(|op| model.apply(op)).collect();
    assert_eq!(log.commit(9, ops.to_vec()).unwrap(), wanted);
}

#[test]
fn answers_are_the_same_before_and_after_and_everybody_goes_over() {
    for seed in 0..6 {
        let (disk, mut model) = filled(seed, 150);
        let logs = [open(&disk, Mapped).unwrap(), open(&disk, Pread).unwrap(), open(&disk, Mapped).unwrap()];
        logs.iter().for_each(|log| check(log, &model));
        for round in 0..3 {
            let done = compact(&logs[round]).unwrap();
            assert!(done.log_bytes <= done.log_bytes_before + 200, "{done:?}");
            for log in &logs {
                check(log, &model);
                check_sound(log);
                both(log, &mut model, &[add(&format!("n{round}")), put(0, "later #a"), edit(0, 0, "edited #Bb")]);
            }
            assert_eq!(logs[0].snapshot().unwrap().stamp().log, round as u64 + 1);
        }
        // The last one to go over, who has nothing to read, lets go of the log of before with the next thing that is deleted.
        let last = model.authors_len() as u32;
        both(&logs[0], &mut model, &[add("last"), put(last, "not for long"), delete(last, 0)]);
        drop(logs);
        for disk in [disk.after_kill(), disk.after_worst_cut()] {
            let log = open(&disk, Mapped).unwrap();
            check(&log, &model);
            check_sound(&log);
        }
        let left = disk.names().into_iter().filter(|name| !name.starts_with("/data/log.3")).count();
        assert!(left <= 5, "{:?}", disk.names());
    }
}

#[test]
fn runs_of_deleted_records_become_short_and_keep_their_numbers() {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    let mut model = Model::default();
    both(&log, &mut model, &[add("ada"), add("bob"), put(1, "between")]);
    for _ in 0..30 {
        both(&log, &mut model, &vec![put(0, "gone"); 100]);
    }
    both(&log, &mut model, &[put(0, "stays"), put(0, "last one"), put(1, "and more")]);
    both(&log, &mut model, &(0..3_000).map(|no| delete(0, no)).collect::<Vec<_>>());
    both(&log, &mut model, &[delete(0, 3_001), Op::CloseAuthor { author: AuthorId(1) }]);
    let done = compact(&log).unwrap();
    assert!(done.log_bytes_before > 200_000 && done.log_bytes < 8_000, "{done:?}");
    check(&log, &model);
    check_sound(&log);
    // The index that a rebuild makes is the same, and the next number is the next one.
    log.rebuild(&mut |_| {}).unwrap();
    check(&log, &model);
    check_sound(&log);
    both(&log, &mut model, &[put(0, "number 3002")]);
    compact(&log).unwrap();
    both(&log, &mut model, &[put(0, "number 3003"), delete(0, 17), put(1, "left")]);
    check(&log, &model);
    check_sound(&log);
}

#[test]
fn what_was_deleted_left_or_ended_is_in_no_file_any_more() {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    let mut model = Model::default();
    both(
        &log,
        &mut model,
        &[add("ada"), put(0, "secret of ada #hidden"), put(0, "stays #shown"), edit(0, 1, "stays so")],
    );
    both(
        &log,
        &mut model,
        &[add("bob"), put(1, "words of bob"), Op::CloseAuthor { author: AuthorId(1) }, delete(0, 0)],
    );
    assert!(holds(&everything(&disk), "hidden"), "the list of a tag still names it");
    assert!(holds(&everything(&disk), "words of bob"));
    compact(&log).unwrap();
    let bytes = everything(&disk);
    assert!(["secret", "hidden", "words of"].iter().all(|text| !holds(&bytes, text)));
    // An author may read the earlier texts of what is there.
    assert!(["stays #shown", "stays so", "bob"].iter().all(|text| holds(&bytes, text)));
    check(&log, &model);
}

#[test]
fn a_snapshot_stays_whole_while_it_is_held_and_the_old_log_with_it() {
    let (disk, model) = filled(4, 300);
    let reader = open(&disk, Pread).unwrap();
    let old = reader.snapshot().unwrap();
    let log = open(&disk, Mapped).unwrap();
    assert!(!compact(&log).unwrap().is_old_removed);
    assert_eq!(ask(&old).unwrap(), model.answers());
    assert_eq!(old.stamp().log, 0);
    assert!(matches!(compact(&log), Err(e) if e.is_busy()), "two old logs at once");
    drop(old);
    check(&reader, &model);
    // One who is idle holds what he read last.
    assert!(!compact(&log).unwrap().is_old_removed);
    check(&reader, &model);
    assert!(compact(&log).is_ok());
    drop(reader);
    assert!(compact(&log).unwrap().is_old_removed);
    assert!(disk.names().iter().all(|name| !name.starts_with("/data/log/")), "{:?}", disk.names());
}

#[test]
fn positions_that_were_noted_keep_what_is_before_them_before_them() {
    let (disk, _) = filled(7, 200);
    let log = open(&disk, Mapped).unwrap();
    let before = log.snapshot().unwrap();
    let kept = |snapshot: &Snapshot| -> Vec<(Position, AuthorId, RecordNo)> {
        let frames = snapshot.frames(Position(0)).map(Result::unwrap);
        let texts = frames.filter_map(|frame| match frame.body {
            Body::Put { author, record, .. } => Some((frame.position, author, record)),
            _ => None,
        });
        texts.filter(|(_, author, record)| snapshot.record(*author, *record).unwrap().is_some()).collect()
    };
    let old = kept(&before);
    let noted: Vec<Position> = before.frames(Position(0)).map(|frame| frame.unwrap().next).step_by(7).collect();
    let marks = noted.clone();
    drop(before);
    log.compact(7, 0, || Ok::<_, Error>(marks), &mut |_| {}).unwrap();
    let new = kept(&log.snapshot().unwrap());
    assert_eq!(old.len(), new.len());
    for position in noted {
        let moved = log.moves(0, 1).unwrap().unwrap().of(position);
        let count = |all: &[(Position, AuthorId, RecordNo)], at| all.iter().filter(|one| one.0 < at).count();
        assert_eq!(count(&old, position), count(&new, moved), "{position:?} became {moved:?}");
        let back = log.moves(1, 0).unwrap().unwrap().of(moved);
        assert_eq!(count(&old, position), count(&old, back), "{position:?} came back as {back:?}");
    }
    assert_eq!(log.moves(0, 1).unwrap().unwrap().of(Position(0)), Position(0));
    assert!(log.moves(5, 3).unwrap().is_none());
    assert_eq!(log.moves(4, 4).unwrap().unwrap().of(Position(9)), Position(9));
}

#[test]
fn a_log_with_damage_is_not_compacted_and_nothing_is_left_behind() {
    let (disk, model) = filled(2, 60);
    let log = open(&disk, Mapped).unwrap();
    let victim = log.snapshot().unwrap();
    let at = victim.frames(Position(0)).map(Result::unwrap).find_map(|frame| match frame.body {
        Body::Put { author, record, text: Some(_), .. } if victim.record(author, record).unwrap().is_some() => {
            Some(frame.position.0)
        }
        _ => None,
    });
    drop(victim);
    disk.damage("/data/log/0000000000000000.seg".as_ref(), at.unwrap() + 60, b"xx");
    let names = disk.names();
    assert!(matches!(compact(&log), Err(Error::Damaged { .. })));
    let more = disk.names().into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>();
    assert_eq!(more, ["/data/compact.lock"].map(std::path::PathBuf::from));
    drop(model);
}

#[test]
fn without_room_for_another_log_nothing_is_begun() {
    let (disk, model) = filled(2, 60);
    let log = open(&disk, Mapped).unwrap();
    disk.set_free(1 << 20);
    assert!(matches!(compact(&log), Err(Error::NoRoom { .. })));
    disk.set_free(1 << 40);
    check(&log, &model);
    compact(&log).unwrap();
}

#[test]
fn deleting_removes_what_a_killed_compaction_has_left() {
    let (disk, mut model) = filled(3, 40);
    let log = open(&disk, Mapped).unwrap();
    both(&log, &mut model, &[add("zoe"), put(0, "to be forgotten")]);
    let no = model.records_len(0) as u64 - 1;
    let dry = disk.fork();
    let before = dry.steps();
    compact(&open(&dry, Mapped).unwrap()).unwrap();
    drop(log);
    let mut left = 0;
    for stop in (before + 1..=dry.steps()).step_by(5) {
        let disk = disk.fork();
        disk.set_fault(Some(Fault::Stop(stop)));
        let _ = open(&disk, Mapped).and_then(|log| compact(&log));
        let disk = disk.after_kill();
        left += usize::from(disk.names().iter().any(|name| name.starts_with("/data/log.1")));
        let log = open(&disk, Mapped).unwrap();
        log.commit(9, vec![delete(0, no)]).unwrap();
        assert!(!holds(&everything(&disk), "to be forgotten"), "stopped at {stop}: {:?}", disk.names());
    }
    assert!(left > 10, "{left}");
}

/// Compacts on a disk that stops at each of its steps; then what is left must be whole: after a kill, after power cuts, after a
/// second kill within the recovery, and for those who had the store open all the time.
#[test]
fn a_compaction_can_be_stopped_at_any_instant() {
    let mut states = 0;
    for (seed, count) in [(11, 25), (12, 90)] {
        let (disk, model) = filled(seed, count);
        drop(open(&disk, Mapped).unwrap());
        let dry = disk.fork();
        let before = dry.steps();
        compact(&open(&dry, Mapped).unwrap()).unwrap();
        let stride = ((dry.steps() - before) / 300).max(1) as usize;
        for stop in (before + 1..=dry.steps()).step_by(stride) {
            let disk = disk.fork();
            // Somebody who lives on while the one who compacts is killed.
            let other = open(&disk, if stop % 2 == 0 { Mapped } else { Pread }).unwrap();
            let (_, begun) = (other.snapshot().unwrap(), disk.steps());
            disk.set_fault(Some(Fault::Stop(stop.max(begun + 1))));
            let _ = open(&disk, Mapped).and_then(|log| compact(&log));
            let call = disk.last_call();
            states += stopped(&disk, &model, stop, &call);
            disk.set_fault(None);
            let mut model = model.clone();
            check(&other, &model);
            both(&other, &mut model, &[add("other"), put(0, "by another")]);
            check_sound(&other);
            let found = open(&disk, Mapped).unwrap();
            check(&found, &model);
            compact(&found).unwrap_or_else(|e| panic!("again, stopped at {stop}, {call}: {e:?}"));
            both(&other, &mut model, &[put(0, "by another again")]);
            check(&found, &model);
        }
    }
    assert!(states > 1_500, "{states}");
}

/// Looks at what is left of a stopped compaction; in how many ways.
fn stopped(disk: &FakeDisk, model: &Model, stop: u64, call: &str) -> usize {
    let mut rng = Rng(stop);
    let cuts = [disk.after_kill(), disk.after_worst_cut(), disk.after_best_cut(), disk.after_power_cut(&mut rng)];
    for (n, cut) in cuts.iter().enumerate() {
        // Now and then whoever comes next is killed, too.
        if stop.is_multiple_of(4) {
            let steps = cut.steps();
            cut.set_fault(Some(Fault::Stop(steps + 1 + rng.below(20) as u64)));
            let _ = open(cut, Mapped).and_then(|log| compact(&log));
        }
        let cut = cut.after_kill();
        let log = open(&cut, Mapped).unwrap_or_else(|e| panic!("stopped at {stop}, {call}, {n}: {e:?}"));
        let mut model = model.clone();
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers(), "stopped at {stop}, {call}, {n}");
        both(&log, &mut model, &[add("later"), put(0, "later #a"), delete(0, 1)]);
        let cut = cut.after_worst_cut();
        let log = open(&cut, Pread).unwrap();
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers(), "cut after {stop}, {call}, {n}");
    }
    cuts.len()
}

/// Any one call of a compaction fails, then the power goes. What its failure takes away must be what never counted: the new name of
/// FORMAT may not be durable.
#[test]
fn a_compaction_in_which_any_call_fails_loses_nothing() {
    let (disk, model) = filled(11, 25);
    drop(open(&disk, Mapped).unwrap());
    let dry = disk.fork();
    let log = open(&dry, Mapped).unwrap();
    let before = dry.steps();
    compact(&log).unwrap();
    let mut failed = 0;
    for at in before + 1..=dry.steps() {
        let disk = disk.fork();
        let log = open(&disk, Mapped).unwrap();
        disk.set_fault(Some(Fault::Errno(at, EIO)));
        // A store into a map cannot fail.
        if compact(&log).is_ok() {
            continue;
        }
        failed += 1;
        let call = disk.last_call();
        let cuts = (0..6).map(|seed| disk.after(Cut::Sectors, seed));
        for cut in cuts.chain([disk.after_kill(), disk.after_worst_cut(), disk.after_best_cut()]) {
            let found = open(&cut, Mapped).unwrap_or_else(|e| panic!("{at}, {call}: {e:?}"));
            assert_eq!(ask(&found.snapshot().unwrap()).unwrap(), model.answers(), "{at}, {call}");
        }
    }
    eprintln!("{failed} calls failed, {} states looked at", 9 * failed);
    assert!(failed > 20, "{failed}");
}

#[test]
fn who_writes_faster_than_a_compaction_is_followed_is_not_waited_for() {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    let mut model = Model::default();
    both(&log, &mut model, &[add("ada")]);
    let text = "w".repeat(1_000);
    both(&log, &mut model, &vec![put(0, &text); 200]);
    // Each look at the new log takes longer than the one before: half as much again comes meanwhile.
    let (mut looks, mut puts) = (0, 150);
    let copied = |_: &Snapshot| {
        looks += 1;
        assert!(looks < 5, "{puts} puts were waited for");
        both(&log, &mut model, &vec![put(0, &text); puts]);
        puts += puts / 2;
        Ok::<_, Error>(())
    };
    let followers = Followers { noted: || Ok(Vec::new()), copied };
    log.compact_followed(7, 0, followers, &mut |_| {}).unwrap();
    assert_eq!(log.snapshot().unwrap().stamp().log, 1);
    check(&log, &model);
    check_sound(&log);
}

#[test]
fn a_salvage_keeps_answers_to_records_that_a_compaction_took_away() {
    for gone in [1, 60] {
        let disk = FakeDisk::new();
        create(&disk);
        let log = open(&disk, Mapped).unwrap();
        log.commit(1, vec![add("ada")]).unwrap();
        log.commit(1, vec![put(0, "a text that is gone"); gone]).unwrap();
        let last = gone as u64 - 1;
        let answer = Op::Put {
            author: AuthorId(0),
            text: "an answer to it".to_owned(),
            tags: vec![],
            reply_to: Some((AuthorId(0), RecordNo(last))),
            at_us: None,
        };
        log.commit(1, vec![answer]).unwrap();
        log.commit(1, (0..=last).map(|no| delete(0, no)).collect()).unwrap();
        compact(&log).unwrap();
        drop(log);
        let wreck = Wreck::open("/data".as_ref(), disk.arc(), options(Mapped).random, &mut |_| {}).unwrap();
        let fresh = FakeDisk::new();
        create(&fresh);
        let new = open(&fresh, Mapped).unwrap();
        let done = wreck.refill(&new, 1, &|_| None, &[], &mut |_| {}).unwrap();
        assert_eq!((done.lost_len, done.records, wreck.lost().len), (0, 1, 0));
        let snapshot = new.snapshot().unwrap();
        assert_eq!(snapshot.list(&ListKey::Timeline(AuthorId(0))).unwrap().len(), gone as u64 + 1);
        let record = snapshot.record(AuthorId(0), RecordNo(gone as u64)).unwrap().unwrap();
        assert_eq!((&*record.text, record.reply_to), ("an answer to it", Some((AuthorId(0), RecordNo(last)))));
    }
}

#[test]
fn a_salvage_takes_no_number_of_a_run_for_a_lost_record() {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    log.commit(1, vec![put(0, "gone"); 100]).unwrap();
    log.commit(1, vec![put(0, "stays, with more bytes than a count has")]).unwrap();
    log.commit(1, (0..100).map(|no| delete(0, no)).collect()).unwrap();
    compact(&log).unwrap();
    drop(log);
    let wreck = Wreck::open("/data".as_ref(), disk.arc(), options(Mapped).random, &mut |_| {}).unwrap();
    let fresh = FakeDisk::new();
    create(&fresh);
    let new = open(&fresh, Mapped).unwrap();
    let done = wreck.refill(&new, 1, &|_| None, &[], &mut |_| {}).unwrap();
    assert_eq!((done.lost, done.lost_len, done.records, wreck.lost().len), (vec![], 0, 1, 0));
    let snapshot = new.snapshot().unwrap();
    assert_eq!(snapshot.list(&ListKey::Timeline(AuthorId(0))).unwrap().len(), 101);
    assert_eq!(
        snapshot.record(AuthorId(0), RecordNo(100)).unwrap().unwrap().text,
        "stays, with more bytes than a count has"
    );
}

#[test]
fn numbers_of_a_damaged_run_are_neither_forgotten_nor_given_out_again() {
    for count in [40, 57, 400] {
        let disk = FakeDisk::new();
        create(&disk);
        let log = open(&disk, Mapped).unwrap();
        log.commit(1, vec![add("ada")]).unwrap();
        log.commit(1, vec![put(0, "gone"); count]).unwrap();
        log.commit(1, (0..count as u64).map(|no| delete(0, no)).collect()).unwrap();
        compact(&log).unwrap();
        let snapshot = log.snapshot().unwrap();
        let run = snapshot
            .frames(Position(0))
            .map(Result::unwrap)
            .find(|frame| matches!(frame.body, Body::PutHole { count: found, .. } if found == count as u64));
        disk.damage("/data/log.1/0000000000000000.seg".as_ref(), run.unwrap().position.0 + 56, &[0xFF, 0xFF]);
        drop(snapshot);
        assert!(matches!(compact(&log), Err(Error::Damaged { .. })), "{count}");
        log.rebuild(&mut |_| {}).unwrap();
        let Outcome::Record(RecordNo(next)) = log.commit(1, vec![put(0, "next")]).unwrap()[0].unwrap() else {
            panic!()
        };
        assert!((count as u64..count as u64 + 57).contains(&next), "{next} behind {count}");
    }
}

#[test]
fn an_index_that_was_never_finished_goes_with_the_log_that_it_is_of() {
    let (disk, model) = filled(5, 40);
    let log = open(&disk, Mapped).unwrap();
    disk.open("/data/index.7.tmp".as_ref(), OpenMode::Replace).unwrap().write_at(b"#hidden", 0).unwrap();
    compact(&log).unwrap();
    assert!(!holds(&everything(&disk), "#hidden"), "{:?}", disk.names());
    check(&log, &model);
}

#[test]
fn a_following_that_the_index_hides_is_not_compacted_away() {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    let mut model = Model::default();
    let (author, target) = (AuthorId(0), AuthorId(1));
    both(&log, &mut model, &[add("ada"), add("bob"), put(1, "hello"), Op::Follow { author, target }]);
    let snapshot = log.snapshot().unwrap();
    let at = snapshot.list(&ListKey::FollowPair(author, target)).unwrap().get(0).unwrap().0;
    let index = format!("/data/index.{}", snapshot.stamp().generation);
    drop(snapshot);
    for (place, word) in disk.bytes(index.as_ref()).chunks(8).enumerate() {
        if word == at.to_le_bytes() {
            disk.damage(index.as_ref(), place as u64 * 8, &(at - 8).to_le_bytes());
        }
    }
    assert!(matches!(compact(&log), Err(Error::Index { .. })));
    // It is known to be wrong now, and mended first.
    compact(&log).unwrap();
    check(&log, &model);
    check_sound(&log);
}

#[test]
fn a_copy_that_is_begun_anew_in_another_log_leaves_nothing_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data"), folder.path().join("to"));
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir(&to).unwrap();
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(RealDisk);
    Log::create_small(&data, &super::basics::identity(), std::sync::Arc::clone(&disk)).unwrap();
    let log = Log::open(&data, &options(Mapped), disk).unwrap();
    log.commit(1, vec![add("ada"), put(0, "hello")]).unwrap();
    let mut is_compacted = false;
    let copied = log.copy_to(&to, &mut |_| {
        if !std::mem::replace(&mut is_compacted, true) {
            compact(&log).unwrap();
        }
    });
    assert_eq!(copied.unwrap().log_dir, "log.1");
    let names: Vec<_> = std::fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["log.1"]);
}

#[test]
fn a_link_in_place_of_a_log_is_neither_followed_nor_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let (data, elsewhere) = (folder.path().join("data"), folder.path().join("elsewhere"));
    std::fs::create_dir(&data).unwrap();
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(RealDisk);
    Log::create_small(&data, &super::basics::identity(), std::sync::Arc::clone(&disk)).unwrap();
    let open = || Log::open(&data, &options(Mapped), std::sync::Arc::clone(&disk));
    let log = open().unwrap();
    log.commit(1, vec![add("ada"), put(0, "hello")]).unwrap();
    // Where the next log is to be, and where one of before was.
    for (number, link) in [(0, "log.1"), (1, "log")] {
        std::fs::create_dir_all(&elsewhere).unwrap();
        std::fs::write(elsewhere.join("somebody's"), "own").unwrap();
        std::os::unix::fs::symlink(&elsewhere, data.join(link)).unwrap();
        assert!(matches!(compact(&log), Err(Error::Io { .. })), "{link}");
        assert_eq!(std::fs::read_to_string(elsewhere.join("somebody's")).unwrap(), "own", "{link}");
        std::fs::remove_file(data.join(link)).unwrap();
        assert_eq!(log.snapshot().unwrap().stamp().log, number);
        compact(&log).unwrap();
    }
    drop(log);
    std::fs::remove_dir_all(&elsewhere).unwrap();
    std::fs::rename(data.join("log.2"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, data.join("log.2")).unwrap();
    assert!(matches!(open(), Err(Error::Io { .. })));
}
