//! One visitor's day, the same through every way in: each request's status, body and headers of ours must be what
//! API.md says and must not depend on the web server in between. Start at [`run`]; `script/record.rs` writes it down.

mod record;

use std::sync::OnceLock;

use record::Script;

use super::front::{Kind, PASSWORD, Way, token};
use super::http::{Ask, Reply};
use super::site::{Site, let_the_second_end};

const ARABIC: &str = "مرحبا بالعالم #world يكتب @jon من اليمين";
const CHINESE: &str = "你好，世界。#你好 不是標籤，#zh 是。";
const EMOJI: &str = "👩‍👩‍👧‍👦 🇪🇺 #zh \u{1F600}\u{200d} & <b>\"quoted\"</b> \\ / \u{7f}\t\r\nend";

/// All of it, written down.
fn run(way: &Way) -> Vec<String> {
    let mut script = Script::new(way);
    accounts(&mut script);
    posts(&mut script);
    reading(&mut script);
    tags(&mut script);
    conditions(&mut script);
    changes(&mut script);
    others(&mut script);
    pages(&mut script);
    refusals(&mut script);
    leaving(&mut script);
    script.finish()
}

fn accounts(script: &mut Script<'_>) {
    script.expect(&Ask::get("/latest"), 200, "[]");
    for (name, password, want) in [
        ("jon", PASSWORD, "success"),
        ("JON", PASSWORD, "name_taken"),
        ("O'Brien x.y", PASSWORD, "success"),
        ("Ada", PASSWORD, "success"),
        ("ada/b", PASSWORD, "bad_username"),
        ("汉字", PASSWORD, "bad_username"),
        ("short", "abc", "bad_password"),
    ] {
        script.expect(&Ask::post("/create", &[("username", name), ("password", password)]), 200, want);
    }
    script.expect(&Ask::post("/create", &[("password", PASSWORD)]), 200, "missing_parameter");
    script.expect(&Ask::post("/login", &[("username", "jon"), ("password", "wrong one")]), 200, "wrong_password");
    script.expect(&Ask::post("/login", &[("username", "nobody"), ("password", PASSWORD)]), 200, "wrong_password");
    for name in ["jon", "O'Brien x.y", "Ada"] {
        let reply = script.expect(&Ask::post("/login", &[("username", name), ("password", PASSWORD)]), 200, "success");
        let cookie = reply.header("set-cookie").unwrap();
        for part in ["HttpOnly", "SameSite=Lax", &format!("Path={}/", script.way.site.url)] {
            assert!(cookie.split("; ").any(|have| have == part), "{}: {part} in {cookie}", script.way.name());
        }
        script.tokens.push((name, token(&reply)));
    }
}

fn posts(script: &mut Script<'_>) {
    let hello = [("username", "jon"), ("data", "Hello #world, hi @Ada and @O_Brien! #Caf-e http://x/#no a#b")];
    script.expect(&Ask::post("/put", &hello), 200, "not_logged_in");
    script.expect(&Ask::post("/put", &hello).with("wrong"), 200, "not_logged_in");
    script.expect_as("jon", &Ask::post("/put", &hello), "\"record\":\"0\"");
    for (text, want) in [(ARABIC, "\"record\":\"1\""), (CHINESE, "\"record\":\"2\""), (EMOJI, "\"record\":\"3\"")] {
        script.expect_as("jon", &Ask::post("/put", &[("data", text)]), want);
    }
    script.expect_as("jon", &Ask::post("/put", &[("username", "Ada"), ("data", "x")]), "wrong_username");
    script.expect_as("jon", &Ask::post("/put", &[("username", "JON"), ("data", "")]), "bad_data");
    script.expect_as("jon", &Ask::post("/put", &[("username", "jon")]), "missing_parameter");
    let longest = "é".repeat(32_767) + "!";
    script.expect_as("O'Brien x.y", &Ask::post("/put", &[("data", &longest)]), "\"record\":\"0\"");
    script.expect_as("O'Brien x.y", &Ask::post("/put", &[("data", &(longest + "!"))]), "bad_data");
    let form = Ask::new("POST", "/put").header("Content-Type", "application/x-www-form-urlencoded");
    script.expect_as("jon", &form.body(b"data=%ff%fe".to_vec()), "bad_data");
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\nin parts & whole #parts\r\n--b--\r\n";
    let ask = Ask::new("POST", "/put").header("Content-Type", "multipart/form-data; boundary=b");
    script.expect_as("Ada", &ask.body(multipart.as_bytes().to_vec()), "\"record\":\"0\"");
    let bearer = format!("Bearer {}", script.token("Ada"));
    let reply = [("data", "an answer, @jon"), ("reply_to", "jon/0")];
    script.expect(&Ask::post("/put", &reply).header("Authorization", &bearer), 200, "\"record\":\"1\"");
    script.expect_as("Ada", &Ask::post("/put", &[("data", "x"), ("reply_to", "jon/99")]), "bad_reply_to");
    // What browsers of the original's time made of a cookie: its attributes come back.
    let echoed = format!("auth={}; HttpOnly; Path={}/", script.token("Ada"), script.way.site.url);
    script.expect(&Ask::post("/put", &[("data", "third")]).header("Cookie", &echoed), 200, "\"record\":\"2\"");
}

