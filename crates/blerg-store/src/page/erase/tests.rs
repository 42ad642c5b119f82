//! What the operator erases is gone from the bytes on the disk.

use super::super::tests::{ADA, ADMIN, by, page, put, shown};
use crate::tests::{Site, files_with};
use crate::{Error, FileName, Leave, NewFile, View};

#[track_caller]
fn check_gone(site: &Site, needle: &str) {
    assert_eq!(files_with(site.store.dir(), needle.as_bytes()), Vec::<std::path::PathBuf>::new(), "{needle}");
}

#[track_caller]
fn check_there(site: &Site, needle: &str) {
    assert!(!files_with(site.store.dir(), needle.as_bytes()).is_empty(), "{needle}");
}

#[test]
fn an_erased_page_is_gone_with_its_history_files_and_redirects() {
    let site = Site::new();
    put(&site, "A", "see [[Plan]]");
    put(&site, "Plan", "first zebracrossing text");
    put(&site, "Plan", "second quaggacrossing text");
    let wiki = site.store.wiki().unwrap();
    let name = FileName::parse("okapi.txt").unwrap();
    wiki.attach(&page("Plan"), &NewFile { name: &name, media_type: "text/plain", bytes: b"kuducrossing" }, &by(ADA))
        .unwrap();
    wiki.rename_page(&page("Plan"), &page("Secretplan"), Leave::Redirect, &[], &by(ADA)).unwrap();
    for needle in ["zebracrossing", "quaggacrossing", "kuducrossing", "Secretplan"] {
        check_there(&site, needle);
    }
    assert_eq!(wiki.erase_page(&page("Secretplan")).unwrap(), 4);
    for needle in ["zebracrossing", "quaggacrossing", "kuducrossing", "okapi", "Secretplan", "secretplan"] {
        check_gone(&site, needle);
    }
    assert_eq!(wiki.view(&page("Plan")).unwrap(), View::Missing);
    assert!(shown(&site, "A").is_stale);
    assert!(wiki.erase_page(&page("Plan")).unwrap_err().is_not_found());
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
    assert_eq!(wiki.recent(None, 9).unwrap().len(), 1);
    put(&site, "Plan", "new");
    assert!(wiki.recent(None, 9).unwrap()[0].id > 6, "numbers of changes are not used again");
}

#[test]
fn an_erased_revision_keeps_its_number_and_spoils_no_other() {
    let site = Site::new();
    let text = |what: &str| format!("{}\nthe {what} line\n{}\n", "above ".repeat(50), "below ".repeat(50));
    for what in ["oryx", "zebracrossing", "gnu", "eland"] {
        put(&site, "Tea", &text(what));
    }
    let wiki = site.store.wiki().unwrap();
    wiki.erase_revision(&page("Tea"), 2).unwrap();
    check_gone(&site, "zebracrossing");
    let source = wiki.source(&page("Tea"), Some(2)).unwrap();
    assert_eq!((source.text, source.change.is_erased, source.change.author), (None, true, None));
    for (rev, what) in [(1, "oryx"), (3, "gnu"), (4, "eland")] {
        assert_eq!(wiki.source(&page("Tea"), Some(rev)).unwrap().text.unwrap(), text(what));
    }
    assert!(matches!(wiki.erase_revision(&page("Tea"), 4), Err(Error::RevisionInUse { rev: 4 })));
    assert!(matches!(wiki.erase_revision(&page("Tea"), 9), Err(Error::NoSuchRevision { rev: 9 })));
    wiki.erase_revision(&page("Tea"), 2).unwrap();
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn an_edited_away_text_is_erased_with_its_words() {
    let site = Site::new();
    put(&site, "Tea", "zebracrossing");
    put(&site, "Tea", "harmless");
    let wiki = site.store.wiki().unwrap();
    wiki.delete_page(&page("Tea"), &by(ADMIN)).unwrap();
    wiki.erase_revision(&page("Tea"), 1).unwrap();
    check_gone(&site, "zebracrossing");
}

#[test]
fn a_copy_of_the_wiki_is_whole() {
    let site = Site::new();
    put(&site, "Tea", "text");
    let folder = tempfile::tempdir().unwrap();
    assert!(site.store.copy_wiki(folder.path()).unwrap() > 0);
    assert!(site.store.copy_wiki(folder.path()).is_err(), "over nothing that is there");
    assert_eq!(files_with(folder.path(), b"<p>text</p>").len(), 1);
    assert_eq!(Site::new().store.copy_wiki(folder.path()).unwrap(), 0);
}

#[test]
fn an_erased_revision_makes_what_shows_it_another_version() {
    let site = Site::new();
    put(&site, "Plan", "first");
    put(&site, "Plan", "second");
    let wiki = site.store.wiki().unwrap();
    let before = wiki.page_version(&page("Plan")).unwrap();
    wiki.erase_revision(&page("Plan"), 1).unwrap();
    assert!(wiki.page_version(&page("Plan")).unwrap() > before);
}
