//! More than a site can do at once: slow senders, slow readers, floods of logins and accounts, bodies without an end, idle
//! connections in every place. Others are served meanwhile, memory stays below a bound, who is turned away is told when to come
//! again, and afterwards everything is as before. Start at [`Others`]. How long slow clients may stay says tests/soak/overload.

use std::io::{self, Read as _};
use std::time::{Duration, Instant};

use super::cgi_run::variables;
use super::connections::{many_files, with_a_post};
use super::fcgi_client::{self, Client};
use super::front::{Kind, PASSWORD, Way};
use super::http::{Ask, Connection, Reply};
use super::site::{PATIENCE, Running, Site, command, private_kib, wait_until};
use super::wiki::multipart;

const MIB: u64 = 1 << 10;

/// Visitors who want nothing special while others do.
struct Others<'a> {
    way: &'a Way,
    token: String,
}

impl Others<'_> {
    fn of(way: &Way) -> Others<'_> {
        Others { way, token: way.log_in("jon") }
    }

    /// One reads, one writes.
    #[track_caller]
    fn are_served(&self) {
        let read = self.way.get("/get/jon");
        assert_eq!(read.status, 200, "{}: {}", self.way.name(), read.text());
        let put = self.way.ask(&Ask::post("/put", &[("data", "meanwhile")]).with(&self.token));
        assert_eq!((put.status, put.json()["status"].as_str()), (200, Some("success")), "{}", self.way.name());
    }
}

/// Whether a request was carried out; one that was not says when to come again.
#[track_caller]
fn is_done(reply: &Reply, refusal: u16) -> bool {
    if reply.status == refusal {
        assert!(reply.header("retry-after").is_some_and(|secs| secs.parse::<u64>().is_ok_and(|n| n > 0)), "{reply:?}");
        return false;
    }
    assert_eq!((reply.status, reply.json()["status"].as_str()), (200, Some("success")), "{}", reply.text());
    true
}

/// A request that is under way: over HTTP, or on the worker's own socket.
enum Sent {
    Http(Connection),
    Fcgi(Client),
}

impl Sent {
    /// Connects and sends all of `ask`, or all but its last `less` bytes.
    fn open(way: &Way, ask: &Ask, less: usize) -> Sent {
        let address = way.address.as_ref().unwrap();
        let (bytes, mut sent) = if way.kind == Kind::Fcgi {
            let variables = variables(&way.site, "blerg.fcgi", &way.host, ask);
            let bytes = fcgi_client::request(1, false, &variables, ask.body.as_deref().unwrap_or_default());
            (bytes, Sent::Fcgi(Client::open(address).unwrap()))
        } else {
            (ask.to_bytes(&way.host, way.site.url), Sent::Http(Connection::open(address).unwrap()))
        };
        // Who is refused may be so before everything is sent.
        let _ = sent.send(&bytes[..bytes.len() - less]);
        sent
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sent::Http(connection) => connection.send(bytes),
            Sent::Fcgi(client) => client.send(bytes),
        }
    }

    fn reply(&mut self, method: &str) -> io::Result<Reply> {
        match self {
            Sent::Http(connection) => connection.reply(method),
            Sent::Fcgi(client) => client.finish(1).and_then(|(output, ..)| Reply::from_cgi(&output)),
        }
    }
}

// Slow senders.

const SLOW_HEADS: usize = 150;
const SLOW_BODIES: usize = 150;
const SLOW_ROUNDS: usize = 20;