fn reading(script: &mut Script<'_>) {
    let all = script.expect(&Ask::get("/get/jon"), 200, "Hello #world");
    let texts: Vec<_> = all.json().as_array().unwrap().iter().map(|post| post["data"].clone()).collect();
    assert_eq!(texts.get(..3).unwrap(), [EMOJI, CHINESE, ARABIC], "{}", script.way.name());
    script.expect(&Ask::get("/get/JON"), 200, "Hello #world");
    script.expect(&Ask::get("/get/O'Brien%20x.y"), 200, "ééé");
    script.expect(&Ask::get("/get/o%27brien%20X%2ey/0-0"), 200, "ééé");
    script.expect(&Ask::get("/get/jon/0-1"), 200, "Hello #world");
    script.expect(&Ask::get("/get/jon/0-99"), 200, "Hello #world");
    script.expect(&Ask::get("/get/jon/2-2"), 200, CHINESE);
    for range in ["0-100", "3-2"] {
        script.expect(&Ask::get(&format!("/get/jon/{range}")), 200, "bad_range");
    }
    for range in ["1-", "-", "a-b", "99999999999999999999-1"] {
        script.expect(&Ask::get(&format!("/get/jon/{range}")), 404, "not_found");
    }
    script.expect(&Ask::get("/get/jon/4-9"), 404, "past_the_end");
    script.expect(&Ask::get("/get/nobody"), 404, "no_such_user");
    script.expect(&Ask::get("/get/nobody/0-1"), 404, "no_such_user");
    script.expect(&Ask::get("/info/jon"), 200, "\"record_count\":\"4\"");
    script.expect(&Ask::get("/info/nobody"), 404, "no_such_user");
    script.expect(&Ask::get("/thread/jon/0"), 200, "an answer");
    script.expect(&Ask::get("/thread/Ada/1"), 200, "an answer");
    script.expect(&Ask::get("/thread/jon/77"), 404, "no_such_record");
    script.expect(&Ask::get("/latest"), 200, "third");
    script.expect(&Ask::get("/latest/tags"), 200, "world");
    for (query, want) in [
        ("hello", "Hello #world"),
        ("%E4%BD%A0%E5%A5%BD", "你好"),
        ("%D9%85%D8%B1%D8%AD%D8%A8%D8%A7", "مرحبا"),
        ("%22in+parts%22+from:ada", "in parts &"),
        ("%23zh", "你好"),
        ("%40jon+-answer", "مرحبا"),
        ("nowhere-to-be-found", "[]"),
    ] {
        script.expect(&Ask::get(&format!("/search?q={query}")), 200, want);
    }
    script.expect(&Ask::get("/search"), 200, "missing_parameter");
    for path in ["/get/jon", "/latest", "/info/jon", "/get/nobody", "/tag/Hworld"] {
        let whole = script.way.get(path);
        let head = script.note(&Ask::new("HEAD", path));
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{}: HEAD {path}", script.way.name());
    }
}

