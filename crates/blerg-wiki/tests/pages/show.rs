//! Reading pages.

use super::site::{Ask, Site};

#[test]
fn a_page_is_shown_with_what_links_to_it() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "Made of *leaves*. See [[Milk]] and [[Water|the wet thing]].");
    ada.write("Milk", "Goes into [[Tea]].");
    let guest = site.guest();
    let page = guest.get("/wiki/Tea");
    page.is(200).has("<em>leaves</em>").has("href=\"./Milk\">Milk</a>").has("class=\"missing\" href=\"./Water\"");
    page.has("<h1 dir=\"auto\">Tea</h1>").has("Pages that link here").has("<a href=\"/wiki/Milk\">");
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    let policy = page.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'"), "{policy}");
    page.has_not("<script").has_not("style=").has_not("javascript:");
    // What is missing becomes a usual link when it comes.
    ada.write("Water", "Wet.");
    guest.get("/wiki/Tea").has_not("class=\"missing\"");
    site.has_no_fault();
}

#[test]
fn names_are_shown_with_spaces_and_both_spellings_work() {
    let site = Site::new();
    site.join("ada").write("Green_tea", "Leaves.");
    for target in ["/wiki/Green_tea", "/wiki/Green%20tea"] {
        site.guest()
            .get(target)
            .is(200)
            .has("<h1 dir=\"auto\">Green tea</h1>")
            .has("href=\"/wiki/Green_tea?action=edit\"");
    }
    site.guest().get("/wiki/Green_tea/").leads_to(301, "/wiki/Green_tea");
    site.guest().get("/wiki").leads_to(301, "/wiki/");
}

#[test]
fn the_root_is_home() {
    let site = Site::new();
    site.guest().get("/wiki/").is(404).has("There is no page of this name yet").has("Special:Login?return=Home");
    site.join("ada").write("Home", "# Welcome\n\nHere.");
    let page = site.guest().get("/wiki/");
    // A page that brings its own title is shown under that.
    page.is(200).has("<h1 id=\"s-welcome\">").has_not("<h1 dir");
    page.has("<link rel=\"canonical\" href=\"http://example.org/wiki/Home\">");
}

#[test]
fn what_is_missing_is_404_and_offers_to_write_it() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Green tea", "Leaves.");
    ada.get("/wiki/green_TEA").is(404).has("Write it").has("Similar names").has("href=\"/wiki/Green_tea\"");
    site.guest().get("/wiki/Nothing").is(404).has_not("Write it").has("log in").has("noindex");
    for target in
        ["/wiki/%23", "/wiki/a%3Fb", "/wiki/Special:Nothing", "/wiki/%20x", "/wiki/Tea?action=nothing", "/wiki/a/b/c"]
    {
        site.guest().get(target).is(404);
    }
}

#[test]
fn a_copy_that_is_current_is_304() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "One.");
    let guest = site.guest();
    let page = guest.get("/wiki/Tea");
    let etag = page.header("ETag").unwrap().to_owned();
    assert_eq!(page.header("Cache-Control"), Some("no-cache"));
    assert!(page.header("Last-Modified").is_some());
    let again = |etag: &str| {
        site.send(&Ask { headers: vec![("If-None-Match", etag.to_owned())], ..guest.ask("GET", "/wiki/Tea") })
    };
    again(&etag).is(304);
    again(&etag.replace("\"", "").replace(&etag.replace('"', ""), &format!("W/{etag}"))).is(304);
    // Another's backlink is part of the page.
    ada.write("Milk", "[[Tea]]");
    let changed = again(&etag);
    changed.is(200).has("Milk");
    // What a user sees is for that user alone.
    let own = ada.get("/wiki/Tea");
    assert_ne!(own.header("ETag"), changed.header("ETag"));
    assert_eq!(own.header("Cache-Control"), Some("private, no-cache"));
    assert_eq!(own.header("Vary"), Some("Cookie, Authorization"));
}

#[test]
fn earlier_revisions_and_the_source_are_there() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "One *cup*.");
    ada.write("Tea", "Two *cups*.");
    let guest = site.guest();
    guest.get("/wiki/Tea?rev=1").is(200).has("One <em>cup</em>").has("This is revision 1").has("noindex");
    guest.get("/wiki/Tea?rev=3").is(404);
    guest.get("/wiki/Tea?rev=x").is(400);
    let raw = guest.get("/wiki/Tea?action=raw");
    assert_eq!((raw.text(), raw.header("Content-Type")), ("Two *cups*.", Some("text/markdown; charset=utf-8")));
    assert_eq!(raw.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(guest.get("/wiki/Tea?action=raw&rev=1").text(), "One *cup*.");
}

