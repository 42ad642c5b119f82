//! The embedded server over real sockets, with a handler made for the purpose.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use blerg_http::{Front, Handler, Pace, Plan, Request, Response};
use tokio::sync::oneshot;

use super::*;

/// Long enough for a loaded machine, short enough to fail.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers by path; `/gate` waits until the test opens the gate.
#[derive(Default)]
struct Fake {
    gate: Mutex<Gate>,
    moved: Condvar,
}

#[derive(Default)]
struct Gate {
    open: bool,
    waiting: usize,
}

impl Handler for Fake {
    fn plan(&self, head: &Request) -> Plan {
        let pace = match head.path.as_str() {
            "/gate" | "/slow-panic" => Pace::Slow,
            "/hash" => Pace::Hashing,
            _ => Pace::Quick,
        };
        Plan { body_bytes_max: 1000, pace }
    }

    fn handle(&self, request: &Request) -> Response {
        match request.path.as_str() {
            "/panic" | "/slow-panic" => panic!("on purpose"),
            "/gate" | "/hash" => {
                let mut gate = self.gate.lock().expect("no panic holds it");
                gate.waiting += 1;
                self.moved.notify_all();
                let _ = self.moved.wait_timeout_while(gate, PATIENCE, |gate| !gate.open).expect("no panic holds it");
                Response::text(200, "through")
            }
            "/stream" => {
                let pieces = (0..5).map(|number| Ok(format!("piece {number}\n").into_bytes()));
                Response::stream("text/plain", Box::new(pieces))
            }
            "/torn" => {
                let pieces = [Ok(b"half".to_vec()), Err(io::Error::other("gone"))];
                Response::stream("text/plain", Box::new(pieces.into_iter()))
            }
            "/who" => Response::text(200, format!("{:?} {:?}", request.remote, request.host)),
            "/length" => Response::text(200, request.body.len().to_string()),
            path => Response::text(200, format!("{:?} {path} {}", request.method, request.query)),
        }
    }
}

struct Running {
    address: SocketAddr,
    fake: Arc<Fake>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    ended: Receiver<()>,
    _www: tempfile::TempDir,
}

fn start(threads: usize) -> Running {
    let www = tempfile::tempdir().expect("a directory");
    std::fs::write(www.path().join("index.html"), "<!doctype html>").expect("written");
    let files = Files::load(www.path()).expect("readable");
    let socket = Address::parse("127.0.0.1:0").bind().expect("a free port");
    let Socket::Tcp(tcp) = &socket else { panic!("no TCP") };
    let address = tcp.local_addr().expect("bound");
    let fake = Arc::new(Fake::default());
    let handler: Arc<dyn Handler> = Arc::<Fake>::clone(&fake);
    let exchange = Exchange::new(handler, Front::default(), files, 1000);
    let (stop, stopped) = oneshot::channel();
    let (end, ended): (Sender<()>, Receiver<()>) = channel();
    let thread = thread::spawn(move || {
        let outcome = loops::serve(socket, exchange, threads, async {
            // A sender that is gone stops as well.
            let _ = stopped.await;
            Ok(())
        });
        drop(end);
        outcome
    });
    Running { address, fake, stop: Some(stop), thread: Some(thread), ended, _www: www }
}

impl Running {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream
    }

    /// Sends bytes, closes for writing if `last`, and gives back all that comes until the server closes.
    fn ask(&self, sent: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(sent.as_bytes()).expect("sent");
        stream.shutdown(Shutdown::Write).expect("shut");
        let mut found = Vec::new();
        // A reset after the answer is no matter here.
        let _ = stream.read_to_end(&mut found);
        String::from_utf8_lossy(&found).into_owned()
    }

    fn open_gate(&self) {
        self.fake.gate.lock().expect("no panic holds it").open = true;
        self.fake.moved.notify_all();
    }

    fn wait_for_waiting(&self, count: usize) {
        let gate = self.fake.gate.lock().expect("no panic holds it");
        let waited = self.fake.moved.wait_timeout_while(gate, PATIENCE, |gate| gate.waiting < count);
        assert!(!waited.expect("no panic holds it").1.timed_out());
    }

    fn stop(&mut self) {
        drop(self.stop.take());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.open_gate();
        self.stop();
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join().expect("the server does not panic");
            assert!(thread::panicking() || outcome.is_ok(), "{outcome:?}");
        }
    }
}