fn tags(script: &mut Script<'_>) {
    let lists =
        ["/tag/%23world", "/tag/Hworld", "/tag/HWORLD"].map(|path| script.expect(&Ask::get(path), 200, "Hello"));
    assert!(lists.iter().all(|list| list.body == lists[0].body), "{}", script.way.name());
    let lists = ["/tag/@ada", "/tag/%40Ada"].map(|path| script.expect(&Ask::get(path), 200, "Hello"));
    assert!(lists.iter().all(|list| list.body == lists[0].body), "{}", script.way.name());
    script.expect(&Ask::get("/tag/Hworld,Hcaf-e,@ada"), 200, "Hello");
    script.expect(&Ask::get("/tag/%23world,%23caf-e"), 200, "Hello");
    script.expect(&Ask::get("/tag/Hworld,Hzh"), 200, "[]");
    script.expect(&Ask::get("/tag/H1,H2,H3,H4,H5,H6,H7,H8,H9"), 200, "too_many_tags");
    script.expect(&Ask::get("/tag/Hworld/0-0"), 200, "Hello");
    script.expect(&Ask::get("/tag/%23world/1-1"), 200, ARABIC);
    script.expect(&Ask::get("/taginfo/%23world"), 200, "\"2\"");
    script.expect(&Ask::get("/taginfo/@nobody"), 200, "\"0\"");
    script.expect(&Ask::get("/tag/Hnever-used"), 200, "[]");
    script.expect(&Ask::get("/tag/Hno"), 200, "[]");
    script.expect(&Ask::get("/tag/world"), 404, "bad_tag");
    script.expect(&Ask::get("/tag/Ha%25b"), 404, "bad_tag");
    script.expect(&Ask::get("/tag/Ha%3Fb"), 404, "bad_tag");
    script.expect(&Ask::get("/tag/%23%E4%BD%A0"), 404, "bad_tag");
}

fn conditions(script: &mut Script<'_>) {
    let_the_second_end();
    for path in ["/get/jon", "/tag/%23world", "/latest"] {
        let reply = script.note(&Ask::get(path));
        let etag = reply.header("etag").expect("GETs carry an ETag").to_owned();
        let changed = reply.header("last-modified").expect("GETs carry Last-Modified").to_owned();
        let gzip = format!("{}-gzip\"", etag.trim_end_matches('"'));
        for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", W/{etag}, \"more\""), gzip, "*".to_owned()]
        {
            let reply = script.note(&Ask::get(path).header("If-None-Match", &known));
            assert_eq!((reply.status, reply.body.len()), (304, 0), "{}: {path} {known}", script.way.name());
        }
        let other =
            script.note(&Ask::get(path).header("If-None-Match", "\"other\"").header("If-Modified-Since", &changed));
        assert_eq!(other.status, 200, "{}: If-None-Match decides", script.way.name());
        let reply = script.note(&Ask::get(path).header("If-Modified-Since", &changed));
        assert_eq!(reply.status, 304, "{}: {path} since {changed}", script.way.name());
        let early = "Thu, 01 Jan 2015 00:00:00 GMT";
        assert_eq!(script.note(&Ask::get(path).header("If-Modified-Since", early)).status, 200);
        let head = script.note(&Ask::new("HEAD", path).header("If-None-Match", &etag));
        assert_eq!(head.status, 304, "{}: HEAD {path}", script.way.name());
    }
}

fn changes(script: &mut Script<'_>) {
    script.expect_as("jon", &Ask::post("/edit", &[("record", "0"), ("data", "Edited, #moved @Ada")]), "success");
    script.expect_as("Ada", &Ask::post("/edit", &[("record", "77"), ("data", "x")]), "no_such_record");
    script.expect(&Ask::post("/edit", &[("record", "0"), ("data", "x")]), 200, "not_logged_in");
    script.expect(&Ask::get("/get/jon/0-0"), 200, "\"edited\":");
    script.expect(&Ask::get("/tag/Hcaf-e"), 200, "[]");
    script.expect(&Ask::get("/tag/Hmoved"), 200, "Edited");
    script.expect_as("jon", &Ask::get("/history/jon/0"), "Hello #world");
    script.expect(&Ask::get("/history/jon/0"), 200, "not_logged_in");
    script.expect_as("jon", &Ask::post("/delete", &[("record", "1")]), "success");
    script.expect_as("jon", &Ask::post("/delete", &[("record", "1")]), "no_such_record");
    let rest = script.expect(&Ask::get("/get/jon/0-3"), 200, CHINESE);
    assert!(!rest.text().contains("مرحبا"), "{}", script.way.name());
    script.expect(&Ask::get("/tag/Hworld"), 200, "[]");
    script.expect(&Ask::get("/search?q=%D9%85%D8%B1%D8%AD%D8%A8%D8%A7"), 200, "[]");
    script.expect(&Ask::get("/info/jon"), 200, "\"record_count\":\"4\"");
}

