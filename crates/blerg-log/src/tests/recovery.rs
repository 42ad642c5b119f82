//! What opening a store does after each kind of end, and after damage.

use std::path::{Path, PathBuf};

use super::basics::{add, identity, options, put};
use super::fake::{FakeDisk, Fault, Rng};
use super::model::{Model, ask};
use super::models::{SMALL, check_sound, create, filled, open};
use crate::Backend::{Mapped, Pread};
use crate::control::{Control, Word};
use crate::format::Format;
use crate::frame::{HEADER_BYTES, Header, Kind, Sums};
use crate::*;

const DIR: &str = "/data";

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

fn sums() -> Sums {
    Sums::new(&[2; 16])
}

/// All frames in the bytes of the first segment: where they stand and their headers.
pub(crate) fn frames_in(bytes: &[u8]) -> Vec<(u64, Header)> {
    let mut found = Vec::new();
    let mut at = 64;
    while let Some((header, _)) = Header::open(&bytes[at as usize..], at, sums()) {
        found.push((at, header));
        at += header.frame_len();
    }
    found
}

pub(crate) const FIRST: &str = "log/0000000000000000.seg";

fn reboot(disk: &FakeDisk) -> FakeDisk {
    disk.after_worst_cut()
}

/// A store with one author and three records, each durable; the first segment's bytes.
fn three() -> (FakeDisk, Vec<u8>) {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    for text in ["one #a", "two #a", "three #a"] {
        log.commit(1, vec![put(0, text)]).unwrap();
    }
    drop(log);
    let bytes = disk.bytes(&path(FIRST));
    (disk, bytes)
}

fn texts(log: &Log) -> Vec<Option<String>> {
    let snapshot = log.snapshot().unwrap();
    let len = snapshot.list(&ListKey::Timeline(AuthorId(0))).unwrap().len();
    (0..len).map(|no| snapshot.record(AuthorId(0), RecordNo(no)).unwrap().map(|record| record.text.into())).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn opening_a_store_of_this_start_of_the_machine_writes_nothing() {
    let (disk, _) = three();
    let (steps, epoch) = (disk.steps(), open(&disk, Mapped).unwrap().snapshot().unwrap().stamp().epoch);
    for backend in [Mapped, Pread] {
        let log = open(&disk, backend).unwrap();
        assert_eq!(log.snapshot().unwrap().stamp().epoch, epoch);
        assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a"]));
    }
    assert_eq!(disk.steps(), steps);
}

#[test]
fn another_start_of_the_machine_adds_an_epoch_and_a_new_index() {
    let (disk, bytes) = three();
    let before = open(&disk, Mapped).unwrap().snapshot().unwrap().stamp();
    let disk = disk.after_best_cut();
    let log = open(&disk, Mapped).unwrap();
    let after = log.snapshot().unwrap().stamp();
    assert!(after.generation > before.generation);
    assert_ne!(after.epoch, before.epoch);
    let kinds = |bytes: &[u8]| frames_in(bytes).iter().filter(|(_, header)| header.kind == Kind::EPOCH).count();
    assert_eq!(kinds(&disk.bytes(&path(FIRST))), kinds(&bytes) + 1);
    assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a"]));
    assert!(!disk.names().contains(&path(&format!("index.{}", before.generation))), "the old index is gone");
}

#[test]
fn a_clean_mark_keeps_the_index_and_anything_written_after_it_does_not() {
    let (disk, _) = three();
    let log = open(&disk, Mapped).unwrap();
    let generation = log.snapshot().unwrap().stamp().generation;
    log.close().unwrap();
    let clean = reboot(&disk);
    let log = open(&clean, Mapped).unwrap();
    assert_eq!(log.snapshot().unwrap().stamp().generation, generation);
    assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a"]));
    check_sound(&log);
    // The mark does not outlive its use, nor the first commit after it.
    drop(log);
    let again = reboot(&clean);
    assert!(open(&again, Mapped).unwrap().snapshot().unwrap().stamp().generation > generation);
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![put(0, "four")]).unwrap();
    drop(log);
    let log = open(&reboot(&disk), Mapped).unwrap();
    assert!(log.snapshot().unwrap().stamp().generation > generation);
    assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a", "four"]));
}

