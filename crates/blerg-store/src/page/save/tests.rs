//! Saving: what is written, and what is not.

use super::super::tests::{ADA, ADMIN, by, page, put, render, shown, try_save};
use super::*;
use crate::tests::{NOW_US, Site};
use crate::{Editor, Leave, Who};

#[test]
fn an_edit_of_the_newest_revision_is_the_next() {
    let site = Site::new();
    put(&site, "Tea", "one");
    assert_eq!(try_save(&site, "Tea", Base::Rev(1), "two").unwrap(), Saved::Done { rev: 2 });
    let source = site.store.wiki().unwrap().source(&page("Tea"), None).unwrap();
    assert_eq!((source.text.as_deref(), source.head.rev, source.head.bytes), (Some("two"), 2, 3));
    let first = site.store.wiki().unwrap().source(&page("Tea"), Some(1)).unwrap();
    assert_eq!(first.text.as_deref(), Some("one"));
}

#[test]
fn who_edited_an_older_revision_gets_both_texts() {
    let site = Site::new();
    put(&site, "Tea", "one");
    put(&site, "Tea", "two");
    let moved = Saved::Moved { base: Some("one".to_owned()), current: "two".to_owned(), rev: 2 };
    assert_eq!(try_save(&site, "Tea", Base::Rev(1), "three").unwrap(), moved);
    let moved = Saved::Moved { base: Some(String::new()), current: "two".to_owned(), rev: 2 };
    assert_eq!(try_save(&site, "Tea", Base::New, "three").unwrap(), moved);
    let moved = Saved::Moved { base: None, current: "two".to_owned(), rev: 2 };
    assert_eq!(try_save(&site, "Tea", Base::Rev(77), "three").unwrap(), moved);
    assert_eq!(shown(&site, "Tea").head.rev, 2);
}

#[test]
fn the_same_text_again_is_no_revision() {
    let site = Site::new();
    put(&site, "Tea", "one");
    put(&site, "Tea", "two");
    assert_eq!(try_save(&site, "Tea", Base::Rev(2), "two").unwrap(), Saved::Unchanged { rev: 2 });
    assert_eq!(try_save(&site, "Tea", Base::Rev(1), "two").unwrap(), Saved::Unchanged { rev: 2 }, "a form sent twice");
    assert_eq!(try_save(&site, "Tea", Base::New, "two").unwrap(), Saved::Unchanged { rev: 2 });
}

#[test]
fn revisions_without_a_new_text_are_no_conflict() {
    let site = Site::new();
    put(&site, "Tea", "one");
    site.store.wiki().unwrap().protect_page(&page("Tea"), Some(Who::Members), &by(ADMIN)).unwrap();
    assert_eq!(try_save(&site, "Tea", Base::Rev(1), "two").unwrap(), Saved::Done { rev: 3 });
}

