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
    assert_eq!(store.accounts(None).unwrap().len(), 3);
    let page = crate::PageName::parse("Tea").unwrap();
    assert!(matches!(store.wiki().unwrap().view(&page).unwrap(), View::Page(_)));
    let client = crate::ClientInfo { remote: None, agent: None };
    store.login(NOW_US, "ada", b"secret of ada", &client).unwrap();
    let report = store.check(&mut |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}

#[test]
fn a_directory_of_format_1_is_read_written_backed_up_and_salvaged() {
    let (folder, dir) = unpack("1");
    let store = open(&dir);
    check_answers(&store);
    let ada = store.reader().unwrap().author("ada").unwrap().unwrap().id;
    assert_eq!(store.put(NOW_US, ada, put_text("further")).unwrap(), RecordNo(5));
    let backup = folder.path().join("backup");
    store.backup(&backup, &mut |_| {}).unwrap();
    check_answers(&open(&backup));
    store.close().unwrap();
    let (_other, untouched) = unpack("1");
    let salvaged = folder.path().join("salvaged");
    let done = open(&untouched).salvage(NOW_US, &salvaged, &mut |_| {}).unwrap();
    assert_eq!(done.lost, Vec::<String>::new());
    check_answers(&open(&salvaged));
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