#[test]
fn a_clean_mark_does_not_vouch_for_the_index_built_after_it() {
    for seed in 0..300 {
        let (disk, _) = three();
        open(&disk, Mapped).unwrap().close().unwrap();
        disk.names().iter().filter(|name| name.ends_with("index.1")).for_each(|name| disk.remove(name).unwrap());
        drop(open(&disk, Mapped).unwrap());
        let log = open(&disk.after_power_cut(&mut Rng(seed)), Mapped).unwrap();
        assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a"]), "seed {seed}");
    }
}

#[test]
fn a_torn_tail_is_cut_at_any_byte() {
    let (disk, bytes) = three();
    let frames = frames_in(&bytes);
    let (last, header) = *frames.last().unwrap();
    let end = last + header.frame_len();
    // Not durable any more: nothing behind it proves anything.
    for cut in last..end {
        let fork = disk.fork();
        fork.damage(&path(FIRST), cut, &vec![0; (end - cut) as usize]);
        let fork = reboot(&fork);
        let log = open(&fork, Mapped).unwrap();
        let whole = fork.bytes(&path(FIRST))[cut as usize..end as usize] == bytes[cut as usize..end as usize];
        let all: &[&str] = if whole { &["one #a", "two #a", "three #a"] } else { &["one #a", "two #a"] };
        assert_eq!(texts(&log), some(all), "cut at {cut}");
        check_sound(&log);
        assert_eq!(log.commit(1, vec![put(0, "next")]).unwrap(), [Ok(Outcome::Record(RecordNo(all.len() as u64)))]);
    }
}

#[test]
fn garbage_behind_the_end_is_wiped() {
    let (disk, bytes) = three();
    let (last, header) = *frames_in(&bytes).last().unwrap();
    let at = last + header.frame_len() + 200;
    disk.damage(&path(FIRST), at, &[0xAA; 300]);
    let disk = reboot(&disk);
    drop(open(&disk, Mapped).unwrap());
    assert_eq!(disk.bytes(&path(FIRST))[at as usize..at as usize + 300], [0; 300]);
}

/// A store whose frames are longer than a unit of lag, so that each proves the one before it.
fn proven() -> (FakeDisk, Vec<u64>) {
    let disk = FakeDisk::new();
    let format = Format { identity: identity(), geometry: crate::geometry::Geometry { first_bits: 16, last_bits: 16 } };
    Log::create_with(DIR.as_ref(), &format, &disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    for n in 0..5 {
        log.commit(1, vec![put(0, &format!("{n} {}", "x".repeat(5_000)))]).unwrap();
    }
    drop(log);
    let frames = frames_in(&disk.bytes(&path(FIRST)));
    let puts = frames.iter().filter(|(_, header)| header.kind == Kind::PUT).map(|(at, _)| *at).collect();
    (disk, puts)
}

#[test]
fn a_damaged_header_before_the_durable_end_makes_the_store_read_only_and_is_never_cut() {
    let (disk, puts) = proven();
    disk.damage(&path(FIRST), puts[2] + 9, &[0xFF]);
    let before = disk.bytes(&path(FIRST));
    let disk = reboot(&disk);
    for _ in 0..2 {
        let log = open(&disk, Mapped).unwrap();
        assert_eq!(texts(&log).len(), 2, "what lies before the damage is served");
        let refused = log.commit(1, vec![put(0, "next")]).unwrap_err();
        assert!(refused.is_read_only(), "{refused:?}");
        assert_eq!(disk.bytes(&path(FIRST)), before);
    }
}

#[test]
fn a_damaged_text_before_the_durable_end_costs_that_record_only() {
    let (disk, puts) = proven();
    disk.damage(&path(FIRST), puts[2] + 100, &[0xFF]);
    let disk = reboot(&disk);
    let log = open(&disk, Mapped).unwrap();
    let found = texts(&log);
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true, true]);
    assert_eq!(log.commit(1, vec![put(0, "next")]).unwrap(), [Ok(Outcome::Record(RecordNo(5)))]);
    let verified = log.verify(&mut |_| {}).unwrap();
    assert_eq!(verified.problems.len(), 1, "{:?}", verified.problems);
    assert_eq!((verified.problems[0].path.clone(), verified.problems[0].offset), (path(FIRST), puts[2]));
}

