//! A compacted site shows what it showed: dump, news, pages, searches; and what was deleted is in no file.

use crate::tests::{NOW_US, Site, files_with, put_text};
use crate::{AuthorId, Cursor, ListKey, NewAccount, Position, RecordNo, SearchQuery, Seen, SeenKind, Store};

fn no_links(_: &str) -> Vec<String> {
    Vec::new()
}

fn dump(store: &Store) -> String {
    let mut out = Vec::new();
    store.dump(&mut out, &mut |_| {}).unwrap();
    String::from_utf8(out).unwrap()
}

fn news(store: &Store, author: AuthorId, name: &str) -> (u64, u64) {
    let reader = store.reader().unwrap();
    let Seen { feed, mentioned } = store.seen(author, reader.stamp()).unwrap();
    (reader.feed_new(author, feed).unwrap(), reader.mentions_new(name, mentioned).unwrap())
}

fn found(store: &Store, word: &str) -> Vec<String> {
    let query = SearchQuery { words: vec![word.to_owned()], ..SearchQuery::default() };
    store.search(&query, None, 50).unwrap().posts.into_iter().map(|post| post.text).collect()
}

/// Ada, who follows bob and has seen some of what he wrote; of which much is gone.
fn filled() -> (Site, AuthorId, AuthorId) {
    let site = Site::new();
    let account = |name| {
        let new = NewAccount { name, password: b"secret", invite: None, remote: None };
        site.store.create_account(NOW_US, &new).unwrap();
        site.store.reader().unwrap().author(name).unwrap().unwrap().id
    };
    let (ada, bob) = (account("ada"), account("bob"));
    site.store.follow(NOW_US, ada, bob).unwrap();
    for i in 0..40 {
        let record = site.put(bob, &format!("tea number {i} @ada #tea word{i}x"));
        site.put(ada, &format!("mine {i}"));
        if i % 3 == 0 {
            site.store.delete(NOW_US, bob, record).unwrap();
        }
        if i == 20 {
            site.store.clear(ada, SeenKind::Feed, site.store.reader().unwrap().stamp()).unwrap();
        }
        if i == 30 {
            site.store.clear(ada, SeenKind::Mentioned, site.store.reader().unwrap().stamp()).unwrap();
        }
    }
    site.store.edit(NOW_US, bob, RecordNo(1), put_text("coffee instead #coffee")).unwrap();
    site.store.follow(NOW_US, bob, ada).unwrap();
    site.store.unfollow(NOW_US, bob, ada).unwrap();
    (site, ada, bob)
}

#[test]
fn a_compacted_site_dumps_the_same_and_knows_what_was_seen() {
    let (site, ada, _) = filled();
    let other = site.again();
    let before = (dump(&site.store), news(&site.store, ada, "ada"), found(&site.store, "tea"));
    assert_eq!((before.1, before.2.len()), ((12, 6), 25));
    for round in 1..=3 {
        let done = other.compact(NOW_US, no_links, &mut |_| {}).unwrap();
        assert_eq!(done.unfinished, 0);
        for store in [&site.store, &other, &site.again()] {
            assert_eq!((dump(store), news(store, ada, "ada"), found(store, "tea")), before, "round {round}");
            assert_eq!(store.reader().unwrap().stamp().log, round);
            let report = store.check(&mut |_| {}).unwrap();
            assert_eq!(report.problems, Vec::<String>::new());
        }
    }
}

#[test]
fn compactions_follow_each_other_where_nobody_reads_the_logs_of_before() {
    let (mut site, _, _) = filled();
    let before = dump(&site.store);
    let closed = site.again();
    std::mem::replace(&mut site.store, closed).close().unwrap();
    for round in 1..=4 {
        let store = site.again();
        let done = store.compact(NOW_US, no_links, &mut |_| {}).unwrap();
        assert!(done.log.is_old_removed, "round {round}");
        assert_eq!((store.reader().unwrap().stamp().log, dump(&store)), (round, before.clone()));
        store.close().unwrap();
    }
}

