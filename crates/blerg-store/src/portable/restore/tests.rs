//! A restored site equals the dumped one; a hostile dump leaves nothing.

use super::*;
use crate::tests::model::Model;
use crate::tests::{NOW_US, Random, Site};
use crate::{NewAccount, Seen};

fn dump(store: &Store) -> String {
    let mut out = Vec::new();
    store.dump(&mut out, &mut |_| {}).unwrap();
    String::from_utf8(out).unwrap()
}

fn restore(site: &Site, dump: &str) -> Result<Restored, Error> {
    site.store.restore(NOW_US + 1_000_000_000, &mut dump.as_bytes(), &mut |_| {})
}

#[test]
fn a_restored_site_gives_equal_answers_and_an_equal_dump() {
    let mut random = Random(11);
    let site = Site::new();
    let mut model = Model::default();
    for name in ["Ada", "grace", "o'brien", "mei"] {
        model.add_author(&site, name);
    }
    for _ in 0..1_500 {
        model.step(&site.store, &mut random);
    }
    let author = AuthorId(2);
    site.store.log().unwrap().commit(NOW_US + 9_000_000, vec![Op::CloseAuthor { author }]).unwrap();
    model.authors[2].is_gone = true;
    let first = dump(&site.store);
    let other = Site::new();
    let restored = restore(&other, &first).unwrap();
    assert_eq!((restored.authors, restored.records), (4, model.live().len() as u64));
    assert_eq!(other.store.site_id().unwrap(), site.store.site_id().unwrap());
    model.compare(&other.store, &mut random);
    assert_eq!(dump(&other.store), first);
    assert_eq!(other.store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new());
    // Nothing of a record that was deleted, and no file of the work, is left.
    assert!(!other.store.dir().join(PARTIAL_DIR).exists());
}

#[test]
fn accounts_come_with_hashes_roles_and_what_was_seen() {
    let site = Site::new();
    for name in ["ada", "bob", "eve"] {
        site.store
            .create_account(NOW_US, &NewAccount { name, password: b"secret", invite: None, remote: None })
            .unwrap();
    }
    site.store.set_role("ada", Role::Admin).unwrap();
    site.store.disable_account("bob").unwrap();
    let ada = site.store.reader().unwrap().author("ada").unwrap().unwrap().id;
    let bob = site.store.reader().unwrap().author("bob").unwrap().unwrap().id;
    site.store.follow(NOW_US, ada, bob).unwrap();
    let mut counts = Vec::new();
    for i in 0..6 {
        let record = site.put(bob, &format!("{i} @ada"));
        if i == 1 {
            site.store.delete(NOW_US, bob, record).unwrap();
        }
        let end = site.store.reader().unwrap().stamp();
        match i {
            2 => site.store.clear(ada, SeenKind::Feed, end).unwrap(),
            4 => site.store.clear(ada, SeenKind::Mentioned, end).unwrap(),
            _ => {}
        }
    }
    let news = |store: &Store| {
        let reader = store.reader().unwrap();
        let Seen { feed, mentioned } = store.seen(ada, reader.stamp()).unwrap();
        (reader.feed_new(ada, feed).unwrap(), reader.mentions_new("ada", mentioned).unwrap())
    };
    counts.push(news(&site.store));
    let text = dump(&site.store);
    let other = Site::new();
    assert_eq!(restore(&other, &text).unwrap().accounts, 3);
    counts.push(news(&other.store));
    assert_eq!(counts, [(3, 1), (3, 1)]);
    let rows = |store: &Store| store.accounts(None).unwrap();
    assert_eq!(rows(&other.store), rows(&site.store));
    assert!(other.store.login(NOW_US, "Ada", b"secret", &crate::ClientInfo::default()).is_ok());
    assert!(matches!(other.store.login(NOW_US, "bob", b"secret", &crate::ClientInfo::default()), Err(Error::Disabled)));
    assert_eq!(dump(&other.store), text);
}

