//! Feeds and counts: what is new since when, and the limits of both.

use blerg_log::Op;

use super::*;
use crate::tests::{NOW_US, Site};

fn end(site: &Site) -> Position {
    site.store.reader().unwrap().stamp().visible
}

#[test]
fn new_things_are_counted_since_they_were_seen_and_followed() {
    let site = Site::new();
    let (ada, bob) = (site.author("ada"), site.author("bob"));
    site.put(bob, "before ada followed @ada");
    site.store.follow(NOW_US, ada, bob).unwrap();
    let new = |feed, mentioned| {
        let reader = site.store.reader().unwrap();
        (reader.feed_new(ada, feed).unwrap(), reader.mentions_new("Ada", mentioned).unwrap())
    };
    assert_eq!(new(Position(0), Position(0)), (0, 1));
    site.put(bob, "one");
    let seen = end(&site);
    site.put(bob, "two @ada");
    site.put(ada, "my own");
    assert_eq!(new(Position(0), Position(0)), (2, 2));
    assert_eq!(new(seen, seen), (1, 1));
    site.store.delete(NOW_US, bob, blerg_log::RecordNo(2)).unwrap();
    assert_eq!(new(seen, seen), (0, 0));
    site.store.unfollow(NOW_US, ada, bob).unwrap();
    assert_eq!(new(Position(0), end(&site)), (0, 0));
}

#[test]
fn counts_of_new_things_stop_at_a_thousand() {
    let site = Site::new();
    let (ada, bob) = (site.author("ada"), site.author("bob"));
    site.store.follow(NOW_US, ada, bob).unwrap();
    for _ in 0..3 {
        let puts = (0..500).map(|_| Op::Put {
            author: bob,
            text: "@ada".to_owned(),
            tags: crate::tests::tags_of("@ada"),
            reply_to: None,
            at_us: None,
        });
        site.store.log().unwrap().commit(NOW_US, puts.collect()).unwrap();
        let reader = site.store.reader().unwrap();
        let want = reader.record_count(bob).unwrap().min(NEW_MAX);
        assert_eq!(reader.feed_new(ada, Position(0)).unwrap(), want);
        assert_eq!(reader.mentions_new("ada", Position(0)).unwrap(), want);
    }
}

#[test]
fn followers_are_counted_as_they_come_and_go() {
    let site = Site::new();
    let (ada, bob, eve) = (site.author("ada"), site.author("bob"), site.author("eve"));
    let count = || {
        let reader = site.store.reader().unwrap();
        (reader.followers_len(ada).unwrap(), reader.following_len(bob).unwrap(), reader.follows(bob, ada).unwrap())
    };
    assert_eq!(count(), (0, 0, false));
    site.store.follow(NOW_US, bob, ada).unwrap();
    site.store.follow(NOW_US, bob, ada).unwrap();
    site.store.follow(NOW_US, eve, ada).unwrap();
    assert_eq!(count(), (2, 1, true));
    site.store.unfollow(NOW_US, bob, ada).unwrap();
    site.store.unfollow(NOW_US, bob, ada).unwrap();
    assert_eq!(count(), (1, 0, false));
    site.store.follow(NOW_US, bob, ada).unwrap();
    assert_eq!(count(), (2, 1, true));
}

#[test]
fn a_feed_of_five_thousand_is_whole_and_one_more_is_refused() {
    let site = Site::new();
    let ada = site.author("ada");
    let log = site.store.log().unwrap();
    let most = u32::try_from(Op::FOLLOWS_MAX).unwrap();
    let names = (0..=most).map(|i| Op::AddAuthor { name: format!("user{i}"), at_us: None });
    log.commit(NOW_US, names.collect()).unwrap();
    let put = |author| Op::Put { author, text: "hello".to_owned(), tags: Vec::new(), reply_to: None, at_us: None };
    let others: Vec<AuthorId> = (1..=most + 1).map(AuthorId).collect();
    log.commit(NOW_US, others.iter().map(|other| put(*other)).collect()).unwrap();
    let follow = |target: &AuthorId| Op::Follow { author: ada, target: *target };
    log.commit(NOW_US, others[..others.len() - 1].iter().map(follow).collect()).unwrap();
    let refused = site.store.follow(NOW_US, ada, AuthorId(most + 1));
    assert!(matches!(refused, Err(crate::Error::FollowLimit)), "{refused:?}");
    let reader = site.store.reader().unwrap();
    let posts = crate::tests::all_pages(500, |before| reader.feed(ada, before, 500).unwrap());
    assert_eq!(posts.len(), 5_000);
    assert!(posts.windows(2).all(|pair| pair[0].author > pair[1].author), "newest first");
}
