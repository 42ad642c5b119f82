//! Secrets that are known to the test are sent along every path; then every file, log, answer and process is searched for
//! them. A password is nowhere; a token and an invitation are in the one answer that hands them out.

use std::fs;

use super::super::front::{Kind, Way, token};
use super::super::http::{Ask, Reply};
use super::super::site::{Running, Site};
use super::{files, page, put};

const PASSWORD: &str = "kLvpQ7-first-password";
const NEXT: &str = "zW3nB9-next-password";
const WRONG: &str = "hT5xR2-wrong-password";

/// Where a secret must not be found.
#[derive(Default)]
struct Haystack(Vec<(String, Vec<u8>)>);

impl Haystack {
    fn add(&mut self, whence: impl Into<String>, bytes: Vec<u8>) {
        self.0.push((whence.into(), bytes));
    }

    #[track_caller]
    fn lacks(&self, what: &str, needle: &[u8]) {
        for (whence, bytes) in &self.0 {
            let found = bytes.windows(needle.len()).any(|part| part == needle);
            assert!(!found, "{what} is in {whence}: {}", String::from_utf8_lossy(bytes));
        }
    }

    fn add_reply(&mut self, ask: &Ask, reply: &Reply) {
        let headers: Vec<String> = reply.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        self.add(format!("{} {}", ask.method, ask.path), [headers.join("\n").as_bytes(), &reply.body].concat());
    }

    /// Files, logs, what the tool prints, and what others see of the processes.
    fn add_site(&mut self, way: &Way) {
        let site = &way.site;
        for path in files(&site.data()).into_iter().chain(files(&site.run())) {
            if let Ok(bytes) = fs::read(&path) {
                self.add(path.display().to_string(), bytes);
            }
        }
        for running in &way.running {
            for name in ["cmdline", "environ"] {
                self.add(name, fs::read(format!("/proc/{}/{name}", running.id())).unwrap());
            }
            self.add("log", running.log().into_bytes());
        }
        let dump = site.run().join("dump.jsonl").display().to_string();
        for arguments in
            [["user", "list"].as_slice(), &["check"], &["stats"], &["dump", &dump], &["--help"], &["user", "--help"]]
        {
            let output = site.try_tool(arguments);
            self.add(format!("blergtool {arguments:?}"), [output.stdout, output.stderr].concat());
        }
        self.add("the dump", fs::read(&dump).unwrap());
        fs::remove_file(&dump).unwrap();
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Every route that takes a secret, in order and out of order; the token and what was answered.
fn live(way: &Way, invite: &str, seen: &mut Haystack) -> String {
    let login = |password: &str| Ask::post("/login", &[("username", "jon"), ("password", password)]);
    let account = [("username", "jon"), ("password", PASSWORD), ("invite", invite)];
    let mut send = |ask: Ask| {
        let reply = way.ask(&ask);
        if reply.header("set-cookie").is_none() {
            seen.add_reply(&ask, &reply);
        }
        reply
    };
    assert_eq!(send(Ask::post("/create", &account)).json()["status"], "success", "{}", way.name());
    send(Ask::post("/create", &account));
    send(login(WRONG));
    let token = token(&send(login(PASSWORD)));
    let own = |ask: Ask| ask.with(&token);
    for ask in
        [put(&token, "one"), page(&token, "Home", "a page"), own(Ask::get("/sessions")), own(Ask::get("/export"))]
    {
        send(ask);
    }
    for (path, fields) in [
        ("/passwd", [("password", WRONG), ("new_password", NEXT)].as_slice()),
        ("/passwd", &[("password", PASSWORD), ("new_password", "short")]),
        ("/passwd", &[("password", PASSWORD), ("new_password", NEXT)]),
        ("/close", &[("password", WRONG)]),
        ("/nowhere", &[("password", NEXT)]),
        ("/put", &[("password", NEXT), ("data", "")]),
        ("/wiki/Special:Login", &[("username", "jon"), ("password", WRONG), ("return", "Home")]),
        ("/wiki/Lost?action=edit&login=1", &[("username", "jon"), ("password", WRONG), ("text", "typed")]),
    ] {
        send(own(Ask::post(path, fields)));
    }
    // Bodies that are no forms, cut off, too long, in a coding, of another site: errors tell no parameter.
    let form = login(NEXT).body.unwrap();
    for (name, value) in [
        ("Content-Type", "application/json"),
        ("Content-Type", "multipart/form-data; boundary=x"),
        ("Content-Encoding", "gzip"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        send(own(Ask::new("POST", "/login").header(name, value).body(form.clone())));
    }
    let long = [form, vec![b'x'; 300 * 1024]].concat();
    send(own(Ask::new("POST", "/login").header("Content-Type", "application/x-www-form-urlencoded").body(long)));
    token
}

#[test]
fn no_secret_is_in_any_file_log_answer_or_process() {
    for kind in [Kind::Cgi, Kind::Fcgi, Kind::Http, Kind::LighttpdCgi, Kind::ApacheFcgid] {
        let way = Way::open(kind, Site::new("").set("BLERG_REGISTRATION", "invite").set("BLERG_ARGON2", "7"));
        let printed = way.site.tool(&["user", "invite"]);
        let invite = printed.split_whitespace().max_by_key(|word| word.len()).unwrap().to_owned();
        let mut seen = Haystack::default();
        let token = live(&way, &invite, &mut seen);
        seen.add_site(&way);
        eprintln!("{}: {} places", way.name(), seen.0.len());
        assert!(seen.0.len() > 40, "{} places", seen.0.len());
        for (what, secret) in [
            ("the password", PASSWORD),
            ("the next password", NEXT),
            ("a wrong password", WRONG),
            ("the invitation", &invite),
        ] {
            seen.lacks(what, secret.as_bytes());
        }
        seen.lacks("the token", token.as_bytes());
        seen.lacks("the token's bytes", &bytes_of(&token));
    }
}

/// A disk that takes nothing and a store that is broken say why to the operator, and the visitor's secrets to nobody.
#[test]
fn faults_tell_no_secret() {
    let way = Way::open(Kind::Fcgi, Site::new(""));
    let token = way.sign_up("jon");
    let database = way.site.data().join("site.db");
    let Way { site, running, kind, .. } = way;
    drop(running);
    for left in ["site.db-wal", "site.db-shm"] {
        // The log of the database would make it whole again.
        let _ = fs::remove_file(site.data().join(left));
    }
    fs::write(&database, "no database at all, but long enough to be looked at".repeat(100)).unwrap();
    let way = Way::open(kind, site);
    let mut seen = Haystack::default();
    for ask in [
        Ask::post("/login", &[("username", "jon"), ("password", PASSWORD)]),
        put(&token, "text"),
        page(&token, "Home", "text"),
        Ask::get("/status").with(&token),
        Ask::post("/passwd", &[("password", PASSWORD), ("new_password", NEXT)]).with(&token),
    ] {
        let reply = way.ask(&ask);
        assert_eq!(reply.status, 500, "{}", String::from_utf8_lossy(&reply.body));
        assert!(!String::from_utf8_lossy(&reply.body).contains("site.db"), "visitors see no paths");
        seen.add_reply(&ask, &reply);
    }
    let log = way.running.iter().map(Running::log).collect::<String>();
    assert!(!log.is_empty());
    seen.add("log", log.into_bytes());
    for secret in [PASSWORD, NEXT, &token] {
        seen.lacks("a secret", secret.as_bytes());
    }
}