fn others(script: &mut Script<'_>) {
    script.expect_as("Ada", &Ask::post("/subscribe/jon", &[("username", "Ada")]), "success");
    script.expect_as("Ada", &Ask::post("/subscribe/o'brien%20x.y", &[("subscribed", "true")]), "success");
    script.expect_as("Ada", &Ask::post("/subscribe/nobody", &[]), "no_such_user");
    script.expect_as("Ada", &Ask::post("/feed", &[("username", "Ada")]), "Edited");
    script.expect_as("Ada", &Ask::get("/feed"), "Edited");
    script.expect(&Ask::get("/feed"), 200, "not_logged_in");
    for path in ["/feedinfo/jon", "/status/jon"] {
        script.expect_as("Ada", &Ask::get(path), "{\"subscribed\":true}");
        script.expect_as("Ada", &Ask::post(path, &[("username", "Ada")]), "{\"subscribed\":true}");
    }
    script.expect_as("Ada", &Ask::post("/status", &[("clear", "feed")]), "");
    script.expect_as("Ada", &Ask::get("/status?clear=mentioned"), "\"feed_new\":\"0\"");
    script.expect_as("jon", &Ask::post("/put", &[("data", "News for @ada")]), "\"record\":\"4\"");
    script.expect_as("Ada", &Ask::get("/status"), "\"feed_new\":\"1\"");
    script.expect_as("Ada", &Ask::post("/feedinfo", &[("username", "Ada")]), "\"feed_new\":\"1\"");
    script.expect_as("Ada", &Ask::post("/status", &[("clear", "mentioned")]), "");
    script.expect_as("Ada", &Ask::get("/status"), "{\"feed_new\":\"1\",\"mentioned\":\"0\"}");
    script.expect_as("Ada", &Ask::post("/subscribe/o'brien%20x.y", &[("subscribed", "false")]), "success");
    script.expect_as("Ada", &Ask::post("/unsubscribe/jon", &[]), "success");
    script.expect_as("Ada", &Ask::get("/status/jon"), "{\"subscribed\":false}");
    script.expect_as("Ada", &Ask::get("/feed"), "[]");
    script.expect(&Ask::get("/info/jon"), 200, "\"followers\":\"0\"");
    script.expect_as("Ada", &Ask::get("/export"), "in parts &");
    script.expect(&Ask::get("/export"), 200, "not_logged_in");
}

fn pages(script: &mut Script<'_>) {
    for n in 0..60 {
        script.expect_as("O'Brien x.y", &Ask::post("/put", &[("data", &format!("page {n} #pages"))]), "success");
    }
    for path in ["/get/o'brien%20X.Y", "/tag/%23pages", "/latest", "/search?q=page"] {
        let first = script.note(&Ask::get(path));
        assert_eq!(first.json().as_array().map(Vec::len), Some(50), "{}: {path}", script.way.name());
        let next = script.next(&first);
        let second = script.expect(&Ask::get(&next), 200, "page 9 #pages");
        assert!(!second.text().contains("page 10 #pages"), "{}: {next}", script.way.name());
    }
}

