//! The control page: a commit is seen whole or not, and a page counts at one place and time only.

use super::{CONTROL_BYTES, Commit, Control, Word, slot_at};
use crate::segment::Tail;
use crate::tests::fake::{FakeDisk, Fault};
use crate::{Backend, Disk, OpenMode};

const DIR: &str = "/data";

fn commit(end: u64) -> Commit {
    Commit { end, last: Tail { position: end - 8, hcrc: 7 }, time_us: end * 2 }
}

fn page() -> (FakeDisk, Control) {
    let disk = FakeDisk::new();
    let control = Control::open_or_make(&disk, DIR.as_ref()).unwrap();
    control.publish(&commit(100)).unwrap();
    (disk, control)
}

#[test]
fn both_ways_of_reading_see_the_last_commit() {
    let (disk, control) = page();
    control.publish(&commit(200)).unwrap();
    for backend in [Backend::Mapped, Backend::Pread] {
        let reader = Control::open(&disk, DIR.as_ref(), backend).unwrap().unwrap();
        assert_eq!(reader.look().unwrap().commit, commit(200));
    }
}

#[test]
fn a_slot_written_in_part_is_never_read() {
    let (disk, _) = page();
    // A writer is killed after each of its stores: the old commit stays until the last one.
    for stores in 0..=9 {
        let fork = disk.fork();
        let writer = Control::open_to_write(&fork, DIR.as_ref()).unwrap().unwrap();
        fork.set_fault(Some(Fault::Stop(fork.steps() + stores + 1)));
        writer.publish(&commit(200)).unwrap();
        let reader = Control::open(&fork.after_kill(), DIR.as_ref(), Backend::Pread).unwrap().unwrap();
        let want = if stores < 9 { commit(100) } else { commit(200) };
        assert_eq!(reader.look().unwrap().commit, want, "after {stores} stores");
    }
}

#[test]
fn a_slot_that_decayed_is_an_error_and_no_commit() {
    let (disk, control) = page();
    let at = slot_at(control.load(Word::Current).unwrap()) as u64;
    for byte in 0..64 {
        let fork = disk.fork();
        let path = std::path::Path::new(DIR).join("ctl");
        let old = fork.bytes(&path)[(at + byte) as usize];
        fork.damage(&path, at + byte, &[old ^ 4]);
        let reader = Control::open(&fork, DIR.as_ref(), Backend::Pread).unwrap().unwrap();
        assert!(reader.look().unwrap_err().is_damaged(), "byte {byte}");
    }
}

#[test]
fn a_page_counts_for_its_site_its_file_and_one_start_only() {
    let disk = FakeDisk::new();
    let control = Control::open_or_make(&disk, DIR.as_ref()).unwrap();
    let (site, boot) = ([3; 16], Some([4; 16]));
    control.claim(&site).unwrap();
    control.publish(&commit(100)).unwrap();
    assert!(control.current(&site, boot).unwrap().is_none());
    control.own(boot);
    assert!(control.current(&site, boot).unwrap().is_some());
    assert!(control.current(&site, Some([5; 16])).unwrap().is_none());
    assert!(control.current(&[5; 16], boot).unwrap().is_none());
    assert!(control.current(&site, None).unwrap().is_none());
    control.store(Word::Inode, control.inode() + 1);
    assert!(control.current(&site, boot).unwrap().is_none());
    control.claim(&site).unwrap();
    assert!(control.current(&site, boot).unwrap().is_none());
    control.own(boot);
    assert_eq!(control.current(&site, boot).unwrap().unwrap().commit, commit(100));
    // Of another site nothing is kept.
    control.claim(&[8; 16]).unwrap();
    control.own(boot);
    assert!(control.look().is_err());
}

#[test]
fn a_page_that_is_too_short_is_none() {
    let disk = FakeDisk::new();
    let file = disk.open("/data/ctl".as_ref(), OpenMode::Create).unwrap();
    file.allocate(100).unwrap();
    assert!(Control::open(&disk, DIR.as_ref(), Backend::Mapped).unwrap().is_none());
    let short = Control::open(&disk, DIR.as_ref(), Backend::Pread).unwrap().unwrap();
    assert_eq!(short.current(&[0; 16], Some([0; 16])).unwrap(), None);
    file.allocate(CONTROL_BYTES).unwrap();
    assert!(Control::open(&disk, DIR.as_ref(), Backend::Mapped).unwrap().is_some());
}
