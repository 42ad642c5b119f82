//! `blergtool backup` and `salvage` of the real programs: a backup beside `http_blerg` and CGI writers, one that is killed at
//! any instant, and what an operator sees of a damaged site.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::cgi_run::run;
use super::front::{Kind, Way};
use super::http::Ask;
use super::site::{Over, Site, make_folder};

/// The tool on another directory than the site's own.
fn tool(site: &Site, data: &Path, arguments: &[&str]) -> Output {
    let mut command: Command = site.command("blergtool");
    command.env("BLERG_DATA", data).args(arguments).stdin(Stdio::null());
    command.output().unwrap()
}

#[track_caller]
fn check_sound(site: &Site, data: &Path) {
    let output = tool(site, data, &["check"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The numbers of a user's records that were acknowledged.
fn record(reply: &super::http::Reply) -> u64 {
    reply.json()["record"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).parse().unwrap()
}

#[test]
fn a_backup_beside_server_and_cgi_writers_holds_what_was_acknowledged_and_goes_on() {
    const BACKUPS: usize = 4;
    let way = Way::open(Kind::Http, Site::new(""));
    let (ada, bob) = (way.sign_up("ada"), way.sign_up("bob"));
    let (by_http, by_cgi) = (AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    let backups = way.site.run().join("backups");
    make_folder(&backups);
    thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let put = Ask::post("/put", &[("data", "by the server #all")]).with(&ada);
                let no = record(&way.ask(&put));
                by_http.store(no, Ordering::Relaxed);
                if no % 3 == 2 {
                    way.ask(&Ask::post("/delete", &[("record", &(no - 1).to_string())]).with(&ada));
                }
            }
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let put = Ask::post("/put", &[("data", "by a process #all")]).with(&bob);
                by_cgi.store(record(&run(&way.site, &put).unwrap()), Ordering::Relaxed);
            }
        });
        for n in 0..BACKUPS {
            let known = [("ada", &by_http), ("bob", &by_cgi)].map(|(name, last)| (name, last.load(Ordering::Relaxed)));
            let to = backups.join(n.to_string());
            way.site.tool(&["backup", to.to_str().unwrap()]);
            check_sound(&way.site, &to);
            for (name, last) in known {
                let ask = Ask::get(&format!("/info/{name}"));
                let mut command = way.site.command("cgi_blerg");
                command.env("BLERG_DATA", &to);
                command.envs(super::cgi_run::variables(&way.site, "blerg.cgi", "127.0.0.1:80", &ask));
                let reply = super::cgi_run::run_with(&mut command, &[]).unwrap();
                let count: u64 = reply.json()["record_count"].as_str().unwrap().parse().unwrap();
                assert!(count > last || last == 0, "backup {n}: {count} records of {name}, {last} was acknowledged");
            }
        }
    });
    println!("{BACKUPS} backups beside {by_http:?} puts by http_blerg and {by_cgi:?} by CGI processes");
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_that_opens_and_the_next_one_is_whole() {
    const KILLS: u64 = 24;
    let site = Site::new("");
    site.tool(&["init"]);
    let posts = site.run().join("posts.jsonl");
    let lines: String =
        (0..3_000).map(|n| format!("{{\"author\":\"ada\",\"text\":\"{n} {}\"}}\n", "x".repeat(900))).collect();
    fs::write(&posts, lines).unwrap();
    super::site::hand_over(&posts);
    site.tool(&["import", posts.to_str().unwrap()]);
    let to = site.run().join("backup");
    let (mut killed, mut ended) = (0, 0);
    for n in 0..KILLS {
        make_folder(&to);
        let mut child = site
            .command("blergtool")
            .args(["backup", to.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Later and later, through all that it does.
        thread::park_timeout(Duration::from_millis(2 + 3 * n));
        child.kill().unwrap();
        let done = child.wait().unwrap().success();
        if to.join("FORMAT").exists() {
            check_sound(&site, &to);
            fs::remove_dir_all(&to).unwrap();
            ended += 1;
            continue;
        }
        assert!(!done);
        killed += 1;
        if fs::read_dir(&to).unwrap().next().is_some() {
            let output = tool(&site, &to, &["check"]);
            assert!(!output.status.success(), "kill {n}: what is left opens");
        }
    }
    make_folder(&to);
    site.tool(&["backup", to.to_str().unwrap()]);
    check_sound(&site, &to);
    let again = site.try_tool(&["backup", to.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    println!("{killed} backups killed, {ended} came to their end before");
}

#[test]
fn an_operator_is_told_what_a_salvage_lost() {
    let site = Site::new("");
    site.tool(&["init"]);
    let posts = site.run().join("posts.jsonl");
    fs::write(&posts, "{\"author\":\"ada\",\"text\":\"one\"}\n{\"author\":\"ada\",\"text\":\"a needle\"}\n").unwrap();
    super::site::hand_over(&posts);
    site.tool(&["import", posts.to_str().unwrap()]);
    let whole = site.run().join("whole");
    let told = site.tool(&["salvage", whole.to_str().unwrap()]);
    assert!(told.contains("nothing was lost"), "{told}");
    check_sound(&site, &whole);
    let segment = site.data().join("log/0000000000000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(6).position(|window| window == b"needle").unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    assert_eq!(site.try_tool(&["check"]).status.code(), Some(1));
    let to = site.run().join("salvaged");
    let output = site.try_tool(&["salvage", to.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((answer["records"].as_u64(), answer["authors"].as_u64()), (Some(1), Some(1)), "{answer}");
    assert!(answer["lost"].to_string().contains("record 1 of \\\"ada\\\""), "{answer}");
    check_sound(&site, &to);
    // A site may not be written into itself.
    let inside = site.data().join("backup");
    assert_eq!(site.try_tool(&["backup", inside.to_str().unwrap()]).status.code(), Some(2));
    assert!(!inside.exists());
}
