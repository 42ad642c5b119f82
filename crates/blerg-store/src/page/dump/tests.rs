//! A wiki comes back from a dump as it was.

use super::super::tests::{ADA, ADMIN, by, page, put, render, shown};
use super::*;
use crate::tests::{NOW_US, Site, settings};
use crate::{ChangeCursor, Leave, NewFile, Store, View};

fn full() -> Site {
    let site = Site::new();
    let wiki = site.store.wiki().unwrap();
    for n in 0..70 {
        put(&site, "Tea", &format!("{}line {n}\nsee [[Cup]]\n", "same above\n".repeat(30)));
    }
    put(&site, "Cup", "x");
    let name = FileName::parse("big.bin").unwrap();
    for bytes in [vec![7; file::PIECE_BYTES * 2 + 5], b"second".to_vec(), vec![1; file::PIECE_BYTES]] {
        wiki.attach(&page("Cup"), &NewFile { name: &name, media_type: "application/x", bytes: &bytes }, &by(ADA))
            .unwrap();
    }
    wiki.delete_file(&page("Cup"), &name, &by(ADA)).unwrap();
    wiki.rename_page(&page("Cup"), &page("Mug"), Leave::Redirect, &[], &by(ADA)).unwrap();
    wiki.protect_page(&page("Mug"), Some(Who::Named), &by(ADMIN)).unwrap();
    put(&site, "Spam", "x");
    wiki.delete_page(&page("Spam"), &by(ADMIN)).unwrap();
    wiki.erase_revision(&page("Tea"), 20).unwrap();
    put(&site, "Empty", "");
    site
}

fn dump(store: &Store) -> String {
    let mut out = Vec::new();
    store.dump(&mut out, &mut |_| {}).unwrap();
    String::from_utf8(out).unwrap()
}

fn restore(text: &str) -> Result<(tempfile::TempDir, Store, crate::Restored), Error> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("data"), settings());
    let restored = store.restore(NOW_US, &mut text.as_bytes(), &mut |_| {})?;
    Ok((folder, store, restored))
}

#[test]
fn a_restored_wiki_is_equal() {
    let site = full();
    let text = dump(&site.store);
    let (_folder, store, restored) = restore(&text).unwrap();
    assert_eq!(restored.pages, 5);
    assert_eq!(dump(&store), text);
    let (old, new) = (site.store.wiki().unwrap(), store.wiki().unwrap());
    assert_eq!(new.check().unwrap(), Vec::<String>::new());
    assert_eq!(new.stats().unwrap(), old.stats().unwrap());
    let mut before = None;
    loop {
        let changes = new.recent(before, 50).unwrap();
        assert_eq!(changes, old.recent(before, 50).unwrap(), "ids too");
        let Some(last) = changes.last() else { break };
        before = Some(ChangeCursor::of(last));
    }
    assert_eq!(new.view(&page("Cup")).unwrap(), View::Redirect { to: page("Mug") });
    let name = FileName::parse("big.bin").unwrap();
    let versions = |wiki: &Wiki<'_>| wiki.file_versions(&page("Mug"), &name).unwrap();
    assert_eq!(versions(&new), versions(&old));
}

#[test]
fn a_restored_page_is_rendered_by_whoever_knows_how() {
    let (_folder, store, _) = restore(&dump(&full().store)).unwrap();
    let wiki = store.wiki().unwrap();
    assert_eq!(wiki.stale_pages(9).unwrap(), [page("Tea"), page("Mug"), page("Empty")]);
    for name in wiki.stale_pages(9).unwrap() {
        let source = wiki.source(&name, None).unwrap();
        let View::Page(view) = wiki.view(&name).unwrap() else { panic!("{name}") };
        assert!(wiki.store_rendered(&view.seen, &render(&wiki, &source.text.unwrap())).unwrap());
    }
    assert_eq!(wiki.stale_pages(9).unwrap(), []);
    assert_eq!(wiki.backlinks(&page("Mug"), None, 9).unwrap(), [page("Tea")]);
}

#[track_caller]
fn check_refused(lines: &[&str], want: &str) {
    let text = dump(&full().store);
    let mut all: Vec<&str> = text.lines().collect();
    let end = all.len() - 1;
    all.splice(end.., lines.iter().copied());
    let end = format!("{{\"op\":\"end\",\"lines\":{}}}", all.len());
    all.push(&end);
    match restore(&format!("{}\n", all.join("\n"))) {
        Err(Error::Line { problem, .. }) => assert!(problem.contains(want), "{problem}"),
        other => panic!("{want}: {:?}", other.map(|_| ())),
    }
}

#[test]
fn a_line_that_does_not_fit_is_named() {
    check_refused(&[r#"{"op":"wiki_page","name":"Tea","created_us":1}"#], "contradicts");
    check_refused(&[r#"{"op":"wiki_page","name":"a/b","created_us":1}"#], "'/'");
    check_refused(&[r#"{"op":"wiki_page","name":"X","created_us":1,"protection":"cats"}"#], "want everybody");
    let page = r#"{"op":"wiki_page","name":"X","created_us":1}"#;
    check_refused(
        &[page, r#"{"op":"wiki_revision","id":1,"kind":"edit","at_us":1,"bytes":1,"text":"x"}"#],
        "contradicts",
    );
    check_refused(&[page, r#"{"op":"wiki_revision","id":9999,"kind":"edit","at_us":1,"bytes":1}"#], "no text");
    check_refused(&[page, r#"{"op":"wiki_piece","data":"Zg=="}"#], "no file");
    let long = format!(
        r#"{{"op":"wiki_revision","id":9999,"kind":"edit","at_us":1,"bytes":1,"text":"{}"}}"#,
        "x".repeat(PAGE_BYTES_MAX + 1)
    );
    check_refused(&[page, &long], "too long");
    check_refused(&[r#"{"op":"wiki_page","name":"X","created_us":1,"redirect":"Nowhere"}"#], "leads to");
    check_refused(&[r#"{"op":"wiki_page","name":"X","created_us":1,"redirect":"Cup"}"#], "leads to");
    check_refused(&[r#"{"op":"wiki_page","name":"X","created_us":1,"redirect":"X"}"#], "leads to");
    check_refused(&[r#"{"op":"author","name":"late","at_us":1}"#], "after the accounts");
}

#[test]
fn html_is_not_in_a_dump() {
    let site = full();
    assert!(shown(&site, "Tea").html.contains("<p>"));
    assert!(!dump(&site.store).contains("<p>"));
}
