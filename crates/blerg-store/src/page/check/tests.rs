//! A check names what is wrong.

use super::super::tests::{ADA, by, page, put};
use crate::tests::Site;
use crate::{FileName, Leave, NewFile};

fn site() -> Site {
    let site = Site::new();
    for text in ["one\n", "one\ntwo\n", "one\ntwo\nthree\n"] {
        put(&site, "Tea", text);
    }
    put(&site, "Cup", "see [[Tea]]");
    let wiki = site.store.wiki().unwrap();
    let name = FileName::parse("a.png").unwrap();
    wiki.attach(&page("Cup"), &NewFile { name: &name, media_type: "image/png", bytes: b"abc" }, &by(ADA)).unwrap();
    wiki.rename_page(&page("Cup"), &page("Mug"), Leave::Redirect, &[], &by(ADA)).unwrap();
    site
}

#[track_caller]
fn check(damage: &str, want: &str) {
    let site = site();
    let wiki = site.store.wiki().unwrap();
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
    wiki.db.write("damage", |transaction| transaction.execute_batch(damage)).unwrap();
    let found = wiki.check().unwrap();
    assert!(found.iter().any(|problem| problem.contains(want)), "{damage}: {found:?}");
    let report = site.store.check(&mut |_| {}).unwrap();
    assert!(report.problems_len > 0, "{damage}");
}

#[test]
fn damage_is_named() {
    check("DELETE FROM revision WHERE rev = 2", "revision numbers are not consecutive");
    check("UPDATE page SET rev = 9 WHERE name = 'Tea'", "newest revision is not the page's text");
    check("DELETE FROM text WHERE no = 1", "a revision has no page or no text");
    check("UPDATE text SET data = x'0900' WHERE base IS NOT NULL", "text of revision 2 is damaged");
    check("UPDATE page SET redirect = 99 WHERE name = 'Cup'", "leads to no page");
    check("DELETE FROM found WHERE rowid = 1", "page \"Tea\": is not in the full-text index");
    check("DELETE FROM shown WHERE page = 1", "is in the full-text index and not to be found");
    check("INSERT INTO link VALUES (77, 'x', 'y')", "has links and is not to be shown");
    check("UPDATE link SET name = 'y'", "has links under another name");
    check("UPDATE piece SET data = x'616264'", "bytes of version 1 are damaged");
    check("UPDATE file SET newest = 0", "has a file of which no version");
    check("UPDATE page SET deleted = 1 WHERE name = 'Tea'", "has html and is not to be shown");
}

#[test]
fn a_sound_wiki_is_counted() {
    let site = site();
    let report = site.store.check(&mut |_| {}).unwrap();
    assert_eq!((report.problems, report.pages, report.revisions), (Vec::new(), 2, 7));
    let stats = site.store.stats().unwrap().wiki;
    assert_eq!((stats.pages, stats.deleted, stats.revisions, stats.files, stats.file_bytes), (2, 0, 7, 1, 3));
    let other = Site::new();
    assert_eq!(other.store.stats().unwrap().wiki, crate::WikiStats::default());
    assert!(!other.store.dir().join("wiki.db").exists(), "a site without a wiki stays without its file");
}