#[test]
fn what_was_seen_is_right_before_it_is_translated_and_by_readers_of_the_old_log() {
    let (site, ada, bob) = filled();
    let before = news(&site.store, ada, "ada");
    let old = site.store.reader().unwrap();
    let other = site.again();
    // As if the tool were killed behind the switch: nobody has told the database.
    let log = other.log().unwrap();
    log.compact(NOW_US, 0, || other.seen_positions(), &mut |_| {}).unwrap();
    assert_eq!(news(&other, ada, "ada"), before);
    assert_eq!(news(&site.store, ada, "ada"), before);
    // A request that began before, and notes what it saw only now.
    let seen = old.stamp();
    site.put(bob, "one more @ada");
    other.clear(ada, SeenKind::Feed, seen).unwrap();
    assert_eq!(news(&site.store, ada, "ada"), (1, before.1 + 1));
    let there = other.seen(ada, seen).unwrap();
    assert_eq!(there.feed, seen.visible, "in the words of the old log");
    drop(old);
    for _ in 0..2 {
        other.move_seen().unwrap();
        assert_eq!(news(&site.store, ada, "ada"), (1, before.1 + 1));
    }
    // The next compaction begins by finishing this one.
    other.compact(NOW_US, no_links, &mut |_| {}).unwrap();
    assert_eq!(news(&site.store, ada, "ada"), (1, before.1 + 1));
}

#[test]
fn deleted_words_are_in_no_file_and_live_ones_are_found() {
    let (site, _, bob) = filled();
    assert_eq!(found(&site.store, "word4x"), ["tea number 4 @ada #tea word4x"]);
    site.store.index_search(100).unwrap();
    let other = site.again();
    site.store.delete(NOW_US, bob, RecordNo(4)).unwrap();
    other.compact(NOW_US, no_links, &mut |_| {}).unwrap();
    for gone in ["word4x", "word3x", "number 0 "] {
        assert_eq!(files_with(site.store.dir(), gone.as_bytes()), Vec::<std::path::PathBuf>::new(), "{gone}");
    }
    assert!(!files_with(site.store.dir(), b"word7x").is_empty());
    // An author may read the earlier texts of what is there; the search knows the newest only.
    assert!(!files_with(site.store.dir(), b"number 1 ").is_empty());
    assert_eq!((found(&site.store, "word1x").len(), found(&site.store, "coffee").len()), (0, 1));
    assert_eq!(found(&site.store, "word7x").len(), 1);
}

#[test]
fn a_search_finds_as_much_at_the_switch_as_before_it() {
    let (site, _, _) = filled();
    let before = found(&site.store, "tea");
    assert_eq!(before.len(), 25);
    let other = site.again();
    // As if the tool were killed right behind the switch: what is found now was indexed before it.
    other.compact_log(NOW_US, 0, &mut |_| {}).unwrap();
    let reader = site.store.reader().unwrap();
    assert_eq!(reader.stamp().log, 1);
    let index = site.store.search_index().unwrap();
    assert!(index.fits(reader.snapshot()).unwrap().is_some());
    assert_eq!(index.check().unwrap(), (Vec::new(), 66));
    assert_eq!(found(&site.store, "tea"), before);
    other.compact(NOW_US, no_links, &mut |_| {}).unwrap();
    assert_eq!((found(&site.store, "tea"), crate::search::logs(site.store.dir()).unwrap()), (before, vec![2]));
}

