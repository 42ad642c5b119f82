//! Names that want to be another's, or a file's: dots, encodings once and twice, bytes that are no UTF-8, letters that look
//! alike, case, NUL, line ends. None shows another's record, a file, or makes one; and nothing sent becomes a header.

use super::super::front::{Kind, Way, each_front_end};
use super::super::http::Ask;
use super::super::site::Site;
use super::{TEXT, WAYS, files, page, put};

/// Spellings of `jon`: case, and bytes escaped once.
const JONS: [&str; 5] = ["jon", "JON", "j%6fn", "%6A%6f%6E", "%4a%4F%4e"];

/// What is not `jon`, whatever it looks like.
const STRANGERS: [&str; 44] = [
    ".",
    "..",
    "%2e",
    "%2e%2e",
    ".%2e",
    "%252e%252e",
    "%25252e%25252e",
    "..%2f..%2fdata%2fFORMAT",
    "..%252f..%252fdata%252fFORMAT",
    "..%5c..%5cdata%5cFORMAT",
    "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "....%2f%2f....%2f%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "%c0%ae%c0%ae%c0%af%c0%ae%c0%ae%c0%afetc%c0%afpasswd",
    "%e0%80%ae%e0%80%ae",
    "%f0%80%80%ae",
    "%c1%aaon",
    "%256a%256f%256e",
    "%25%36%61on",
    "%u006aon",
    "jon%00",
    "jon%00.css",
    "%00jon",
    "jon%0a",
    "jon%0d%0aX-Planted:%20yes",
    "jon%09",
    "jon%20",
    "%20jon",
    "jon+",
    "jon.",
    "jon%2e",
    "jon%2e%2e",
    "jon%3fx",
    "jon%23x",
    "jo%ef%bd%8e",
    "%d1%98on",
    "j%ce%bfn",
    "jo%cc%88n",
    "jon%e2%80%8b",
    "jon%c2%ad",
    "%e2%80%aenoj",
    "%ff%fe",
    "*",
    "-rf%20data",
];

const ROUTES: [&str; 6] = ["/get/~", "/get/~/0-9", "/info/~", "/rss/user/~.rss", "/wiki/~?action=raw", "/tag/%40~"];

/// What stands in no answer: jon's record, his page, and what begins files that are not ours to show.
#[track_caller]
fn shows_nothing(way: &Way, path: &str) {
    let Ok(reply) = way.try_ask(&Ask::get(path)) else { return };
    let body = String::from_utf8_lossy(&reply.body);
    assert_ne!(reply.status, 500, "{}: {path}: {body}", way.name());
    for secret in [TEXT, "root:", "site_id", "SQLite format", "\"record_count\":\"1\""] {
        assert!(!body.contains(secret), "{}: {path}: {body}", way.name());
    }
    assert_eq!(reply.header("x-planted"), None, "{}: {path}", way.name());
}

#[test]
fn no_name_shows_anothers_record_or_a_file() {
    for kind in WAYS {
        let way = Way::open(kind, Site::new(""));
        let token = way.sign_up("jon");
        way.ask(&put(&token, TEXT));
        way.ask(&page(&token, "jon", TEXT));
        for jon in JONS {
            assert!(way.get(&format!("/get/{jon}")).text().contains(TEXT), "{}: {jon}", way.name());
        }
        for route in ROUTES {
            for stranger in STRANGERS {
                shows_nothing(&way, &route.replace('~', stranger));
            }
        }
    }
}

/// The rules let names of files through; then they are names of users, and no files.
#[test]
fn no_name_becomes_a_file() {
    each_front_end(
        |site| site.set("BLERG_ARGON2", "7"),
        |way| {
            let token = way.sign_up("jon");
            way.ask(&put(&token, TEXT));
            let names = |way: &Way| -> Vec<String> {
                let all = files(way.site.data().parent().unwrap());
                all.iter().map(|path| path.display().to_string()).filter(|path| !path.contains("-wal")).collect()
            };
            way.ask(&page(&token, "Home", "a page"));
            way.get("/search?q=jon");
            let before = names(way);
            for name in ["site.db", "FORMAT", "CON", "-rf data", "jon.", "...a", "~root", "$HOME", "a;b", "../x", "/x"]
            {
                let created = way.ask(&Ask::post("/create", &[("username", name), ("password", "12345678")]));
                let user = way.ask(&Ask::post("/login", &[("username", name), ("password", "12345678")]));
                let taken = created.json()["status"] == "success";
                assert_eq!(user.json()["status"] == "success", taken, "{}: {name}", way.name());
                way.ask(&page(&token, &name.replace('/', "%2f"), "its page"));
            }
            let mut after = names(way);
            after.retain(|path| !before.contains(path));
            assert_eq!(after, Vec::<String>::new(), "{}", way.name());
        },
    );
}

