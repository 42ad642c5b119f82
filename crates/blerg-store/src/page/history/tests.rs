//! Lists of changes.

use super::super::tests::{ADA, page, put, render};
use super::*;
use crate::tests::{NOW_US, Site};
use crate::{Base, By, PastRevision, Save, SaveKind};

fn save_at(site: &Site, name: &str, at_us: u64, is_minor: bool) {
    let wiki = site.store.wiki().unwrap();
    let text = format!("at {at_us}");
    let name = page(name);
    let base = wiki.head(&name).unwrap().map_or(Base::New, |head| Base::Rev(head.rev));
    let by = By { editor: ADA, now_us: at_us, summary: "", is_minor };
    wiki.save(&Save { name: &name, base, text: &text, rendered: &render(&wiki, &text), kind: SaveKind::Edit, by })
        .unwrap();
}

#[test]
fn changes_come_newest_first_and_page_by_page() {
    let site = Site::new();
    for n in 0..10 {
        // Two at a time at the same moment.
        save_at(&site, if n % 2 == 0 { "Tea" } else { "Cup" }, NOW_US + n / 2, n % 5 == 0);
    }
    let wiki = site.store.wiki().unwrap();
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let some = wiki.recent(before, 3).unwrap();
        let Some(last) = some.last() else { break };
        before = Some(ChangeCursor::of(last));
        found.extend(some);
    }
    assert_eq!(found.iter().map(|change| change.id).collect::<Vec<_>>(), (1..=10).rev().collect::<Vec<_>>());
    assert_eq!((found[0].bytes, found[0].bytes_before), (found[2].bytes, Some(found[2].bytes)));
    assert_eq!(wiki.recent_major(None, 99).unwrap().len(), 8);
    let revs: Vec<u64> = wiki.history(&page("Tea"), Some(4), 2).unwrap().into_iter().map(|change| change.rev).collect();
    assert_eq!(revs, [3, 2]);
}

#[test]
fn what_is_imported_stands_at_its_time() {
    let site = Site::new();
    put(&site, "New", "x");
    let wiki = site.store.wiki().unwrap();
    let past =
        PastRevision { at_us: 77, author: Some("Ann".to_owned()), summary: "old".to_owned(), text: "x".to_owned() };
    wiki.import_page(&page("Old"), &[past]).unwrap();
    let recent = wiki.recent(None, 9).unwrap();
    assert_eq!((recent[0].name.as_str(), recent[1].name.as_str()), ("New", "Old"));
    assert_eq!((recent[1].author.as_deref(), recent[1].at_us), (Some("Ann"), 77));
}