#[test]
fn damage_in_a_sealed_segment_costs_its_records_and_keeps_the_numbers_of_the_others() {
    let (disk, _) = filled(11, 0);
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada"), add("bob")]).unwrap();
    for n in 0..60 {
        log.commit(1, vec![put(n % 2, &format!("{n} {}", "x".repeat(60)))]).unwrap();
    }
    let whole = texts(&log);
    drop(log);
    let frames = frames_in(&disk.bytes(&path(FIRST)));
    let hit: Vec<_> =
        frames.iter().filter(|(_, header)| header.kind == Kind::PUT && header.author == 0).take(3).collect();
    for (at, _) in &hit[1..] {
        disk.damage(&path(FIRST), at + 9, &[0xFF]);
    }
    let disk = reboot(&disk);
    let log = open(&disk, Pread).unwrap();
    let mut want = whole;
    for (_, header) in &hit[1..] {
        want[header.n as usize] = None;
    }
    assert_eq!(texts(&log), want);
    let verified = log.verify(&mut |_| {}).unwrap();
    assert!(verified.problems.iter().any(|problem| problem.offset == hit[1].0), "{:?}", verified.problems);
    assert_eq!(log.commit(1, vec![put(0, "next")]).unwrap(), [Ok(Outcome::Record(RecordNo(30)))]);
}

#[test]
fn a_missing_segment_is_damage_and_not_overwritten() {
    let (disk, _) = filled(7, 200);
    let segments: Vec<_> = disk.names().into_iter().filter(|name| name.to_str().unwrap().ends_with(".seg")).collect();
    assert!(segments.len() > 3);
    let fork = disk.fork();
    fork.remove(&segments[1]).unwrap();
    fork.sync_dir(&path("log")).unwrap();
    assert!(open(&reboot(&fork), Mapped).unwrap_err().is_damaged());
}

#[test]
fn damage_between_segments_stops_writers_and_no_readers() {
    let (disk, model) = filled(7, 200);
    let segments: Vec<_> = disk.names().into_iter().filter(|name| name.to_str().unwrap().ends_with(".seg")).collect();
    let whole = texts(&open(&disk, Mapped).unwrap());
    assert!(whole.len() > 10);
    // The header of a segment; the SEAL before one, which is the last thing in it that is not zero.
    let seal = disk.bytes(&segments[1]).iter().rposition(|byte| *byte != 0).unwrap() as u64;
    for (segment, offset) in [(1, 0), (1, 40), (2, 17), (1, seal), (segments.len() - 1, 3)] {
        let fork = disk.fork();
        let byte = fork.bytes(&segments[segment])[offset as usize];
        fork.damage(&segments[segment], offset, &[byte ^ 0x55]);
        let before: Vec<_> = segments.iter().map(|name| fork.bytes(name)).collect();
        let fork = reboot(&fork);
        let log = open(&fork, Pread).unwrap();
        let found = texts(&log);
        match segment == segments.len() - 1 {
            // What the last one holds is not known to be of this log.
            true => assert!(found.iter().zip(&whole).filter(|(found, whole)| found == whole).count() > 5),
            false => assert_eq!(found, whole, "segment {segment}, byte {offset}"),
        }
        assert!(log.commit(1, vec![put(0, "next")]).unwrap_err().is_read_only());
        let told = log.verify(&mut |_| {}).unwrap().problems;
        if segment < segments.len() - 1 {
            assert!(told.iter().any(|problem| problem.path == segments[segment]), "{told:?}");
        }
        assert_eq!(segments.iter().map(|name| fork.bytes(name)).collect::<Vec<_>>(), before, "nothing is touched");
    }
    drop(model);
}

