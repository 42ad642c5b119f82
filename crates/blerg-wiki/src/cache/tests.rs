//! Copies are given out under their version only, and memory is bounded.

use super::{Cache, ENTRIES_MAX, Kept, PAGE_BYTES_MAX};

fn kept(version: u64, bytes: usize) -> Kept {
    Kept { version, changed_us: 1, html: vec![b'x'; bytes] }
}

#[test]
fn a_page_is_given_out_under_its_version_only() {
    let cache = Cache::default();
    cache.put("/a", kept(1, 10));
    assert_eq!((cache.get("/a", 1), cache.get("/a", 2), cache.get("/b", 1)), (Some(kept(1, 10)), None, None));
    cache.put("/a", kept(2, 20));
    assert_eq!((cache.version("/a"), cache.get("/a", 1)), (Some(2), None));
}

#[test]
fn what_was_not_asked_for_goes_first_and_memory_is_bounded() {
    let cache = Cache::default();
    for n in 0..ENTRIES_MAX {
        cache.put(&format!("/{n}"), kept(1, 10));
    }
    assert!(cache.get("/0", 1).is_some());
    cache.put("/new", kept(1, 10));
    assert_eq!((cache.version("/0"), cache.version("/1"), cache.version("/2")), (Some(1), None, Some(1)));
    cache.put("/large", kept(1, PAGE_BYTES_MAX + 1));
    assert_eq!(cache.version("/large"), None);
    for n in 0..20 {
        cache.put(&format!("/big{n}"), kept(1, PAGE_BYTES_MAX));
    }
    let bytes: usize = cache.lock().iter().map(|(_, kept)| kept.html.len()).sum();
    assert!(bytes <= super::BYTES_MAX, "{bytes} bytes");
}
