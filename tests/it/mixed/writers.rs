//! The writers of a storm: [`Cgi`] processes, clients of a [`Worker`], and [`Import`]s. Each writes texts of its own until
//! the round is over, tells the ledger what was acknowledged, and is killed now and then.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::kill::{Class, Injection, classify, look_at};
use super::{AUTHORS, Round, quiet};
use crate::cgi_run::{run_with, variables};
use crate::fcgi_client::Client;
use crate::http::{Address, Ask, Reply};
use crate::site::{Running, command, hand_over};

/// Whose records imports bring.
pub const IMPORTER: &str = "importer";
/// Records of one import.
const IMPORT_RECORDS: usize = 60;

/// A number that differs from writer to writer and from time to time; storms need no better chance.
fn chance(name: &str, n: u64) -> u64 {
    let seed = name.bytes().fold(n, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    // The low bits of a product say little.
    mixed >> 24
}

fn size(chance: u64) -> usize {
    usize::try_from(chance % 10_000).unwrap()
}

/// Waits up to some milliseconds, for a moment that nobody chose.
fn some_time(chance: u64, most_us: u64) {
    thread::park_timeout(Duration::from_micros(chance % most_us));
}

/// What a put's answer acknowledges; an answer that is none, or says that the site is busy, acknowledges nothing.
fn note(round: &Round<'_>, author: &str, text: String, reply: std::io::Result<Reply>) {
    let Ok(reply) = reply else { return };
    if reply.status == 503 {
        return;
    }
    let json = reply.json();
    assert_eq!(json["status"], "success", "{}", reply.text());
    round.ledger.acknowledged(author, json["record"].as_str().unwrap().parse().unwrap(), text);
}

/// One thread that starts CGI processes, one after the other.
pub struct Cgi<'a> {
    pub round: &'a Round<'a>,
    pub name: String,
}

impl Cgi<'_> {
    fn ask(&self, n: u64, bytes: usize) -> (usize, String, Ask) {
        let author = usize::try_from(n % 2).unwrap();
        let text = self.round.text(&self.name, bytes);
        let ask = Ask::post("/put", &[("data", &text)]).with(&self.round.tokens[author]);
        (author, text, ask)
    }

    fn with_variables<'c>(&self, command: &'c mut Command, ask: &Ask) -> &'c mut Command {
        let site = self.round.site;
        command.envs(site.environment()).envs(variables(site, "blerg.cgi", "127.0.0.1", ask))
    }

    /// Until the round is over; with kills, every second process dies of one.
    pub fn write(&self, kills: bool) {
        let mut n = 0;
        while !self.round.is_over() {
            n += 1;
            let chance = chance(&self.name, n);
            match n % 4 {
                1 if kills => self.put_killed(Injection::in_put(chance), size(chance)),
                3 if kills => self.put_killed_somewhere(chance),
                _ => self.put_whole(size(chance)),
            }
        }
    }

    /// A put that nobody disturbs.
    pub fn put_whole(&self, bytes: usize) {
        let (author, text, ask) = self.ask(chance(&self.name, bytes as u64), bytes);
        let mut command = self.round.site.command("cgi_blerg");
        let reply = run_with(self.with_variables(&mut command, &ask), ask.body.as_deref().unwrap());
        let reply = reply.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        note(self.round, AUTHORS[author], text, Ok(reply));
    }

    /// A put that dies where `injection` says, if it gets there.
    pub fn put_killed(&self, injection: Injection, bytes: usize) {
        let (author, text, ask) = self.ask(u64::from(injection.nth), bytes);
        let record = self.round.site.run().join(format!("{}.strace", self.name));
        let _ = fs::remove_file(&record);
        let mut strace = command("strace");
        strace.args(injection.arguments()).arg("-o").arg(&record).arg(self.round.site.program("cgi_blerg"));
        let reply = run_with(self.with_variables(&mut strace, &ask), ask.body.as_deref().unwrap());
        let record = fs::read_to_string(&record).unwrap_or_default();
        match classify(&record) {
            Some(class) => self.round.killed(class),
            None => assert!(reply.is_ok(), "{}: {reply:?}\n{record}", self.name),
        }
        note(self.round, AUTHORS[author], text, reply);
    }

    /// A put that dies after some time, if it is still there.
    fn put_killed_somewhere(&self, chance: u64) {
        let (author, text, ask) = self.ask(chance, size(chance));
        let mut command = self.round.site.command("cgi_blerg");
        let command = self.with_variables(&mut command, &ask);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let body = ask.body.unwrap();
        thread::scope(|scope| scope.spawn(|| drop(stdin.write_all(&body))).join().unwrap());
        drop(stdin);
        some_time(chance, 12_000);
        let class = look_at(child.id());
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.signal().is_some() {
            self.round.killed(class);
        }
        note(self.round, AUTHORS[author], text, Reply::from_cgi(&output.stdout));
    }
}