#[test]
fn a_killed_writers_frame_is_adopted_and_never_overwritten() {
    let (disk, _) = three();
    // Killed between writing and publishing: at the first store after the write.
    let writes = (1..40).find_map(|more| {
        let fork = disk.fork();
        fork.set_fault(Some(Fault::Stop(fork.steps() + more)));
        let log = open(&fork, Mapped).unwrap();
        let _ = log.commit(1, vec![put(0, "four")]);
        fork.last_call().contains("of /data/ctl").then_some(fork)
    });
    let disk = writes.unwrap().after_kill();
    // A program that lives long finishes it when it opens the store; a short one leaves it to the next writer.
    assert_eq!(texts(&open(&disk.fork(), Mapped).unwrap()).len(), 4);
    let short = Options { recovery: Recovery::Refuse, ..options(Pread) };
    let log = Log::open(DIR.as_ref(), &short, disk.arc()).unwrap();
    assert_eq!(texts(&log).len(), 3);
    assert_eq!(log.commit(1, vec![put(0, "five")]).unwrap(), [Ok(Outcome::Record(RecordNo(4)))]);
    assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a", "four", "five"]));
}

#[test]
fn a_control_page_that_lost_what_was_written_to_it_is_recognised_by_what_frames_prove() {
    let disk = FakeDisk::new();
    let format = Format { identity: identity(), geometry: crate::geometry::Geometry { first_bits: 18, last_bits: 18 } };
    Log::create_with(DIR.as_ref(), &format, &disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    let generation = log.snapshot().unwrap().stamp().generation;
    let (ctl, index) = (path("ctl"), path(&format!("index.{generation}")));
    let stale = [(ctl.clone(), disk.bytes(&ctl)), (index.clone(), disk.bytes(&index))];
    for n in 0..10 {
        log.commit(1, vec![put(0, &format!("{n} {}", "x".repeat(5_000)))]).unwrap();
    }
    let want = texts(&log);
    drop(log);
    // The file system was shut down and came back within one start of the machine: the log is there, the rest is old.
    for (name, bytes) in stale {
        disk.damage(&name, 0, &bytes);
    }
    let log = open(&disk, Mapped).unwrap();
    assert_eq!(log.commit(1, vec![put(0, "next")]).unwrap(), [Ok(Outcome::Record(RecordNo(10)))]);
    assert_eq!(texts(&log)[..10], want);
    assert!(log.snapshot().unwrap().stamp().generation > generation, "the index was not trusted");
    check_sound(&log);
}

#[test]
fn an_index_that_is_older_than_the_control_page_is_not_written_by() {
    let (author, other) = (AuthorId(0), AuthorId(1));
    let lasts = [
        put(0, "last, without tags"),
        put(0, &(0..1_000).map(|n| format!("#t{n}")).collect::<Vec<_>>().join(" ")),
        Op::Edit { author, record: RecordNo(0), text: "edited".into(), tags: Vec::new(), at_us: None },
        Op::Delete { author, record: RecordNo(1) },
        Op::Follow { author, target: other },
        Op::Unfollow { author: other, target: author },
        Op::CloseAuthor { author: other },
        add("eve"),
    ];
    for last in lasts {
        let disk = FakeDisk::new();
        Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
        let log = open(&disk, Mapped).unwrap();
        let begin =
            vec![add("ada"), add("bob"), put(0, "zero"), put(0, "one"), Op::Follow { author: other, target: author }];
        log.commit(1, begin).unwrap();
        let generation = log.snapshot().unwrap().stamp().generation;
        let index = path(&format!("index.{generation}"));
        let stale = disk.bytes(&index);
        log.commit(2, vec![put(0, "between"), last.clone()]).unwrap();
        let (want, authors) = (texts(&log), log.snapshot().unwrap().list(&ListKey::Authors).unwrap().len());
        drop(log);
        // Shut down, and mounted again within one start of the machine, when only the control page had reached the disk.
        disk.damage(&index, 0, &stale);
        let log = open(&disk, Pread).unwrap();
        let no = want.len() as u64;
        let answers = log.commit(3, vec![put(0, "next"), add("zoe")]).unwrap();
        let zoe = AuthorId(authors as u32);
        assert_eq!(answers, [Ok(Outcome::Record(RecordNo(no))), Ok(Outcome::Author(zoe))], "{last:?}");
        assert_eq!(texts(&log)[..want.len()], want, "{last:?}");
        assert!(log.snapshot().unwrap().stamp().generation > generation, "{last:?}");
        check_sound(&log);
        // A sound one stays.
        let generation = log.snapshot().unwrap().stamp().generation;
        drop(log);
        let log = open(&disk, Mapped).unwrap();
        log.commit(4, vec![put(0, "and so on")]).unwrap();
        assert_eq!(log.snapshot().unwrap().stamp().generation, generation, "{last:?}");
    }
}

#[test]
fn a_copied_directory_is_not_taken_for_the_live_one() {
    let (disk, _) = three();
    let fork = disk.fork();
    // A copy: same bytes, other inode.
    fork.rename(&path("ctl"), &path("ctl.old")).unwrap();
    let bytes = fork.bytes(&path("ctl.old"));
    let file = fork.open(&path("ctl"), OpenMode::Create).unwrap();
    file.allocate(4096).unwrap();
    file.write_at(&bytes, 0).unwrap();
    let steps = fork.steps();
    let log = open(&fork, Mapped).unwrap();
    assert!(fork.steps() > steps, "it was recovered");
    assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a"]));
}

#[test]
fn a_writer_whose_control_page_was_replaced_goes_on_with_the_new_one() {
    let (disk, _) = three();
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![put(0, "four")]).unwrap();
    disk.remove(&path("ctl")).unwrap();
    log.commit(1, vec![put(99, "no such author")]).unwrap();
    assert!(disk.names().contains(&path("ctl")), "made anew by the next to write");
    disk.remove(&path("ctl")).unwrap();
    let other = open(&disk, Mapped).unwrap();
    other.commit(1, vec![put(0, "five")]).unwrap();
    log.commit(1, vec![put(0, "six")]).unwrap();
    assert_eq!(texts(&other).last(), Some(&Some("six".to_owned())), "acknowledged, so everybody sees it");
    other.commit(1, vec![put(0, "seven")]).unwrap();
    assert_eq!(texts(&log), some(&["one #a", "two #a", "three #a", "four", "five", "six", "seven"]));
    check_sound(&log);
}

