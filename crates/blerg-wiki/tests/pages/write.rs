//! Editing pages: the form, preview, saving, merging.

use super::site::{Ask, Site, settings};
use blerg_store::{Who, WikiSettings};

#[test]
fn a_page_is_written_and_edited() {
    let site = Site::new();
    let ada = site.join("ada");
    let form = ada.get("/wiki/Tea?action=edit");
    form.is(200).has("Write ");
    assert_eq!((form.input("base"), form.typed()), ("0".to_owned(), String::new()));
    let fields = [("text", "One.\r\nTwo.\r"), ("summary", "  a  start "), ("base", "0"), ("save", "1")];
    ada.post("/wiki/Tea", &fields).leads_to(303, "/wiki/Tea");
    assert_eq!(ada.source("Tea"), "One.\nTwo.\n");
    let form = ada.get("/wiki/Tea?action=edit");
    assert_eq!((form.input("base"), form.typed()), ("1".to_owned(), "One.\nTwo.\n".to_owned()));
    ada.get("/wiki/Tea?action=history").has("a start").has("ada");
    // A form that is sent twice is no second revision.
    ada.post("/wiki/Tea", &fields).leads_to(303, "/wiki/Tea");
    ada.get("/wiki/Tea?rev=2").is(404);
}

#[test]
fn a_preview_saves_nothing() {
    let site = Site::new();
    let ada = site.join("ada");
    let reply = ada.post("/wiki/Tea", &[("text", "\n\n*Hot*"), ("base", "0"), ("preview", "1"), ("summary", "x")]);
    reply.is(200).has("<em>Hot</em>").has("preview: nothing is saved");
    assert_eq!((reply.typed(), reply.input("summary")), ("\n\n*Hot*".to_owned(), "x".to_owned()));
    // Neither does a form without a button.
    ada.post("/wiki/Tea", &[("text", "*Hot*"), ("base", "0")]).is(200);
    ada.get("/wiki/Tea").is(404);
}

#[test]
fn edits_of_different_lines_are_merged() {
    let site = Site::new();
    let (ada, bob) = (site.join("ada"), site.join("bob"));
    ada.write("Tea", "one\ntwo\nthree\nfour\nfive\n");
    ada.post("/wiki/Tea", &[("text", "ONE\ntwo\nthree\nfour\nfive\n"), ("base", "1"), ("save", "1")]).is(303);
    bob.post("/wiki/Tea", &[("text", "one\ntwo\nthree\nfour\nFIVE\n"), ("base", "1"), ("save", "1")]).is(303);
    assert_eq!(ada.source("Tea"), "ONE\ntwo\nthree\nfour\nFIVE\n");
    ada.get("/wiki/Tea?action=history").has("bob");
}

#[test]
fn edits_of_the_same_line_are_chosen_hunk_by_hunk() {
    let site = Site::new();
    let (ada, bob) = (site.join("ada"), site.join("bob"));
    ada.write("Tea", "one\n\nx\n\nthree\n");
    ada.post("/wiki/Tea", &[("text", "ada1\n\nx\n\nada3\n"), ("base", "1"), ("save", "1")]).is(303);
    let bobs = "bob1\n\nx\n\nbob3\n";
    let conflict = bob.post("/wiki/Tea", &[("text", bobs), ("base", "1"), ("save", "1"), ("summary", "mine")]);
    conflict.is(409).has("hunk-1").has("hunk-2").has_not("hunk-3").has("ada1").has("bob3");
    assert_eq!(
        (conflict.typed(), conflict.input("base"), conflict.input("theirs")),
        (bobs.into(), "1".into(), "2".into())
    );
    assert_eq!(conflict.input("summary"), "mine");
    let chosen = |button| {
        [("text", bobs), ("base", "1"), ("theirs", "2"), ("hunk-1", "ours"), ("hunk-2", "theirs"), (button, "1")]
    };
    let review = bob.post("/wiki/Tea?action=edit", &chosen("review"));
    assert_eq!((review.status, review.typed(), review.input("base")), (200, "bob1\n\nx\n\nada3\n".into(), "2".into()));
    bob.post("/wiki/Tea?action=edit", &chosen("save")).is(303);
    assert_eq!(bob.source("Tea"), "bob1\n\nx\n\nada3\n");
    // Without a choice both stay.
    ada.post("/wiki/Tea", &[("text", bobs), ("base", "1"), ("theirs", "2"), ("review", "1")]).has("bob1\nada1\n");
}

#[test]
fn two_who_begin_the_same_page_collide() {
    let site = Site::new();
    let (ada, bob) = (site.join("ada"), site.join("bob"));
    ada.post("/wiki/Tea", &[("text", "Ada's"), ("base", "0"), ("save", "1")]).is(303);
    bob.post("/wiki/Tea", &[("text", "Ada's"), ("base", "0"), ("save", "1")]).is(303);
    let conflict = bob.post("/wiki/Tea", &[("text", "Bob's"), ("base", "0"), ("save", "1")]);
    conflict.is(409).has("Ada's").has("Bob's");
}

