//! Search as a whole: scripts, filters, dates, indexes that are behind or of another log.

use blerg_log::Op;

use super::*;
use crate::tests::{NOW_US, Site, names, put_text, tags_of};

fn words(words: &[&str]) -> SearchQuery {
    SearchQuery { words: words.iter().map(|word| (*word).to_owned()).collect(), ..SearchQuery::default() }
}

/// The numbers of the records that a query finds.
fn found(store: &Store, query: &SearchQuery) -> Vec<u64> {
    let page = store.search(query, None, 100).unwrap();
    assert_eq!(page.next, None);
    page.posts.iter().map(|post| post.record.0).collect()
}

fn site_with(texts: &[&str]) -> (Site, AuthorId) {
    let site = Site::new();
    let ada = site.author("ada");
    for text in texts {
        site.put(ada, text);
    }
    (site, ada)
}

#[test]
fn words_are_found_in_every_script() {
    let (site, _) = site_with(&[
        "Ünïcode naïve café",
        "الكتاب على الطاولة",
        "我喜欢中文和日语",
        "東京タワーに行きました",
        "서울에서 만나요",
        "ภาษาไทยง่ายมาก",
        "Привет, мир!",
        "party 🎉 time 👍🏽",
        "हिन्दी में लिखो",
        "e\u{301}tude in Ｆｕｌｌ width",
    ]);
    #[track_caller]
    fn check(site: &Site, word: &str, want: &[u64]) {
        assert_eq!(found(&site.store, &words(&[word])), want, "{word:?}");
    }
    check(&site, "unicode", &[0]);
    check(&site, "CAFE", &[0]);
    check(&site, "كِتاب", &[]);
    check(&site, "الكِتَاب", &[1]);
    check(&site, "الطاوله", &[1]);
    check(&site, "中文", &[2]);
    check(&site, "文中", &[]);
    check(&site, "喜", &[2]);
    check(&site, "東京", &[3]);
    check(&site, "タワー", &[3]);
    check(&site, "서울", &[4]);
    check(&site, "ไทย", &[5]);
    check(&site, "МИР", &[6]);
    check(&site, "🎉", &[7]);
    check(&site, "👍", &[7]);
    check(&site, "हिन्दी", &[8]);
    check(&site, "étude", &[9]);
    check(&site, "full", &[9]);
}

#[test]
fn every_part_of_a_query_must_hold() {
    let (site, ada) =
        site_with(&["green tea and milk #tea", "milk and green tea @bob", "black tea #tea-time", "green grass"]);
    let bob = site.author("bob");
    site.put(bob, "green tea from bob");
    let _ = ada;
    let some = |change: &dyn Fn(&mut SearchQuery)| {
        let mut query = SearchQuery::default();
        change(&mut query);
        let page = site.store.search(&query, None, 100).unwrap();
        names(&page.posts)
    };
    let ada = |numbers: &[u64]| numbers.iter().map(|no| ("ada".to_owned(), *no)).collect::<Vec<_>>();
    assert_eq!(some(&|q| q.phrases = vec!["tea and milk".into()]), ada(&[0]));
    assert_eq!(some(&|q| q.tags = vec!["TEA".into()]), ada(&[0]));
    assert_eq!(some(&|q| q.tags = vec!["tea-time".into()]), ada(&[2]));
    assert_eq!(some(&|q| q.mentions = vec!["Bob".into()]), ada(&[1]));
    assert_eq!(some(&|q| q.from = Some("BOB".into())), [("bob".to_owned(), 0)]);
    assert_eq!(some(&|q| q.from = Some("nobody".into())), []);
    assert_eq!(
        some(&|q| {
            q.words = vec!["green".into()];
            q.exclude = vec!["tea".into()];
        }),
        ada(&[3])
    );
    assert_eq!(
        some(&|q| {
            q.words = vec!["tea".into()];
            q.exclude = vec!["and milk".into(), "black".into()];
            q.from = Some("ada".into());
        }),
        ada(&[1])
    );
    assert_eq!(some(&|q| q.exclude = vec!["tea".into()]), ada(&[3]));
    assert_eq!(some(&|q| q.words = vec!["?!".into()]), []);
}

