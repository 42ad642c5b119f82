//! Writers of every kind on one data directory at once: CGI processes, a FastCGI worker, `blergtool import`; first in
//! peace, then killed by SIGKILL at every moment that counts. Every acknowledged record must be there exactly once, with
//! consecutive numbers, and `blergtool check` must find nothing. Start at [`Round`]; `mixed/kill.rs` says how kills are
//! classified.

mod kill;
mod ledger;
mod writers;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use kill::{Class, Injection};
use ledger::Ledger;
use writers::{Cgi, Import, Worker};

use super::front::{Kind, PASSWORD, Way, token};
use super::http::Ask;
use super::site::{Over, Site, command, hand_over, wait_until};

const ROUNDS: u64 = 8;
const KILLS_MIN: u64 = 200;
const ACKNOWLEDGED_MIN: usize = 5_000;
/// Of each class that matters; far more of each land in practice.
const CLASS_KILLS_MIN: u64 = 10;
/// CGI processes at once, and clients of the worker at once.
const WRITERS: usize = 4;
pub const AUTHORS: [&str; 2] = ["jon", "Ada"];

/// A site with accounts and a first segment that the next long record will not fit into.
struct Base {
    site: Site,
    tokens: [String; 2],
}

impl Base {
    fn new() -> Base {
        let way = Way::open(Kind::Cgi, Site::new(""));
        let tokens = AUTHORS.map(|name| way.sign_up(name));
        let filler = way.site.run().join("filler.jsonl");
        let lines: Vec<String> = (0..16)
            .map(|n| {
                serde_json::json!({ "author": "filler", "text": format!("{n} {}", "f".repeat(64_000)) }).to_string()
            })
            .collect();
        std::fs::write(&filler, lines.join("\n")).unwrap();
        hand_over(&filler);
        way.site.tool(&["import", filler.to_str().unwrap()]);
        Base { site: way.site, tokens }
    }

    /// A copy: as after an unclean boot, nothing but the log is believed of it.
    fn copy(&self) -> Site {
        let site = Site::new("");
        let copied = command("cp").arg("-a").arg(self.site.data()).arg(site.data()).status().unwrap();
        assert!(copied.success());
        site
    }
}

/// What a storm is made of, shared by its threads.
pub struct Round<'a> {
    number: u64,
    site: &'a Site,
    tokens: &'a [String; 2],
    ledger: Ledger,
    kills: Mutex<BTreeMap<Class, u64>>,
    next: AtomicU64,
    over: AtomicBool,
}

impl<'a> Round<'a> {
    fn new(number: u64, site: &'a Site, tokens: &'a [String; 2]) -> Round<'a> {
        let (kills, next, over) = (Mutex::default(), AtomicU64::new(0), AtomicBool::new(false));
        Round { number, site, tokens, ledger: Ledger::default(), kills, next, over }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn killed(&self, class: Class) {
        *self.kills.lock().unwrap().entry(class).or_default() += 1;
    }

    fn count_kills(&self) -> u64 {
        self.kills.lock().unwrap().values().sum()
    }

    /// A text that nobody else writes, of `bytes` and a little.
    fn text(&self, writer: &str, bytes: usize) -> String {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("{writer} {}-{n} {}", self.number, "x".repeat(bytes));
        self.ledger.sent(&text);
        text
    }

    /// CGI processes that die one after the other while they recover the copied directory, then while they roll over to a
    /// new segment; the one after them does the work.
    fn die_in_turns(&self) {
        let cgi = Cgi { round: self, name: "turn".to_owned() };
        for injection in Injection::in_recovery() {
            cgi.put_killed(injection, 100);
        }
        cgi.put_whole(100);
        for injection in Injection::in_rollover() {
            cgi.put_killed(injection, 64_000);
        }
        cgi.put_whole(64_000);
    }

    /// All kinds of writers at once, until so much is acknowledged and so many are killed.
    fn storm(&self, acknowledged: usize, kills: u64) {
        let worker = Worker::new(self);
        thread::scope(|scope| {
            let _over = Over(&self.over);
            let mut threads = Vec::new();
            for n in 0..WRITERS {
                let cgi = Cgi { round: self, name: format!("cgi{n}") };
                threads.push(scope.spawn(move || cgi.write(kills > 0)));
                let worker = &worker;
                threads.push(scope.spawn(move || worker.write(n)));
            }
            threads.push(scope.spawn(|| Import { round: self }.write(kills > 0)));
            threads.push(scope.spawn(|| self.read()));
            if kills > 0 {
                threads.push(scope.spawn(|| worker.die_and_rise()));
            }
            wait_until("enough is acknowledged", || {
                let enough = self.ledger.count() >= acknowledged && self.count_kills() >= kills;
                enough || threads.iter().any(thread::ScopedJoinHandle::is_finished)
            });
        });
    }

    /// A reader never sees half of anything, whoever dies meanwhile.
    fn read(&self) {
        while !self.is_over() {
            for name in AUTHORS {
                let reply = super::cgi_run::run(self.site, &Ask::get(&format!("/get/{name}"))).unwrap();
                assert_eq!(reply.status, 200, "{}", reply.text());
                for post in reply.json().as_array().unwrap() {
                    self.ledger.check_whole(post["data"].as_str().unwrap());
                }
            }
        }
    }

    /// The final account.
    fn audit(&self) {
        let check = self.site.try_tool(&["check"]);
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&[check.stdout, check.stderr].concat()));
        self.ledger.audit(self.site, &AUTHORS);
        self.ledger.audit(self.site, &[writers::IMPORTER]);
    }
}

#[test]
fn writers_of_every_kind_lose_and_double_nothing() {
    let base = Base::new();
    let round = Round::new(0, &base.site, &base.tokens);
    round.storm(600, 0);
    round.audit();
    // The sessions were good all the time.
    let again = super::cgi_run::run(&base.site, &Ask::post("/login", &[("username", "jon"), ("password", PASSWORD)]));
    assert_eq!(token(&again.unwrap()).len(), 64);
}

#[test]
fn writers_killed_at_any_moment_lose_and_double_nothing_acknowledged() {
    let base = Base::new();
    let mut kills: BTreeMap<Class, u64> = BTreeMap::new();
    let mut acknowledged = 0;
    let mut number = 0;
    while number < ROUNDS || acknowledged < ACKNOWLEDGED_MIN || kills.values().sum::<u64>() < KILLS_MIN {
        number += 1;
        assert!(number <= 2 * ROUNDS, "{acknowledged} writes, {kills:?} in {number} rounds");
        let site = base.copy();
        let round = Round::new(number, &site, &base.tokens);
        round.die_in_turns();
        round.storm(ACKNOWLEDGED_MIN / usize::try_from(ROUNDS).unwrap() + 1, round.count_kills() + 20);
        round.audit();
        acknowledged += round.ledger.count();
        for (class, count) in round.kills.into_inner().unwrap() {
            *kills.entry(class).or_default() += count;
        }
    }
    println!("measured: {acknowledged} acknowledged writes, kills {kills:?}");
    for class in [Class::Write, Class::Sync, Class::Rollover, Class::Recovery] {
        let count = kills.get(&class).copied().unwrap_or(0);
        assert!(count >= CLASS_KILLS_MIN, "{count} kills within {class:?}: {kills:?}");
    }
}

/// `/dev/null` on standard input: nothing reads from the terminal of the tests.
pub fn quiet(command: &mut std::process::Command) -> &mut std::process::Command {
    command.stdin(Stdio::null())
}