/// Reads one answer whose length is known.
fn read_answer(stream: &mut TcpStream) -> String {
    let mut found = Vec::new();
    let mut byte = [0; 1];
    while !found.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).expect("in time"), 1, "{}", String::from_utf8_lossy(&found));
        found.extend_from_slice(&byte);
    }
    let head = String::from_utf8(found).expect("ASCII");
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().expect("digits"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("in time");
    head + &String::from_utf8(body).expect("text")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
}

#[test]
fn files_come_before_the_site_and_the_site_answers_the_rest() {
    let site = start(1);
    assert!(site.ask(&get("/")).ends_with("\r\n\r\n<!doctype html>"));
    let answer = site.ask(&get("/tag/%23a%2fb?x=%20"));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nGet /tag/#a/b x=%20"), "{answer}");
    assert!(answer.contains("\r\nx-content-type-options: nosniff\r\n"), "{answer}");
    let absolute = site.ask(&get("http://other.example/who"));
    assert!(absolute.ends_with("Some(127.0.0.1) Some(\"other.example\")"), "{absolute}");
    assert!(site.ask(&get("/%zz")).starts_with("HTTP/1.1 400 "));
    assert!(site.ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

#[test]
fn a_connection_is_kept_and_requests_may_be_sent_ahead() {
    for threads in [1, 3] {
        let site = start(threads);
        let mut stream = site.connect();
        let one = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
        stream.write_all(one.repeat(3).as_bytes()).expect("sent");
        for _ in 0..3 {
            assert!(read_answer(&mut stream).ends_with("Get /a "));
        }
        stream.write_all(b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n").expect("sent");
        let mut found = [0; 1];
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut found).expect("in time");
            head.extend_from_slice(&found);
        }
        assert!(String::from_utf8_lossy(&head).contains("content-length: 8\r\n"));
        assert!(read_answer(&mut stream).ends_with("Get /b "));
    }
}

#[track_caller]
fn check_post(site: &Running, head: &str, body: &str, want: &str) {
    let sent = format!("POST /length HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{head}\r\n{body}");
    let answer = site.ask(&sent);
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let found = if status == "200" { answer.rsplit("\r\n\r\n").next().unwrap_or_default() } else { status };
    assert_eq!(found, want, "{head}{answer}");
}

#[test]
fn bodies_are_read_to_their_limit() {
    let site = start(1);
    check_post(&site, "Content-Length: 3\r\n", "a=b", "3");
    check_post(&site, "Content-Length: 0\r\n", "", "0");
    check_post(&site, "Content-Length: 1000\r\n", &"x".repeat(1000), "1000");
    check_post(&site, "Content-Length: 1001\r\n", &"x".repeat(1001), "413");
    check_post(&site, "Content-Length: 400000\r\n", &"x".repeat(400_000), "413");
    check_post(&site, "Transfer-Encoding: chunked\r\n", "3\r\na=b\r\n2\r\n&c\r\n0\r\n\r\n", "5");
    check_post(&site, "Transfer-Encoding: chunked\r\n", &format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001)), "413");
    check_post(&site, "", "", "411");
    check_post(&site, "Content-Length: x\r\n", "a=b", "400");
}

