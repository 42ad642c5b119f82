//! Recent changes, all pages, search, wanted, orphans, tags, logging in, export.

use super::site::{Ask, PASSWORD, Site, settings};
use blerg_store::{Limits, PutText, Settings, TagSpan};

#[test]
fn lists_show_what_there_is() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "See [[Milk]] and [[Sugar]]. #drinks");
    ada.write("Milk", "Into [[Tea]], with [[Sugar]]. #Drinks #white");
    ada.write("Alone", "Nobody links here. Oolong leaves.");
    let guest = site.guest();
    guest.get("/wiki/Special:Recent").is(200).has("Alone").has("Milk").has("ada");
    guest.get("/wiki/Special:All").is(200).has("Alone").has("Milk").has("Tea");
    guest.get("/wiki/Special:Wanted").is(200).has("Sugar").has("2 links").has_not("Milk");
    guest.get("/wiki/Special:Orphans").is(200).has("Alone").has_not("Milk");
    guest.get("/wiki/Special:Tags").is(200).has("href=\"/wiki/Special:Tags/drinks\"").has("white");
    guest.get("/wiki/Special:Tags/DRINKS").is(200).has("href=\"/wiki/Tea\"").has("href=\"/wiki/Milk\"");
    guest.get("/wiki/Tea?action=links").is(200).has("Milk");
    let found = guest.get("/wiki/Special:Search?q=oolong");
    found.is(200).has("href=\"/wiki/Alone\"").has("<mark>Oolong</mark> leaves").has("noindex");
    guest.get("/wiki/Special:Search?q=Tea").has("There is a page");
    guest.get("/wiki/Special:Search?q=nothing").has("No page was found");
    guest.get("/wiki/Special:Search").is(200);
    guest.get("/wiki/special:recent").is(200);
}

#[test]
fn a_list_that_has_not_changed_is_304() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "x");
    for list in ["Recent", "All", "Tags", "Wanted", "Orphans"] {
        let target = format!("/wiki/Special:{list}");
        let etag = site.guest().get(&target).header("ETag").unwrap().to_owned();
        let again =
            || site.send(&Ask { headers: vec![("If-None-Match", etag.clone())], ..site.guest().ask("GET", &target) });
        again().is(304);
        ada.write("Tea", &format!("{list} #x"));
        again().is(200);
    }
}

#[test]
fn posts_stand_among_backlinks_and_tags() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "x #drinks");
    let author = site.store.reader().unwrap().author("ada").unwrap().unwrap().id;
    let before = site.guest().get("/wiki/Tea");
    before.has_not("Posts that link here");
    let text = "I like [[Tea]] <b> #drinks".to_owned();
    let spans = vec![TagSpan { start: 19, len: 7 }];
    site.store.put(site.now_us.get(), author, PutText { text, spans, reply_to: None }).unwrap();
    let after = site.guest().get("/wiki/Tea");
    after.has("Posts that link here").has("I like [[Tea]] &lt;b&gt;").has("href=\"/#user/ada/0\"");
    assert_ne!(before.header("ETag"), after.header("ETag"));
    site.guest().get("/wiki/Special:Tags/drinks").has("href=\"/wiki/Tea\"").has("I like [[Tea]]");
    site.has_no_fault();
}

#[test]
fn logging_in_and_out_leads_back() {
    let site = Site::new();
    site.join("ada").write("Tea", "x");
    let guest = site.guest();
    guest.get("/wiki/Tea").has("href=\"/wiki/Special:Login?return=Tea\"");
    guest.get("/wiki/Special:Login?return=Tea").is(200).has("name=\"return\" value=\"Tea\"").has("/#join");
    let wrong = guest.post("/wiki/Special:Login", &[("username", "ada"), ("password", "wrong"), ("return", "Tea")]);
    wrong.is(403).has("user name or the password is wrong").has("name=\"return\" value=\"Tea\"");
    assert_eq!(wrong.header("Set-Cookie"), None);
    let right = [("username", "ada"), ("password", PASSWORD), ("return", "Tea?action=edit")];
    let reply = guest.post("/wiki/Special:Login", &right);
    reply.leads_to(303, "/wiki/Tea?action=edit");
    let cookie = reply.header("Set-Cookie").unwrap();
    assert!(cookie.ends_with("; Path=/; Max-Age=31622400; HttpOnly; SameSite=Lax"), "{cookie}");
    let ada = site.log_in("ada");
    ada.get("/wiki/Tea").has("Log out").has("<bdi>ada</bdi>");
    let out = ada.post("/wiki/Special:Logout", &[("return", "Tea")]);
    out.leads_to(303, "/wiki/Tea");
    assert!(out.header("Set-Cookie").unwrap().starts_with("auth=; "), "{out:?}");
    ada.get("/wiki/Tea").has_not("Log out");
    for elsewhere in ["//evil.example", "https://evil.example", "\\\\evil.example", "a\r\nSet-Cookie: x=1"] {
        let reply = guest.post("/wiki/Special:Login", &[right[0], right[1], ("return", elsewhere)]);
        let location = reply.header("Location").unwrap();
        assert!(location.starts_with("http://example.org/wiki/"), "{location}");
    }
}

#[test]
fn a_user_leads_to_the_users_posts() {
    let site = Site::new();
    site.guest().get("/wiki/Special:User/ada").leads_to(302, "/#user/ada");
    site.guest().get("/wiki/Special:User/a%2Fb").is(404);
}

#[test]
fn the_export_is_a_zip_of_pages_and_files() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Green tea", "Leaves.");
    ada.write("Milk", "White.");
    ada.upload("/wiki/Milk?action=attach", &[], &[("a.txt", b"file")]).is(303);
    let reply = site.guest().get("/wiki/Special:Export");
    assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("application/zip")));
    let archive = rawzip::ZipArchive::from_slice(reply.body.as_slice()).unwrap();
    let mut names = Vec::new();
    for entry in archive.entries() {
        let entry = entry.unwrap();
        let name = String::from_utf8(entry.file_path().as_ref().to_vec()).unwrap();
        names.push((name, archive.get_entry(entry.wayfinder()).unwrap().data().to_vec()));
    }
    let want = [("Green_tea.md", "Leaves."), ("Milk.md", "White."), ("Milk/a.txt", "file")];
    let want: Vec<(String, Vec<u8>)> =
        want.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    assert_eq!(names, want);
}

#[test]
fn looks_that_cost_more_are_limited() {
    let limits: Limits = "look=2/60".parse().unwrap();
    let site = Site::with(Settings { limits, ..settings() });
    site.join("ada").write("Tea", "x");
    let guest = site.guest();
    guest.get("/wiki/Tea?action=history").is(200);
    guest.get("/wiki/Tea?action=diff").is(200);
    let reply = guest.get("/wiki/Special:Search?q=x");
    reply.is(429);
    assert!(reply.header("Retry-After").is_some());
    guest.get("/wiki/Special:Wanted").is(429);
    guest.get("/wiki/Tea?rev=1").is(429);
    guest.get("/wiki/Tea").is(200);
    // A preview costs as much, and gives the text back.
    let reply = site.join("bob").post("/wiki/Tea", &[("text", "typed for hours"), ("base", "1"), ("preview", "1")]);
    assert_eq!(reply.is(429).typed(), "typed for hours");
}