#[test]
fn nothing_a_visitor_types_is_syntax() {
    let (site, _) = site_with(&["all meta body a0 y2026"]);
    for text in [
        "\"",
        "\"\"",
        "a0",
        "meta : a0",
        "body:x",
        "NEAR(a b)",
        "*",
        "a*",
        "^all",
        "(",
        "a OR",
        "{body}",
        "-",
        "'",
        ";--",
    ] {
        let query =
            SearchQuery { words: vec![text.to_owned()], phrases: vec![text.to_owned()], ..SearchQuery::default() };
        site.store.search(&query, None, 5).unwrap();
        let query = SearchQuery { exclude: vec![text.to_owned()], ..words(&["all"]) };
        site.store.search(&query, None, 5).unwrap();
    }
    assert_eq!(found(&site.store, &words(&["y1970"])), [0_u64; 0], "the words of the meta column are no text");
}

#[test]
fn dates_bound_a_search_to_the_microsecond() {
    let site = Site::new();
    let ada = site.author("ada");
    let day_us = 86_400_000_000;
    let dates = [NOW_US - 400 * day_us, NOW_US - 40 * day_us, NOW_US - day_us, NOW_US - 1];
    let put =
        |at_us: &u64| Op::Put { author: ada, text: "x".into(), tags: vec![], reply_to: None, at_us: Some(*at_us) };
    site.store.log().unwrap().commit(NOW_US, dates.iter().map(put).collect()).unwrap();
    #[track_caller]
    fn check(site: &Site, after_us: Option<u64>, before_us: Option<u64>, want: &[u64]) {
        let query = SearchQuery { after_us, before_us, ..SearchQuery::default() };
        assert_eq!(found(&site.store, &query), want, "{after_us:?} {before_us:?}");
    }
    check(&site, Some(NOW_US - day_us), None, &[3, 2]);
    check(&site, Some(NOW_US - day_us + 1), None, &[3]);
    check(&site, None, Some(NOW_US - 40 * day_us), &[0]);
    check(&site, None, Some(NOW_US - 40 * day_us + 1), &[1, 0]);
    check(&site, Some(NOW_US - 300 * day_us), Some(NOW_US - 2 * day_us), &[1]);
    check(&site, Some(NOW_US), Some(NOW_US), &[]);
}

#[test]
fn neither_deleted_nor_edited_away_text_is_found_even_by_an_index_that_is_behind() {
    let (site, ada) = site_with(&["old words stay", "secret words", "third words"]);
    assert_eq!(found(&site.store, &words(&["words"])), [2, 1, 0]);
    // Behind the index's back, as another process does it.
    let log = site.store.log().unwrap();
    let index = site.store.search_index().unwrap();
    log.commit(NOW_US, vec![Op::Delete { author: ada, record: RecordNo(1) }]).unwrap();
    let edit = Op::Edit { author: ada, record: RecordNo(0), text: "new".into(), tags: vec![], at_us: None };
    log.commit(NOW_US, vec![edit]).unwrap();
    let reader = site.store.reader().unwrap();
    let query = words(&["words"]);
    let wanted = Wanted { expression: "\"words\"".into(), below: reader.stamp().visible, n: 9 };
    let page = hits_page(&index, &reader, &query, &wanted).unwrap().unwrap();
    assert_eq!(names(&page.posts), [("ada".to_owned(), 2)]);
    assert_eq!(found(&site.store, &words(&["words"])), [2]);
    assert_eq!(found(&site.store, &words(&["new"])), [0]);
}

