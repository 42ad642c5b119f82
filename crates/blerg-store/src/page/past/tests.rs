//! Histories from elsewhere.

use super::super::tests::{ADMIN, by, page, put, render, shown};
use super::*;
use crate::SearchQuery;
use crate::tests::Site;

fn past(at_us: u64, text: &str) -> PastRevision {
    PastRevision {
        at_us,
        author: Some("Ann Other <ann@example.org>".to_owned()),
        summary: format!("made {text}"),
        text: text.to_owned(),
    }
}

#[test]
fn an_imported_page_has_its_history_and_is_found_once_rendered() {
    let site = Site::new();
    let wiki = site.store.wiki().unwrap();
    put(&site, "A", "see [[Old]]");
    assert_eq!(
        wiki.import_page(&page("Old"), &[past(10, "one"), past(20, "two"), past(30, "three")]).unwrap(),
        Some(3)
    );
    assert!(shown(&site, "A").is_stale);
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
    let stale = wiki.stale_pages(9).unwrap();
    assert_eq!(stale, [page("A"), page("Old")]);
    for name in stale {
        let text = wiki.source(&name, None).unwrap().text.unwrap();
        assert!(wiki.store_rendered(&shown(&site, name.as_str()).seen, &render(&wiki, &text)).unwrap());
    }
    assert_eq!(wiki.stale_pages(9).unwrap(), []);
    assert_eq!(wiki.search(&SearchQuery::parse("three").unwrap(), 0, 9).unwrap().len(), 1);
    let head = wiki.head(&page("Old")).unwrap().unwrap();
    assert_eq!((head.created_us, head.changed_us, head.rev), (10, 30, 3));
    let texts: Vec<Option<String>> =
        wiki.revisions(&page("Old"), 1, 99).unwrap().into_iter().map(|source| source.text).collect();
    assert_eq!(texts, [Some("two".to_owned()), Some("three".to_owned())]);
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn an_import_covers_no_page() {
    let site = Site::new();
    let wiki = site.store.wiki().unwrap();
    put(&site, "Tea", "mine");
    assert_eq!(wiki.import_page(&page("Tea"), &[past(1, "theirs")]).unwrap(), None);
    wiki.delete_page(&page("Tea"), &by(ADMIN)).unwrap();
    assert_eq!(wiki.import_page(&page("Tea"), &[past(1, "theirs")]).unwrap(), None);
    assert_eq!(wiki.import_page(&page("Empty"), &[]).unwrap(), None);
    let long = past(1, &"x".repeat(PAGE_BYTES_MAX + 1));
    assert!(matches!(wiki.import_page(&page("Long"), &[long]), Err(Error::PageLength { .. })));
}
