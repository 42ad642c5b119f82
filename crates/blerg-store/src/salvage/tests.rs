//! Sites salvaged from losses that are larger than a byte: whole files, first pages, frames that others depend on.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::page::tests::{page, put};
use crate::tests::{NOW_US, Site, put_text, settings};
use crate::{RecordNo, Role, View};

struct Case {
    site: Site,
    dir: PathBuf,
    to: tempfile::TempDir,
}

fn site() -> Case {
    let site = Site::new();
    for name in ["ada", "bob"] {
        site.store.add_account(NOW_US, name, b"secret", Role::Member).unwrap();
    }
    let [ada, bob] = ["ada", "bob"].map(|name| site.store.account(name).unwrap().unwrap().author.unwrap());
    for no in 0..4 {
        site.put(ada, &format!("ada's record {no}"));
        site.put(bob, &format!("bob's record {no}"));
    }
    site.store.edit(NOW_US, ada, RecordNo(1), put_text("ada's edited record")).unwrap();
    site.store.delete(NOW_US, bob, RecordNo(0)).unwrap();
    put(&site, "Tea", "green");
    put(&site, "Tea", "green and black");
    let dir = site.store.dir().to_owned();
    Case { site, dir, to: tempfile::tempdir().unwrap() }
}

impl Case {
    /// Changes the first occurrence of `needle` in a file, `before` bytes ahead of it.
    fn hit(&self, file: &str, needle: &[u8], before: usize) {
        let path = self.dir.join(file);
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
        bytes[at - before] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    fn salvage(&self) -> (Salvaged, Store) {
        let damaged = Store::new(&self.dir, settings());
        let done = damaged.salvage(NOW_US, self.to.path(), &mut |_| {}).unwrap();
        // Where FORMAT is lost the new site syncs, whatever the old one did.
        let new = Store::new(self.to.path(), crate::Settings { durability: None, ..settings() });
        assert_eq!(new.check(&mut |_| {}).unwrap().problems, Vec::<String>::new(), "{done:?}");
        (done, new)
    }
}

const SEGMENT: &str = "log/0000000000000000.seg";

fn texts(store: &Store, name: &str) -> Vec<Option<String>> {
    let reader = store.reader().unwrap();
    let author = reader.author(name).unwrap().unwrap().id;
    let count = reader.record_count(author).unwrap();
    let text = |no| reader.snapshot().record(author, RecordNo(no)).unwrap().map(|record| record.text.into_owned());
    (0..count).map(text).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned()).filter(|text| !text.is_empty())).collect()
}

#[test]
fn a_sound_site_loses_nothing() {
    let case = site();
    let (done, new) = case.salvage();
    assert_eq!((done.lost, done.lost_len), (Vec::<String>::new(), 0));
    assert_eq!((done.authors, done.records, done.accounts, done.pages), (2, 7, 2, 1));
    assert_eq!(new.site_id().unwrap(), case.site.store.site_id().unwrap());
    for name in ["ada", "bob"] {
        assert_eq!(texts(&new, name), texts(&case.site.store, name));
    }
    let client = crate::ClientInfo { remote: None, agent: None };
    new.login(NOW_US, "ada", b"secret", &client).unwrap();
    let View::Page(_) = new.wiki().unwrap().view(&page("Tea")).unwrap() else { panic!("no page") };
}

#[test]
fn a_put_that_is_lost_leaves_its_number_or_takes_its_edit() {
    let case = site();
    case.hit(SEGMENT, b"ada's record 1", 0);
    case.hit(SEGMENT, b"ada's record 2", 40);
    let (done, new) = case.salvage();
    assert_eq!(texts(&new, "ada")[..4], some(&["ada's record 0", "ada's edited record", "", "ada's record 3"]));
    assert_eq!(texts(&new, "bob")[..4], some(&["", "bob's record 1", "bob's record 2", "bob's record 3"]));
    assert!(done.lost.iter().any(|what| what.contains(SEGMENT) && what.contains("at byte")), "{:?}", done.lost);
    assert!(done.lost.iter().any(|what| what == "record 2 of \"ada\" is lost"), "{:?}", done.lost);
}

#[test]
fn an_author_whose_frame_is_lost_has_the_name_of_the_account() {
    let case = site();
    // The name's frame: 56 bytes of header before it.
    case.hit(SEGMENT, b"bob", 50);
    let (done, new) = case.salvage();
    assert!(done.lost.iter().any(|what| what.contains("name of author 1")), "{:?}", done.lost);
    assert_eq!(texts(&new, "bob")[1..4], some(&["bob's record 1", "bob's record 2", "bob's record 3"]));
    assert_eq!(done.accounts, 2);
}

