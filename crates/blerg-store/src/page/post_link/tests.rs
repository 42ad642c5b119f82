//! Posts that link to pages.

use super::super::tests::{page, put};
use super::*;
use crate::tests::{NOW_US, Site, files_with, names, put_text};
use crate::{AuthorId, RecordNo, Wiki};

/// The grammar of these tests: `[[Page]]` and `[[Page|text]]`.
fn find(text: &str) -> Vec<String> {
    let links = text.split("[[").skip(1).filter_map(|after| after.split_once("]]"));
    links.filter_map(|(name, _)| name.split('|').next().map(str::to_owned)).collect()
}

#[track_caller]
fn check(wiki: &Wiki<'_>, name: &str, want: &[u64]) {
    wiki.index_posts(find).unwrap();
    let found = wiki.post_backlinks(&page(name), None, 50).unwrap();
    let found: Vec<u64> = names(&found.posts).into_iter().map(|(_, record)| record).collect();
    assert_eq!(found, want, "{name}");
}

fn ada(site: &Site) -> AuthorId {
    site.author("ada")
}

#[test]
fn posts_that_link_are_listed_newest_first() {
    let site = Site::new();
    let ada = ada(&site);
    put(&site, "Tea", "x");
    for text in
        ["see [[Tea]]", "nothing", "[[Cup]] and [[Tea|mine]] and [[Tea]]", "[[not/a page]] [[ Tea", "[[Main_page]]"]
    {
        site.put(ada, text);
    }
    let wiki = site.store.wiki().unwrap();
    check(&wiki, "Tea", &[2, 0]);
    check(&wiki, "Cup", &[2]);
    check(&wiki, "Main page", &[4]);
    site.put(ada, "[[Tea]] again");
    check(&wiki, "Tea", &[5, 2, 0]);
    check(&site.again().wiki().unwrap(), "Tea", &[5, 2, 0]);
}

#[test]
fn edits_and_deletes_follow() {
    let site = Site::new();
    let ada = ada(&site);
    for text in ["[[Tea]]", "[[Tea]]", "plain"] {
        site.put(ada, text);
    }
    let wiki = site.store.wiki().unwrap();
    check(&wiki, "Tea", &[1, 0]);
    site.store.edit(NOW_US, ada, RecordNo(0), put_text("[[Cup]]")).unwrap();
    let stale = wiki.post_backlinks(&page("Tea"), None, 9).unwrap();
    assert_eq!(names(&stale.posts), [("ada".to_owned(), 1)], "never an edited-away link, index or not");
    site.store.edit(NOW_US, ada, RecordNo(2), put_text("[[Tea]]")).unwrap();
    check(&wiki, "Tea", &[2, 1]);
    check(&wiki, "Cup", &[0]);
    site.store.delete(NOW_US, ada, RecordNo(1)).unwrap();
    let stale = wiki.post_backlinks(&page("Tea"), None, 9).unwrap();
    assert_eq!(names(&stale.posts), [("ada".to_owned(), 2)]);
    check(&wiki, "Tea", &[2]);
}

#[test]
fn a_pages_version_moves_with_its_posts() {
    let site = Site::new();
    let ada = ada(&site);
    put(&site, "Tea", "x");
    let wiki = site.store.wiki().unwrap();
    let version = || {
        wiki.index_posts(find).unwrap();
        wiki.page_version(&page("Tea")).unwrap()
    };
    let before = version();
    site.put(ada, "no link");
    assert_eq!(version(), before);
    site.put(ada, "[[Tea]]");
    let linked = version();
    assert!(linked > before);
    site.store.delete(NOW_US, ada, RecordNo(1)).unwrap();
    assert!(version() > linked);
}

#[test]
fn nothing_is_written_for_posts_without_links() {
    let site = Site::new();
    let ada = ada(&site);
    let wiki = site.store.wiki().unwrap();
    for n in 0..50 {
        site.put(ada, &format!("post {n}"));
    }
    wiki.index_posts(find).unwrap();
    assert_eq!(wiki.db.read("cover", read_cover).unwrap(), None);
    site.put(ada, "[[Tea]]");
    wiki.index_posts(find).unwrap();
    assert!(wiki.db.read("cover", read_cover).unwrap().is_some());
}

#[test]
fn a_deleted_posts_link_is_gone_from_the_disk() {
    let site = Site::new();
    let ada = ada(&site);
    site.put(ada, "[[Zanzibarsecret]]");
    let wiki = site.store.wiki().unwrap();
    check(&wiki, "Zanzibarsecret", &[0]);
    assert!(!files_with(site.store.dir(), b"Zanzibarsecret").is_empty());
    site.store.delete(NOW_US, ada, RecordNo(0)).unwrap();
    let left = files_with(site.store.dir(), b"Zanzibarsecret");
    assert!(left.iter().all(|path| !path.to_string_lossy().contains("wiki.db")), "{left:?}");
}

#[test]
fn far_behind_it_catches_up_in_steps() {
    let site = Site::new();
    let ada = ada(&site);
    site.put(ada, "[[Tea]]");
    for _ in 0..6 {
        let text = "without a link".to_owned();
        let op = blerg_log::Op::Put { author: ada, text, tags: Vec::new(), reply_to: None, at_us: None };
        let ops = (0..BATCH_FRAMES_MAX / 2).map(|_| op.clone()).collect();
        site.store.log().unwrap().commit(NOW_US, ops).unwrap();
    }
    let last = site.put(ada, "[[Tea]]");
    let wiki = site.store.wiki().unwrap();
    wiki.index_posts(find).unwrap();
    check(&wiki, "Tea", &[last.0, 0]);
}

#[test]
fn pages_of_the_list_go_on_below_a_cursor() {
    let site = Site::new();
    let ada = ada(&site);
    for _ in 0..25 {
        site.put(ada, "[[Tea]]");
    }
    site.store.delete(NOW_US, ada, RecordNo(11)).unwrap();
    let wiki = site.store.wiki().unwrap();
    wiki.index_posts(find).unwrap();
    let posts = crate::tests::all_pages(4, |before| wiki.post_backlinks(&page("Tea"), before, 4).unwrap());
    let found: Vec<u64> = posts.iter().map(|post| post.record.0).collect();
    assert_eq!(found, (0..25).rev().filter(|no| *no != 11).collect::<Vec<_>>());
}

#[test]
fn a_rebuild_finds_posts_and_pages_again() {
    let site = Site::new();
    let ada = ada(&site);
    put(&site, "Tea", "green leaves");
    site.put(ada, "[[Tea]]");
    let wiki = site.store.wiki().unwrap();
    check(&wiki, "Tea", &[0]);
    wiki.db.write("damage", |transaction| transaction.execute("DELETE FROM post_link", ())).unwrap();
    check(&wiki, "Tea", &[]);
    assert!(site.store.rebuild(&mut |_| {}).unwrap().failed.is_empty());
    check(&wiki, "Tea", &[0]);
    let query = crate::SearchQuery::parse("leaves").unwrap();
    assert_eq!(wiki.search(&query, 0, 9).unwrap().len(), 1);
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}