#[test]
fn a_body_that_ends_early_is_never_carried_out() {
    let site = start(1);
    let answer = site.ask("POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na=b");
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[test]
fn a_stream_comes_in_pieces_and_a_torn_one_is_seen_to_be() {
    let site = start(1);
    let answer = site.ask(&get("/stream"));
    assert!(
        answer.contains("transfer-encoding: chunked\r\n") && answer.ends_with("8\r\npiece 4\n\r\n0\r\n\r\n"),
        "{answer}"
    );
    let torn = site.ask(&get("/torn"));
    assert!(!torn.ends_with("0\r\n\r\n"), "{torn}");
}

#[test]
fn a_handler_that_panics_costs_its_own_request_only() {
    let site = start(1);
    assert!(site.ask(&get("/panic")).starts_with("HTTP/1.1 500 "));
    assert!(site.ask(&get("/slow-panic")).starts_with("HTTP/1.1 500 "));
    assert!(site.ask(&get("/a")).starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_header_beyond_the_limits_is_refused() {
    let site = start(1);
    let long = format!("GET /a HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let answer = site.ask(&long);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    let many = format!("GET /a HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert!(site.ask(&many).starts_with("HTTP/1.1 431 "));
}

#[test]
fn quick_requests_go_on_while_slow_ones_wait_and_too_many_slow_ones_are_refused() {
    // Both ends of all connections are here.
    crate::listen::raise_file_limit();
    let site = start(1);
    let too_many = 8;
    let mut sent: Vec<TcpStream> = (0..exchange::SLOW_MAX + too_many).map(|_| site.connect()).collect();
    for stream in &mut sent {
        stream.write_all(get("/gate").as_bytes()).expect("sent");
        stream.set_nonblocking(true).expect("set");
    }
    let deadline = Instant::now() + PATIENCE;
    let is_answered = |stream: &TcpStream| stream.peek(&mut [0; 1]).is_ok();
    while sent.iter().filter(|stream| is_answered(stream)).count() < too_many {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    assert!(site.ask(&get("/a")).starts_with("HTTP/1.1 200 "));
    let (mut refused, mut waiting): (Vec<_>, Vec<_>) = sent.into_iter().partition(is_answered);
    assert_eq!(refused.len(), too_many);
    for stream in &mut refused {
        stream.set_nonblocking(false).expect("set");
        let answer = read_answer(stream);
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 2\r\n"), "{answer}");
    }
    site.open_gate();
    for stream in &mut waiting {
        stream.set_nonblocking(false).expect("set");
        assert!(read_answer(stream).ends_with("through"));
    }
}

#[test]
fn requests_that_hash_take_turns_and_one_thread() {
    let site = start(1);
    let too_many = 3;
    let mut sent: Vec<TcpStream> = (0..exchange::HASHING_MAX).map(|_| site.connect()).collect();
    for stream in &mut sent {
        stream.write_all(get("/hash").as_bytes()).expect("sent");
    }
    site.wait_for_waiting(1);
    let refused = |_: &i32| site.ask(&get("/hash")).starts_with("HTTP/1.1 503 ");
    assert_eq!((0..too_many).filter(refused).count(), 3);
    assert_eq!(site.fake.gate.lock().expect("no panic holds it").waiting, 1);
    site.open_gate();
    for stream in &mut sent {
        assert!(read_answer(stream).ends_with("through"));
    }
}

#[test]
fn a_stop_finishes_what_is_in_flight_and_takes_nothing_new() {
    for threads in [1, 2] {
        let mut site = start(threads);
        let mut idle = site.connect();
        idle.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n").expect("sent");
        assert!(read_answer(&mut idle).ends_with("Get /a "));
        let mut busy = site.connect();
        busy.write_all(b"GET /gate HTTP/1.1\r\nHost: h\r\n\r\n").expect("sent");
        site.wait_for_waiting(1);
        site.stop();
        assert_eq!(idle.read(&mut [0; 1]).expect("closed in time"), 0);
        assert!(TcpStream::connect(site.address).is_err());
        site.open_gate();
        assert!(read_answer(&mut busy).ends_with("through"));
        assert_eq!(site.ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    }
}
