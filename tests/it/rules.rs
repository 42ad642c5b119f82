//! What the operator sets, and what is true whatever the front end: rate limits across processes, who may sign up, bodies
//! that are not as long as they say, settings that are wrong, an operator's account. Each over CGI, FastCGI and HTTP.

use std::process::Stdio;

use super::cgi_run::{run_with, variables};
use super::front::{Kind, PASSWORD, Way, each_front_end};
use super::http::{Ask, Connection};
use super::site::{Site, command};

fn put(token: &str) -> Ask {
    Ask::post("/put", &[("data", "again")]).with(token)
}

#[test]
fn rate_limits_hold_across_requests_and_say_when_to_come_again() {
    each_front_end(
        |site| site.set("BLERG_LIMITS", "login=3/600,create=2/600,put=4/600,small=2/600"),
        |way| {
            let token = way.sign_up("jon");
            let limited = |ask: &Ask, tries: usize| {
                for _ in 0..tries {
                    let reply = way.ask(ask);
                    assert_eq!(reply.status, 200, "{}: {}", way.name(), reply.text());
                }
                let reply = way.ask(ask);
                assert_eq!((reply.status, reply.json()["code"].as_str()), (429, Some("too_many_requests")));
                let after: u64 = reply.header("retry-after").expect("429 says when").parse().unwrap();
                assert!((1..=600).contains(&after), "{}: {after}", way.name());
            };
            limited(&put(&token), 4);
            limited(&Ask::post("/subscribe/jon", &[]).with(&token), 2);
            limited(&Ask::post("/login", &[("username", "jon"), ("password", "wrong one")]), 2);
            limited(&Ask::post("/create", &[("username", "ada"), ("password", PASSWORD)]), 1);
            assert_eq!(way.get("/get/jon").status, 200, "{}: readers are not limited", way.name());
        },
    );
}

#[test]
fn sign_up_is_as_the_operator_says() {
    let account = |name: &str, invite: &str| {
        Ask::post("/create", &[("username", name), ("password", PASSWORD), ("invite", invite)])
    };
    each_front_end(
        |site| site.set("BLERG_REGISTRATION", "closed"),
        |way| assert_eq!(way.ask(&account("jon", "x")).json()["code"], "registration_closed", "{}", way.name()),
    );
    each_front_end(
        |site| site.set("BLERG_REGISTRATION", "invite"),
        |way| {
            let printed = way.site.tool(&["user", "invite"]);
            let invite = printed.split_whitespace().max_by_key(|word| word.len()).unwrap();
            assert_eq!(way.ask(&account("jon", "wrong")).json()["code"], "bad_invite", "{}", way.name());
            assert_eq!(way.ask(&account("jon", invite)).json()["status"], "success", "{}: {printed}", way.name());
            assert_eq!(way.ask(&account("ada", invite)).json()["code"], "bad_invite", "{}", way.name());
            way.log_in("jon");
        },
    );
}

#[test]
fn the_operators_accounts_work_everywhere() {
    each_front_end(
        |site| site,
        |way| {
            way.site.tool(&["user", "add", "jon", "--password", PASSWORD]);
            let token = way.log_in("jon");
            assert_eq!(way.ask(&put(&token)).json()["record"], "0", "{}", way.name());
            way.site.tool(&["user", "disable", "jon"]);
            assert_eq!(way.ask(&put(&token)).json()["status"], "failure", "{}", way.name());
            let login = Ask::post("/login", &[("username", "jon"), ("password", PASSWORD)]);
            assert_eq!(way.ask(&login).json()["code"], "account_disabled", "{}", way.name());
        },
    );
}

#[test]
fn a_wrong_setting_is_told_and_nothing_is_served() {
    for (name, value) in [("BLERG_DATE", "/tmp"), ("BLERG_REGISTRATION", "perhaps"), ("BLERG_DURABILITY", "some")] {
        let site = Site::new("").set(name, value);
        let reply = super::cgi_run::run(&site, &Ask::get("/latest")).unwrap();
        assert_eq!(reply.status, 500, "{name}={value}: {}", reply.text());
        for program in ["fcgi_blerg", "http_blerg", "blergtool"] {
            let mut started = site.command(program);
            let arguments = if program == "blergtool" { ["stats"].as_slice() } else { &["--listen", "127.0.0.1:0"] };
            let output = started.args(arguments).stdin(Stdio::null()).output().unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && complaint.contains(name), "{program} {name}={value}: {complaint}");
        }
        assert!(!site.data().exists(), "{name}={value}");
    }
}

#[test]
fn durability_is_chosen_once() {
    let site = Site::new("").set("BLERG_DURABILITY", "none");
    site.tool(&["init"]);
    assert_eq!(super::cgi_run::run(&site, &Ask::get("/latest")).unwrap().status, 200);
    let site = site.set("BLERG_DURABILITY", "sync");
    assert_eq!(super::cgi_run::run(&site, &Ask::get("/latest")).unwrap().status, 500);
    assert!(!site.try_tool(&["stats"]).status.success());
}

