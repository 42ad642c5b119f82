//! FastCGI clients that others wrote, each from its own reading of the specification: what they make of `fcgi_blerg`'s answers
//! is what `http_blerg` says of the same site. Start at [`Pair`]. (`attacks.rs` has libfcgi's, `servers.rs` the web servers.)

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::cgi_run::variables;
use super::front::{Kind, Way};
use super::http::{self, Address, Ask, Reply};
use super::site::{Running, Site, command, free_port};

/// Requests that the npm client has under way at once; the worker takes a hundred on one connection.
const AT_ONCE: usize = 90;

/// One site, served by both.
struct Pair {
    way: Way,
    http: Address,
    token: String,
    _http_blerg: Running,
}

impl Pair {
    fn start() -> Pair {
        let way = Way::open(Kind::Fcgi, Site::new(""));
        let token = way.sign_up("jon");
        for n in 0..60 {
            let text = format!("{n} #tag été {}", "long ".repeat(n * 20));
            way.ask(&Ask::post("/put", &[("data", &text)]).with(&token));
        }
        let port = free_port();
        let mut command = way.site.command("http_blerg");
        command.args(["--listen", &format!("127.0.0.1:{port}"), "--www"]).arg(way.site.www());
        let mut running = Running::start(&way.site, "http_blerg", &mut command);
        let http = Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        running.wait_until(|| http.connect().is_ok());
        Pair { way, http, token, _http_blerg: running }
    }

    /// Short and long answers, refusals and a body.
    fn asks(&self) -> Vec<Ask> {
        let paths = [
            "/get/jon",
            "/get/jon/0-59",
            "/tag/Htag",
            "/latest",
            "/info/jon",
            "/rss/user/jon.atom",
            "/no/such",
            "/feed",
        ];
        let mut asks: Vec<Ask> = paths.map(Ask::get).into();
        asks.push(Ask::get("/status").with(&self.token));
        asks.push(Ask::post("/subscribe/jon", &[("username", "jon"), ("padding", &"x".repeat(100_000))]));
        asks
    }

    /// What a client of the worker is to be asked.
    fn question(&self, ask: &Ask) -> Value {
        let params: serde_json::Map<String, Value> = variables(&self.way.site, "blerg.fcgi", "127.0.0.1", ask)
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)))
            .collect();
        json!({ "params": params, "body": base64(ask.body.as_deref().unwrap_or_default()) })
    }

    #[track_caller]
    fn check(&self, ask: &Ask, answer: &Value) {
        assert_eq!((&answer["status"], &answer["stderr"]), (&json!(0), &json!("")), "{}: {answer}", ask.path);
        let output = from_base64(answer["stdout"].as_str().expect("text"));
        let ours = Reply::from_cgi(&output).unwrap();
        let theirs = http::ask(&self.http, "127.0.0.1", "", ask).unwrap();
        assert_eq!((ours.status, ours.text()), (theirs.status, theirs.text()), "{}", ask.path);
        for name in ["Content-Type", "Content-Length", "ETag", "Cache-Control", "Link"] {
            assert_eq!(ours.header(name), theirs.header(name), "{name} of {}", ask.path);
        }
    }

    /// Runs a client and gives it its questions.
    fn run(&self, client: &mut Command, asks: &[Ask]) -> Value {
        let Some(Address::Unix(socket)) = &self.way.address else { panic!("a worker has a socket") };
        let requests: Vec<Value> = asks.iter().map(|ask| self.question(ask)).collect();
        let questions = json!({ "socket": socket, "requests": requests }).to_string();
        let mut child = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().expect("it is piped").write_all(questions.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// A file beside the tests.
fn beside(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

#[test]
fn the_npm_client_sends_many_requests_at_once_over_one_connection() {
    let pair = Pair::start();
    let asks: Vec<Ask> = pair.asks().into_iter().cycle().take(AT_ONCE).collect();
    let before = pair.way.running[0].log();
    let said = pair.run(command("node").arg("--no-deprecation").arg(beside("npm/fastcgi.cjs")), &asks);
    assert_eq!(said["multiplexed"], json!(true), "the worker says that it takes them so");
    let answers = said["answers"].as_array().expect("answers");
    assert_eq!(answers.len(), AT_ONCE);
    for (ask, answer) in asks.iter().zip(answers) {
        pair.check(ask, answer);
    }
    assert_eq!(pair.way.running[0].log(), before, "nothing was worth a line in the log");
}

#[test]
fn the_perl_client_gets_the_same_answers() {
    let pair = Pair::start();
    let asks = pair.asks();
    let said = pair.run(command("perl").arg(beside("it/foreign/client.pl")), &asks);
    let answers = said["answers"].as_array().expect("answers");
    assert_eq!(answers.len(), asks.len());
    for (ask, answer) in asks.iter().zip(answers) {
        pair.check(ask, answer);
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at > group.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

fn from_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for group in text.trim().as_bytes().chunks(4) {
        let digit = |at: usize| ALPHABET.iter().position(|digit| *digit == group[at]);
        let bits = (0..4).fold(0, |bits, at| bits << 6 | digit(at).unwrap_or(0));
        let length = (0..4).filter(|at| digit(*at).is_some()).count() - 1;
        bytes.extend((0..length).map(|at| (bits >> (16 - 8 * at) & 255) as u8));
    }
    bytes
}
