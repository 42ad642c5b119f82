//! Lists of links, pages and tags.

use super::super::tests::{ADA, by, page, put};
use crate::tests::Site;
use crate::{Leave, PageName};

fn site() -> Site {
    let site = Site::new();
    put(&site, "Home", "[[Tea]] [[Cup]] [[Spoon]] #Kitchen");
    put(&site, "Tea", "[[Cup]] [[Spoon]] #kitchen #leaf @Bob");
    put(&site, "Cup", "[[Cup]] [[Fork]] @bob");
    put(&site, "Alone", "[[Alone]]");
    site
}

fn names(names: &[&str]) -> Vec<PageName> {
    names.iter().map(|name| page(name)).collect()
}

#[test]
fn backlinks_wanted_and_orphans_are_as_the_texts_say() {
    let site = site();
    let wiki = site.store.wiki().unwrap();
    assert_eq!(wiki.backlinks(&page("Cup"), None, 9).unwrap(), names(&["Cup", "Home", "Tea"]));
    assert_eq!(wiki.backlinks(&page("Spoon"), None, 9).unwrap(), names(&["Home", "Tea"]), "of a missing page");
    assert_eq!(wiki.orphans(None, 9).unwrap(), names(&["Alone", "Home"]));
    let wanted: Vec<(String, u64)> =
        wiki.wanted(0, 9).unwrap().into_iter().map(|wanted| (wanted.name.to_string(), wanted.links)).collect();
    assert_eq!(wanted, [("Spoon".to_owned(), 2), ("Fork".to_owned(), 1)]);
    assert_eq!(wiki.wanted(1, 9).unwrap().len(), 1);
}

#[test]
fn links_by_way_of_a_redirect_count() {
    let site = site();
    let wiki = site.store.wiki().unwrap();
    wiki.rename_page(&page("Tea"), &page("Chai"), Leave::Redirect, &[], &by(ADA)).unwrap();
    assert_eq!(wiki.backlinks(&page("Chai"), None, 9).unwrap(), names(&["Home"]));
    assert_eq!(wiki.direct_backlinks(&page("Chai"), None, 9).unwrap(), []);
    assert_eq!(wiki.orphans(None, 9).unwrap(), names(&["Alone", "Home"]));
    assert!(wiki.wanted(0, 9).unwrap().iter().all(|wanted| wanted.name != page("Tea")));
    let all: Vec<PageName> = wiki.all(None, 9).unwrap().into_iter().map(|head| head.name).collect();
    assert_eq!(all, names(&["Alone", "Chai", "Cup", "Home"]), "without redirects");
    assert_eq!(wiki.every(None, 9).unwrap().len(), 5);
}

#[test]
fn lists_go_on_behind_a_name() {
    let site = Site::new();
    for n in 10..20 {
        put(&site, &format!("P{n}"), "[[Target]]");
    }
    let wiki = site.store.wiki().unwrap();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let some = wiki.backlinks(&page("Target"), after.as_ref(), 3).unwrap();
        let Some(last) = some.last() else { break };
        after = Some(last.clone());
        found.extend(some);
    }
    assert_eq!(found, (10..20).map(|n| page(&format!("P{n}"))).collect::<Vec<_>>());
}

#[test]
fn tags_and_mentions_know_no_case() {
    let site = site();
    let wiki = site.store.wiki().unwrap();
    let tags: Vec<(String, u64)> = wiki.tags(None, 9).unwrap().into_iter().map(|tag| (tag.name, tag.pages)).collect();
    assert_eq!(tags, [("Kitchen".to_owned(), 2), ("leaf".to_owned(), 1)]);
    assert_eq!(wiki.tags(Some("Kitchen"), 9).unwrap().len(), 1);
    let tagged: Vec<PageName> = wiki.tagged("KITCHEN", None, 9).unwrap().into_iter().map(|head| head.name).collect();
    assert_eq!(tagged, names(&["Home", "Tea"]));
    assert_eq!(wiki.mentioning("BOB", None, 9).unwrap().len(), 2);
    put(&site, "Tea", "nothing");
    assert_eq!(wiki.tagged("kitchen", None, 9).unwrap().len(), 1);
    assert_eq!(wiki.mentioning("bob", None, 9).unwrap().len(), 1);
}