#[test]
fn head_answers_like_get_and_other_methods_are_405() {
    let site = Site::new();
    site.join("ada").write("Tea", "One.");
    let guest = site.guest();
    let head = site.send(&guest.ask("HEAD", "/wiki/Tea"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert!(head.header("Content-Length").is_some_and(|length| length != "0"));
    for (method, target, allow) in [
        ("PUT", "/wiki/Tea", "GET, HEAD, POST"),
        ("DELETE", "/wiki/Tea?action=history", "GET, HEAD"),
        ("POST", "/wiki/Tea?action=history", "GET, HEAD"),
        ("POST", "/wiki/Special:Recent", "GET, HEAD"),
        ("GET", "/wiki/Special:Logout", "POST"),
    ] {
        let reply = site.send(&guest.ask(method, target));
        assert_eq!((reply.status, reply.header("Allow")), (405, Some(allow)), "{method} {target}");
    }
}

#[test]
fn the_wiki_works_below_any_prefix_and_as_a_program() {
    let site = Site::new();
    site.join("ada").write("Tea", "[[Milk]]");
    let get = |target: &str, script_name| site.send(&Ask { script_name, ..site.guest().ask("GET", target) });
    get("/blog/wiki/Tea", "/blog/wiki.cgi").is(200).has("href=\"/blog/wiki/Tea?action=edit\"");
    get("/blog/wiki.cgi/Tea", "/blog/wiki.cgi").is(200).has("href=\"/blog/wiki.cgi/Tea?action=edit\"");
    get("/wiki/Tea", "/wiki").is(200).has("href=\"/wiki/Tea?action=edit\"").has("href=\"/favicon.svg\"");
    get("/blog/blerg.fcgi/wiki/Tea", "/blog/blerg.fcgi").is(200).has("href=\"/blog/blerg.fcgi/wiki/Tea?action=edit\"");
    // Relative links of the page would lead elsewhere.
    get("/blog/wiki.cgi", "/blog/wiki.cgi").leads_to(301, "/blog/wiki.cgi/Home");
}

#[test]
fn the_style_sheet_is_small_and_kept_for_good() {
    let site = Site::new();
    let page = site.guest().get("/wiki/");
    let (_, rest) = page.text().split_once("<link rel=\"stylesheet\" href=\"").unwrap();
    let style = site.guest().get(rest.split('"').next().unwrap());
    assert_eq!((style.status, style.header("Content-Type")), (200, Some("text/css; charset=utf-8")));
    assert_eq!(style.header("Cache-Control"), Some("public, max-age=31536000, immutable"));
    assert!(style.body.len() < 6 * 1024, "{} bytes", style.body.len());
    for needed in ["prefers-color-scheme: dark", "@media print"] {
        style.has(needed);
    }
}

#[test]
fn what_is_kept_in_memory_is_never_old() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "One.");
    let guest = site.guest();
    let first = guest.get("/wiki/Tea");
    let second = guest.get("/wiki/Tea");
    assert_eq!((&first.body, &first.headers), (&second.body, &second.headers));
    // Below another prefix it is another page, and a user's is not a guest's.
    let program = Ask { script_name: "/wiki.cgi", ..guest.ask("GET", "/wiki.cgi/Tea") };
    site.send(&program).has("/wiki.cgi/Tea?action=edit");
    ada.get("/wiki/Tea").has("Log out");
    guest.get("/wiki/Tea").has_not("Log out");
    ada.write("Tea", "Two.");
    guest.get("/wiki/Tea").has("Two.");
    site.admin("root").post("/wiki/Tea?action=delete", &[]).is(303);
    guest.get("/wiki/Tea").is(404);
}

#[test]
fn a_long_page_has_contents_without_its_title() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "# Tea\n\n## One\n\n## Two\n");
    site.guest().get("/wiki/Tea").has_not("Contents");
    ada.write("Tea", "# Tea\n\n## One\n\n## Two\n\n### Three\n");
    let page = site.guest().get("/wiki/Tea");
    page.has("</h1>\n<nav class=\"toc\" aria-label=\"Contents\">").has("<a href=\"#s-three\">Three</a>");
    page.has_not("<a href=\"#s-tea\">");
}
