//! Renaming.

use super::super::tests::{ADA, ADMIN, by, page, put, render, shown};
use super::*;
use crate::tests::Site;
use crate::{View, Who};

fn rename(site: &Site, from: &str, to: &str, leave: Leave) -> Renamed {
    site.store.wiki().unwrap().rename_page(&page(from), &page(to), leave, &[], &by(ADA)).unwrap()
}

#[track_caller]
fn check_sound(site: &Site) {
    assert_eq!(site.store.wiki().unwrap().check().unwrap(), Vec::<String>::new());
}

#[track_caller]
fn check_leads(site: &Site, from: &str, to: &str) {
    let view = site.store.wiki().unwrap().view(&page(from)).unwrap();
    assert_eq!(view, View::Redirect { to: page(to) }, "{from}");
}

#[test]
fn history_goes_along_and_the_old_name_leads_on() {
    let site = Site::new();
    put(&site, "Tea", "one");
    assert_eq!(rename(&site, "Tea", "Chai", Leave::Redirect), Renamed::Done { rev: 2, unfixed: Vec::new() });
    check_leads(&site, "Tea", "Chai");
    let wiki = site.store.wiki().unwrap();
    let kinds: Vec<ChangeKind> =
        wiki.history(&page("Chai"), None, 9).unwrap().into_iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Rename { from: page("Tea"), to: page("Chai") }, ChangeKind::Edit]);
    assert_eq!(wiki.redirects(&page("Chai"), None, 9).unwrap(), [page("Tea")]);
    check_sound(&site);
}

#[test]
fn many_renames_make_no_chain() {
    let site = Site::new();
    put(&site, "P0", "text");
    for n in 0..20 {
        rename(&site, &format!("P{n}"), &format!("P{}", n + 1), Leave::Redirect);
    }
    for n in 0..20 {
        check_leads(&site, &format!("P{n}"), "P20");
    }
    check_sound(&site);
}

#[test]
fn a_page_may_have_its_old_name_again() {
    let site = Site::new();
    put(&site, "Tea", "one");
    rename(&site, "Tea", "Chai", Leave::Redirect);
    assert_eq!(rename(&site, "Chai", "Tea", Leave::Redirect), Renamed::Done { rev: 3, unfixed: Vec::new() });
    assert_eq!(shown(&site, "Tea").html, "<p>one</p>");
    check_leads(&site, "Chai", "Tea");
    rename(&site, "Tea", "Chai", Leave::Nothing);
    assert!(matches!(site.store.wiki().unwrap().view(&page("Tea")).unwrap(), View::Deleted(_)));
    check_sound(&site);
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let site = Site::new();
    put(&site, "Tea", "one");
    put(&site, "Chai", "two");
    assert_eq!(rename(&site, "Tea", "Chai", Leave::Redirect), Renamed::Taken { is_deleted: false });
    put(&site, "Mate", "three");
    rename(&site, "Mate", "Yerba", Leave::Redirect);
    assert_eq!(
        rename(&site, "Tea", "Mate", Leave::Redirect),
        Renamed::Taken { is_deleted: false },
        "another's redirect"
    );
    let wiki = site.store.wiki().unwrap();
    wiki.delete_page(&page("Chai"), &by(ADMIN)).unwrap();
    assert_eq!(rename(&site, "Tea", "Chai", Leave::Redirect), Renamed::Taken { is_deleted: true });
    let missing = wiki.rename_page(&page("Mate"), &page("X"), Leave::Nothing, &[], &by(ADA));
    assert!(matches!(missing, Err(Error::NoSuchPage)), "a redirect is no page to rename");
    check_sound(&site);
}

