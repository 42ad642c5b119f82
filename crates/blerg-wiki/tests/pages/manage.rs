//! History, comparison, renaming, reverting, deleting, protecting.

use super::site::Site;

#[test]
fn revisions_are_listed_and_compared_word_by_word() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "Green tea is hot.\n");
    ada.write("Tea", "Black tea is hot.\n");
    ada.write("Tea", "Black tea is cold.\n");
    let history = site.guest().get("/wiki/Tea?action=history");
    history.is(200).has("noindex").has("name=\"from\" value=\"2\" checked").has("name=\"to\" value=\"3\" checked");
    let diff = site.guest().get("/wiki/Tea?action=diff&from=1&to=3");
    diff.is(200)
        .has("noindex")
        .has("<del>Green</del> tea is <del>hot</del>.")
        .has("<ins>Black</ins> tea is <ins>cold</ins>.");
    // The other way round is the same, and without numbers it is the last change.
    site.guest().get("/wiki/Tea?action=diff&from=3&to=1").has("<del>Green</del>");
    site.guest().get("/wiki/Tea?action=diff").has("<del>hot</del>").has_not("Green");
    site.guest().get("/wiki/Tea?action=diff&from=0&to=1").has("+ <ins>Green tea is hot.</ins>");
    site.guest().get("/wiki/Tea?action=diff&from=1&to=9").is(404);
    site.guest().get("/wiki/Tea?action=diff&from=x").is(400);
    site.guest().get("/wiki/Milk?action=history").is(404);
}

#[test]
fn an_earlier_text_comes_back_and_history_stays() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "One.");
    ada.write("Tea", "Two.");
    ada.get("/wiki/Tea?action=revert&rev=1").is(200).has("Go back");
    site.guest().post("/wiki/Tea?action=revert", &[("rev", "1")]).is(403);
    ada.post("/wiki/Tea?action=revert", &[("rev", "1"), ("summary", "better")]).leads_to(303, "/wiki/Tea");
    assert_eq!(ada.source("Tea"), "One.");
    ada.get("/wiki/Tea?action=history").has("back to revision 1").has("better");
    ada.post("/wiki/Tea?action=revert", &[("rev", "77")]).is(404);
}

#[test]
fn a_rename_mends_links_and_leads_on() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "It links to [[Tea]].");
    ada.write("Milk", "Into [[Tea|a cup]], `[[Tea]]`.");
    ada.post("/wiki/Tea?action=rename", &[("to", "Green tea"), ("fix_links", "1")]).leads_to(303, "/wiki/Green_tea");
    site.guest().get("/wiki/Tea").leads_to(301, "/wiki/Green_tea");
    site.guest().get("/wiki/Tea?action=raw").leads_to(301, "/wiki/Green_tea?action=raw");
    assert_eq!(ada.source("Milk"), "Into [[Green tea|a cup]], `[[Tea]]`.");
    assert_eq!(ada.source("Green_tea"), "It links to [[Green tea]].");
    site.guest().get("/wiki/Milk").has("href=\"./Green_tea\"").has_not("missing");
    // A name that leads on can become a page again.
    ada.get("/wiki/Tea?action=edit").is(200).has("This name leads to");
    ada.write("Tea", "A page of its own.");
    site.guest().get("/wiki/Tea").is(200);
    let taken = ada.post("/wiki/Tea?action=rename", &[("to", "Milk")]);
    taken.is(409).has("There is a page of this name already").has("value=\"Milk\"");
    ada.post("/wiki/Tea?action=rename", &[("to", "a/b")]).is(400).has("value=\"a/b\"");
    site.guest().post("/wiki/Tea?action=rename", &[("to", "Coffee")]).is(403);
    ada.post("/wiki/Milk?action=rename", &[("to", "Cream"), ("no_redirect", "1")]).is(303);
    site.guest().get("/wiki/Milk").is(404);
}