/// Whatever bytes a variable has: an answer has the headers that it always has, and no line of the log is the visitor's.
#[test]
fn line_ends_in_any_value_make_no_header_and_no_line_of_a_log() {
    const PLANTED: &str = "x\r\nX-Planted: yes\r\n\r\nblerg: planted\n";
    const ESCAPED: &str = "x%0d%0aX-Planted:%20yes%0d%0a%0d%0ablerg:%20planted%0a";
    for kind in [Kind::Cgi, Kind::Fcgi, Kind::Http] {
        let mut way = Way::open(kind, Site::new(""));
        let token = way.sign_up("jon");
        let form = |path: &str, name: &str| Ask::post(path, &[(name, PLANTED), ("password", "12345678")]);
        let mut asks = Vec::new();
        for path in ["/~", "/get/~", "/wiki/~", "/wiki/Home/~", "/wiki/Special:Login?return=~", "/rss/page/~.rss"] {
            asks.push(Ask::get(&path.replace('~', ESCAPED)));
        }
        for path in ["/wiki/~?action=edit", "/wiki/Special:User/~", "/wiki/Special:Tags/~", "/latest?before=~"] {
            asks.push(Ask::get(&path.replace('~', ESCAPED)));
        }
        for (path, name) in [
            ("/login", "username"),
            ("/create", "username"),
            ("/put", "data"),
            ("/subscribe/jon", "username"),
            ("/wiki/Special:Login", "return"),
            ("/wiki/Special:Logout", "return"),
            ("/wiki/Home?action=rename", "to"),
            ("/wiki/Home", "text"),
        ] {
            asks.push(form(path, name));
            asks.push(form(path, name).with(&token));
        }
        asks.push(page(&token, ESCAPED, "text"));
        if kind != Kind::Http {
            // Servers pass these on as they came; over HTTP the sender would only cut its own request.
            for name in ["Host", "Origin", "Cookie", "Authorization", "X-Forwarded-For", "User-Agent", "If-None-Match"]
            {
                asks.push(Ask::post("/login", &[("username", "jon"), ("password", "wrong one")]).header(name, PLANTED));
                asks.push(Ask::get("/wiki/Home").header(name, PLANTED));
            }
        }
        eprintln!("{}: {} requests", way.name(), asks.len());
        for ask in asks {
            let reply = way.ask(&ask);
            assert_ne!(reply.status, 500, "{}: {ask:?}", way.name());
            assert_eq!(reply.header("x-planted"), None, "{}: {ask:?}", way.name());
            assert!(reply.headers.iter().all(|(name, _)| name != "blerg"), "{}: {ask:?}", way.name());
        }
        let log = way.running.first_mut().map(|running| running.log()).unwrap_or_default();
        assert!(!log.lines().any(|line| line.starts_with("blerg: planted")), "{log}");
    }
}

/// A web server's word that would be a line of the log, if it were written as it came.
#[test]
fn a_path_with_line_ends_is_one_line_of_the_log() {
    let site = Site::new("");
    let data = site.run().join("a\nblerg: planted\u{1b}[2J/data").display().to_string();
    let site = site.set("BLERG_DATA", &data);
    let mut command = site.command("cgi_blerg");
    command.envs(super::super::cgi_run::variables(&site, "blerg.cgi", "127.0.0.1", &Ask::get("/latest")));
    let output = command.env("DOCUMENT_ROOT", site.run()).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("lies inside") && !log.contains('\u{1b}'), "{log}");
    assert!(log.lines().all(|line| line.starts_with("cgi_blerg: ")), "{log}");
}