#[test]
fn a_conflict_of_very_many_lines_is_a_bounded_page() {
    let site = Site::new();
    let (ada, bob) = (site.join("ada"), site.join("bob"));
    let lines = |word: &str, count: usize| format!("{word}\n").repeat(count);
    for (count, more) in [(100, None), (101, Some("and 1 more lines"))] {
        let page = format!("/wiki/Tea{count}");
        ada.post(&page, &[("text", &lines("ada", count)), ("base", "0"), ("save", "1")]).is(303);
        let conflict = bob.post(&page, &[("text", &lines("bob", count)), ("base", "0"), ("save", "1")]);
        conflict.is(409).has("bob");
        assert_eq!(conflict.typed(), lines("bob", count));
        match more {
            Some(more) => conflict.has(more),
            None => conflict.has_not("more lines"),
        };
    }
    ada.post("/wiki/Long", &[("text", &lines("a", 500_000)), ("base", "0"), ("save", "1")]).is(303);
    let conflict = bob.post("/wiki/Long", &[("text", &lines("b", 500_000)), ("base", "0"), ("save", "1")]);
    assert!(conflict.is(409).body.len() < 3 << 20, "{} bytes", conflict.body.len());
}

#[test]
fn a_section_is_edited_alone() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "Intro.\n\n## One\n\nfirst\n\n## Two\n\nsecond\n");
    let form = ada.get("/wiki/Tea?action=edit&section=1");
    assert_eq!((form.typed(), form.input("summary")), ("## One\n\nfirst\n\n".into(), "One: ".into()));
    let fields = [("text", "## One\n\nchanged"), ("base", "1"), ("section", "1"), ("save", "1")];
    ada.post("/wiki/Tea", &fields).is(303);
    assert_eq!(ada.source("Tea"), "Intro.\n\n## One\n\nchanged\n\n## Two\n\nsecond\n");
    ada.get("/wiki/Tea?action=edit&section=9").is(404);
    // A preview of a section keeps it one.
    let preview = ada.post("/wiki/Tea", &[("text", "## One\n\nx"), ("base", "2"), ("section", "1"), ("preview", "1")]);
    assert_eq!((preview.typed(), preview.input("section")), ("## One\n\nx".into(), "1".into()));
}

#[test]
fn who_may_edit_is_the_operators_to_say() {
    let wiki = WikiSettings { editors: Who::Everybody, ..WikiSettings::default() };
    let site = Site::with(blerg_store::Settings { wiki, ..settings() });
    site.guest().write("Tea", "By nobody.");
    site.guest().get("/wiki/Tea?action=history").has("somebody");
    let wiki = WikiSettings {
        editors: Who::Named,
        readers: Who::Members,
        named: vec![blerg_store::AuthorName::parse("bob").unwrap()],
        ..WikiSettings::default()
    };
    let site = site.again(blerg_store::Settings { wiki, ..settings() });
    site.guest().get("/wiki/Tea").is(403).has("Log in").has_not("By nobody");
    site.guest().get("/wiki/Special:Search?q=nobody").is(403).has_not("Tea");
    site.guest().get("/wiki/Special:Export").is(403);
    site.guest().get("/wiki/Special:Login").is(200);
    let (ada, bob) = (site.join("ada"), site.join("bob"));
    let page = ada.get("/wiki/Tea");
    assert_eq!((page.status, page.header("Cache-Control")), (200, Some("private, no-cache")));
    ada.post("/wiki/Tea", &[("text", "x"), ("base", "1"), ("save", "1")]).is(403);
    bob.write("Tea", "By Bob.");
    let read_only = WikiSettings { is_read_only: true, ..WikiSettings::default() };
    let site = site.again(blerg_store::Settings { wiki: read_only, ..settings() });
    let ada = site.log_in("ada");
    let reply = ada.post("/wiki/Tea", &[("text", "mine"), ("base", "2"), ("save", "1")]);
    reply.is(403).has("read-only");
    assert_eq!(reply.typed(), "mine");
    site.guest().get("/wiki/Tea").is(200).has("By Bob");
}

#[test]
fn a_post_of_another_sites_page_changes_nothing() {
    let site = Site::new();
    let ada = site.join("ada");
    for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
        let mut ask = Ask { body: b"text=x&base=0&save=1".to_vec(), ..ada.ask("POST", "/wiki/Tea") };
        ask.headers.push((name, value.to_owned()));
        site.send(&ask).is(403);
    }
    ada.get("/wiki/Tea").is(404);
}
