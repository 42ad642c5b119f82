//! Many connections at once: through web servers, and idle ones kept on the worker's own socket. All of them are held by
//! the test's own process, which raises its limit on open files. Start at [`many_files`].

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::cgi_run::variables;
use super::fcgi_client::Client;
use super::front::{Kind, Way};
use super::http::{Ask, Connection};
use super::site::{Site, private_kib};

const ROUNDS: usize = 3;
const AT_ONCE: usize = 1000;
const IDLE: usize = 10_000;
/// 16 KiB for each.
const IDLE_KIB_MAX: u64 = 160 << 10;

/// Raises the limit to the hard one; `files` must fit. One test at a time has so many, as long as it keeps what it gets.
#[track_caller]
pub fn many_files(files: u64) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    assert!(hard >= files, "the hard limit on open files is {hard}; this test holds {files}");
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    turn
}

/// A site with one post, by `kind`.
pub fn with_a_post(kind: Kind) -> Way {
    let way = Way::open(kind, Site::new(""));
    let token = way.sign_up("jon");
    way.ask(&Ask::post("/put", &[("data", "Hello")]).with(&token));
    way
}

/// Every connection is open, and has sent its request, before the first answer is read.
fn a_thousand_at_once(kind: Kind) {
    let _files = many_files(4096);
    let way = with_a_post(kind);
    let address = way.address.as_ref().unwrap();
    let get = Ask::get("/get/jon").to_bytes(&way.host, "");
    let mut connections: Vec<Connection> = (0..AT_ONCE).map(|_| Connection::open(address).unwrap()).collect();
    for round in 0..ROUNDS {
        for connection in &mut connections {
            connection.send(&get).unwrap();
        }
        for (number, connection) in connections.iter_mut().enumerate() {
            let reply = connection.reply("GET");
            let reply = reply.unwrap_or_else(|error| panic!("{}: round {round}, {number}: {error}", way.name()));
            assert_eq!(reply.status, 200, "{}: round {round}, connection {number}: {reply:?}", way.name());
            assert_eq!(reply.json()[0]["data"], "Hello");
        }
    }
}

#[test]
fn lighttpd_carries_a_thousand_connections_at_once() {
    a_thousand_at_once(Kind::LighttpdFcgi);
}

#[test]
fn nginx_carries_a_thousand_connections_at_once() {
    a_thousand_at_once(Kind::Nginx);
}

#[test]
fn http_blerg_carries_a_thousand_connections_at_once() {
    a_thousand_at_once(Kind::Http);
}

/// Apache's event MPM takes 400 at once and lets the rest wait, so each connection is for one request.
fn a_thousand_visitors(kind: Kind) {
    let _files = many_files(4096);
    let way = with_a_post(kind);
    let get = Ask::get("/get/jon").header("Connection", "close").to_bytes(&way.host, "");
    let open = |_| Connection::open(way.address.as_ref().unwrap()).unwrap();
    let mut connections: Vec<Connection> = (0..AT_ONCE).map(open).collect();
    for connection in &mut connections {
        connection.send(&get).unwrap();
    }
    for (number, connection) in connections.iter_mut().enumerate() {
        let reply = connection.reply("GET");
        let reply = reply.unwrap_or_else(|error| panic!("{}: {number}: {error}", way.name()));
        assert_eq!(reply.status, 200, "{}: connection {number}: {reply:?}", way.name());
        assert_eq!(reply.json()[0]["data"], "Hello");
    }
}

#[test]
fn apache_with_mod_proxy_fcgi_carries_a_thousand_visitors_at_once() {
    a_thousand_visitors(Kind::ApacheProxyFcgi);
}

#[test]
fn apache_with_mod_fcgid_carries_a_thousand_visitors_at_once() {
    a_thousand_visitors(Kind::ApacheFcgid);
}

#[test]
fn apache_with_cgi_carries_a_thousand_visitors_at_once() {
    a_thousand_visitors(Kind::ApacheCgi);
}

#[test]
fn lighttpd_with_cgi_carries_a_thousand_visitors_at_once() {
    a_thousand_visitors(Kind::LighttpdCgi);
}

#[test]
fn ten_thousand_idle_connections_leave_the_worker_answering() {
    let _files = many_files(12_000);
    let way = with_a_post(Kind::Fcgi);
    let address = way.address.as_ref().unwrap();
    let get = variables(&way.site, "blerg.fcgi", &way.host, &Ask::get("/get/jon"));
    let ask = |client: &mut Client, id: u16| {
        let reply = client.ask(id, true, &get, b"").unwrap();
        assert_eq!((reply.status, &reply.json()[0]["data"]), (200, &"Hello".into()));
    };
    ten_thousand_idle(&way, || Client::open(address).unwrap(), ask);
}

#[test]
fn ten_thousand_idle_connections_leave_http_blerg_answering() {
    let _files = many_files(12_000);
    let way = with_a_post(Kind::Http);
    let address = way.address.as_ref().unwrap();
    let get = Ask::get("/get/jon").to_bytes(&way.host, "");
    let ask = |connection: &mut Connection, _: u16| {
        connection.send(&get).unwrap();
        let reply = connection.reply("GET").unwrap();
        assert_eq!((reply.status, &reply.json()[0]["data"]), (200, &"Hello".into()));
    };
    ten_thousand_idle(&way, || Connection::open(address).unwrap(), ask);
}

/// Each connection has asked once; a hundred of them ask again, and a new one asks.
#[track_caller]
#[expect(clippy::print_stdout, reason = "what was measured, for whoever asks with --nocapture")]
fn ten_thousand_idle<C>(way: &Way, open: impl Fn() -> C, ask: impl Fn(&mut C, u16)) {
    let mut kept: Vec<C> = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut client = open();
        ask(&mut client, 1);
        kept.push(client);
    }
    let start = Instant::now();
    for client in kept.iter_mut().step_by(100) {
        ask(client, 2);
    }
    ask(&mut open(), 1);
    assert!(start.elapsed() < Duration::from_secs(5), "101 answers took {:?}", start.elapsed());
    let private = private_kib(way.running[0].id());
    println!(
        "measured: {}: {private} KiB private, {IDLE} idle connections, 101 answers in {:?}",
        way.name(),
        start.elapsed()
    );
    assert!(private < IDLE_KIB_MAX, "{private} KiB for {IDLE} idle connections");
}
