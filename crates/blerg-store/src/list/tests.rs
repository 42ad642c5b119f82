//! Paging: cursors, dead elements, ranges, tags that meet, and what a version depends on.

use blerg_log::Op;

use super::*;
use crate::tests::{NOW_US, Site, all_pages, names, put_text, tags_of};

/// Commits many operations at once.
fn commit(site: &Site, ops: Vec<Op>) {
    for outcome in site.store.log().unwrap().commit(NOW_US, ops).unwrap() {
        outcome.unwrap();
    }
}

fn put(author: AuthorId, text: &str) -> Op {
    Op::Put { author, text: text.to_owned(), tags: tags_of(text), reply_to: None, at_us: None }
}

fn key(text: &str) -> TagKey {
    text.parse().unwrap()
}

#[test]
fn cursors_are_author_record_and_seldom_a_place() {
    #[track_caller]
    fn check(text: &str, want: Option<(&str, u64, Option<u64>)>) {
        let found: Result<Cursor, CursorError> = text.parse();
        let found = found.ok();
        let got = found.as_ref().map(|c| (c.author.as_str(), c.record.0, c.at.map(|at| at.0)));
        assert_eq!(got, want, "{text:?}");
        if let Some(cursor) = found {
            assert_eq!(cursor.to_string(), text);
        }
    }
    check("ada/0", Some(("ada", 0, None)));
    check("o'brien x/18446744073709551615", Some(("o'brien x", u64::MAX, None)));
    check("ada/7/96", Some(("ada", 7, Some(96))));
    for wrong in
        ["", "/", "ada", "ada/", "/3", "ada/x", "ada/-1", "ada/+1", "ada/1/", "ada/1/2/3", "ada/18446744073709551616"]
    {
        check(wrong, None);
    }
}

#[test]
fn tag_keys_are_what_the_tag_alphabet_allows() {
    #[track_caller]
    fn check(text: &str, want: Option<TagKey>) {
        assert_eq!(text.parse().ok(), want, "{text:?}");
    }
    let long = "x".repeat(64);
    check("Hfoo", Some(TagKey::Tag("foo".into())));
    check("#a-b_C", Some(TagKey::Tag("a-b_C".into())));
    check("@ada", Some(TagKey::Mention("ada".into())));
    check(&format!("#{long}"), Some(TagKey::Tag(long.clone())));
    for wrong in ["", "#", "foo", "#a b", "#é", "@a.b", &format!("#{long}x")] {
        check(wrong, None);
    }
}

#[test]
fn the_last_page_has_no_cursor_and_the_others_do() {
    let site = Site::new();
    let ada = site.author("ada");
    commit(&site, (0..100).map(|i| put(ada, &format!("text {i} #t"))).collect());
    let reader = site.store.reader().unwrap();
    let first = reader.last(ada, 50).unwrap();
    assert_eq!(first.next.as_ref().map(ToString::to_string).as_deref(), Some("ada/50"));
    let second = reader.timeline(ada, first.next.as_ref(), 50).unwrap();
    assert_eq!((second.posts.len(), second.next), (50, None));
    assert_eq!(reader.last(ada, 100).unwrap().next, None);
    assert_eq!(reader.last(ada, 99).unwrap().next.map(|c| c.record.0), Some(1));
}

#[test]
fn cursors_go_on_below_records_that_are_gone() {
    let site = Site::new();
    let ada = site.author("ada");
    commit(&site, (0..30).map(|i| put(ada, &format!("text {i} #t"))).collect());
    let first = site.store.reader().unwrap().tag_page(&[key("#t")], None, 10).unwrap();
    site.store.delete(NOW_US, ada, RecordNo(20)).unwrap();
    let reader = site.store.reader().unwrap();
    for page in [
        reader.tag_page(&[key("#t")], first.next.as_ref(), 10).unwrap(),
        reader.latest(first.next.as_ref(), 10).unwrap(),
        reader.timeline(ada, first.next.as_ref(), 10).unwrap(),
    ] {
        assert_eq!(page.posts.first().map(|post| post.record.0), Some(19));
    }
}

#[test]
fn a_cursor_that_names_nothing_is_refused() {
    let site = Site::new();
    let ada = site.author("ada");
    commit(&site, vec![put(ada, "#t one")]);
    let reader = site.store.reader().unwrap();
    let nobody: Cursor = "bob/0".parse().unwrap();
    let nothing: Cursor = "ada/1".parse().unwrap();
    assert!(matches!(reader.latest(Some(&nobody), 5), Err(Error::NoSuchAuthor)));
    assert!(matches!(reader.latest(Some(&nothing), 5), Err(Error::NoSuchRecord { record: RecordNo(1) })));
    assert!(matches!(reader.tag_page(&[key("#t")], Some(&nothing), 5), Err(Error::NoSuchRecord { .. })));
    assert!(matches!(reader.feed(ada, Some(&nobody), 5), Err(Error::NoSuchAuthor)));
}

