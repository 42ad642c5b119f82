//! The programs that stay have given up what they don't need, whoever started them; told by what the kernel says of each of
//! their threads, and by a file outside that is shown only where nothing was given up.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use super::super::front::{Kind, Way};
use super::super::http::{Address, Ask};
use super::super::site::{Running, Site, hand_over, wait_until};
use super::put;

/// The processes that serve a site: those of a program of ours with its data directory in their environment.
fn programs_of(site: &Site) -> Vec<u32> {
    let data = format!("BLERG_DATA={}\0", site.data().display());
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let ours = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        program.starts_with(site.programs()) && String::from_utf8_lossy(&environment).contains(&data)
    };
    pids.filter(ours).collect()
}

/// What the kernel says of every thread of a process; their number.
#[track_caller]
fn check(pid: u32, want: &[&str]) -> usize {
    let mut threads = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        for want in want {
            assert!(status.contains(want), "{want:?} is not in {status}");
        }
        threads += 1;
    }
    threads
}

const GIVEN_UP: [&str; 2] = ["NoNewPrivs:\t1\n", "Seccomp:\t2\n"];

#[test]
fn whoever_starts_them_programs_that_stay_give_up_what_they_dont_need() {
    for kind in [Kind::Fcgi, Kind::Http, Kind::LighttpdFcgi, Kind::ApacheFcgid, Kind::ApacheProxyFcgi, Kind::Nginx] {
        let way = Way::open(kind, Site::new(""));
        let token = way.sign_up("jon");
        assert_eq!(way.ask(&put(&token, "one")).json()["record"], "0", "{}", way.name());
        way.get("/search?q=one");
        way.get("/wiki/Special:All");
        let programs = programs_of(&way.site);
        assert!(!programs.is_empty(), "{}", way.name());
        for pid in programs {
            let threads = check(pid, &GIVEN_UP);
            assert!(threads > 1, "{}: {threads} threads", way.name());
            let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
            let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            assert_eq!(core.split_whitespace().nth(5), Some("0"), "{core}");
        }
        let logs: Vec<String> = way.running.iter().map(Running::log).collect();
        assert!(!logs.concat().contains("sandbox:"), "{}", logs.concat());
    }
}

#[test]
fn feeds_and_wiki_as_workers_give_it_up_too() {
    for (program, path, status) in [("rss.cgi", "/rss.cgi/latest.rss", 200), ("wiki.cgi", "/wiki.cgi/Home", 404)] {
        let site = Site::new("").set("BLERG_DURABILITY", "none");
        let socket = site.run().join("worker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        hand_over(&socket);
        let input: OwnedFd = listener.try_clone().unwrap().into();
        let worker = Running::start(&site, program, site.command(program).stdin(Stdio::from(input)));
        let variables = super::super::cgi_run::variables(&site, program, "127.0.0.1", &Ask::get(path));
        let mut client = super::super::fcgi_client::Client::open(&Address::Unix(socket)).unwrap();
        assert_eq!(client.ask(1, false, &variables, b"").unwrap().status, status, "{program}");
        check(worker.id(), &GIVEN_UP);
    }
}

/// A link that comes into `www/` after the start would show any file that this user can read.
#[test]
fn files_outside_are_out_of_reach_and_within_it_where_switched_off() {
    for (setting, reached) in [("on", false), ("off", true)] {
        let site = Site::new("").set("BLERG_SANDBOX", setting);
        let outside = site.run().join("outside.txt");
        fs::write(&outside, "what lies outside").unwrap();
        hand_over(&outside);
        let way = Way::open(Kind::Http, site);
        symlink(&outside, way.site.www().join("link.txt")).unwrap();
        fs::write(way.site.www().join("new.txt"), "a new file").unwrap();
        wait_until("the new file is shown", || way.get("/new.txt").status == 200);
        let reply = way.get("/link.txt");
        assert_eq!(reply.text().contains("what lies outside"), reached, "{setting}: {reply:?}");
        assert_eq!(way.get("/index.html").status, 200, "{setting}");
        let given_up = fs::read_to_string(format!("/proc/{}/status", way.running[0].id())).unwrap();
        assert_eq!(given_up.contains(GIVEN_UP[1]), !reached, "{setting}: {given_up}");
    }
}
