//! How workers start and end: a listening socket on standard input (spawn-fcgi, systemd), `--listen`, stopping while
//! requests are under way, and the unit files. Start at [`worker_on`].

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use super::cgi_run::variables;
use super::fcgi_client::{Client, PARAMS, STDIN, begin, pairs, request, stream};
use super::front::{Kind, Way};
use super::http::{Address, Ask, Reply};
use super::servers::delivered;
use super::site::{Over, Running, Site, command, free_port, hand_over, wait_until};

/// A worker that gets `listener` as its standard input.
fn worker_on(site: &Site, listener: &UnixListener, name: &str) -> Running {
    let listener: OwnedFd = listener.try_clone().unwrap().into();
    Running::start(site, name, site.command("fcgi_blerg").stdin(Stdio::from(listener)))
}

fn latest(site: &Site) -> Vec<(String, String)> {
    variables(site, "blerg.fcgi", "127.0.0.1", &Ask::get("/latest"))
}

#[track_caller]
fn ask(address: &Address, site: &Site) {
    let reply = Client::open(address).unwrap().ask(1, false, &latest(site), b"").unwrap();
    assert_eq!((reply.status, reply.text()), (200, "[]"));
}

#[test]
fn spawn_fcgi_starts_a_worker() {
    let site = Site::new("");
    let socket = site.run().join("spawned.sock");
    let mut command = command("spawn-fcgi");
    command.args(["-n", "-s"]).arg(&socket).arg("--").arg(site.program("fcgi_blerg")).envs(site.environment());
    let address = Address::Unix(socket);
    let mut running = Running::start(&site, "spawn-fcgi", &mut command);
    running.wait_until(|| address.connect().is_ok());
    ask(&address, &site);
}

#[test]
fn workers_take_turns_on_one_socket_without_losing_a_request() {
    let site = Site::new("");
    let path = site.run().join("shared.sock");
    let listener = UnixListener::bind(&path).unwrap();
    hand_over(&path);
    let address = Address::Unix(path);
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut worker = worker_on(&site, &listener, "worker-0");
    ask(&address, &site);
    thread::scope(|scope| {
        let _over = Over(&stop);
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        ask(&address, &site);
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for turn in 1..6 {
            let goal = asked.load(Ordering::Relaxed) + 100;
            wait_until("requests go on", || {
                asked.load(Ordering::Relaxed) > goal || clients.iter().any(thread::ScopedJoinHandle::is_finished)
            });
            worker.signal(Signal::TERM);
            let next = worker_on(&site, &listener, &format!("worker-{turn}"));
            assert!(worker.wait().success(), "{}", worker.log());
            worker = next;
        }
    });
    assert!(asked.load(Ordering::Relaxed) > 500);
}

#[test]
fn sigterm_finishes_what_is_in_flight() {
    let mut way = Way::open(Kind::Fcgi, Site::new(""));
    let token = way.sign_up("jon");
    let ask = Ask::post("/put", &[("data", "in flight")]).with(&token);
    let bytes = request(1, false, &variables(&way.site, "blerg.fcgi", "127.0.0.1", &ask), ask.body.as_deref().unwrap());
    let address = way.address.clone().unwrap();
    let mut client = Client::open(&address).unwrap();
    let (first, rest) = bytes.split_at(bytes.len() - 20);
    client.send(first).unwrap();
    // An answer on a later connection shows that the first bytes have been read.
    way.get("/latest");
    way.running[0].signal(Signal::TERM);
    wait_until("the worker takes no more", || {
        Client::open(&address).and_then(|mut client| client.ask(1, false, &latest(&way.site), b"")).is_err()
    });
    client.send(rest).unwrap();
    let (output, ..) = client.finish(1).unwrap();
    assert_eq!(Reply::from_cgi(&output).unwrap().json()["record"], "0");
    assert!(way.running[0].wait().success(), "{}", way.running[0].log());
}