#[test]
fn a_long_recovery_is_refused_where_it_must_not_run_and_a_short_one_is_done() {
    let (disk, _) = three();
    let refuse = |disk: &FakeDisk| {
        Log::open(DIR.as_ref(), &Options { recovery: Recovery::Refuse, ..options(Pread) }, disk.arc())
    };
    assert_eq!(texts(&refuse(&reboot(&disk)).unwrap()).len(), 3);
    // 5 MiB of log.
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![add("ada")]).unwrap();
    for _ in 0..125 {
        log.commit(1, vec![put(0, &"x".repeat(65_000))]).unwrap();
    }
    drop(log);
    assert!(refuse(&disk).is_ok(), "no recovery, nothing to refuse");
    let cut = reboot(&disk);
    let steps = cut.steps();
    assert!(refuse(&cut).unwrap_err().is_recovering());
    assert_eq!(cut.steps(), steps, "and nothing was done");
    // At once, also while another process is at it.
    let busy = cut.open(&path("lock"), OpenMode::Write).unwrap();
    assert!(busy.try_lock().unwrap());
    assert!(refuse(&cut).unwrap_err().is_recovering());
    drop(busy);
    drop(open(&cut, Mapped).unwrap());
    assert_eq!(texts(&refuse(&cut).unwrap()).len(), 125);
    // A clean store of any length opens at once.
    open(&cut, Mapped).unwrap().close().unwrap();
    assert!(refuse(&reboot(&cut)).is_ok());
}

