//! Many connections at once: through web servers, and idle ones kept on the worker's own socket. All of them are held by
//! the test's own process, which raises its limit on open files. Start at [`raise_file_limit`].

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

/// To the hard limit; `files` must fit.
#[track_caller]
fn raise_file_limit(files: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    assert!(hard >= files, "the hard limit on open files is {hard}; this test holds {files}");
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// A worker with one post behind `kind`.
fn with_a_post(kind: Kind) -> Way {
    let way = Way::open(kind, Site::new(""));
    let token = way.sign_up("jon");
    way.ask(&Ask::post("/put", &[("data", "Hello")]).with(&token));
    way
}

/// Every connection is open, and has sent its request, before the first answer is read.
fn a_thousand_at_once(kind: Kind) {
    raise_file_limit(4096);
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

#[test]
fn ten_thousand_idle_connections_leave_the_worker_answering() {
    raise_file_limit(12_000);
    let way = with_a_post(Kind::Fcgi);
    let address = way.address.as_ref().unwrap();
    let get = variables(&way.site, "blerg.fcgi", &way.host, &Ask::get("/get/jon"));
    let mut kept: Vec<Client> = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut client = Client::open(address).unwrap();
        assert_eq!(client.ask(1, true, &get, b"").unwrap().status, 200);
        kept.push(client);
    }
    let start = Instant::now();
    for client in kept.iter_mut().step_by(100) {
        assert_eq!(client.ask(2, true, &get, b"").unwrap().json()[0]["data"], "Hello");
    }
    assert_eq!(Client::open(address).unwrap().ask(1, false, &get, b"").unwrap().status, 200);
    assert!(start.elapsed() < Duration::from_secs(5), "101 answers took {:?}", start.elapsed());
    let private = private_kib(way.running[0].id());
    println!("measured: {private} KiB private with {IDLE} idle connections, 101 answers in {:?}", start.elapsed());
    assert!(private < 128 << 10, "{private} KiB for {IDLE} idle connections");
}
