//! What is shown, and when it is stale.

use super::super::tests::{ADMIN, by, page, put, render, shown};
use super::*;
use crate::tests::Site;
use crate::{Base, Rendered};

#[test]
fn a_page_is_stale_when_a_link_of_it_comes_or_goes() {
    let site = Site::new();
    put(&site, "A", "see [[Tea]]");
    let wiki = site.store.wiki().unwrap();
    let mut version = wiki.page_version(&page("A")).unwrap();
    let mut check = |is_stale: bool, what: &str| {
        assert_eq!(shown(&site, "A").is_stale, is_stale, "{what}");
        let now = wiki.page_version(&page("A")).unwrap();
        assert_ne!(now, version, "{what}");
        version = now;
    };
    put(&site, "Tea", "x");
    check(true, "it came");
    let seen = shown(&site, "A").seen;
    assert!(wiki.store_rendered(&seen, &render(&wiki, "see [[Tea]]")).unwrap());
    check(false, "it was rendered");
    wiki.delete_page(&page("Tea"), &by(ADMIN)).unwrap();
    check(true, "it went");
    assert_eq!(shown(&site, "A").head.rev, 1, "no revision of it");
}

#[test]
fn html_of_an_earlier_state_is_not_stored() {
    let site = Site::new();
    put(&site, "A", "see [[Tea]] and [[Cup]]");
    let wiki = site.store.wiki().unwrap();
    put(&site, "Tea", "x");
    let seen = shown(&site, "A").seen;
    let rendered = render(&wiki, "see [[Tea]] and [[Cup]]");
    put(&site, "Cup", "x");
    assert!(!wiki.store_rendered(&seen, &rendered).unwrap(), "stale again meanwhile");
    let seen = shown(&site, "A").seen;
    put(&site, "A", "no links");
    assert!(!wiki.store_rendered(&seen, &rendered).unwrap(), "another text meanwhile");
    assert_eq!(shown(&site, "A").html, "<p>no links</p>");
}

#[test]
fn a_link_that_came_between_rendering_and_saving_is_noticed() {
    let site = Site::new();
    let wiki = site.store.wiki().unwrap();
    let rendered = render(&wiki, "see [[Tea]]");
    put(&site, "Tea", "x");
    let name = page("A");
    let save = crate::Save {
        name: &name,
        base: Base::New,
        text: "see [[Tea]]",
        rendered: &rendered,
        kind: crate::SaveKind::Edit,
        by: by(ADMIN),
    };
    wiki.save(&save).unwrap();
    assert!(shown(&site, "A").is_stale);
    assert_eq!(wiki.stale_pages(9).unwrap(), [page("A")]);
}

#[test]
fn a_page_that_links_to_itself_is_rendered_once_more() {
    let site = Site::new();
    put(&site, "A", "me: [[A]]");
    let seen = shown(&site, "A");
    assert!(seen.is_stale);
    let wiki = site.store.wiki().unwrap();
    assert!(wiki.store_rendered(&seen.seen, &render(&wiki, "me: [[A]]")).unwrap());
    assert!(!shown(&site, "A").is_stale);
}

#[test]
fn the_version_moves_with_the_backlinks() {
    let site = Site::new();
    put(&site, "Tea", "x");
    let wiki = site.store.wiki().unwrap();
    let before = (wiki.page_version(&page("Tea")).unwrap(), wiki.version().unwrap());
    put(&site, "A", "see [[Tea]]");
    let linked = (wiki.page_version(&page("Tea")).unwrap(), wiki.version().unwrap());
    assert!(linked.0 > before.0 && linked.1 > before.1);
    put(&site, "A", "see [[Tea]] again");
    assert_eq!(wiki.page_version(&page("Tea")).unwrap(), linked.0, "the same backlinks");
    put(&site, "A", "no more");
    assert!(wiki.page_version(&page("Tea")).unwrap() > linked.0);
}

#[test]
fn links_lead_to_pages_redirects_or_nothing() {
    let site = Site::new();
    put(&site, "Old", "x");
    let wiki = site.store.wiki().unwrap();
    wiki.rename_page(&page("Old"), &page("New"), crate::Leave::Redirect, &[], &by(ADMIN)).unwrap();
    let targets = wiki.targets(&[page("New"), page("Old"), page("No")]).unwrap();
    assert_eq!(targets, [Target::Page, Target::Redirect(page("New")), Target::Missing]);
}

#[test]
fn a_missing_name_finds_its_likes() {
    let site = Site::new();
    for name in ["Home", "Home office", "Café", "Tea"] {
        put(&site, name, "x");
    }
    let wiki = site.store.wiki().unwrap();
    assert_eq!(wiki.similar(&page("HOME"), 9).unwrap(), [page("Home"), page("Home office")]);
    assert_eq!(wiki.similar(&page("cafe"), 9).unwrap(), [page("Café")]);
    assert_eq!(wiki.similar(&page("Cafe\u{301}"), 9).unwrap(), [page("Café")]);
    assert_eq!(wiki.similar(&page("\"; DROP"), 9).unwrap(), []);
    assert_eq!(wiki.similar(&page("!!"), 9).unwrap(), []);
}

#[test]
fn a_page_that_was_never_rendered_says_so() {
    let site = Site::new();
    let wiki = site.store.wiki().unwrap();
    let past = crate::PastRevision { at_us: 5, author: None, summary: String::new(), text: "old".to_owned() };
    assert_eq!(wiki.import_page(&page("Old"), &[past]).unwrap(), Some(1));
    let old = shown(&site, "Old");
    assert_eq!((old.is_stale, old.html.as_str()), (true, ""));
    assert!(wiki.store_rendered(&old.seen, &Rendered { html: "<p>old".to_owned(), ..Rendered::default() }).unwrap());
    assert_eq!(shown(&site, "Old").html, "<p>old");
    assert!(!shown(&site, "Old").is_stale);
}

#[test]
fn what_was_never_there_is_not_found() {
    let site = Site::new();
    let wiki = site.store.wiki().unwrap();
    assert!(wiki.source(&page("No"), None).unwrap_err().is_not_found());
    put(&site, "Yes", "x");
    assert!(wiki.source(&page("Yes"), Some(2)).unwrap_err().is_not_found());
    assert!(wiki.history(&page("No"), None, 1).unwrap_err().is_not_found());
}