/// A byte at a time for everybody slow, then visitors in a hurry, again and again.
fn slow_senders(kind: Kind) {
    let _files = many_files(4096);
    let way = with_a_post(kind);
    let others = Others::of(&way);
    let address = way.address.as_ref().unwrap();
    let get = Ask::get("/get/jon").to_bytes(&way.host, "");
    let put = Ask::post("/put", &[("data", "slowly, byte by byte, but all of it")]).with(&others.token);
    let post = put.to_bytes(&way.host, "");
    let head = post.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let mut slow: Vec<(Connection, &[u8])> = (0..SLOW_HEADS + SLOW_BODIES)
        .map(|number| {
            let (bytes, at_once) = if number < SLOW_HEADS { (&get, 5) } else { (&post, head) };
            let mut connection = Connection::open(address).unwrap();
            connection.send(&bytes[..at_once]).unwrap();
            (connection, &bytes[at_once..])
        })
        .collect();
    for _ in 0..SLOW_ROUNDS {
        for (connection, rest) in &mut slow {
            let (byte, later) = rest.split_at(1);
            connection.send(byte).unwrap();
            *rest = later;
        }
        others.are_served();
    }
    for (number, (connection, rest)) in slow.iter_mut().enumerate() {
        connection.send(rest).unwrap();
        let reply = connection.reply("GET").unwrap_or_else(|error| panic!("{}: {number}: {error}", way.name()));
        assert_eq!(reply.status, 200, "{}: {number}: {}", way.name(), reply.text());
    }
}

#[test]
fn slow_senders_keep_nobody_waiting_at_http_blerg() {
    slow_senders(Kind::Http);
}

#[test]
fn slow_senders_keep_nobody_waiting_behind_lighttpd() {
    slow_senders(Kind::LighttpdFcgi);
}

#[test]
fn slow_senders_keep_nobody_waiting_behind_nginx() {
    slow_senders(Kind::Nginx);
}

#[test]
fn slow_senders_keep_nobody_waiting_behind_apache() {
    slow_senders(Kind::ApacheProxyFcgi);
}

// Floods of passwords.

const FLOOD: usize = 500;
/// Those that wait for their turn, and the one that has it.
const IN_LINE_MIN: usize = 60;
/// A hash of 7 MiB, 500 connections, and everything else.
const FLOOD_KIB_MAX: u64 = 64 * MIB;

/// Every request has been sent before the first answer is read; whoever is not in line is told so.
#[expect(clippy::print_stdout, reason = "what was measured, for whoever asks with --nocapture")]
fn flood(kind: Kind) {
    let _files = many_files(4096);
    let site = Site::new("").set("BLERG_ARGON2", "7").set("BLERG_HASH_WAIT", "100");
    let way = Way::open(kind, site);
    way.sign_up("jon");
    let others = Others::of(&way);
    let login = |_: usize| Ask::post("/login", &[("username", "jon"), ("password", PASSWORD)]);
    let create = |n: usize| Ask::post("/create", &[("username", &format!("new{n}")), ("password", PASSWORD)]);
    let entered = at_once(&others, &login).len();
    let created = at_once(&others, &create);
    for n in (0..FLOOD).step_by(7) {
        let found = way.get(&format!("/info/new{n}")).status;
        assert_eq!(found, if created.contains(&n) { 200 } else { 404 }, "new{n}");
    }
    let private = private_kib(way.running[0].id());
    println!(
        "measured: {}: {entered} of {FLOOD} logins, {} of {FLOOD} accounts, {private} KiB",
        way.name(),
        created.len()
    );
    assert!(private < FLOOD_KIB_MAX, "{private} KiB");
    // At once as before.
    way.log_in("jon");
    way.sign_up("afterwards");
}

/// The numbers of those that got through.
#[track_caller]
fn at_once(others: &Others<'_>, ask: &dyn Fn(usize) -> Ask) -> Vec<usize> {
    let mut sent: Vec<Sent> = (0..FLOOD).map(|n| Sent::open(others.way, &ask(n), 0)).collect();
    others.are_served();
    let done = |(n, sent): (usize, &mut Sent)| is_done(&sent.reply("POST").unwrap(), 503).then_some(n);
    let done: Vec<usize> = sent.iter_mut().enumerate().filter_map(done).collect();
    assert!((IN_LINE_MIN..FLOOD).contains(&done.len()), "{}: {} of {FLOOD}", others.way.name(), done.len());
    done
}

#[test]
fn a_flood_of_logins_and_accounts_is_told_to_come_again_by_http_blerg() {
    flood(Kind::Http);
}

#[test]
fn a_flood_of_logins_and_accounts_is_told_to_come_again_by_a_worker() {
    flood(Kind::Fcgi);
}