#[test]
fn dead_elements_end_a_page_early_and_never_a_list() {
    let site = Site::new();
    let (ada, eve) = (site.author("ada"), site.author("eve"));
    let count = 2 * DEAD_MAX + 500;
    commit(&site, vec![put(ada, "old #t #u"), put(ada, "older #t #u")]);
    commit(&site, (0..count).map(|i| put(eve, &format!("{i} #t #u"))).collect());
    commit(&site, (0..count).map(|no| Op::Delete { author: eve, record: RecordNo(no) }).collect());
    site.store.follow(NOW_US, ada, eve).unwrap();
    site.store.follow(NOW_US, ada, ada).unwrap();
    let reader = site.store.reader().unwrap();
    let want = vec![("ada".to_owned(), 1), ("ada".to_owned(), 0)];
    let first = reader.latest(None, 50).unwrap();
    assert_eq!((first.posts.len(), first.next.is_some()), (0, true));
    let mut pages = 0;
    let mut check = |page: &dyn Fn(Option<&Cursor>) -> Page| {
        pages = 0;
        let posts = all_pages(50, |before| {
            pages += 1;
            page(before)
        });
        assert_eq!(names(&posts), want);
        assert_eq!(pages, 3, "each page steps over {DEAD_MAX} dead ones");
    };
    check(&|before| reader.latest(before, 50).unwrap());
    check(&|before| reader.tag_page(&[key("#t")], before, 50).unwrap());
    check(&|before| reader.tag_page(&[key("#t"), key("#u")], before, 50).unwrap());
    check(&|before| reader.feed(ada, before, 50).unwrap());
    assert_eq!(all_pages(50, |before| reader.timeline(eve, before, 50).unwrap()), []);
}

#[test]
fn a_record_edited_without_end_does_not_hold_up_its_tag() {
    let site = Site::new();
    let ada = site.author("ada");
    commit(&site, vec![put(ada, "old #t"), put(ada, "much edited #t")]);
    let edit = |i: u64| {
        let text = format!("edit {i} #t");
        Op::Edit { author: ada, record: RecordNo(1), tags: tags_of(&text), text, at_us: None }
    };
    commit(&site, (0..2 * DEAD_MAX + 500).map(edit).collect());
    let reader = site.store.reader().unwrap();
    let posts = all_pages(1, |before| reader.tag_page(&[key("#t")], before, 1).unwrap());
    assert_eq!(names(&posts), vec![("ada".to_owned(), 1), ("ada".to_owned(), 0)]);
}

#[test]
fn tags_that_hardly_meet_give_a_cursor_and_then_all_they_share() {
    let site = Site::new();
    let ada = site.author("ada");
    commit(&site, vec![put(ada, "both #a #b first")]);
    for _ in 0..12 {
        let texts = (0..10_000).map(|i| put(ada, if i % 2 == 0 { "#a" } else { "#b" }));
        commit(&site, texts.collect());
    }
    commit(&site, vec![put(ada, "both #a #b last")]);
    let reader = site.store.reader().unwrap();
    let keys = [key("#a"), key("#b")];
    let mut pages = 0;
    let posts = all_pages(50, |before| {
        pages += 1;
        reader.tag_page(&keys, before, 50).unwrap()
    });
    assert_eq!(posts.iter().map(|post| post.record.0).collect::<Vec<u64>>(), [120_001, 0]);
    assert_eq!(pages, 2, "120,000 jumps are more than one request makes");
}

#[test]
fn one_to_eight_tags_can_be_asked_for() {
    let site = Site::new();
    let ada = site.author("ada");
    commit(&site, vec![put(ada, "#a #b #c #d #e #f #g @h #i"), put(ada, "#a #b")]);
    let reader = site.store.reader().unwrap();
    let all: Vec<TagKey> = ["#a", "#b", "#c", "#d", "#e", "#f", "#g", "@h", "#i"].map(key).into();
    assert_eq!(reader.tag_page(&all[..8], None, 5).unwrap().posts.len(), 1);
    assert_eq!(reader.tag_page(&[key("#a"), key("#A")], None, 5).unwrap().posts.len(), 2);
    assert_eq!(reader.tag_page(&[key("#a"), key("#zzz")], None, 5).unwrap(), Page::default());
    assert!(matches!(reader.tag_page(&all, None, 5), Err(Error::TagCount { found: 9 })));
    assert!(matches!(reader.tag_page(&[], None, 5), Err(Error::TagCount { found: 0 })));
}

