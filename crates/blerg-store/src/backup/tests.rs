//! Backups of sites that are in use, and of those that were damaged or are not there.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::tests::{NOW_US, Site, files_with, put_text, settings};
use crate::{AuthorId, RecordNo, Role};

fn open(dir: &Path) -> Store {
    Store::new(dir, settings())
}

#[track_caller]
fn check_sound(dir: &Path) -> crate::Report {
    let store = open(dir);
    let report = store.check(&mut |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    store.close().unwrap();
    report
}

fn text_of(store: &Store, author: AuthorId, no: u64) -> Option<String> {
    let reader = store.reader().unwrap();
    reader.snapshot().record(author, RecordNo(no)).unwrap().map(|record| record.text.into_owned())
}

#[test]
fn a_backup_opens_as_the_site_it_is_of_and_is_none_before_it_is_whole() {
    let site = Site::new();
    site.store.add_account(NOW_US, "ada", b"secret", Role::Admin).unwrap();
    let ada = site.store.account("ada").unwrap().unwrap().author.unwrap();
    site.put(ada, "hello #world");
    site.put(ada, "to be deleted");
    site.store.delete(NOW_US, ada, RecordNo(1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new").join("backup");
    let done = site.store.backup(&to, &mut |_| {}).unwrap();
    assert_eq!((done.segments, done.problems_len), (1, 0), "{done:?}");
    assert!(done.frames >= 4 && done.site_bytes > 0 && done.wiki_bytes == 0, "{done:?}");
    let names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(files_with(&to, b"to be deleted"), Vec::<std::path::PathBuf>::new());
    for path in crate::tests::files(&to) {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    let again = site.store.backup(&to, &mut |_| {});
    assert!(matches!(again, Err(Error::NotEmpty { .. })), "{again:?}");

    let copy = open(&to);
    assert_eq!(copy.site_id().unwrap(), site.store.site_id().unwrap());
    assert_eq!(text_of(&copy, ada, 0).as_deref(), Some("hello #world"));
    assert_eq!(copy.put(NOW_US, ada, put_text("more")).unwrap(), RecordNo(2));
    drop(copy);
    let report = check_sound(&to);
    assert_eq!((report.accounts, report.records), (1, 2));
    // The database of the copy is as shared as that of a site.
    let mode: String = rusqlite::Connection::open(to.join("site.db"))
        .unwrap()
        .query_row("PRAGMA journal_mode", (), |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn what_a_killed_backup_left_is_no_site_and_gives_way_to_the_next() {
    let site = Site::new();
    site.store.add_account(NOW_US, "ada", b"secret", Role::Member).unwrap();
    // Everything that it can leave, after each step.
    let steps: [&[&str]; 6] = [
        &["backup.partial/"],
        &["backup.partial/", "backup.partial/site.db"],
        &[
            "backup.partial/",
            "backup.partial/log/",
            "backup.partial/log/0000000000000000.seg",
            "backup.partial/site.db",
        ],
        &["backup.partial/", "log/", "log/0000000000000000.seg", "backup.partial/site.db"],
        &["backup.partial/", "log/", "site.db"],
        &["backup.partial/", "log/", "site.db", "FORMAT.tmp"],
    ];
    for step in steps {
        let folder = tempfile::tempdir().unwrap();
        for name in step {
            let path = folder.path().join(name);
            if name.ends_with('/') { fs::create_dir(path).unwrap() } else { fs::write(path, "half").unwrap() }
        }
        let opened = open(folder.path()).log().map(drop);
        assert!(matches!(opened, Err(Error::Foreign { .. } | Error::FormatLost { .. })), "{step:?}: {opened:?}");
        site.store.backup(folder.path(), &mut |_| {}).unwrap();
        check_sound(folder.path());
    }
    // Somebody else's files are left alone, also beside ours.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("backup.partial")).unwrap();
    fs::write(folder.path().join("letter"), "mine").unwrap();
    assert!(matches!(site.store.backup(folder.path(), &mut |_| {}), Err(Error::NotEmpty { .. })));
    assert_eq!(fs::read(folder.path().join("letter")).unwrap(), b"mine");
}

#[test]
fn backups_beside_writers_deleters_and_leavers_are_sound_and_hold_what_was_acknowledged() {
    const ROUNDS: u64 = 12;
    let site = Site::new();
    let ada = site.author("ada");
    for no in 0..64 {
        site.put(ada, &format!("record {no}"));
    }
    let (over, acknowledged, deleted) = (AtomicBool::new(false), AtomicU64::new(63), AtomicU64::new(0));
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let RecordNo(no) = site.put(ada, &"a text of some length ".repeat(20));
                acknowledged.store(no, Ordering::Relaxed);
                // Close behind, so that texts are put and erased while the same place is copied.
                if no % 2 == 0 {
                    site.store.delete(NOW_US, ada, RecordNo(no - 1)).unwrap();
                    deleted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        scope.spawn(|| {
            let mut name = 0;
            while !over.load(Ordering::Relaxed) {
                name += 1;
                let name = format!("guest{name}");
                site.store.add_account(NOW_US, &name, b"secret", Role::Member).unwrap();
                let guest = site.store.account(&name).unwrap().unwrap().author.unwrap();
                site.put(guest, "hello");
                site.store.close_account(NOW_US, guest, b"secret", None).unwrap();
            }
        });
        // Ends the threads also when something below fails.
        struct Over<'o>(&'o AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _over = Over(&over);
        for round in 0..ROUNDS {
            let to = folder.path().join(round.to_string());
            let last = acknowledged.load(Ordering::Relaxed);
            let done = site.store.backup(&to, &mut |_| {}).unwrap();
            assert_eq!(done.problems, Vec::<String>::new());
            let copy = open(&to);
            copy.finish_closings(NOW_US).unwrap();
            if last % 2 == 1 {
                let held = copy.reader().unwrap().record_count(ada).unwrap();
                assert!(held > last, "round {round}: {held} numbers of {last}");
            }
            drop(copy);
            check_sound(&to);
        }
    });
    println!(
        "{ROUNDS} backups beside {} puts and {} deletes",
        acknowledged.load(Ordering::Relaxed),
        deleted.load(Ordering::Relaxed)
    );
}

#[test]
fn backups_beside_compactions_hold_what_was_acknowledged_and_nothing_that_was_deleted() {
    const ROUNDS: u64 = 10;
    const PUTS_MAX: u64 = 1_000;
    let mut site = Site::new();
    site.store.add_account(NOW_US, "ada", b"secret", Role::Member).unwrap();
    let ada = site.store.account("ada").unwrap().unwrap().author.unwrap();
    let text = |no: u64| format!("text{no}t {}", "some words ".repeat(30));
    for no in 0..200 {
        site.put(ada, &text(no));
    }
    // Whoever has the log open and does not look at it is waited for.
    let idle = site.again();
    drop(std::mem::replace(&mut site.store, idle));
    let folder = tempfile::tempdir().unwrap();
    let (mut compacted, mut deleted) = (0, 0);
    for round in 0..ROUNDS {
        let (writes, compacts, backs_up) = (site.again(), site.again(), site.again());
        // Gone before the backup begins, and as the compaction's work; what is put meanwhile may be in the copy or not.
        for no in (round * 15..round * 15 + 10).map(RecordNo) {
            writes.delete(NOW_US, ada, no).unwrap();
            deleted += 1;
        }
        let next = writes.reader().unwrap().record_count(ada).unwrap();
        let to = folder.path().join(round.to_string());
        let over = AtomicBool::new(false);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let compaction = scope.spawn(|| {
                let tell = tell;
                compacts
                    .compact(NOW_US, |_| Vec::new(), &mut |_| {
                        let _ = tell.send(());
                    })
                    .unwrap();
                over.store(true, Ordering::Relaxed);
            });
            scope.spawn(|| {
                let writes = writes;
                for no in (next..next + PUTS_MAX).take_while(|_| !over.load(Ordering::Relaxed)) {
                    writes.put(NOW_US, ada, put_text(&text(no))).unwrap();
                }
            });
            // Each round it begins at another moment of the compaction.
            for _ in 0..round {
                let _ = told.recv();
            }
            let done = backs_up.backup(&to, &mut |_| {}).unwrap();
            drop(backs_up);
            assert_eq!(done.problems, Vec::<String>::new());
            compaction.join().unwrap();
        });
        check_sound(&to);
        let copy = open(&to);
        compacted += u64::from(copy.reader().unwrap().stamp().log > round);
        for no in 0..next {
            let want = (no >= round * 15 + 10 || no % 15 >= 10).then(|| text(no));
            assert_eq!(text_of(&copy, ada, no), want, "round {round}");
        }
        for no in [round * 15, round * 15 + 9] {
            let held = files_with(&to, format!("text{no}t").as_bytes());
            assert_eq!(held, Vec::<std::path::PathBuf>::new(), "round {round}: {no} was deleted");
        }
        drop(copy);
    }
    assert_eq!(site.store.reader().unwrap().stamp().log, ROUNDS);
    println!("{ROUNDS} backups beside {ROUNDS} compactions, {compacted} of them of the new log; {deleted} deletes");
}

#[test]
fn a_backup_of_a_damaged_site_says_so() {
    let site = Site::new();
    let ada = site.author("ada");
    site.put(ada, "one");
    site.put(ada, "a text that will be damaged");
    site.put(ada, "three");
    let segment = site.store.dir().join("log/0000000000000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(7).position(|window| window == b"damaged").unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let done = site.store.backup(folder.path(), &mut |_| {}).unwrap();
    assert_eq!(done.problems_len, 1);
    assert!(done.problems[0].contains("0000000000000000.seg at byte"), "{:?}", done.problems);
}