/// By the limits that a site has when nobody sets any.
#[test]
fn one_address_that_floods_spends_its_own_limit_only() {
    for kind in [Kind::Http, Kind::Fcgi] {
        let site = Site::new("").set("BLERG_ARGON2", "7").set("BLERG_TRUSTED_PROXY", "127.0.0.1");
        let way = Way::open(kind, site.set("BLERG_LIMITS", "default"));
        let from = |ask: Ask, address: &str| way.ask(&ask.header("X-Forwarded-For", address));
        let create = |n: usize| Ask::post("/create", &[("username", &format!("new{n}")), ("password", PASSWORD)]);
        let login = |n: usize| Ask::post("/login", &[("username", &format!("new{n}")), ("password", PASSWORD)]);
        let created = (0..200).filter(|n| is_done(&from(create(*n), "203.0.113.9"), 429)).count();
        assert_eq!(created, 5, "{}", way.name());
        let entered = (0..200).filter(|n| is_done(&from(login(n % 5), "203.0.113.9"), 429)).count();
        assert!((1..=11).contains(&entered), "{}: {entered} of 200", way.name());
        assert!(is_done(&from(create(200), "203.0.113.10"), 429), "{}", way.name());
        assert!(is_done(&from(login(200), "203.0.113.10"), 429), "{}", way.name());
    }
}

// Clients that never read, and bodies that never end.

const NEVER_READ: usize = 500;
/// Answers for all of them would be 560 MiB. The bounds are 32 MiB (`http_blerg`) and 64 MiB (a worker) of what waits; the
/// rest is what the allocator keeps of what was needed to make so many answers.
const NEVER_READ_KIB_MAX: u64 = 256 * MIB;

/// A page of about a MiB, asked for by clients that take nothing of it.
#[expect(clippy::print_stdout, reason = "what was measured, for whoever asks with --nocapture")]
fn never_read(kind: Kind) {
    let _files = many_files(4096);
    let way = with_a_post(kind);
    let others = Others::of(&way);
    let text = format!("# Long\n\n{}", "A wiki is a small site.\n\n".repeat(38_000));
    let save = Ask::post("/wiki/Long", &[("text", &text), ("base", "0"), ("save", "1")]).with(&others.token);
    assert_eq!(way.ask(&save).status, 303);
    let whole = way.get("/wiki/Long").body.len();
    let mut most = 0;
    let mut sent: Vec<Sent> = Vec::with_capacity(NEVER_READ);
    for number in 0..NEVER_READ {
        sent.push(Sent::open(&way, &Ask::get("/wiki/Long"), 0));
        if number % 100 == 99 {
            others.are_served();
            most = most.max(private_kib(way.running[0].id()));
        }
    }
    // Those that hold room and do not move are ended, and then there is room again.
    let start = Instant::now();
    wait_until("there is room again", || {
        others.are_served();
        most = most.max(private_kib(way.running[0].id()));
        way.try_ask(&Ask::get("/wiki/Long")).is_ok_and(|reply| reply.status == 200 && reply.body.len() == whole)
    });
    let is_cut = |mut sent: Sent| match sent.reply("GET") {
        Ok(reply) => reply.status == 503 && reply.header("retry-after").is_some(),
        Err(_) => true,
    };
    let cut = sent.into_iter().map(is_cut).filter(|cut| *cut).count();
    println!(
        "measured: {}: {most} KiB, {cut} of {NEVER_READ} turned away or cut off, room again after {:?}",
        way.name(),
        start.elapsed()
    );
    assert!(most < NEVER_READ_KIB_MAX, "{}: {most} KiB", way.name());
    assert!(cut > NEVER_READ / 10, "{}: {cut} turned away or cut off", way.name());
}

#[test]
fn clients_that_never_read_cost_http_blerg_a_bounded_memory() {
    never_read(Kind::Http);
}

#[test]
fn clients_that_never_read_cost_a_worker_a_bounded_memory() {
    never_read(Kind::Fcgi);
}

const ENDLESS: usize = 60;
const ENDLESS_BYTES: usize = 10 << 20;
/// 64 MiB of bodies in `http_blerg`, none in a worker, which keeps them in a file; and everything else.
const ENDLESS_KIB_MAX: u64 = 128 * MIB;