#[test]
fn who_leaves_while_a_dump_is_made_has_left_in_the_restored_site() {
    let site = Site::new();
    for name in ["ada", "bob", "cy"] {
        let account = NewAccount { name, password: b"secret", invite: None, remote: None };
        site.store.create_account(NOW_US, &account).unwrap();
    }
    let id = |store: &Store, name: &str| store.reader().unwrap().author(name).unwrap().map(|author| author.id);
    let [ada, bob, cy] = ["ada", "bob", "cy"].map(|name| id(&site.store, name).unwrap());
    for (author, target) in [(ada, cy), (bob, ada), (bob, cy), (cy, bob)] {
        site.store.follow(NOW_US, author, target).unwrap();
    }
    site.put(bob, "secret of bob's");
    // Killed, or met by the dump, right after the row: the log knows nothing yet.
    for name in ["bob", "cy"] {
        let find = |connection: &_| crate::account::find(connection, name);
        let row = site.store.db().unwrap().read("find", find).unwrap().unwrap();
        site.store.begin_closing_for_test(row.id);
    }
    let text = dump(&site.store);
    assert!(!text.contains("secret of") && text.matches("\"op\":\"close\"").count() == 2, "{text}");
    let other = Site::new();
    restore(&other, &text).unwrap();
    let Site { store, .. } = &other;
    assert_eq!((id(store, "bob"), id(store, "cy"), id(store, "ada")), (None, None, Some(ada)));
    let reader = store.reader().unwrap();
    assert_eq!((reader.followers_len(ada).unwrap(), reader.following_len(ada).unwrap()), (0, 0));
    assert_eq!(dump(store), text);
    // Both sites end in the same state.
    assert_eq!(site.store.finish_closings(NOW_US + 1).unwrap(), crate::Closings::Done);
    assert_eq!(store.finish_closings(NOW_US + 1).unwrap(), crate::Closings::Done);
    assert_eq!(store.accounts(None).unwrap(), site.store.accounts(None).unwrap());
}