#[test]
fn an_index_catches_up_in_bounded_batches() {
    let site = Site::new();
    let ada = site.author("ada");
    for _ in 0..5 {
        let put = |_| Op::Put { author: ada, text: "again".into(), tags: vec![], reply_to: None, at_us: None };
        site.store.log().unwrap().commit(NOW_US, (0..1_000).map(put).collect()).unwrap();
    }
    let first = site.store.index_search(1).unwrap();
    assert!(!first.is_complete());
    let second = site.store.index_search(1).unwrap();
    assert!(second.next > first.next && !second.is_complete());
    assert!(site.store.index_search(100).unwrap().is_complete());
    let posts = crate::tests::all_pages(77, |before| site.store.search(&words(&["again"]), before, 77).unwrap());
    assert_eq!(posts.iter().map(|post| post.record.0).collect::<Vec<u64>>(), (0..5_000).rev().collect::<Vec<u64>>());
}

#[test]
fn an_index_of_another_log_is_begun_anew() {
    let (old, _) = site_with(&["apples here", "pears here"]);
    assert_eq!(found(&old.store, &words(&["apples"])), [0]);
    old.store.search_index().unwrap();
    let (new, _) = site_with(&["pears first", "then apples"]);
    new.store.log().unwrap();
    // A file manager's restore: the other site's index lies beside our log.
    for name in ["search.db", "search.db-wal"] {
        let from = old.store.dir().join(name);
        if from.exists() {
            std::fs::copy(from, new.store.dir().join(name)).unwrap();
        }
    }
    assert_eq!(found(&new.store, &words(&["apples"])), [1]);
    assert_eq!(found(&new.store, &words(&["here"])), [0_u64; 0]);
}

#[test]
fn an_index_of_the_same_site_before_a_restore_is_begun_anew() {
    let (old, ada) = site_with(&["one gone", "apples two", "three"]);
    old.store.delete(NOW_US, ada, RecordNo(0)).unwrap();
    assert_eq!(found(&old.store, &words(&["apples"])), [1]);
    let mut dump = Vec::new();
    old.store.dump(&mut dump, &mut |_| {}).unwrap();
    let new = Site::new();
    new.store.restore(NOW_US + 5, &mut dump.as_slice(), &mut |_| {}).unwrap();
    assert_eq!(new.store.site_id().unwrap(), old.store.site_id().unwrap());
    for name in ["search.db", "search.db-wal", "search.db-shm"] {
        let _ = std::fs::remove_file(new.store.dir().join(name));
        let from = old.store.dir().join(name);
        if from.exists() && !name.ends_with("shm") {
            std::fs::copy(from, new.store.dir().join(name)).unwrap();
        }
    }
    let ada = new.store.reader().unwrap().author("ada").unwrap().unwrap().id;
    new.store.put(NOW_US + 9, ada, put_text("more apples")).unwrap();
    assert_eq!(found(&new.store, &words(&["apples"])), [3, 1]);
}

#[test]
fn searches_from_many_threads_and_stores_agree_while_records_come() {
    let site = Site::new();
    let ada = site.author("ada");
    let other = site.again();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..300 {
                site.store.put(NOW_US, ada, put_text(&format!("word n{i}"))).unwrap();
            }
        });
        scope.spawn(|| {
            for _ in 0..3 {
                assert_eq!(other.check(&mut |_| {}).unwrap().problems, Vec::<String>::new());
            }
        });
        for store in [&site.store, &other, &other] {
            scope.spawn(move || {
                for _ in 0..20 {
                    let before = store.reader().unwrap().record_count(ada).unwrap();
                    let posts = crate::tests::all_pages(100, |b| store.search(&words(&["word"]), b, 100).unwrap());
                    assert!(posts.len() as u64 >= before, "{} of {before}", posts.len());
                }
            });
        }
    });
    let tags = tags_of("none");
    assert_eq!(tags, []);
    assert_eq!(site.store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_query_of_too_many_terms_is_refused() {
    let (site, _) = site_with(&["x"]);
    let many = |count: usize| SearchQuery { words: vec!["x".to_owned(); count], ..SearchQuery::default() };
    assert_eq!(found(&site.store, &many(expr::TERMS_MAX)), [0]);
    assert!(site.store.search(&many(expr::TERMS_MAX + 1), None, 5).is_err());
}