#[test]
fn links_are_mended_in_the_same_transaction() {
    let site = Site::new();
    for (name, text) in [("Tea", "x"), ("A", "see [[Tea]]"), ("B", "also [[Tea]]"), ("C", "mine [[Tea]]")] {
        put(&site, name, text);
    }
    let wiki = site.store.wiki().unwrap();
    wiki.protect_page(&page("C"), Some(Who::Admins), &by(ADMIN)).unwrap();
    let names = wiki.direct_backlinks(&page("Tea"), None, 9).unwrap();
    assert_eq!(names, [page("A"), page("B"), page("C")]);
    let fixes: Vec<Fix> = names
        .into_iter()
        .map(|name| {
            let source = wiki.source(&name, None).unwrap();
            let text = source.text.unwrap().replace("[[Tea]]", "[[Chai]]");
            let mut rendered = render(&wiki, &text);
            rendered.links.iter_mut().for_each(|link| link.existed = true);
            Fix { name, base: source.head.rev, text, rendered }
        })
        .collect();
    put(&site, "B", "moved on [[Tea]]");
    let renamed = wiki.rename_page(&page("Tea"), &page("Chai"), Leave::Redirect, &fixes, &by(ADA)).unwrap();
    assert_eq!(renamed, Renamed::Done { rev: 2, unfixed: vec![page("B"), page("C")] });
    assert_eq!(shown(&site, "A").html, "<p>see [[Chai]]</p>");
    assert!(!shown(&site, "A").is_stale);
    let fixed = wiki.history(&page("A"), None, 1).unwrap().remove(0);
    assert!(fixed.is_minor);
    assert_eq!(wiki.backlinks(&page("Chai"), None, 9).unwrap(), [page("A"), page("B"), page("C")]);
    assert_eq!(wiki.backlinks(&page("Chai"), Some(&page("A")), 1).unwrap(), [page("B")]);
    wiki.rename_page(&page("A"), &page("Z"), Leave::Nothing, &[], &by(ADA)).unwrap();
    assert_eq!(wiki.backlinks(&page("Chai"), None, 9).unwrap(), [page("B"), page("C"), page("Z")]);
    check_sound(&site);
}

#[test]
fn without_a_redirect_links_are_wanted_again() {
    let site = Site::new();
    put(&site, "Tea", "x");
    put(&site, "A", "see [[Tea]]");
    rename(&site, "Tea", "Chai", Leave::Nothing);
    assert!(shown(&site, "A").is_stale);
    let wiki = site.store.wiki().unwrap();
    assert_eq!(wiki.wanted(0, 9).unwrap()[0].name, page("Tea"));
    assert_eq!(wiki.view(&page("Tea")).unwrap(), View::Missing);
    check_sound(&site);
}

#[test]
fn the_new_name_is_found_and_the_old_is_not() {
    let site = Site::new();
    put(&site, "Darjeeling", "x");
    rename(&site, "Darjeeling", "Assam", Leave::Nothing);
    let wiki = site.store.wiki().unwrap();
    assert_eq!(wiki.similar(&page("ASSAM"), 9).unwrap(), [page("Assam")]);
    assert_eq!(wiki.similar(&page("Darjeeling"), 9).unwrap(), []);
}

#[test]
fn a_page_that_links_to_itself_is_mended_too() {
    let site = Site::new();
    put(&site, "Tea", "me: [[Tea]]");
    let wiki = site.store.wiki().unwrap();
    let text = "me: [[Chai]]".to_owned();
    let mut rendered = render(&wiki, &text);
    rendered.links.iter_mut().for_each(|link| link.existed = true);
    let fix = Fix { name: page("Tea"), base: 1, text, rendered };
    let renamed = wiki.rename_page(&page("Tea"), &page("Chai"), Leave::Redirect, &[fix], &by(ADA)).unwrap();
    assert_eq!(renamed, Renamed::Done { rev: 2, unfixed: Vec::new() });
    assert_eq!((shown(&site, "Chai").html.as_str(), shown(&site, "Chai").is_stale), ("<p>me: [[Chai]]</p>", false));
    check_sound(&site);
}