#[test]
fn ranges_are_inclusive_cut_at_the_end_and_bounded() {
    let site = Site::new();
    let ada = site.author("ada");
    commit(&site, (0..10).map(|i| put(ada, &format!("{i} #t"))).collect());
    site.store.delete(NOW_US, ada, RecordNo(3)).unwrap();
    let reader = site.store.reader().unwrap();
    #[track_caller]
    fn check(found: Option<Vec<Post>>, want: Option<&[u64]>) {
        let found = found.map(|posts| posts.iter().map(|post| post.record.0).collect::<Vec<u64>>());
        assert_eq!(found.as_deref(), want);
    }
    check(reader.range(ada, 2..=4).unwrap(), Some(&[4, 2]));
    check(reader.range(ada, 8..=99).unwrap(), Some(&[9, 8]));
    check(reader.range(ada, 9..=9).unwrap(), Some(&[9]));
    check(reader.range(ada, 10..=12).unwrap(), None);
    check(reader.tag_range(&key("#T"), 0..=2).unwrap(), Some(&[2, 1, 0]));
    check(reader.tag_range(&key("#t"), 3..=3).unwrap(), Some(&[]));
    check(reader.tag_range(&key("#none"), 0..=9).unwrap(), None);
    let max = PAGE_MAX as u64;
    assert!(reader.range(ada, 0..=max - 1).is_ok());
    assert!(matches!(reader.range(ada, 0..=max), Err(Error::Range)));
    #[expect(clippy::reversed_empty_ranges, reason = "what a visitor may ask for")]
    let backwards = reader.range(ada, 4..=3);
    assert!(matches!(backwards, Err(Error::Range)));
}

#[test]
fn latest_tags_are_those_used_last_with_their_counts() {
    let site = Site::new();
    let ada = site.author("ada");
    for text in ["#one #two", "#three @ada", "#TWO", "nothing", "#four gone"] {
        site.put(ada, text);
    }
    site.store.delete(NOW_US, ada, RecordNo(4)).unwrap();
    let reader = site.store.reader().unwrap();
    let found = |n| -> Vec<(String, u64)> {
        reader.latest_tags(n).unwrap().into_iter().map(|tag| (tag.name, tag.count)).collect()
    };
    let want = [("TWO", 2), ("three", 1), ("one", 1)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(found(50), want);
    assert_eq!(found(2), want[..2]);
}

#[test]
fn a_version_changes_with_every_put_edit_and_delete() {
    let site = Site::new();
    let ada = site.author("ada");
    let mut seen = Vec::new();
    let mut note = || {
        let reader = site.store.reader().unwrap();
        let version = reader.version_of(&[ListKey::Timeline(ada), ListKey::Tag("t")]).unwrap();
        assert!(!seen.contains(&(version.len, version.changed)), "{version:?}");
        seen.push((version.len, version.changed));
        version
    };
    assert_eq!(note().changed_us, 0);
    site.put(ada, "one #t");
    assert_eq!(note().changed_us, NOW_US);
    site.store.edit(NOW_US + 5, ada, RecordNo(0), put_text("two #t")).unwrap();
    assert_eq!(note().changed_us, NOW_US + 5);
    site.store.delete(NOW_US + 9, ada, RecordNo(0)).unwrap();
    assert_eq!(note().changed_us, NOW_US + 9);
}

#[test]
fn who_left_is_in_no_answer() {
    let site = Site::new();
    let (ada, bob) = (site.author("ada"), site.author("bob"));
    site.put(bob, "from bob #t");
    let mut reply = put_text("re @bob #t");
    reply.reply_to = Some((bob, RecordNo(0)));
    site.store.put(NOW_US, ada, reply).unwrap();
    site.store.follow(NOW_US, ada, bob).unwrap();
    commit(&site, vec![Op::CloseAuthor { author: bob }]);
    let reader = site.store.reader().unwrap();
    assert_eq!(reader.author("BOB").unwrap(), None);
    assert_eq!(reader.author_by_id(bob).unwrap(), None);
    assert_eq!(names(&reader.latest(None, 9).unwrap().posts), [("ada".to_owned(), 0)]);
    assert_eq!(reader.latest(None, 9).unwrap().posts[0].reply_to, None);
    assert_eq!(reader.tag_page(&[key("#t")], None, 9).unwrap().posts.len(), 1);
    assert_eq!(reader.feed(ada, None, 9).unwrap().posts, []);
    assert_eq!(reader.following(ada).unwrap(), []);
    assert!(reader.thread(bob, RecordNo(0), None, 9).is_err());
}