/// A dump of a few lines, numbers filled in.
fn small(lines: &[&str]) -> String {
    let mut all = vec![r#"{"op":"dump","version":1,"site":"00112233445566778899aabbccddeeff"}"#.to_owned()];
    all.extend(lines.iter().map(|line| (*line).to_owned()));
    all.push(format!(r#"{{"op":"end","lines":{}}}"#, all.len()));
    all.join("\n") + "\n"
}

const ADA: &str = r#"{"op":"author","name":"ada","at_us":1}"#;
const PUT: &str = r#"{"op":"put","author":"ada","record":0,"at_us":5,"text":"x"}"#;

#[test]
fn a_hostile_dump_is_refused_by_line_and_leaves_nothing() {
    #[track_caller]
    fn check(dump: &str, line: u64, want: &str) {
        let site = Site::new();
        match restore(&site, dump) {
            Err(Error::Line { line: found, problem }) => {
                assert_eq!((found, problem.contains(want)), (line, true), "{problem:?}, want {want:?}: {dump}");
            }
            other => panic!("{other:?}: {dump}"),
        }
        assert_eq!(std::fs::read_dir(site.store.dir()).unwrap().count(), 0, "{dump}");
        // The same directory takes a good one afterwards.
        assert_eq!(restore(&site, &small(&[ADA, PUT])).unwrap().records, 1);
    }
    let long = "x".repeat(65_536);
    check("", 0, "first line");
    check("hello\n", 1, "no JSON");
    check(&small(&[ADA]).replace("\"version\":1", "\"version\":2"), 1, "version 2, want 1");
    check(&small(&[ADA, PUT]).replace("{\"op\":\"end\",\"lines\":3}\n", ""), 3, "cut off");
    check(&small(&[ADA, PUT]).replace(PUT, ""), 3, "no JSON");
    check(&small(&[ADA, PUT]).replace("\"lines\":3", "\"lines\":4"), 4, "3 lines came before");
    check(&small(&[ADA, ADA]), 3, "comes twice");
    check(&small(&[ADA, &ADA.replace("ada", "ADA")]), 3, "comes twice");
    check(&small(&[&ADA.replace("ada", "no/good")]), 2, "user name");
    check(&small(&[PUT]), 2, "did not come before");
    check(&small(&[ADA, &PUT.replace("\"record\":0", "\"record\":1")]), 3, "want 0");
    check(&small(&[ADA, &PUT.replace("\"x\"", "\"\"")]), 3, "empty or longer");
    check(&small(&[ADA, &PUT.replace("\"x\"", &format!("\"{long}\""))]), 3, "empty or longer");
    check(&small(&[ADA, &PUT.replace("\"x\"", "\"x\",\"tags\":[[9,4]]")]), 3, "tags");
    check(&small(&[ADA, &PUT.replace("\"x\"", "\"x\",\"reply_to\":[\"ada\",0]")]), 3, "no such record");
    check(
        &small(&[ADA, PUT, &PUT.replace("put", "edit").replace("\"record\":0", "\"record\":1")]),
        4,
        "did not come before",
    );
    check(
        &small(&[ADA, r#"{"op":"hole","author":"ada","record":0}"#, &PUT.replace("put", "edit")]),
        4,
        "no such record",
    );
    check(&small(&[ADA, r#"{"op":"unfollow","author":"ada","target":"ada"}"#]), 3, "changes nothing");
    check(&small(&[ADA, r#"{"op":"close","author":"ada"}"#, PUT]), 4, "has left");
    check(&small(&[r#"{"op":"account","name":"ada","role":"member","created_us":1}"#]), 2, "did not come before");
    check(&small(&[ADA, r#"{"op":"account","name":"ada","role":"king","created_us":1}"#]), 3, "member or admin");
    check(
        &small(&[ADA, r#"{"op":"account","name":"ada","role":"member","created_us":1,"password":"md5"}"#]),
        3,
        "hash",
    );
    check(
        &small(&[ADA, r#"{"op":"account","name":"ada","role":"member","created_us":1}"#, PUT]),
        4,
        "after the accounts",
    );
    check(&small(&[ADA, r#"{"op":"dump","version":1,"site":"00112233445566778899aabbccddeeff"}"#]), 3, "middle");
    check(
        &format!("{}{}", small(&[ADA]), "x".repeat(8 * 1024 * 1024)).replace("{\"op\":\"end\",\"lines\":2}\n", ""),
        3,
        "longer than",
    );
    check("\u{FEFF}{\"op\":\"end\",\"lines\":0}\n", 1, "first line");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let site = Site::new();
    let mut dump = small(&[ADA, PUT]).into_bytes();
    let at = dump.windows(3).position(|window| window == b"\"x\"").unwrap();
    dump[at + 1] = 0xFF;
    let refused = site.store.restore(NOW_US, &mut dump.as_slice(), &mut |_| {});
    assert!(matches!(&refused, Err(Error::Line { line: 3, problem }) if problem.contains("UTF-8")), "{refused:?}");
}

#[test]
fn a_dump_goes_into_an_empty_directory_only() {
    let site = Site::new();
    let ada = site.author("ada");
    site.put(ada, "mine");
    let refused = restore(&site, &small(&[ADA]));
    assert!(matches!(refused, Err(Error::NotEmpty { .. })), "{refused:?}");
    assert_eq!(site.store.reader().unwrap().record_count(ada).unwrap(), 1);
    // What a killed restore left is swept away.
    let fresh = Site::new();
    std::fs::create_dir_all(fresh.store.dir().join(PARTIAL_DIR).join("log")).unwrap();
    std::fs::write(fresh.store.dir().join(PARTIAL_DIR).join("FORMAT"), "half").unwrap();
    assert_eq!(restore(&fresh, &small(&[ADA, PUT])).unwrap().records, 1);
}

#[test]
fn who_writes_faster_than_words_are_indexed_is_not_waited_for() {
    let site = Site::new();
    let ada = site.author("ada");
    site.put(ada, "first #a");
    let log = site.store.log().unwrap();
    let put = Op::Put { author: ada, text: "more".into(), tags: Vec::new(), reply_to: None, at_us: None };
    // More than is indexed at once.
    let write = || (0..3).for_each(|_| drop(log.commit(NOW_US, vec![put.clone(); 1_000]).unwrap()));
    write();
    let mut calls = 0;
    let on_progress = &mut |_| {
        calls += 1;
        assert!(calls < 4, "what comes meanwhile is waited for");
        write();
    };
    index(&site.store, on_progress).unwrap();
    assert_eq!(calls, 2);
}