#[test]
fn fates_that_no_frame_backs_are_cleared_and_lost_ones_set_again() {
    let (disk, model) = filled(21, 250);
    let mut rng = Rng(5);
    for _ in 0..20 {
        let fork = disk.fork();
        for name in fork.names().into_iter().filter(|name| name.to_str().unwrap().ends_with(".seg")) {
            let base = u64::from_str_radix(name.file_stem().unwrap().to_str().unwrap(), 16).unwrap();
            let bytes = fork.bytes(&name);
            let mut at = 64;
            while let Some((header, fate)) = Header::open(&bytes[at..], base + at as u64, sums()) {
                // Where a text was erased its fate is durable; anything else may be lost, or name what is lost.
                let erased = fate.deleted_by().is_some() && header.payload_len > 0;
                let word = match rng.below(4) {
                    _ if erased || ![Kind::PUT, Kind::EDIT, Kind::USER].contains(&header.kind) => None,
                    0 => Some(0),
                    1 => Some((1 << 62) | (rng.next() % 20_000) & !7),
                    2 => Some((1 << 63) | (rng.next() % 20_000) & !7),
                    _ => None,
                };
                if let Some(word) = word {
                    fork.damage(&name, at as u64 + 48, &u64::to_le_bytes(word));
                }
                at += header.frame_len() as usize;
            }
        }
        let log = open(&reboot(&fork), Mapped).unwrap();
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers());
        check_sound(&log);
    }
}

#[test]
fn any_flipped_bit_of_the_log_costs_at_most_what_it_holds_and_never_lies() {
    let (disk, bytes) = three();
    let all = ["one #a", "two #a", "three #a"];
    let end = frames_in(&bytes).last().map(|(at, header)| at + header.frame_len()).unwrap();
    for at in 0..end {
        let fork = disk.fork();
        fork.damage(&path(FIRST), at, &[bytes[at as usize] ^ (1 << (at % 8))]);
        // In the running store: records are hidden. After a restart: cut, hidden, refused or read-only.
        for (disk, backend) in [(fork.clone(), Mapped), (fork.clone(), Pread), (reboot(&fork), Mapped)] {
            let Ok(log) = open(&disk, backend) else { continue };
            let Ok(snapshot) = log.snapshot() else { continue };
            for no in 0..3 {
                if let Ok(Some(record)) = snapshot.record(AuthorId(0), RecordNo(no)) {
                    assert_eq!(record.text, all[no as usize], "byte {at}");
                }
            }
            let key = ListKey::Tag("a");
            let list = snapshot.list(&key).unwrap();
            for i in 0..list.len() {
                if let Ok(Some(record)) = snapshot.element(&key, list.get(i).unwrap()) {
                    assert!(all.contains(&&*record.text), "byte {at}");
                }
            }
        }
    }
}

#[test]
fn a_log_that_lost_its_format_file_is_not_overwritten() {
    let (disk, bytes) = three();
    disk.remove(&path("FORMAT")).unwrap();
    let format = Format { identity: identity(), geometry: SMALL };
    assert!(Log::create_with(DIR.as_ref(), &format, &disk.arc()).is_err());
    assert_eq!(disk.bytes(&path(FIRST)), bytes);
}

#[test]
fn creating_twice_is_refused_and_an_empty_store_is_small() {
    let disk = FakeDisk::new();
    Log::create(DIR.as_ref(), &identity(), disk.arc()).unwrap();
    assert!(matches!(Log::create(DIR.as_ref(), &identity(), disk.arc()), Err(Error::Exists { .. })));
    drop(open(&disk, Mapped).unwrap());
    let bytes: usize = disk.names().iter().map(|name| disk.bytes(name).len()).sum();
    // Of this SQLite's files take some more.
    assert!(bytes < (3 << 20) + (1 << 14), "{bytes}");
    let index = disk.names().into_iter().find(|name| name.to_string_lossy().contains("index.")).unwrap();
    assert!(disk.bytes(&index).len() <= 1 << 20, "{}", disk.bytes(&index).len());
}

#[test]
fn network_file_systems_are_refused_unless_forced() {
    let (disk, _) = three();
    disk.set_kind(Filesystem::Network("NFS"));
    let refused = open(&disk, Mapped).unwrap_err();
    assert!(refused.is_network_fs(), "{refused}");
    let forced = Options { allow_network_fs: true, ..options(Mapped) };
    assert!(Log::open(DIR.as_ref(), &forced, disk.arc()).is_ok());
}

#[test]
fn a_store_of_another_version_is_refused() {
    let (disk, _) = three();
    disk.damage(&path("FORMAT"), 0, b"blerg log 9");
    assert!(matches!(open(&disk, Mapped), Err(Error::Format { .. })));
}

