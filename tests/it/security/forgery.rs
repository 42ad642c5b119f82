//! Requests that another site's page makes a visitor's browser send: each route that changes something, the wiki's forms
//! among them, with each thing that a browser may say of where the page is from. All are 403, and nothing changes.

use super::super::front::{Way, each_front_end};
use super::super::http::Ask;
use super::super::wiki::multipart;
use super::{TEXT, page, put};

/// Everything that a POST can change.
fn forgeries() -> Vec<Ask> {
    let form = |path: &str, fields: &[(&str, &str)]| Ask::post(path, fields);
    let (password, other) = (super::super::front::PASSWORD, "battery staple");
    vec![
        form("/create", &[("username", "forged"), ("password", password)]),
        form("/login", &[("username", "ada"), ("password", password)]),
        form("/logout", &[]),
        form("/passwd", &[("password", password), ("new_password", other)]),
        form("/put", &[("data", "forged")]),
        form("/edit", &[("record", "0"), ("data", "forged")]),
        form("/delete", &[("record", "0")]),
        form("/sessions", &[("revoke", "others")]),
        form("/close", &[("password", password)]),
        form("/subscribe/ada", &[]),
        form("/unsubscribe/ada", &[]),
        form("/feed", &[]),
        form("/feedinfo", &[("clear", "true")]),
        form("/feedinfo/ada", &[("clear", "true")]),
        form("/status", &[("clear", "true")]),
        form("/wiki/Home", &[("text", "forged"), ("base", "1"), ("save", "1")]),
        form("/wiki/New", &[("text", "forged"), ("base", "0"), ("save", "1")]),
        form("/wiki/Home", &[("text", "forged"), ("base", "1"), ("preview", "1")]),
        form("/wiki/Home?action=revert", &[("rev", "1")]),
        form("/wiki/Home?action=rename", &[("to", "Forged")]),
        form("/wiki/Home?action=delete", &[]),
        form("/wiki/Home?action=undelete", &[]),
        form("/wiki/Home?action=protect", &[("who", "admins")]),
        form("/wiki/Home?action=attach", &[("delete", "cup.png")]),
        multipart("/wiki/Home?action=attach", &[], &[("forged.txt", b"forged")]),
        form("/wiki/Home?action=edit&login=1", &[("username", "jon"), ("password", password), ("text", "forged")]),
        form("/wiki/Special:Login", &[("username", "ada"), ("password", password)]),
        form("/wiki/Special:Logout", &[]),
    ]
}

/// What a browser, or something between, may say of a page that is not ours; `~` is our host.
const FOREIGN: [(&str, &str); 20] = [
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Site", "same-site"),
    ("Sec-Fetch-Site", ""),
    ("Sec-Fetch-Site", "Same-Origin"),
    ("Sec-Fetch-Site", "same-origin, cross-site"),
    ("Sec-Fetch-Site", "cross-site, same-origin"),
    ("Sec-Fetch-Site", "same-origin;x"),
    ("Sec-Fetch-Site", "none none"),
    ("Origin", "null"),
    ("Origin", ""),
    ("Origin", "https://evil.example"),
    ("Origin", "http://~.evil.example"),
    ("Origin", "http://evil~"),
    ("Origin", "http://~:1"),
    ("Origin", "http://~@evil.example"),
    ("Origin", "http://evil.example/~"),
    ("Origin", "ftp://~"),
    ("Origin", "file://"),
    ("Origin", "~"),
    ("Origin", "http://~ http://evil.example"),
];

/// Everything that could have changed, as visitors see it.
fn state(way: &Way, token: &str) -> Vec<(u16, String)> {
    let own = ["/status", "/sessions", "/status/ada"].map(|path| Ask::get(path).with(token));
    let paths = ["/get/jon", "/get/ada", "/info/jon", "/info/ada", "/get/forged", "/latest"];
    let pages = ["/wiki/Home?action=history", "/wiki/New", "/wiki/Forged", "/wiki/Special:All", "/wiki/Home/cup.png"];
    let others = paths.iter().chain(&pages).map(|path| Ask::get(path));
    let answers = own.into_iter().chain(others).map(|ask| way.ask(&ask));
    answers.map(|reply| (reply.status, without_seen(&String::from_utf8_lossy(&reply.body)))).collect()
}

/// A session notes when it was used last.
fn without_seen(text: &str) -> String {
    let mut pieces = text.split("\"used\":");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn another_sites_page_changes_nothing() {
    each_front_end(
        |site| site,
        |way| {
            let (token, ada) = (way.sign_up("jon"), way.sign_up("ada"));
            way.ask(&put(&token, TEXT));
            way.ask(&put(&ada, "for @jon"));
            way.ask(&page(&token, "Home", "a page"));
            let file = multipart("/wiki/Home?action=attach", &[], &[("cup.png", b"\x89PNG\r\n\x1a\n")]);
            way.ask(&file.with(&token));
            way.site.tool(&["user", "role", "jon", "admin"]);
            let before = state(way, &token);
            for (name, value) in FOREIGN {
                let value = value.replace('~', &way.host);
                for forgery in forgeries() {
                    let reply = way.ask(&forgery.with(&token).header(name, &value));
                    let text = String::from_utf8_lossy(&reply.body);
                    assert_eq!(reply.status, 403, "{}: {name}: {value}: {text}", way.name());
                    assert_eq!(reply.header("set-cookie"), None, "{}: {name}: {value}", way.name());
                }
            }
            assert_eq!(state(way, &token), before, "{}", way.name());
            way.log_in("jon");
            // From our own page the first of them goes through.
            let own = put(&token, "not forged").header("Origin", &format!("http://{}", way.host));
            assert_eq!(way.ask(&own).json()["status"], "success", "{}", way.name());
        },
    );
}
