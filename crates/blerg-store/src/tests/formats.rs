//! Data directories of earlier formats, as the programs of their time left them (`tests/data/formats/`): each opens, answers,
//! takes writes and can be backed up and salvaged. Files of a later version are refused and stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{NOW_US, put_text, settings};
use crate::{Error, RecordNo, Settings, Store, View};

/// A copy of the directory of a format.
fn unpack(format: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    crate::ready::make_private_dir(&dir).unwrap();
    let packed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/formats").join(format).join("data.tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(packed).arg("-C").arg(&dir).status().unwrap();
    assert!(unpacked.success());
    (folder, dir)
}

fn open(dir: &Path) -> Store {
    Store::new(dir, Settings { durability: None, ..settings() })
}

fn texts(store: &Store, name: &str) -> Vec<Option<String>> {
    let reader = store.reader().unwrap();
    let author = reader.author(name).unwrap().unwrap().id;
    let text = |no| reader.snapshot().record(author, RecordNo(no)).unwrap().map(|record| record.text.into_owned());
    (0..reader.record_count(author).unwrap()).map(text).collect()
}

#[track_caller]
fn check_answers(store: &Store) {
    let ada = ["hello #world", "tea is #green, 茶もある", "", "edited #green", "answer"];
    let want: Vec<Option<String>> = ada.iter().map(|text| Some((*text).to_owned()).filter(|t| !t.is_empty())).collect();
    assert_eq!(texts(store, "ada")[..5], want);
    assert_eq!(texts(store, "bob"), [Some("hello @ada".to_owned())]);
    assert_eq!(texts(store, "carol"), [Some("imported, without an account".to_owned())]);
    assert!(store.accounts(None).unwrap().len() >= 3);
    let page = crate::PageName::parse("Tea").unwrap();
    assert!(matches!(store.wiki().unwrap().view(&page).unwrap(), View::Page(_)));
    let client = crate::ClientInfo { remote: None, agent: None };
    store.login(NOW_US, "ada", b"secret of ada", &client).unwrap();
    let report = store.check(&mut |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}

/// What the directory of format 2 holds beyond that of format 1, of which it was made by deleting, editing, compacting.
#[track_caller]
fn check_answers_2(store: &Store) {
    check_answers(store);
    let ada = texts(store, "ada");
    let gone = std::iter::repeat_n("", 8);
    let want = std::iter::once("ada again 0 #green").chain(gone);
    let want: Vec<&str> = want
        .chain(["edited before the compaction #world", "ada again 10 #green", "ada again 11 #green"])
        .chain(["after the compaction #green @bob"])
        .collect();
    assert_eq!(ada[5..18].iter().map(|text| text.as_deref().unwrap_or_default()).collect::<Vec<_>>(), want);
    assert!(store.reader().unwrap().author("dora").unwrap().is_none(), "dora left");
}

#[test]
fn a_directory_of_format_1_is_read_written_backed_up_and_salvaged() {
    check_format("1", "blerg log 1\n", RecordNo(5), check_answers);
}

#[test]
fn a_directory_of_format_2_is_read_written_backed_up_and_salvaged() {
    check_format("2", "blerg log 2\n", RecordNo(18), check_answers_2);
}

#[track_caller]
fn check_format(format: &str, first_line: &str, next: RecordNo, check_answers: fn(&Store)) {
    let (folder, dir) = unpack(format);
    assert!(fs::read_to_string(dir.join("FORMAT")).unwrap().starts_with(first_line));
    let store = open(&dir);
    check_answers(&store);
    let ada = store.reader().unwrap().author("ada").unwrap().unwrap().id;
    assert_eq!(store.put(NOW_US, ada, put_text("further")).unwrap(), next);
    let backup = folder.path().join("backup");
    store.backup(&backup, &mut |_| {}).unwrap();
    check_answers(&open(&backup));
    store.close().unwrap();
    let (_other, untouched) = unpack(format);
    let salvaged = folder.path().join("salvaged");
    let done = open(&untouched).salvage(NOW_US, &salvaged, &mut |_| {}).unwrap();
    assert_eq!(done.lost, Vec::<String>::new());
    check_answers(&open(&salvaged));
}

#[test]
fn a_damaged_compacted_directory_is_salvaged_but_for_what_is_damaged() {
    let segment = "log.1/0000000000000000.seg";
    for (file, needle, lost) in [
        ("FORMAT", "segments 20 26", None),
        ("FORMAT", "log 1 ", None),
        (segment, "ada again 10", Some("record 15 of \"ada\" is lost")),
        (segment, "edited before", Some("at byte")),
        ("log.1/ctl", "BLERGCT1", None),
        ("log.1/moved", "BLERGMV1", None),
    ] {
        let (folder, dir) = unpack("2");
        let path = dir.join(file);
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(needle.len()).position(|window| window == needle.as_bytes()).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        let to = folder.path().join("salvaged");
        let done = open(&dir).salvage(NOW_US, &to, &mut |_| {}).unwrap();
        let told = done.lost.iter().any(|what| lost.is_some_and(|lost| what.contains(lost)));
        assert_eq!(
            (told, done.lost.is_empty()),
            (lost.is_some(), lost.is_none() && file != "FORMAT"),
            "{:?}",
            done.lost
        );
        let new = open(&to);
        assert_eq!(new.check(&mut |_| {}).unwrap().problems, Vec::<String>::new(), "{file} at {needle}");
        if lost.is_none() {
            check_answers_2(&new);
        }
        let ada = texts(&new, "ada");
        assert_eq!((ada[16].as_deref(), ada[6..14].iter().flatten().count()), (Some("ada again 11 #green"), 0));
    }
}

/// That `refuse` ends with an error, and that `file` is what it was.
#[track_caller]
fn check_refused(dir: &Path, file: &str, refuse: impl FnOnce(&Store) -> Result<(), Error>) -> String {
    let path = dir.join(file);
    let before = fs::read(&path).unwrap();
    let error = refuse(&open(dir)).unwrap_err();
    assert!(fs::read(&path).unwrap() == before, "{file} was changed");
    format!("{error:?}")
}

#[test]
fn files_of_a_later_version_are_refused_and_stay_as_they_are() {
    let (_folder, dir) = unpack("1");
    let format = fs::read_to_string(dir.join("FORMAT")).unwrap();
    fs::write(dir.join("FORMAT"), format.replace("blerg log 1", "blerg log 9")).unwrap();
    let told = check_refused(&dir, "FORMAT", |store| store.log().map(drop));
    assert!(told.contains("blerg log 9"), "{told}");
    fs::write(dir.join("FORMAT"), format).unwrap();

    for file in ["site.db", "wiki.db", "search.db"] {
        let (_folder, dir) = unpack("1");
        let connection = rusqlite::Connection::open(dir.join(file)).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
        drop(connection);
        let told = check_refused(&dir, file, |store| match file {
            "site.db" => store.accounts(None).map(drop),
            "wiki.db" => store.wiki().map(drop),
            _ => store.search(&crate::SearchQuery::parse("hello").unwrap(), None, 1).map(drop),
        });
        assert!(told.contains(file) && told.contains("99"), "{file}: {told}");
    }
}
