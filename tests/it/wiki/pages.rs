//! A life of pages, the same through CGI, FastCGI, HTTP and real web servers, at the root and in a sub-directory: written,
//! shown, kept, merged, fought over, renamed, with files, found. Start at [`live`].

use super::multipart;
use crate::front::{Kind, Way, each_front_end};
use crate::http::{Ask, Reply};
use crate::site::Site;

/// Sends a request with a session.
#[track_caller]
fn ask(way: &Way, token: &str, ask: Ask, status: u16) -> Reply {
    let path = ask.path.clone();
    let reply = way.ask(&ask.with(token));
    assert_eq!(reply.status, status, "{}: {path}: {}", way.name(), String::from_utf8_lossy(&reply.body));
    reply
}

#[track_caller]
fn has(way: &Way, path: &str, wanted: &[&str]) -> Reply {
    let reply = way.get(path);
    assert_eq!(reply.status, 200, "{}: {path}: {}", way.name(), reply.text());
    for wanted in wanted {
        let wanted = wanted.replace("~", way.site.url);
        assert!(reply.text().contains(&wanted), "{}: {path}: no {wanted:?} in {}", way.name(), reply.text());
    }
    reply
}

#[track_caller]
fn leads(way: &Way, reply: &Reply, path: &str) {
    let want = format!("http://{}{}{path}", if way.kind == Kind::Cgi { "127.0.0.1" } else { &way.host }, way.site.url);
    let found = reply.header("location").unwrap_or_default().replace("127.0.0.1:80/", "127.0.0.1/");
    assert_eq!(found, want, "{}", way.name());
}

/// A page whose name needs care on its way: spaces, quotes, plus, letters of other scripts, what ends query strings.
const NAME: &str = "Tee & \"Küche\" + 茶; a=b, it's";
const ENCODED: &str = "Tee_%26_%22K%C3%BCche%22_%2B_%E8%8C%B6%3B_a%3Db%2C_it%27s";

fn live(way: &Way) {
    let token = way.sign_up("ada");
    let page = format!("/wiki/{ENCODED}");
    let missing = way.get(&page);
    assert_eq!(missing.status, 404, "{}", way.name());
    assert!(missing.text().contains("Tee &amp; &quot;Küche&quot; + 茶; a=b, it's"), "{}", missing.text());
    let fields =
        [("text", "*Hot* [[Milk]] #drinks\r\n\r\n![cup](cup.png)"), ("summary", "new"), ("base", "0"), ("save", "1")];
    leads(way, &ask(way, &token, multipart(&page, &fields, &[]), 303), &page);
    let shown = has(way, &page, &["<em>Hot</em>", "href=\"./Milk\"", "href=\"~/wiki/Special:Recent\""]);
    kept(way, &page, &shown);
    // The other spelling of the same name.
    has(way, &page.replace('_', "%20"), &["<em>Hot</em>"]);
    styled(way, &shown);
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 200_000]].concat();
    ask(way, &token, multipart(&format!("{page}?action=attach"), &[], &[("cup.png", &picture)]), 303);
    has(way, &page, &["<img src=", "cup.png\" alt=\"cup\""]);
    let file = way.get(&format!("{page}/cup.png"));
    assert_eq!((file.status, file.header("content-type")), (200, Some("image/png")), "{}", way.name());
    assert!(file.body == picture, "{}: {} bytes", way.name(), file.body.len());
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"), "{}", way.name());
    fight(way, &token);
    let renamed =
        ask(way, &token, Ask::post(&format!("{page}?action=rename"), &[("to", "Tee?"), ("fix_links", "1")]), 400);
    assert!(renamed.text().contains("A name holds no / ? # %"), "{}", renamed.text());
    ask(way, &token, Ask::post(&format!("{page}?action=rename"), &[("to", "Tea"), ("fix_links", "1")]), 303);
    let moved = way.get(&page);
    assert_eq!(moved.status, 301, "{}", way.name());
    leads(way, &moved, "/wiki/Tea");
    lists(way);
    logged_out(way, &token);
}

/// A copy that is current is 304, and a user's own is kept from others.
fn kept(way: &Way, page: &str, shown: &Reply) {
    let etag = shown.header("etag").unwrap_or_else(|| panic!("{}: no ETag", way.name()));
    assert_eq!(shown.header("cache-control"), Some("no-cache"), "{}", way.name());
    let again = way.ask(&Ask::get(page).header("If-None-Match", etag));
    assert_eq!((again.status, again.body.len()), (304, 0), "{}", way.name());
    let head = way.ask(&Ask::new("HEAD", page));
    assert_eq!((head.status, head.header("etag")), (200, Some(etag)), "{}", way.name());
}

fn styled(way: &Way, shown: &Reply) {
    let (_, rest) = shown.text().split_once("rel=\"stylesheet\" href=\"").unwrap();
    let path = rest.split('"').next().unwrap();
    let style = way.get(path.strip_prefix(way.site.url).unwrap());
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")), "{}", way.name());
    assert_eq!(style.header("cache-control"), Some("public, max-age=31536000, immutable"), "{}", way.name());
}