#[test]
fn an_index_of_another_version_is_replaced() {
    let (disk, _) = three();
    let generation = open(&disk, Mapped).unwrap().snapshot().unwrap().stamp().generation;
    disk.damage(&path(&format!("index.{generation}")), 8, &[9]);
    let log = open(&disk, Mapped).unwrap();
    assert!(log.snapshot().unwrap().stamp().generation > generation);
    assert_eq!(texts(&log).len(), 3);
}

#[test]
fn an_index_under_the_name_of_another_is_replaced() {
    let (disk, _) = three();
    let generation = open(&disk, Mapped).unwrap().snapshot().unwrap().stamp().generation;
    let name = |generation: u64| path(&format!("index.{generation}"));
    let old = disk.bytes(&name(generation));
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![put(0, "four")]).unwrap();
    log.rebuild(&mut |_| {}).unwrap();
    drop(log);
    disk.damage(&name(generation + 1), 0, &old);
    let log = open(&disk, Pread).unwrap();
    assert_eq!(texts(&log).len(), 4);
    assert!(log.snapshot().unwrap().stamp().generation > generation + 1);
}

#[test]
fn a_frame_of_a_later_version_stops_writers_unless_it_may_be_skipped() {
    for (flags, writable) in [(0, false), (crate::frame::FLAG_MAY_SKIP, true)] {
        let (disk, bytes) = three();
        let (last, before) = *frames_in(&bytes).last().unwrap();
        let at = last + before.frame_len();
        let mut header = Header {
            kind: Kind(77),
            flags,
            prev_hcrc: before.hcrc,
            payload_len: 0,
            payload_crc: crc32c::crc32c(&[]),
            ..before
        };
        disk.damage(&path(FIRST), at, &header.seal(at, sums()));
        for disk in [disk.clone(), reboot(&disk)] {
            let log = open(&disk, Mapped).unwrap();
            let result = log.commit(1, vec![put(0, "four")]);
            match writable {
                true => assert_eq!(result.unwrap(), [Ok(Outcome::Record(RecordNo(3)))]),
                false => assert!(result.unwrap_err().is_read_only()),
            }
            assert!(texts(&log).len() >= 3);
        }
    }
}

#[test]
fn a_text_that_imitates_a_frame_is_not_taken_for_one() {
    // The best that a visitor can do: a sound frame by another site's secret, which proves that much was durable.
    let (disk, bytes) = three();
    let (last, header) = *frames_in(&bytes).last().unwrap();
    let at = last + header.frame_len() + 56 + 32;
    let mut forged = Header { lag: 0, ..header };
    let forged = forged.seal(at, Sums::new(&[77; 16]));
    let log = open(&disk, Mapped).unwrap();
    log.commit(1, vec![put(0, &"x".repeat(200))]).unwrap();
    drop(log);
    let file = path(FIRST);
    disk.damage(&file, at, &forged);
    let disk = reboot(&disk);
    let log = open(&disk, Mapped).unwrap();
    assert_eq!(texts(&log).len(), 3, "the torn put is cut, and nothing is refused");
    log.commit(1, vec![put(0, "next")]).unwrap();
    assert_eq!(HEADER_BYTES, forged.len());
}

#[test]
fn two_processes_that_both_find_it_unclean_recover_once() {
    let (disk, _) = three();
    let disk = reboot(&disk);
    let one = open(&disk, Mapped).unwrap();
    let two = open(&disk, Pread).unwrap();
    assert_eq!(one.snapshot().unwrap().stamp(), two.snapshot().unwrap().stamp());
    let control = Control::open(&disk, DIR.as_ref(), Mapped).unwrap().unwrap();
    assert_eq!(control.load(Word::Generation).unwrap(), one.snapshot().unwrap().stamp().generation);
}

