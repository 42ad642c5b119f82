//! What may be given out again, and how much is kept.

use std::sync::Arc;

use blerg_store::{AuthorId, Post, RecordNo};

use super::{FRAGMENT_BYTES_MAX, Fragments, GENERATION_BYTES_MAX, Written};
use crate::format::Format;
use crate::id::Ids;
use crate::place::Place;

fn post(record: u64, text: &str) -> Post {
    Post {
        author: AuthorId(1),
        author_name: "ada".to_owned(),
        record: RecordNo(record),
        timestamp_us: 1_000_000,
        edited_us: None,
        reply_to: None,
        text: text.to_owned(),
    }
}

fn of(fragments: &Fragments, post: &Post, format: Format, site: &str) -> Written {
    fragments.of(post.clone(), format, &Place::for_test(site), &Ids::new([7; 16])).unwrap()
}

#[test]
fn an_entry_is_given_out_again_for_the_same_record_only() {
    let fragments = Fragments::default();
    let ask = |post: &Post| of(&fragments, post, Format::Rss, "http://a/");
    let first = ask(&post(1, "one"));
    assert!(Arc::ptr_eq(&first, &ask(&post(1, "one"))));
    // An edit within the same microsecond, of which no date tells.
    let edited = ask(&post(1, "two"));
    assert!(String::from_utf8_lossy(&edited).contains("two"));
    assert_eq!(ask(&post(1, "one")), first);
    assert_ne!(ask(&Post { edited_us: Some(2_000_000), ..post(1, "one") }), first);
    assert_ne!(ask(&post(2, "one")), first);
    for (format, site) in [(Format::Atom, "http://a/"), (Format::Json, "http://a/"), (Format::Rss, "http://b/")] {
        assert_ne!(of(&fragments, &post(1, "one"), format, site), first, "{format:?} {site}");
    }
}

#[test]
fn memory_is_bounded_and_what_is_used_stays() {
    let fragments = Fragments::default();
    let ask = |post: &Post| of(&fragments, post, Format::Rss, "http://a/");
    let used = ask(&post(0, "used"));
    let text = "x".repeat(10_000);
    for record in 1..1_000 {
        ask(&post(record, &text));
        assert!(Arc::ptr_eq(&used, &ask(&post(0, "used"))), "{record}");
        let kept = fragments.kept.lock().unwrap();
        let bytes: usize = kept.young.values().chain(kept.old.values()).map(super::Fragment::bytes).sum();
        assert!(bytes <= 2 * GENERATION_BYTES_MAX && kept.young_bytes <= GENERATION_BYTES_MAX, "{bytes}");
        let young: usize = kept.young.values().map(super::Fragment::bytes).sum();
        assert_eq!(young, kept.young_bytes);
    }
    let long = post(1_000, &"x".repeat(FRAGMENT_BYTES_MAX));
    assert!(!Arc::ptr_eq(&ask(&long), &ask(&long)), "too long to be kept");
}