#[test]
fn what_is_deleted_while_the_next_index_is_made_is_in_neither() {
    let (site, _, bob) = filled();
    let (other, before) = (site.again(), found(&site.store, "tea"));
    let copied = |snapshot: &blerg_log::Snapshot| {
        let index = other.begin_search_of(snapshot.stamp().log)?;
        crate::search::cover(&index, snapshot, &mut |_| {})?;
        site.store.delete(NOW_US, bob, RecordNo(4))?;
        // The index that is being made is not taken for one that was left.
        assert_eq!(crate::search::logs(site.store.dir())?, [0, 1]);
        Ok::<_, crate::Error>(())
    };
    let followers = blerg_log::Followers { noted: || other.seen_positions(), copied };
    other.log().unwrap().compact_followed(NOW_US, 0, followers, &mut |_| {}).unwrap();
    assert_eq!(found(&site.store, "word4x"), Vec::<String>::new());
    assert_eq!(found(&site.store, "tea").len(), before.len() - 1);
    // Nor is it afterwards, and the one of before goes with the next delete.
    site.store.delete(NOW_US, bob, RecordNo(5)).unwrap();
    assert_eq!(crate::search::logs(site.store.dir()).unwrap(), [1]);
    for gone in ["word4x", "word5x"] {
        assert_eq!(files_with(site.store.dir(), gone.as_bytes()), Vec::<std::path::PathBuf>::new(), "{gone}");
    }
}

#[test]
fn an_index_that_a_killed_compaction_left_goes_with_the_next_delete_or_compaction() {
    let (site, _, bob) = filled();
    let left = || {
        let index = site.store.begin_search_of(1).unwrap();
        crate::search::cover(&index, site.store.reader().unwrap().snapshot(), &mut |_| {}).unwrap();
        assert_eq!(crate::search::logs(site.store.dir()).unwrap(), [0, 1]);
    };
    site.store.index_search(100).unwrap();
    left();
    site.store.delete(NOW_US, bob, RecordNo(4)).unwrap();
    assert_eq!(crate::search::logs(site.store.dir()).unwrap(), [0]);
    left();
    site.store.compact(NOW_US, no_links, &mut |_| {}).unwrap();
    assert_eq!((crate::search::logs(site.store.dir()).unwrap(), found(&site.store, "tea").len()), (vec![1], 24));
}

#[test]
fn versions_and_cursors_of_before_lead_nobody_astray() {
    let (site, _, bob) = filled();
    let version = |store: &Store| {
        let reader = store.reader().unwrap();
        reader.version_of(&[ListKey::Timeline(bob)]).unwrap()
    };
    let before = version(&site.store);
    let later = NOW_US + 5_000_000;
    site.store.compact(later, no_links, &mut |_| {}).unwrap();
    let after = version(&site.store);
    assert_ne!(
        (before.changed, before.stamp.generation, before.stamp.epoch),
        (after.changed, after.stamp.generation, after.stamp.epoch)
    );
    assert_eq!(after.changed_us, later, "whoever asks by date alone asks again");
    let reader = site.store.reader().unwrap();
    let cursor = Cursor { author: "bob".into(), record: RecordNo(10), at: Some(Position(1 << 40)), log: 0 };
    assert_eq!(cursor.to_string(), format!("bob/10/{}", 1_u64 << 40));
    let page = reader.timeline(bob, Some(&cursor), 50).unwrap();
    assert_eq!(page.posts.first().map(|post| post.record), Some(RecordNo(8)), "as without its third part");
    let cursor = Cursor { log: 1, ..cursor };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    assert!("bob/1/2.".parse::<Cursor>().is_err() && "bob/1/.2".parse::<Cursor>().is_err());
}

#[test]
fn a_damaged_table_of_positions_that_nobody_needs_any_more_stops_no_compaction() {
    let (site, ada, _) = filled();
    let before = news(&site.store, ada, "ada");
    site.store.compact(NOW_US, no_links, &mut |_| {}).unwrap();
    std::fs::write(site.store.dir().join("log.1").join("moved"), b"not what was written").unwrap();
    site.store.compact(NOW_US, no_links, &mut |_| {}).unwrap();
    assert_eq!(news(&site.store, ada, "ada"), before);
}