#[test]
fn only_administrators_delete_undelete_and_protect() {
    let site = Site::new();
    let (ada, root) = (site.join("ada"), site.admin("root"));
    ada.write("Tea", "Leaves.");
    for action in ["delete", "protect", "undelete"] {
        ada.post(&format!("/wiki/Tea?action={action}"), &[]).is(403);
        site.guest().post(&format!("/wiki/Tea?action={action}"), &[]).is(403).has("Log in");
    }
    root.post("/wiki/Tea?action=delete", &[("summary", "spam")]).is(303);
    site.guest().get("/wiki/Tea").is(404).has("was deleted");
    site.guest().get("/wiki/Tea?action=raw").is(404);
    site.guest().get("/wiki/Tea?rev=1").is(404);
    site.guest().get("/wiki/Tea?action=history").is(200).has("spam");
    site.guest().get("/wiki/Special:Search?q=leaves").has_not("/wiki/Tea\"");
    root.get("/wiki/Special:All?deleted=1").has("Tea");
    root.post("/wiki/Tea?action=undelete", &[]).is(303);
    site.guest().get("/wiki/Tea").is(200).has("Leaves");
    root.post("/wiki/Tea?action=protect", &[("who", "admins")]).is(303);
    ada.post("/wiki/Tea", &[("text", "mine"), ("base", "3"), ("save", "1")]).is(403).has("Only administrators");
    ada.get("/wiki/Tea?action=edit").is(403).has("readonly").has("Leaves");
    root.write("Tea", "Still mine.");
    root.post("/wiki/Tea?action=protect", &[("who", "everyone")]).is(400);
    root.post("/wiki/Tea?action=protect", &[("who", "")]).is(303);
    ada.write("Tea", "Ours.");
    site.has_no_fault();
}

#[test]
fn a_renamed_page_leads_to_its_own_forms_and_files() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "# One\n\n![cup](cup.png)\n");
    ada.upload("/wiki/Tea?action=attach", &[], &[("cup.png", b"\x89PNG\r\n\x1a\n")]).is(303);
    ada.get("/wiki/Tea").has("./Tea?action=edit&amp;section=1").has("./Tea/cup.png");
    ada.post("/wiki/Tea?action=rename", &[("to", "Chai"), ("no_redirect", "1")]).is(303);
    ada.get("/wiki/Chai").has("./Chai?action=edit&amp;section=1").has("./Chai/cup.png").has_not("./Tea");
}

#[test]
fn nobodys_page_keeps_another_from_being_renamed() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("T", "Tea.");
    ada.write("Milk", "[[T]]");
    ada.write("Wall", &"[[T]] ".repeat(20_000));
    let long = "T".repeat(200);
    let reply = ada.post("/wiki/T?action=rename", &[("to", &long), ("fix_links", "1")]);
    reply.is(200).has("were not mended").has(">Wall<").has_not(">Milk<");
    assert_eq!(ada.source("Milk"), format!("[[{long}]]"));
    assert_eq!(ada.source(&long), "Tea.");
}

#[test]
fn no_form_shows_a_deleted_text_to_members() {
    let site = Site::new();
    let (ada, admin) = (site.join("ada"), site.admin("root"));
    ada.write("Tea", "# S\n\nsecret one\n");
    ada.write("Tea", "# S\n\nsecret two\n");
    admin.post("/wiki/Tea?action=delete", &[]).is(303);
    let section = [("text", "x"), ("base", "1"), ("section", "0")];
    for button in ["review", "save"] {
        ada.post("/wiki/Tea", &[&section[..], &[(button, "1")]].concat()).has_not("secret");
    }
    let choice = [("text", ""), ("base", "1"), ("theirs", "2"), ("hunk-1", "theirs"), ("review", "1")];
    ada.post("/wiki/Tea", &choice).has_not("secret");
}

#[test]
fn a_comparison_of_very_many_lines_shows_the_first_of_them() {
    let site = Site::new();
    site.join("ada").write("Wall", &"a\n".repeat(30_000));
    let reply = site.guest().get("/wiki/Wall?action=diff&from=0&to=1");
    reply.is(200).has("30000 lines added").has("Only the first 20000 lines are shown.");
    assert!(reply.body.len() < 1024 * 1024, "{}", reply.body.len());
}