/// Two who edit at once: merged where it can be, asked where not, and nothing is lost.
fn fight(way: &Way, token: &str) {
    let save = |text: &str, base: &str| {
        Ask::post("/wiki/Milk", &[("text", text), ("base", base), ("save", "1"), ("summary", "")])
    };
    ask(way, token, save("one\n\ntwo\n\nthree\n", "0"), 303);
    ask(way, token, save("ONE\n\ntwo\n\nthree\n", "1"), 303);
    ask(way, token, save("one\n\ntwo\n\nTHREE\n", "1"), 303);
    assert_eq!(way.get("/wiki/Milk?action=raw").text(), "ONE\n\ntwo\n\nTHREE\n", "{}", way.name());
    let conflict = ask(way, token, save("mine\n\ntwo\n\nthree\n", "1"), 409);
    assert!(conflict.text().contains("hunk-1") && conflict.text().contains("mine"), "{}", conflict.text());
    has(way, "/wiki/Milk?action=diff&from=1&to=3", &["<del>one</del>", "<ins>ONE</ins>", "noindex"]);
    has(way, "/wiki/Milk?action=history", &["name=\"from\" value=\"1\""]);
}

fn lists(way: &Way) {
    has(way, "/wiki/Special:Recent", &["href=\"~/wiki/Tea\"", "renamed from"]);
    has(way, "/wiki/Special:All", &["href=\"~/wiki/Milk\""]);
    has(way, "/wiki/Special:Search?q=hot", &["<mark>Hot</mark>"]);
    has(way, "/wiki/Special:Tags/drinks", &["href=\"~/wiki/Tea\""]);
    let export = way.get("/wiki/Special:Export");
    assert_eq!((export.status, export.header("content-type")), (200, Some("application/zip")), "{}", way.name());
    assert!(export.body.starts_with(b"PK\x03\x04") && export.body.len() > 200_000, "{}", way.name());
    has(way, "/rss/wiki.atom", &["Tea", "Renamed from", "~/wiki/Milk?action=diff&amp;from=2&amp;to=3"]);
    has(way, "/rss/page/Tea.rss", &["<title>Tea: new</title>"]);
    assert_eq!(way.get("/rss/page/Nothing.rss").status, 404, "{}", way.name());
    for (path, status) in [("/wiki", 301), ("/wiki/Special:Nothing", 404), ("/wiki/a%3Fb", 404), ("/wiki/%23x", 404)] {
        assert_eq!(way.get(path).status, status, "{}: {path}", way.name());
    }
}

/// Somebody whose session ended while writing gets the text back, and saves it with a login beside it.
fn logged_out(way: &Way, token: &str) {
    ask(way, token, Ask::post("/wiki/Special:Logout", &[("return", "Tea")]), 303);
    let fields = [("text", "typed <for> hours"), ("base", "0"), ("save", "1")];
    let back = ask(way, token, Ask::post("/wiki/Lost", &fields), 403);
    assert!(
        back.text().contains("typed &lt;for&gt; hours") && back.text().contains("name=\"password\""),
        "{}",
        back.text()
    );
    let fields = [fields.as_slice(), &[("username", "ada"), ("password", crate::front::PASSWORD)]].concat();
    let saved = way.ask(&Ask::post("/wiki/Lost?action=edit&login=1", &fields));
    assert_eq!(saved.status, 303, "{}: {}", way.name(), saved.text());
    let cookie = saved.header("set-cookie").unwrap();
    assert!(cookie.contains(&format!("Path={}/;", way.site.url)), "{}: {cookie}", way.name());
    assert_eq!(way.get("/wiki/Lost?action=raw").text(), "typed <for> hours", "{}", way.name());
}

#[test]
fn pages_live_the_same_through_every_front_end() {
    assert_eq!(
        ENCODED.len(),
        NAME.replace(' ', "_")
            .bytes()
            .map(|b| if b.is_ascii_alphanumeric() || b == b'_' { 1 } else { 3 })
            .sum::<usize>()
    );
    each_front_end(|site| site, live);
    live(&Way::open(Kind::Http, Site::new("/blog")));
}

#[test]
fn pages_live_behind_lighttpd() {
    for (kind, url) in [(Kind::LighttpdCgi, ""), (Kind::LighttpdCgi, "/blog"), (Kind::LighttpdFcgi, "/blog")] {
        live(&Way::open(kind, Site::new(url)));
    }
}

#[test]
fn pages_live_behind_apache() {
    for (kind, url) in
        [(Kind::ApacheCgi, ""), (Kind::ApacheCgi, "/blog"), (Kind::ApacheFcgid, ""), (Kind::ApacheProxyFcgi, "/blog")]
    {
        live(&Way::open(kind, Site::new(url)));
    }
}

#[test]
fn pages_live_behind_nginx() {
    for url in ["", "/blog"] {
        live(&Way::open(Kind::Nginx, Site::new(url)));
    }
}

#[test]
fn the_wiki_answers_unrewritten() {
    let way = Way::open(Kind::Cgi, Site::new("/blog"));
    let token = way.sign_up("ada");
    let fields = [("text", "[[Milk]]"), ("base", "0"), ("save", "1")];
    leads(&way, &ask(&way, &token, Ask::post("/wiki.cgi/Tea", &fields), 303), "/wiki.cgi/Tea");
    has(&way, "/wiki.cgi/Tea", &["href=\"~/wiki.cgi/Tea?action=edit\"", "href=\"./Milk\""]);
    leads(&way, &way.get("/wiki.cgi"), "/wiki.cgi/Home");
}
