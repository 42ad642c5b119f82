//! Damage of each kind is found, and a rebuild mends what is derived.

use super::*;
use crate::page::tests::put;
use crate::tests::{NOW_US, Site, put_text};
use crate::{AuthorId, SearchQuery};

fn filled() -> (Site, AuthorId) {
    let site = Site::new();
    let ada = site.author("ada");
    for i in 0..50 {
        site.put(ada, &format!("record number {i} #t"));
    }
    site.store.delete(NOW_US, ada, RecordNo(3)).unwrap();
    site.store.edit(NOW_US, ada, RecordNo(4), put_text("edited #u")).unwrap();
    (site, ada)
}

#[test]
fn a_sound_site_has_no_problems_and_is_counted_right() {
    let (site, ada) = filled();
    site.store.index_search(10).unwrap();
    let report = site.store.check(&mut |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.authors, report.records, report.indexed, report.search_behind), (1, 49, 49, 0));
    assert_eq!((report.accounts, report.without_account), (0, 1));
    site.put(ada, "not indexed yet");
    let report = site.store.check(&mut |_| {}).unwrap();
    assert_eq!((report.problems_len, report.records, report.indexed), (0, 50, 49));
    assert!(report.search_behind > 0);
}

#[test]
fn a_flipped_bit_in_the_log_is_found_and_costs_one_record() {
    let (site, ada) = filled();
    let path = crate::tests::files_with(site.store.dir(), b"record number 20").into_iter();
    let path = path.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "seg")).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let needle = b"record number 20";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    std::os::unix::fs::FileExt::write_all_at(
        &std::fs::OpenOptions::new().write(true).open(&path).unwrap(),
        b"R",
        at as u64,
    )
    .unwrap();
    let store = site.again();
    let report = store.check(&mut |_| {}).unwrap();
    assert!(report.problems_len > 0);
    let reader = store.reader().unwrap();
    assert_eq!(reader.post(ada, RecordNo(20)).unwrap(), None);
    assert_eq!(reader.post(ada, RecordNo(21)).unwrap().unwrap().text, "record number 21 #t");
    let query = SearchQuery { words: vec!["number".into()], ..SearchQuery::default() };
    assert_eq!(store.search(&query, None, 100).unwrap().posts.len(), 47);
}

#[test]
fn a_search_index_that_lies_is_found() {
    let (site, _) = filled();
    site.store.index_search(10).unwrap();
    let index = site.store.search_index().unwrap();
    let rows = index.rows_above(None, 100).unwrap();
    index.erase(&[rows[7].put]).unwrap();
    let report = site.store.check(&mut |_| {}).unwrap();
    assert_eq!(report.problems, ["search.db: 48 records indexed, 49 are there"]);
    assert!(site.store.rebuild(&mut |_| {}).unwrap().failed.is_empty());
    assert_eq!(site.store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_rebuild_makes_a_lost_index_anew() {
    let (site, ada) = filled();
    let latest = |store: &Store| store.reader().unwrap().latest(None, 100).unwrap();
    let want = latest(&site.store);
    assert!(site.store.rebuild(&mut |_| {}).unwrap().failed.is_empty());
    assert_eq!(latest(&site.store), want);
    assert_eq!(latest(&site.again()), want);
    assert_eq!(site.put(ada, "goes on"), RecordNo(50));
    let stats = site.store.stats().unwrap();
    assert_eq!((stats.authors, stats.puts), (1, 51));
}

#[test]
fn a_search_index_that_is_no_database_is_made_anew() {
    let (site, _) = filled();
    site.store.index_search(10).unwrap();
    let query = SearchQuery { words: vec!["number".into()], ..SearchQuery::default() };
    let want = site.store.search(&query, None, 100).unwrap();
    let store = site.again();
    for name in ["search.db", "search.db-wal"] {
        let path = store.dir().join(name);
        if path.exists() {
            std::fs::write(path, "x".repeat(8192)).unwrap();
        }
    }
    assert!(store.search(&query, None, 100).is_err());
    // A delete goes through all the same: the index is only derived.
    store.delete(NOW_US, AuthorId(0), RecordNo(49)).unwrap();
    assert!(store.rebuild(&mut |_| {}).unwrap().failed.is_empty());
    let found = store.search(&query, None, 100).unwrap();
    assert_eq!(found.posts[..], want.posts[1..]);
    assert_eq!(store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_damaged_wiki_keeps_no_search_index_from_being_made_anew() {
    let (site, _) = filled();
    site.store.index_search(10).unwrap();
    put(&site, "Tea", "green");
    let dir = site.store.dir().to_owned();
    // Its first page is none, and its log is empty; a row of the search index is gone.
    for name in ["wiki.db", "wiki.db-wal"] {
        std::fs::write(dir.join(name), "x".repeat(8192)).unwrap();
    }
    let index = site.store.search_index().unwrap();
    index.erase(&[index.rows_above(None, 100).unwrap()[7].put]).unwrap();
    let store = site.again();
    let failed = store.rebuild(&mut |_| {}).unwrap().failed;
    assert_eq!(failed.iter().map(|(file, _)| *file).collect::<Vec<_>>(), ["wiki.db"], "{failed:?}");
    let report = store.check(&mut |_| {}).unwrap();
    assert!(report.problems.iter().all(|problem| problem.starts_with("wiki.db: ")), "{:?}", report.problems);
    assert_eq!((report.problems.len(), report.indexed), (1, 49));
}