#[test]
fn what_a_client_did_wrong_is_never_a_fault_of_the_site() {
    let way = Way::open(Kind::Fcgi, Site::new(""));
    let check = |params: &[u8], body: &[u8], want: u16, code: &str| {
        let bytes = [begin(1, 1, false), stream(PARAMS, 1, params), stream(STDIN, 1, body)].concat();
        let mut client = Client::open(way.address.as_ref().unwrap()).unwrap();
        // The worker may answer, and close, before it has read everything.
        let _ = client.send(&bytes);
        let (output, ..) = client.finish(1).unwrap();
        let reply = Reply::from_cgi(&output).unwrap();
        assert_eq!((reply.status, reply.json()["code"].as_str()), (want, Some(code)), "{}", reply.text());
    };
    let put = [("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/put"), ("SCRIPT_NAME", "/blerg.fcgi")];
    let with = |more: &[(&'static str, &'static str)]| pairs(put.into_iter().chain(more.iter().copied()));
    let whole = with(&[("CONTENT_LENGTH", "6")]);
    check(&whole, b"data=x", 200, "not_logged_in");
    check(&whole[..whole.len() - 1], b"", 400, "bad_request");
    check(&whole, b"data=", 400, "bad_request");
    check(&whole, b"data=xx", 400, "bad_request");
    check(&with(&[("CONTENT_LENGTH", "-6")]), b"data=x", 400, "bad_request");
    check(&with(&[]), b"data=x", 411, "length_required");
    check(&with(&[("CONTENT_LENGTH", "262145")]), b"", 413, "too_large");
    check(&with(&[("CONTENT_LENGTH", "6")]), &vec![b'x'; 300_000], 413, "too_large");
    check(&with(&[("CONTENT_LENGTH", "6"), ("HTTP_HOST", "a b")]), b"data=x", 400, "bad_request");
    check(&with(&[("CONTENT_LENGTH", "6"), ("CONTENT_TYPE", "text/plain")]), b"data=x", 400, "bad_form");
    let long = "x".repeat(200_000);
    check(&pairs([("REQUEST_METHOD", "GET"), ("HTTP_X", &long)]), b"", 431, "headers_too_large");
    let target = format!("/get/{}", &long[..20_000]);
    check(&pairs([("REQUEST_METHOD", "GET"), ("REQUEST_URI", &target)]), b"", 414, "uri_too_long");
}

#[test]
fn web_server_addrs_are_asked_over_tcp() {
    let site = Site::new("");
    for (allowed, served) in [("127.0.0.1", true), ("127.0.0.9,127.0.0.1", true), ("127.0.0.9", false)] {
        let listen = format!("127.0.0.1:{}", free_port());
        let address = Address::Tcp(listen.parse().unwrap());
        let mut command = site.command("fcgi_blerg");
        command.args(["--listen", &listen]).env("FCGI_WEB_SERVER_ADDRS", allowed);
        let mut running = Running::start(&site, "tcp", &mut command);
        running.wait_until(|| address.connect().is_ok());
        let reply = Client::open(&address).unwrap().ask(1, false, &latest(&site), b"");
        assert_eq!(reply.is_ok(), served, "{allowed}: {reply:?}");
    }
}

#[test]
fn units_pass_systemds_own_check() {
    let site = Site::new("");
    let names = ["blerg-fcgi.socket", "blerg-fcgi.service", "blerg-http.service"];
    for name in names {
        let text = fs::read_to_string(delivered(name)).unwrap();
        for program in ["fcgi_blerg", "http_blerg"] {
            assert!(!text.contains("ExecStart=") || text.contains("ExecStart=/usr/local/bin/"), "{name}");
            let here = site.program(program).display().to_string();
            let there = format!("/usr/local/bin/{program}");
            let path = site.run().join(name);
            let now = if path.exists() { fs::read_to_string(&path).unwrap() } else { text.clone() };
            fs::write(&path, now.replace(&there, &here)).unwrap();
        }
    }
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .args(names.map(|name| site.run().join(name)))
        .output()
        .expect("`make deps` installs systemd");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    // Tenths of the exposure that systemd reckons, of at most 100.
    for (name, most) in [("blerg-fcgi.service", "10"), ("blerg-http.service", "20")] {
        let mut judge = Command::new("systemd-analyze");
        judge.args(["security", "--offline=true", "--no-pager", "--threshold", most]).arg(site.run().join(name));
        let output = judge.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
