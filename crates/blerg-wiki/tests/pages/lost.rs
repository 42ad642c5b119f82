//! Nothing typed is ever lost: whatever keeps a text from being saved, the form comes back with it.

use super::site::{PASSWORD, Site, Visitor, settings};
use blerg_store::{Limits, Settings, Who, WikiSettings};

const TEXT: &str = "My \"long\" <text> & more\n\n  indented\n";

#[track_caller]
fn check(visitor: &Visitor<'_>, target: &str, more: &[(&str, &str)], status: u16, reason: &str) {
    let fields =
        [&[("text", TEXT), ("summary", "the <why>"), ("base", "0"), ("minor", "1"), ("save", "1")], more].concat();
    let reply = visitor.post(target, &fields);
    reply.is(status).has(reason).has("role=\"alert\"");
    assert_eq!((reply.typed().as_str(), reply.input("base")), (TEXT, "0".to_owned()));
    reply.has("value=\"the &lt;why&gt;\"").has("name=\"minor\" value=\"1\" checked");
}

#[test]
fn a_session_that_ended_while_writing_loses_nothing() {
    let site = Site::new();
    let ada = site.join("ada");
    let form = ada.get("/wiki/Tea?action=edit");
    form.is(200);
    site.store.logout(ada.token.as_deref().unwrap()).unwrap();
    check(&ada, "/wiki/Tea?action=edit", &[], 403, "Your session is over");
    let reply = ada.post("/wiki/Tea", &[("text", TEXT), ("base", "0"), ("save", "1")]);
    reply.is(403).has("name=\"username\"").has("action=\"/wiki/Tea?action=edit&amp;login=1\"");
    // The login stands beside the text, and saves it.
    let wrong = [("username", "ada"), ("password", "wrong horse")];
    check(&ada, "/wiki/Tea?action=edit&login=1", &wrong, 403, "user name or the password is wrong");
    let right = [("text", TEXT), ("base", "0"), ("save", "1"), ("username", "ada"), ("password", PASSWORD)];
    let saved = ada.post("/wiki/Tea?action=edit&login=1", &right);
    saved.leads_to(303, "/wiki/Tea");
    assert!(saved.header("Set-Cookie").unwrap().starts_with("auth="), "{saved:?}");
    assert_eq!(ada.source("Tea"), TEXT);
    site.has_no_fault();
}

#[test]
fn who_was_never_logged_in_keeps_the_text_too() {
    let site = Site::new();
    check(&site.guest(), "/wiki/Tea", &[], 403, "need to log in");
}

#[test]
fn a_text_that_is_too_long_comes_back() {
    let site = Site::new();
    let ada = site.join("ada");
    let long = "x".repeat(blerg_store::PAGE_BYTES_MAX + 1);
    let reply = ada.post("/wiki/Tea", &[("text", &long), ("base", "0"), ("save", "1")]);
    reply.is(413).has("A page has at most 1048576 bytes, this text has 1048577");
    assert_eq!(reply.typed().len(), long.len());
    ada.post("/wiki/Tea", &[("text", &long[1..]), ("base", "0"), ("save", "1")]).is(303);
    let summary = "é".repeat(251);
    let reply = ada.post("/wiki/Tea", &[("text", "x"), ("base", "1"), ("save", "1"), ("summary", &summary)]);
    reply.is(400).has("summary has at most 500 bytes");
}

#[test]
fn a_limit_of_edits_gives_the_text_back() {
    let limits: Limits = "put=1/60".parse().unwrap();
    let site = Site::with(Settings { limits, ..settings() });
    let ada = site.join("ada");
    ada.write("Milk", "x");
    check(&ada, "/wiki/Tea", &[], 429, "too often");
    let reply = ada.post("/wiki/Tea", &[("text", TEXT), ("base", "0"), ("save", "1")]);
    assert!(reply.header("Retry-After").is_some());
}

#[test]
fn a_page_that_was_deleted_meanwhile_can_be_begun_again() {
    let site = Site::new();
    let (ada, admin) = (site.join("ada"), site.admin("root"));
    ada.write("Tea", "One.");
    admin.post("/wiki/Tea?action=delete", &[]).is(303);
    let reply = ada.post("/wiki/Tea", &[("text", TEXT), ("base", "1"), ("save", "1")]);
    reply.is(409).has("deleted meanwhile");
    assert_eq!((reply.typed().as_str(), reply.input("base").as_str()), (TEXT, "0"));
    ada.post("/wiki/Tea", &[("text", TEXT), ("base", "0"), ("save", "1")]).is(303);
    assert_eq!(ada.source("Tea"), TEXT);
}

#[test]
fn a_page_that_was_renamed_meanwhile_is_saved_where_it_is() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "One.");
    ada.post("/wiki/Tea?action=rename", &[("to", "Green tea")]).is(303);
    ada.post("/wiki/Tea", &[("text", TEXT), ("base", "1"), ("save", "1")]).leads_to(303, "/wiki/Green_tea");
    assert_eq!(ada.source("Green_tea"), TEXT);
}

#[test]
fn a_text_that_is_no_utf_8_comes_back_and_is_not_saved() {
    let site = Site::new();
    let ada = site.join("ada");
    let mut ask = ada.ask("POST", "/wiki/Tea");
    ask.body = b"text=caf%E9&base=0&save=1".to_vec();
    let reply = site.send(&ask);
    reply.is(400).has("did not arrive as UTF-8");
    assert_eq!(reply.typed(), "caf\u{FFFD}");
}

#[test]
fn a_session_that_ended_loses_nothing_where_only_members_read() {
    let wiki = WikiSettings { readers: Who::Members, ..WikiSettings::default() };
    let site = Site::with(Settings { wiki, ..settings() });
    let ada = site.join("ada");
    ada.write("Tea", "Only for members.");
    site.store.logout(ada.token.as_deref().unwrap()).unwrap();
    check(&ada, "/wiki/Milk?action=edit", &[], 403, "Your session is over");
    let old = [("text", TEXT), ("base", "1"), ("section", "0"), ("review", "1")];
    ada.post("/wiki/Tea", &old).is(403).has("name=\"username\"").has_not("Only for members");
    let login = [("text", TEXT), ("base", "1"), ("save", "1"), ("username", "ada"), ("password", PASSWORD)];
    ada.post("/wiki/Tea?action=edit&login=1", &login).leads_to(303, "/wiki/Tea");
    assert_eq!(site.log_in("ada").source("Tea"), TEXT);
}

#[test]
fn a_section_of_a_page_that_was_renamed_meanwhile_is_not_taken_for_the_whole_page() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "Intro.\n\n# One\n\nA.\n");
    ada.post("/wiki/Tea?action=rename", &[("to", "Chai")]).is(303);
    let section = [("text", "New.\n\n"), ("base", "1"), ("section", "0"), ("save", "1")];
    ada.post("/wiki/Tea", &section).leads_to(303, "/wiki/Chai");
    assert_eq!(ada.source("Chai"), "New.\n\n# One\n\nA.\n");
    // What is no number is no section, and not the whole page.
    let reply = ada.post("/wiki/Chai", &[("text", TEXT), ("base", "3"), ("section", "x"), ("save", "1")]);
    reply.is(400).has("no such section");
    assert_eq!(reply.typed(), TEXT);
}