#[test]
fn whole_files_can_be_gone() {
    for (gone, accounts, pages) in
        [("site.db", 0, 1), ("wiki.db", 2, 0), ("FORMAT", 2, 1), ("index.1", 2, 1), ("ctl", 2, 1)]
    {
        let case = site();
        fs::remove_file(case.dir.join(gone)).unwrap();
        for more in ["-wal", "-shm"] {
            let _ = fs::remove_file(case.dir.join(format!("{gone}{more}")));
        }
        let (done, new) = case.salvage();
        assert_eq!((done.records, done.accounts, done.pages), (7, accounts, pages), "{gone}: {:?}", done.lost);
        assert_eq!(texts(&new, "ada").len(), 4, "{gone}");
        assert_eq!(new.site_id().unwrap(), case.site.store.site_id().unwrap(), "{gone}");
    }
}

#[test]
fn a_database_without_its_first_page_keeps_its_rows() {
    let case = site();
    // Everything into the files themselves, as after a clean end.
    let Case { site, dir, to } = case;
    let Site { store, .. } = &site;
    for file in ["site.db", "wiki.db"] {
        let connection = rusqlite::Connection::open(dir.join(file)).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    }
    assert!(store.accounts(None).unwrap().len() == 2);
    for file in ["site.db", "wiki.db"] {
        let path = dir.join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[..4096].fill(0);
        fs::write(path, bytes).unwrap();
    }
    let (done, _) = Case { site, dir, to }.salvage();
    assert_eq!((done.accounts, done.pages), (2, 1), "{:?}", done.lost);
}

#[test]
fn nothing_is_written_where_something_is() {
    let case = site();
    fs::write(case.to.path().join("letter"), "mine").unwrap();
    let refused = case.site.store.salvage(NOW_US, case.to.path(), &mut |_| {});
    assert!(matches!(refused, Err(Error::NotEmpty { .. })), "{refused:?}");
}

#[test]
fn an_account_whose_name_is_damaged_keeps_nobody_waiting_for_ever() {
    let case = site();
    let connection = rusqlite::Connection::open(case.dir.join("site.db")).unwrap();
    connection.execute("UPDATE account SET name = 'aa' WHERE name = 'bob'", ()).unwrap();
    drop(connection);
    let found = case.site.store.check(&mut |_| {}).unwrap().problems;
    assert!(found.iter().any(|problem| problem.contains("account aa")), "{found:?}");
    assert!(case.site.store.dump(&mut Vec::new(), &mut |_| {}).is_err());
    let (done, _) = case.salvage();
    assert!(done.lost.iter().any(|what| what.contains("its author is \"bob\"")), "{:?}", done.lost);
    assert_eq!(done.accounts, 2);
}

#[test]
fn a_time_that_cannot_be_is_told_and_not_taken_over() {
    let case = site();
    let connection = rusqlite::Connection::open(case.dir.join("site.db")).unwrap();
    connection.execute("UPDATE account SET created_us = -5 WHERE name = 'ada'", ()).unwrap();
    drop(connection);
    let (done, new) = case.salvage();
    assert!(done.lost.iter().any(|what| what.contains("created_us was -5")), "{:?}", done.lost);
    assert_eq!(new.accounts(None).unwrap().len(), 2);
}

/// Has the table look right and refuse every row.
const REFUSE: &str = "PRAGMA writable_schema = ON;
     UPDATE sqlite_schema SET sql = replace(sql, 'one = 1', 'one <> 1') WHERE name = 'cover';";

#[test]
fn a_rebuild_makes_a_search_index_anew_whatever_its_tables_are() {
    for sql in ["ALTER TABLE cover RENAME COLUMN site TO sire", "PRAGMA user_version = 77", REFUSE] {
        let case = site();
        while !case.site.store.index_search(1).unwrap().is_complete() {}
        let connection = rusqlite::Connection::open(case.dir.join("search.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let store = Store::new(&case.dir, settings());
        assert!(store.rebuild(&mut |_| {}).unwrap().failed.is_empty());
        let report = store.check(&mut |_| {}).unwrap();
        assert_eq!((report.problems, report.indexed), (Vec::new(), 7), "{sql}");
    }
}

#[test]
fn a_directory_in_place_of_a_database_is_told_and_does_not_fill_the_disk() {
    let case = site();
    drop(Store::new(&case.dir, settings()));
    fs::remove_file(case.dir.join("wiki.db")).unwrap();
    fs::create_dir(case.dir.join("wiki.db")).unwrap();
    let (done, new) = case.salvage();
    assert!(done.lost.iter().any(|what| what.contains("wiki.db cannot be read at byte 0")), "{done:?}");
    assert_eq!((done.accounts, texts(&new, "ada").len()), (2, 4), "{done:?}");
}