/// Files of 10 MiB that lack their last byte, 600 MiB in all.
#[expect(clippy::print_stdout, reason = "what was measured, for whoever asks with --nocapture")]
fn endless_bodies(kind: Kind) {
    let _files = many_files(4096);
    let way = with_a_post(kind);
    let others = Others::of(&way);
    let page = Ask::post("/wiki/Files", &[("text", "Files."), ("base", "0"), ("save", "1")]).with(&others.token);
    assert_eq!(way.ask(&page).status, 303);
    let attach = |bytes: usize| multipart("/wiki/Files?action=attach", &[], &[("a.bin", &vec![b'x'; bytes])]);
    let endless = attach(ENDLESS_BYTES);
    let sent: Vec<Sent> = (0..ENDLESS).map(|_| Sent::open(&way, &endless, 20)).collect();
    others.are_served();
    let most = private_kib(way.running[0].id());
    println!("measured: {}: {most} KiB for {ENDLESS} bodies of {ENDLESS_BYTES} bytes", way.name());
    assert!(most < ENDLESS_KIB_MAX, "{}: {most} KiB", way.name());
    let small = way.ask(&attach(5_000).with(&others.token));
    assert_eq!(small.status, 303, "{}", small.text());
    drop(sent);
    wait_until("there is room for a large body again", || {
        way.try_ask(&attach(5 << 20).with(&others.token)).is_ok_and(|reply| reply.status == 303)
    });
}

#[test]
fn bodies_without_an_end_cost_http_blerg_a_bounded_memory() {
    endless_bodies(Kind::Http);
}

#[test]
fn bodies_without_an_end_cost_a_worker_a_bounded_memory() {
    endless_bodies(Kind::Fcgi);
}

#[test]
fn a_large_body_without_room_is_told_to_come_again_by_http_blerg() {
    let _files = many_files(4096);
    let way = with_a_post(Kind::Http);
    let file = vec![b'x'; ENDLESS_BYTES];
    let endless = multipart("/wiki/Files?action=attach", &[], &[("a.bin", &file)]);
    // Six fit; of the rest, whoever meets a full room is answered.
    let _held: Vec<Sent> = (0..6).map(|_| Sent::open(&way, &endless, 20)).collect();
    let mut refused = Sent::open(&way, &endless, 20);
    let reply = refused.reply("POST").unwrap();
    assert_eq!(
        (reply.status, reply.header("retry-after"), reply.header("connection")),
        (503, Some("2"), Some("close"))
    );
}

// Connections that only hold places.

/// With 320 files there are 64 places; whoever comes when most are taken has ten seconds for a request, not 75.
#[test]
fn idle_connections_in_every_place_make_room_for_visitors() {
    const PLACES: usize = 64;
    let mut way = Way::open(Kind::Cgi, Site::new(""));
    let port = way.listen();
    let mut shell = command("/bin/sh");
    shell.args(["-c", "ulimit -n 320; exec \"$0\" --listen \"$1\" --www \"$2\""]);
    shell.arg(way.site.program("http_blerg")).arg(format!("127.0.0.1:{port}")).arg(way.site.www());
    shell.envs(way.site.environment());
    way.kind = Kind::Http;
    let running = Running::start(&way.site, "narrow", &mut shell);
    way.add(running);
    let address = way.address.clone().unwrap();
    let mut idle: Vec<Connection> = (0..PLACES).map(|_| Connection::open(&address).unwrap()).collect();
    let start = Instant::now();
    let reply = way.get("/latest");
    let waited = start.elapsed();
    assert_eq!(reply.status, 200);
    println!("measured: served after {waited:?} behind {PLACES} idle connections in as many places");
    assert!(waited < Duration::from_secs(50), "{waited:?}");
    // The first ones have their time yet.
    idle[0].send(&Ask::get("/latest").to_bytes(&way.host, "")).unwrap();
    assert_eq!(idle[0].reply("GET").unwrap().status, 200);
    let mut last = [0];
    idle[PLACES - 1].stream().set_timeout(PATIENCE);
    assert_eq!(idle[PLACES - 1].stream().read(&mut last).unwrap_or(0), 0);
}