#[test]
fn a_page_that_went_away_while_it_was_edited_is_told() {
    let site = Site::new();
    put(&site, "Tea", "one");
    let wiki = site.store.wiki().unwrap();
    wiki.rename_page(&page("Tea"), &page("Chai"), Leave::Redirect, &[], &by(ADA)).unwrap();
    assert_eq!(try_save(&site, "Tea", Base::Rev(1), "two").unwrap(), Saved::Renamed { to: page("Chai") });
    assert_eq!(try_save(&site, "Chai", Base::Rev(1), "two").unwrap(), Saved::Done { rev: 3 });
    wiki.delete_page(&page("Chai"), &by(ADMIN)).unwrap();
    assert_eq!(try_save(&site, "Chai", Base::Rev(3), "three").unwrap(), Saved::Gone);
    assert_eq!(try_save(&site, "Never", Base::Rev(3), "three").unwrap(), Saved::Gone);
    assert_eq!(try_save(&site, "Chai", Base::New, "three").unwrap(), Saved::Done { rev: 5 }, "its history goes on");
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_redirect_becomes_a_page_when_it_is_edited_as_such() {
    let site = Site::new();
    put(&site, "Tea", "one");
    let wiki = site.store.wiki().unwrap();
    wiki.rename_page(&page("Tea"), &page("Chai"), Leave::Redirect, &[], &by(ADA)).unwrap();
    assert_eq!(try_save(&site, "Tea", Base::Redirect(1), "own").unwrap(), Saved::Done { rev: 2 });
    assert_eq!(shown(&site, "Tea").html, "<p>own</p>");
    assert!(matches!(try_save(&site, "Tea", Base::Redirect(1), "late").unwrap(), Saved::Moved { .. }));
    assert_eq!(shown(&site, "Chai").html, "<p>one</p>");
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn rules_hold_inside_the_save() {
    let site = Site::new();
    put(&site, "Tea", "one");
    let wiki = site.store.wiki().unwrap();
    let rendered = render(&wiki, "two");
    let name = page("Tea");
    let save = |editor| {
        let base = Base::Rev(wiki.head(&name).unwrap().unwrap().rev);
        wiki.save(&Save { name: &name, base, text: "two", rendered: &rendered, kind: SaveKind::Edit, by: by(editor) })
    };
    assert!(matches!(save(Editor::Anonymous), Err(Error::NotAllowed { needs: Who::Members })));
    wiki.protect_page(&name, Some(Who::Admins), &by(ADMIN)).unwrap();
    assert!(matches!(save(ADA), Err(Error::NotAllowed { needs: Who::Admins })));
    assert_eq!(save(ADMIN).unwrap(), Saved::Done { rev: 3 });
    assert!(matches!(wiki.protect_page(&name, None, &by(ADA)), Err(Error::NotAllowed { needs: Who::Admins })));
    assert!(matches!(wiki.delete_page(&name, &by(ADA)), Err(Error::NotAllowed { needs: Who::Admins })));
}

#[test]
fn a_text_has_its_limit() {
    let site = Site::new();
    let text = "x".repeat(PAGE_BYTES_MAX);
    assert_eq!(try_save(&site, "Tea", Base::New, &text).unwrap(), Saved::Done { rev: 1 });
    let longer = format!("{text}x");
    assert!(
        matches!(try_save(&site, "Tea", Base::Rev(1), &longer), Err(Error::PageLength { bytes }) if bytes == PAGE_BYTES_MAX + 1)
    );
    assert_eq!(try_save(&site, "Empty", Base::New, "").unwrap(), Saved::Done { rev: 1 });
}

#[test]
fn who_why_and_when_stand_in_the_history() {
    let site = Site::new();
    let wiki = site.store.wiki().unwrap();
    let rendered = render(&wiki, "x");
    let long = "é".repeat(400);
    let by = By { editor: ADA, now_us: NOW_US, summary: &long, is_minor: true };
    let kind = SaveKind::Revert { rev: 7 };
    let name = page("Tea");
    wiki.save(&Save { name: &name, base: Base::New, text: "x", rendered: &rendered, kind, by }).unwrap();
    let change = wiki.history(&name, None, 10).unwrap().remove(0);
    assert_eq!((change.kind, change.at_us, change.is_minor), (ChangeKind::Revert { rev: 7 }, NOW_US, true));
    assert_eq!((change.author.as_deref(), change.summary.len()), (Some("ada"), SUMMARY_BYTES_MAX));
    assert_eq!((change.bytes, change.bytes_before), (1, None));
}

#[test]
fn fifty_revisions_are_all_there() {
    let site = Site::new();
    let text = |n: u64| {
        (0..200)
            .map(|line| if line == n { "changed\n".to_owned() } else { format!("line {line}\n") })
            .collect::<String>()
    };
    for n in 1..=100 {
        put(&site, "Tea", &text(n));
    }
    let wiki = site.store.wiki().unwrap();
    for n in 1..=100 {
        assert_eq!(wiki.source(&page("Tea"), Some(n)).unwrap().text.unwrap(), text(n), "revision {n}");
    }
    let stored: i64 = site
        .store
        .wiki_db()
        .unwrap()
        .read("sum", |db| db.query_row("SELECT sum(length(data)) FROM text", (), |row| row.get(0)))
        .unwrap();
    assert!(stored < 20_000, "{stored} bytes for 100 texts of 1,800 bytes");
}
