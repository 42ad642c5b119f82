//! Deleting, undeleting, protecting.

use super::super::tests::{ADMIN, by, page, put, render, shown};
use super::*;
use crate::tests::Site;
use crate::{SearchQuery, View};

#[test]
fn a_deleted_page_is_nowhere_but_in_the_histories() {
    let site = Site::new();
    put(&site, "Tea", "green #leaf @bob [[Cup]]");
    put(&site, "Cup", "x");
    put(&site, "A", "see [[Tea]]");
    let wiki = site.store.wiki().unwrap();
    let cup = wiki.page_version(&page("Cup")).unwrap();
    wiki.delete_page(&page("Tea"), &by(ADMIN)).unwrap();
    assert!(matches!(wiki.view(&page("Tea")).unwrap(), View::Deleted(head) if head.rev == 2));
    assert_eq!(wiki.search(&SearchQuery::parse("green").unwrap(), 0, 9).unwrap(), []);
    assert_eq!(wiki.all(None, 9).unwrap().len(), 2);
    assert_eq!(wiki.deleted(None, 9).unwrap().len(), 1);
    assert_eq!(wiki.tagged("leaf", None, 9).unwrap(), []);
    assert_eq!(wiki.mentioning("bob", None, 9).unwrap(), []);
    assert_eq!(wiki.backlinks(&page("Cup"), None, 9).unwrap(), []);
    assert_ne!(wiki.page_version(&page("Cup")).unwrap(), cup, "its backlinks have changed");
    assert_eq!(wiki.page_version(&page("Tea")).unwrap(), None);
    assert!(shown(&site, "A").is_stale);
    assert_eq!(wiki.wanted(0, 9).unwrap()[0].name, page("Tea"));
    let recent = wiki.recent(None, 9).unwrap();
    assert_eq!((recent[0].kind.clone(), recent[0].is_deleted), (ChangeKind::Delete, true));
    assert!(matches!(wiki.delete_page(&page("Tea"), &by(ADMIN)), Err(Error::NoSuchPage)));
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn an_undeleted_page_is_everywhere_again() {
    let site = Site::new();
    put(&site, "Tea", "green #leaf");
    let wiki = site.store.wiki().unwrap();
    wiki.delete_page(&page("Tea"), &by(ADMIN)).unwrap();
    put(&site, "A", "see [[Tea]]");
    wiki.undelete_page(&page("Tea"), &render(&wiki, "green #leaf"), &by(ADMIN)).unwrap();
    assert_eq!(wiki.search(&SearchQuery::parse("green").unwrap(), 0, 9).unwrap().len(), 1);
    assert_eq!(wiki.tagged("LEAF", None, 9).unwrap().len(), 1);
    assert!(shown(&site, "A").is_stale);
    assert_eq!(wiki.backlinks(&page("Tea"), None, 9).unwrap(), [page("A")]);
    let again = wiki.undelete_page(&page("Tea"), &render(&wiki, ""), &by(ADMIN));
    assert!(matches!(again, Err(Error::NoSuchPage)));
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_deleted_and_protected_name_stays_unused() {
    let site = Site::new();
    put(&site, "Spam", "x");
    let wiki = site.store.wiki().unwrap();
    wiki.protect_page(&page("Spam"), Some(Who::Admins), &by(ADMIN)).unwrap();
    wiki.delete_page(&page("Spam"), &by(ADMIN)).unwrap();
    let again = super::super::tests::try_save(&site, "Spam", crate::Base::New, "spam");
    assert!(matches!(again, Err(Error::NotAllowed { needs: Who::Admins })));
    assert_eq!(wiki.protect_page(&page("Spam"), Some(Who::Admins), &by(ADMIN)).unwrap(), 3, "no change, no revision");
    wiki.protect_page(&page("Spam"), None, &by(ADMIN)).unwrap();
    assert_eq!(put(&site, "Spam", "useful"), 5);
}
