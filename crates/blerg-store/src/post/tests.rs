//! Writing: the limits of texts, what is refused, and that what was deleted is in no file.

use std::time::{Duration, Instant};

use super::*;
use crate::SearchQuery;
use crate::tests::{NOW_US, Site, files_with, put_text};

#[test]
fn texts_have_1_to_65535_bytes() {
    let site = Site::new();
    let ada = site.author("ada");
    let max = "é".repeat(TEXT_BYTES_MAX / 2) + "x";
    assert_eq!(site.store.put(NOW_US, ada, put_text(&max)).unwrap(), RecordNo(0));
    for wrong in [String::new(), max.clone() + "x"] {
        let bytes = wrong.len();
        let put = site.store.put(NOW_US, ada, put_text(&wrong));
        assert!(matches!(put, Err(Error::TextLength { bytes: found }) if found == bytes), "{put:?}");
        let edit = site.store.edit(NOW_US, ada, RecordNo(0), put_text(&wrong));
        assert!(matches!(edit, Err(Error::TextLength { .. })), "{edit:?}");
    }
    let reader = site.store.reader().unwrap();
    assert_eq!(reader.record_count(ada).unwrap(), 1);
    assert_eq!(reader.post(ada, RecordNo(0)).unwrap().unwrap().text, max);
}

#[test]
fn what_is_not_there_can_be_neither_answered_nor_edited_nor_deleted() {
    let site = Site::new();
    let ada = site.author("ada");
    site.put(ada, "one");
    site.put(ada, "two");
    site.store.delete(NOW_US, ada, RecordNo(0)).unwrap();
    for no in [0, 2] {
        let mut reply = put_text("re");
        reply.reply_to = Some((ada, RecordNo(no)));
        let results = [
            site.store.put(NOW_US, ada, reply).map(|_| ()),
            site.store.edit(NOW_US, ada, RecordNo(no), put_text("x")),
            site.store.delete(NOW_US, ada, RecordNo(no)),
        ];
        for result in results {
            assert!(matches!(result, Err(Error::NoSuchRecord { record }) if record == RecordNo(no)), "{result:?}");
        }
    }
    let nobody = AuthorId(7);
    assert!(matches!(site.store.put(NOW_US, nobody, put_text("x")), Err(Error::NoSuchAuthor)));
    assert!(matches!(site.store.follow(NOW_US, ada, nobody), Err(Error::NoSuchAuthor)));
    assert_eq!(site.put(ada, "three"), RecordNo(2), "numbers are never used again");
}

#[test]
fn a_deleted_text_is_gone_from_every_file() {
    let site = Site::new();
    let ada = site.author("ada");
    let secrets = ["zyxwvutsrq", "qrstuvwxyz"];
    for i in 0..40 {
        site.put(ada, &format!("plain text number {i}"));
    }
    let record = site.put(ada, secrets[0]);
    site.store.edit(NOW_US, ada, record, put_text(secrets[1])).unwrap();
    let query = SearchQuery { words: vec![secrets[1].to_owned()], ..SearchQuery::default() };
    assert_eq!(site.store.search(&query, None, 9).unwrap().posts.len(), 1);
    for secret in secrets {
        assert_ne!(files_with(site.store.dir(), secret.as_bytes()), Vec::<std::path::PathBuf>::new());
    }
    site.store.delete(NOW_US, ada, record).unwrap();
    // The log zeroes texts within a second or with the next commit.
    let deadline = Instant::now() + Duration::from_secs(20);
    for secret in secrets {
        while !files_with(site.store.dir(), secret.as_bytes()).is_empty() {
            assert!(Instant::now() < deadline, "{:?}", files_with(site.store.dir(), secret.as_bytes()));
            std::thread::yield_now();
        }
    }
    assert_eq!(site.store.search(&query, None, 9).unwrap().posts, []);
}

#[test]
fn an_edit_keeps_earlier_texts_date_and_place() {
    let site = Site::new();
    let ada = site.author("ada");
    site.put(ada, "first");
    site.put(ada, "second");
    site.store.edit(NOW_US + 7, ada, RecordNo(0), put_text("changed")).unwrap();
    let reader = site.store.reader().unwrap();
    let page = reader.last(ada, 9).unwrap();
    assert_eq!(page.posts.iter().map(|post| post.text.as_str()).collect::<Vec<_>>(), ["second", "changed"]);
    assert_eq!((page.posts[1].timestamp_us, page.posts[1].edited_us), (NOW_US, Some(NOW_US + 7)));
    let texts = reader.history(ada, RecordNo(0)).unwrap().all(&reader);
    assert_eq!(texts, [(NOW_US, "first".to_owned()), (NOW_US + 7, "changed".to_owned())]);
}

#[test]
fn who_closes_an_account_leaves_no_text_and_no_following() {
    let site = Site::new();
    for name in ["ada", "bob"] {
        let new = crate::NewAccount { name, password: b"secret", invite: None, remote: None };
        site.store.create_account(NOW_US, &new).unwrap();
    }
    let id = |name| site.store.reader().unwrap().author(name).unwrap().unwrap().id;
    let (ada, bob) = (id("ada"), id("bob"));
    site.store.follow(NOW_US, bob, ada).unwrap();
    let secret = "wxyzwxyzwxyz";
    for i in 0..700 {
        site.put(bob, &format!("{secret} {i}"));
    }
    let query = SearchQuery { words: vec![secret.to_owned()], ..SearchQuery::default() };
    assert_eq!(site.store.search(&query, None, 50).unwrap().posts.len(), 50);
    site.store.close_account(NOW_US, bob, b"secret", None).unwrap();
    assert_eq!(site.store.search(&query, None, 50).unwrap(), crate::Page::default());
    assert_eq!(site.store.reader().unwrap().followers_len(ada).unwrap(), 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !files_with(site.store.dir(), secret.as_bytes()).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", files_with(site.store.dir(), secret.as_bytes()));
        std::thread::yield_now();
    }
    assert_eq!(site.store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new());
}