#[test]
fn a_model_survives_a_restart_after_each_commit() {
    let mut disk = FakeDisk::new();
    create(&disk);
    let (mut model, mut rng) = (Model::default(), Rng(3));
    for _ in 0..40 {
        let log = open(&disk, Mapped).unwrap();
        let op = super::model::random_op(&mut rng, &model);
        assert_eq!(log.commit(1, vec![op.clone()]).unwrap(), [model.apply(&op)]);
        drop(log);
        disk = disk.after_power_cut(&mut rng);
        assert_eq!(ask(&open(&disk, Pread).unwrap().snapshot().unwrap()).unwrap(), model.answers());
    }
}

#[test]
fn a_recovery_whose_sync_failed_does_not_trust_the_page_cache() {
    let mut met = 0;
    // Of some length the EPOCH ends with a sector: then nothing behind it brings it to the disk by chance.
    for extra in 0..64 {
        let disk = FakeDisk::new();
        create(&disk);
        let log = open(&disk, Mapped).unwrap();
        log.commit(1, vec![add("ada"), put(0, &"x".repeat(100 + 8 * extra))]).unwrap();
        drop(log);
        let disk = reboot(&disk);
        for more in 1..200 {
            let fork = disk.fork();
            fork.set_fault(Some(Fault::Once(fork.steps() + more, std::io::ErrorKind::Other)));
            let failed = open(&fork, Mapped).is_err();
            fork.set_fault(None);
            if !failed || !fork.last_call().starts_with("sync /data/log/") {
                continue;
            }
            met += 1;
            let log = open(&fork, Mapped).unwrap();
            log.commit(1, vec![put(0, &"y".repeat(700))]).unwrap();
            drop(log);
            assert_eq!(texts(&open(&reboot(&fork), Mapped).unwrap()).len(), 2, "{extra} more, {more}");
        }
    }
    assert!(met >= 128, "{met} syncs failed");
}

#[test]
fn an_element_that_leads_to_another_record_is_not_believed() {
    let disk = FakeDisk::new();
    create(&disk);
    let log = open(&disk, Mapped).unwrap();
    let reply = Op::Put {
        author: AuthorId(1),
        text: "re".into(),
        tags: vec![],
        reply_to: Some((AuthorId(0), RecordNo(0))),
        at_us: None,
    };
    let ops = vec![add("ada"), add("bob"), put(0, "zero #a @bob"), put(1, "one"), put(0, "two"), reply];
    log.commit(1, ops).unwrap();
    // The lists of the last frame are looked at by who opens the store.
    log.commit(1, vec![add("eve")]).unwrap();
    let snapshot = log.snapshot().unwrap();
    let at = |author, no| snapshot.record(AuthorId(author), RecordNo(no)).unwrap().unwrap().put.0;
    let (tagged, wrong, answer) = (at(0, 0), [at(1, 0), at(0, 1)], at(1, 1));
    let index = path(&format!("index.{}", snapshot.stamp().generation));
    drop((snapshot, log));
    let bytes = disk.bytes(&index);
    let words =
        |position: u64| (0..bytes.len()).step_by(8).filter(move |at| bytes[*at..at + 8] == position.to_le_bytes());
    let (of_tagged, of_answer): (Vec<_>, Vec<_>) = (words.clone()(tagged).collect(), words(answer).collect());
    for wrong in wrong {
        for backend in [Mapped, Pread] {
            let fork = disk.fork();
            of_tagged.iter().chain(&of_answer).for_each(|at| fork.damage(&index, *at as u64, &wrong.to_le_bytes()));
            let log = open(&fork, backend).unwrap();
            let snapshot = log.snapshot().unwrap();
            assert_eq!(snapshot.record(AuthorId(0), RecordNo(0)).unwrap(), None);
            for key in [ListKey::Tag("a"), ListKey::Mention("bob"), ListKey::Replies(AuthorId(0), RecordNo(0))] {
                assert_eq!(snapshot.element(&key, Position(wrong)).unwrap(), None, "{key:?}");
            }
            assert!(snapshot.damaged() > 0);
            let verified = log.verify(&mut |_| {}).unwrap();
            assert!(verified.problems_len >= 3, "{verified:?}");
            // The next one to open it builds a new one.
            drop(snapshot);
            assert_eq!(texts(&open(&fork, backend).unwrap()), some(&["zero #a @bob", "two"]));
        }
    }
}
