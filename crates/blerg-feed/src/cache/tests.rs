//! What is kept, and what has to go.

use super::{BYTES_MAX, Cache, DOCUMENT_BYTES_MAX, Document, ENTRIES_MAX};

fn document(bytes: usize) -> Document {
    Document { link: "<x>; rel=\"self\"".to_owned(), body: vec![b'x'; bytes] }
}

#[test]
fn a_document_is_given_out_under_its_own_etag_only() {
    let cache = Cache::default();
    cache.put("u", "1", &document(3));
    assert_eq!(cache.get("u", "1"), Some(document(3)));
    assert_eq!(cache.get("u", "2"), None);
    assert_eq!(cache.get("v", "1"), None);
    cache.put("u", "2", &document(4));
    assert_eq!((cache.get("u", "1"), cache.get("u", "2")), (None, Some(document(4))));
}

#[test]
fn what_was_not_asked_for_longest_goes_first() {
    let cache = Cache::default();
    for n in 0..ENTRIES_MAX {
        cache.put(&n.to_string(), "e", &document(1));
    }
    assert!(cache.get("0", "e").is_some());
    cache.put("more", "e", &document(1));
    assert!(cache.get("0", "e").is_some() && cache.get("1", "e").is_none() && cache.get("more", "e").is_some());
}

#[test]
fn the_bytes_have_an_end() {
    let cache = Cache::default();
    cache.put("too large", "e", &document(DOCUMENT_BYTES_MAX + 1));
    assert_eq!(cache.get("too large", "e"), None);
    let fit = BYTES_MAX / DOCUMENT_BYTES_MAX;
    for n in 0..=fit {
        cache.put(&n.to_string(), "e", &document(DOCUMENT_BYTES_MAX));
    }
    let kept = (0..=fit).filter(|n| cache.get(&n.to_string(), "e").is_some()).count();
    assert_eq!(kept, fit);
}