fn refusals(script: &mut Script<'_>) {
    for (method, path, allow) in [
        ("POST", "/get/jon", "GET, HEAD"),
        ("PUT", "/get/jon", "GET, HEAD"),
        ("DELETE", "/latest", "GET, HEAD"),
        ("GET", "/put", "POST"),
        ("HEAD", "/create", "POST"),
        ("PATCH", "/put", "POST"),
    ] {
        let ask = Ask::new(method, path);
        let reply = script.note(&if method == "GET" || method == "HEAD" { ask } else { ask.body(Vec::new()) });
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{}: {method} {path}", script.way.name());
    }
    for path in ["/no-such-route", "/get", "/get/", "/get/jon/0-1/2", "/tag/", "/blerg", "/get/jon//0-0/x"] {
        let reply = script.note(&Ask::get(path));
        assert_eq!(reply.status, 404, "{}: {path}", script.way.name());
    }
    let put = Ask::post("/put", &[("data", "forged")]);
    let ours = format!("http://{}", script.way.host);
    for (name, value, status) in [
        ("Origin", "http://evil.example", 403),
        ("Origin", "null", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Sec-Fetch-Site", "same-site", 403),
        ("Sec-Fetch-Site", "same-origin", 200),
        ("Sec-Fetch-Site", "none", 200),
        ("Origin", &ours, 200),
    ] {
        let reply = script.note(&put.clone().header(name, value).with(&script.token("jon")));
        assert_eq!(reply.status, status, "{}: {name}: {value}", script.way.name());
    }
    let big = Ask::post("/put", &[("data", &"x".repeat(300 << 10))]).with(&script.token("jon"));
    script.expect(&big, 413, "failure");
    let text = Ask::new("POST", "/put").header("Content-Type", "text/plain").body(b"data=x".to_vec());
    script.note(&text.with(&script.token("jon")));
}

fn leaving(script: &mut Script<'_>) {
    script.expect_as("jon", &Ask::get("/sessions"), "script");
    let again = [("username", "jon"), ("password", PASSWORD)];
    let other = token(&script.expect(&Ask::post("/login", &again), 200, "success"));
    let new = [("username", "jon"), ("password", PASSWORD), ("new_password", "correct horse, new")];
    script.expect_as("jon", &Ask::post("/passwd", &new), "success");
    script.expect(&Ask::post("/put", &[("data", "x")]).with(&other), 200, "not_logged_in");
    script.expect(&Ask::post("/login", &again), 200, "wrong_password");
    script.expect_as("jon", &Ask::post("/put", &[("data", "still here")]), "success");
    script.expect_as("jon", &Ask::post("/sessions", &[("revoke", "others")]), "success");
    script.expect_as("Ada", &Ask::post("/logout", &[("username", "Ada")]), "success");
    script.expect_as("Ada", &Ask::post("/logout", &[("username", "Ada")]), "not_logged_in");
    script.expect_as("jon", &Ask::post("/close", &[("username", "jon"), ("password", "wrong one")]), "wrong_password");
    let close = [("username", "jon"), ("password", "correct horse, new")];
    script.expect_as("jon", &Ask::post("/close", &close), "success");
    script.expect(&Ask::get("/get/jon"), 404, "no_such_user");
    script.expect(&Ask::post("/create", &again), 200, "name_taken");
    script.expect(&Ask::post("/login", &close), 200, "wrong_password");
}

/// What CGI by hand answers at the root.
fn reference() -> &'static [String] {
    static REFERENCE: OnceLock<Vec<String>> = OnceLock::new();
    REFERENCE.get_or_init(|| run(&Way::open(Kind::Cgi, Site::new(""))))
}

#[track_caller]
fn check(kind: Kind, url: &'static str) {
    let way = Way::open(kind, Site::new(url));
    let found = run(&way);
    for (found, want) in found.iter().zip(reference()) {
        assert!(found == want, "{} answers\n{found}\nwhere CGI by hand answers\n{want}", way.name());
    }
    assert_eq!(found.len(), reference().len());
}

/// The same in both places.
#[track_caller]
fn check_at_both(kind: Kind) {
    check(kind, "");
    check(kind, "/blog");
}

#[test]
fn cgi_in_a_sub_directory_answers_as_at_the_root() {
    check(Kind::Cgi, "/blog");
}

#[test]
fn fastcgi_answers_as_cgi() {
    check_at_both(Kind::Fcgi);
}

#[test]
fn http_blerg_answers_as_cgi() {
    check_at_both(Kind::Http);
}

#[test]
fn lighttpd_mod_cgi_answers_as_cgi_by_hand() {
    check_at_both(Kind::LighttpdCgi);
}

#[test]
fn lighttpd_mod_fastcgi_answers_as_cgi_by_hand() {
    check_at_both(Kind::LighttpdFcgi);
}

#[test]
fn apache_htaccess_answers_as_cgi_by_hand() {
    check_at_both(Kind::ApacheCgi);
}

#[test]
fn apache_mod_fcgid_answers_as_cgi_by_hand() {
    check_at_both(Kind::ApacheFcgid);
}

#[test]
fn apache_mod_proxy_fcgi_answers_as_cgi_by_hand() {
    check_at_both(Kind::ApacheProxyFcgi);
}

#[test]
fn nginx_answers_as_cgi_by_hand() {
    check_at_both(Kind::Nginx);
}

/// The reply's link to the next page, relative to the mount.
fn link_target<'a>(reply: &'a Reply, url: &str) -> &'a str {
    let link = reply.header("link").expect("more than one page has a Link header");
    let target = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect(link);
    target.strip_prefix(url).expect(link)
}