/// The FastCGI worker: one process, started again whenever it was killed.
pub struct Worker<'a> {
    round: &'a Round<'a>,
    running: Mutex<Running>,
    address: Address,
}

impl<'a> Worker<'a> {
    pub fn new(round: &'a Round<'a>) -> Worker<'a> {
        let address = Address::Unix(round.site.run().join("storm.sock"));
        Worker { round, running: Mutex::new(start(round, &address)), address }
    }

    /// One client on a kept connection, until the round is over.
    pub fn write(&self, number: usize) {
        let name = format!("client{number}");
        let mut client = None;
        let mut n = 0;
        while !self.round.is_over() {
            n += 1;
            let chance = chance(&name, n);
            let author = usize::try_from(chance % 2).unwrap();
            let text = self.round.text(&name, size(chance));
            let ask = Ask::post("/put", &[("data", &text)]).with(&self.round.tokens[author]);
            let Some(open) = client.take().or_else(|| Client::open(&self.address).ok()) else {
                some_time(chance, 5_000);
                continue;
            };
            let mut open: Client = open;
            let variables = variables(self.round.site, "blerg.fcgi", "127.0.0.1", &ask);
            let reply = open.ask(1, true, &variables, ask.body.as_deref().unwrap());
            if reply.is_ok() {
                client = Some(open);
            }
            note(self.round, AUTHORS[author], text, reply);
        }
    }

    /// Kills the worker after some time and starts the next, until the round is over.
    pub fn die_and_rise(&self) {
        let mut n = 0;
        while !self.round.is_over() {
            n += 1;
            some_time(chance("worker", n), 150_000);
            let mut running = self.running.lock().unwrap();
            let class = look_at(running.id());
            running.kill();
            self.round.killed(class);
            *running = start(self.round, &self.address);
        }
    }
}

fn start(round: &Round<'_>, address: &Address) -> Running {
    let Address::Unix(socket) = address else { unreachable!("a Unix socket") };
    let listen = format!("unix:{}", socket.display());
    let mut command = round.site.command("fcgi_blerg");
    let mut running = Running::start(round.site, "storm", command.args(["--listen", &listen]));
    running.wait_until(|| address.connect().is_ok());
    running
}

/// Imports, one after the other.
pub struct Import<'a> {
    pub round: &'a Round<'a>,
}

impl Import<'_> {
    /// Until the round is over; with kills, every second one dies.
    pub fn write(&self, kills: bool) {
        let mut n = 0;
        while !self.round.is_over() {
            n += 1;
            let texts: Vec<String> = (0..IMPORT_RECORDS).map(|_| self.round.text("import", 300)).collect();
            let path = self.round.site.run().join("import.jsonl");
            let line = |text: &String| serde_json::json!({ "author": IMPORTER, "text": text }).to_string();
            fs::write(&path, texts.iter().map(line).collect::<Vec<String>>().join("\n")).unwrap();
            hand_over(&path);
            let mut command = self.round.site.command("blergtool");
            quiet(&mut command).arg("import").arg(&path).stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut class = None::<Class>;
            if kills && n % 2 == 0 {
                some_time(chance("import", n), 40_000);
                class = Some(look_at(child.id()));
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            match (output.status.code(), class) {
                (Some(0), _) => self.round.ledger.acknowledged_texts(texts),
                (None, Some(class)) => self.round.killed(class),
                _ => panic!("import: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)),
            }
        }
    }
}
