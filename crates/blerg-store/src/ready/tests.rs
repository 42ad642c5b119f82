//! What becomes a data directory, and what is left alone.

use std::fs;

use super::{AFTER_FORMAT, BEFORE_FORMAT, FORMAT_FILE, Place, look};
use crate::tests::{NOW_US, Site, settings};
use crate::{Error, Store};

/// Opens a directory with these things in it.
fn open(names: &[&str]) -> (tempfile::TempDir, Result<(), Error>) {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        match *name {
            "log" | "restore.partial" | "lost+found" | "photos" => fs::create_dir(folder.path().join(name)).unwrap(),
            _ => fs::write(folder.path().join(name), "").unwrap(),
        }
    }
    let opened = Store::new(folder.path(), settings()).log().map(|_| ());
    (folder, opened)
}

#[test]
fn a_directory_of_somebody_elses_is_left_alone() {
    let (folder, opened) = open(&["photos", "notes.txt"]);
    let told = opened.unwrap_err().to_string();
    assert!(told.contains("\"notes.txt\"") && told.contains("empty"), "{told}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing was made there");
    // Nor do a login and the counting of visitors make anything, which come before the log.
    let store = Store::new(folder.path(), settings());
    assert!(matches!(store.enter_gate(), Err(Error::Foreign { .. })));
    assert!(matches!(store.limit_table(), Err(Error::Foreign { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing was made there");
}

#[test]
fn what_comes_before_format_does_not_hinder() {
    let (folder, opened) = open(&BEFORE_FORMAT);
    opened.unwrap();
    assert_eq!(look(folder.path()).unwrap(), Place::Site);
    let (folder, opened) = open(&[]);
    opened.unwrap();
    // A site may have anything beside it.
    fs::write(folder.path().join("README"), "").unwrap();
    assert_eq!(look(folder.path()).unwrap(), Place::Site);
    assert_eq!(look(&folder.path().join("new")).unwrap(), Place::Free);
}

#[test]
fn a_site_that_lost_its_format_gets_no_new_one() {
    let site = Site::new();
    let ada = site.author("ada");
    site.put(ada, "hello");
    site.store.stats().unwrap();
    site.store.accounts(None).unwrap();
    let dir = site.store.dir().to_owned();
    site.store.close().unwrap();
    fs::remove_file(dir.join(FORMAT_FILE)).unwrap();
    let names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for name in &names {
        let name = name.to_string_lossy();
        let is_known = BEFORE_FORMAT.contains(&&*name) || AFTER_FORMAT.iter().any(|ours| name.starts_with(ours));
        assert!(is_known, "{name} is neither known nor foreign");
    }
    let told = Store::new(&dir, settings()).finish_closings(NOW_US).unwrap_err().to_string();
    assert!(told.contains("FORMAT") && told.contains("backup"), "{told}");
    for name in AFTER_FORMAT {
        let (_folder, opened) = open(&[name, "notes.txt"]);
        assert!(matches!(&opened, Err(Error::FormatLost { name: found, .. }) if found == name), "{opened:?}");
    }
}