#[test]
fn a_body_that_is_not_as_long_as_it_says_changes_nothing() {
    let way = Way::open(Kind::Cgi, Site::new(""));
    let token = way.sign_up("jon");
    let ask = put(&token);
    let body = ask.body.clone().unwrap();
    for (length, sent, status) in [
        ("", body.as_slice(), 411),
        ("x", &body, 400),
        ("-1", &body, 400),
        ("99999999999999999999", &body, 413),
        ("9999999", &body, 413),
        ("200", &body, 400),
    ] {
        let mut process = way.site.command("cgi_blerg");
        process.envs(variables(&way.site, "blerg.cgi", "127.0.0.1", &ask)).env("CONTENT_LENGTH", length);
        let reply = run_with(&mut process, sent).unwrap();
        assert_eq!(reply.status, status, "CONTENT_LENGTH={length}: {}", reply.text());
    }
    let mut process = way.site.command("cgi_blerg");
    process.envs(variables(&way.site, "blerg.cgi", "127.0.0.1", &ask)).env_remove("CONTENT_LENGTH");
    assert_eq!(run_with(&mut process, &body).unwrap().status, 411);
    assert_eq!(way.get("/info/jon").json()["record_count"], "0");
}

#[test]
fn a_limit_of_file_sizes_is_said_to_be_no_room_by_log_and_databases_alike() {
    let way = Way::open(Kind::Cgi, Site::new(""));
    let token = way.sign_up("jon");
    way.ask(&put(&token));
    let page = |text: &str| Ask::post("/wiki/Tea", &[("text", text), ("base", "0"), ("save", "1")]).with(&token);
    let login = Ask::post("/login", &[("username", "jon"), ("password", PASSWORD)]);
    let seen = Ask::post("/status", &[("clear", "feed")]).with(&token);
    for (ask, program) in [
        (put(&token), "cgi_blerg"),
        (login, "cgi_blerg"),
        (seen, "cgi_blerg"),
        (Ask::get("/search?q=again"), "cgi_blerg"),
        (page("leaves"), "wiki.cgi"),
    ] {
        for blocks in [0, 64, 128] {
            let mut shell = command("/bin/sh");
            shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\"")]).arg(way.site.program(program));
            shell.envs(way.site.environment()).envs(variables(&way.site, program, "127.0.0.1", &ask));
            let reply = run_with(&mut shell, ask.body.as_deref().unwrap_or_default()).unwrap();
            let what = format!("{} under {blocks} blocks: {} {}", ask.path, reply.status, reply.text());
            // What needs no room to grow is done.
            let done = matches!(reply.status, 200 | 303) && blocks > 0;
            assert!(done || reply.status == 503 && reply.header("retry-after") == Some("300"), "{what}");
            assert!(!what.contains("internal") && (done || program != "wiki.cgi" || what.contains("leaves")), "{what}");
        }
        assert_ne!(way.ask(&ask).status, 503, "{}", ask.path);
    }
    assert_eq!(way.get("/get/jon").status, 200);
}

#[test]
fn http_blerg_keeps_a_connection_for_many_requests() {
    let way = Way::open(Kind::Http, Site::new(""));
    let token = way.sign_up("jon");
    let mut connection = Connection::open(way.address.as_ref().unwrap()).unwrap();
    for n in 0..50 {
        connection.send(&put(&token).to_bytes(&way.host, "")).unwrap();
        assert_eq!(connection.reply("POST").unwrap().json()["record"], n.to_string());
        // Two at once: answers come in order.
        let get = Ask::get("/info/jon").to_bytes(&way.host, "");
        let head = Ask::new("HEAD", "/get/jon").to_bytes(&way.host, "");
        connection.send(&[get, head].concat()).unwrap();
        assert_eq!(connection.reply("GET").unwrap().json()["record_count"], (n + 1).to_string());
        assert_eq!(connection.reply("HEAD").unwrap().status, 200);
    }
}

#[test]
fn blergtool_run_as_root_leaves_no_file_of_roots() {
    use std::os::unix::fs::MetadataExt as _;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let way = Way::open(Kind::Cgi, Site::new(""));
    let token = way.sign_up("jon");
    let owner = std::fs::metadata(way.site.data()).unwrap().uid();
    let mut root = std::process::Command::new(way.site.program("blergtool"));
    let input = way.site.run().join("posts.jsonl");
    std::fs::write(&input, "{\"author\":\"ada\",\"text\":\"#one\"}\n").unwrap();
    super::site::hand_over(&input);
    root.env_clear().envs(way.site.environment()).arg("import").arg(&input);
    let output = root.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(way.ask(&put(&token)).json()["record"], "0");
    let mut find = command("find");
    let found = find.arg(way.site.data()).args(["!", "-uid", &owner.to_string()]).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}
