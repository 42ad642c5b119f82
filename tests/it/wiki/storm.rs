//! Fifty editors of ten pages at once, through `wiki.cgi` processes and a FastCGI worker, half of which die of SIGKILL at
//! moments that nobody chose. Every acknowledged save must be in the history exactly once, with consecutive numbers and with
//! its text, whatever others saved meanwhile; a visitor sees saved pages or 503, never a fault. Start at [`Storm`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cgi_run::variables;
use crate::fcgi_client::Client;
use crate::front::{Kind, Way};
use crate::http::{Address, Ask, Reply};
use crate::site::{Over, Running, Site, wait_until};

const PAGES: usize = 10;
const EDITORS: usize = 50;
/// The first ones, one of each page, come through the worker.
const WORKER_EDITORS: usize = PAGES;
const ACKNOWLEDGED_MIN: usize = 250;
const KILLED_MIN: u64 = 200;

/// A number that differs from editor to editor and from time to time.
fn chance(editor: usize, n: u64) -> u64 {
    let seed = n.wrapping_mul(61).wrapping_add(editor as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    // The low bits of a product say little.
    seed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 24
}

/// Waits up to some microseconds, for a moment that nobody chose.
fn some_time(chance: u64, most_us: u64) {
    thread::park_timeout(Duration::from_micros(chance % most_us.max(1)));
}

fn page(editor: usize) -> String {
    format!("/wiki/Storm_{}", editor % PAGES)
}

/// What a page begins with: a place for each of its editors, apart from each other, and links for the wiki to keep.
fn beginning(page: usize) -> String {
    let places = (0..EDITORS).filter(|editor| editor % PAGES == page);
    let places: Vec<String> =
        places.map(|editor| format!("Editor {editor}: nothing.\n\nBetween, nobody writes.\n")).collect();
    format!("# Storm {page}\n\n{}\n[[Storm {}]] #storm\n", places.join("\n"), (page + 1) % PAGES)
}

/// A page's text with what one editor says in it now.
fn edited(text: &str, editor: usize, token: &str) -> String {
    let start = format!("Editor {editor}: ");
    let lines = text
        .lines()
        .map(|line| if line.starts_with(&start) { format!("{start}{token}.\n") } else { format!("{line}\n") });
    lines.collect()
}

/// What is between the first `start` and the next `end`.
fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}

/// What the threads of a storm share.
struct Storm<'a> {
    site: &'a Site,
    token: &'a str,
    address: Address,
    over: AtomicBool,
    /// The marks of saves that were acknowledged, and of all that were sent.
    acknowledged: Mutex<BTreeSet<String>>,
    sent: Mutex<BTreeSet<String>>,
    /// Processes that ended, and those of them that were killed.
    processes: AtomicU64,
    killed: AtomicU64,
    /// Answers of 503.
    busy: AtomicU64,
    /// How long at most a kill is waited for, when something is read and when it is saved.
    reach_us: [AtomicU64; 2],
}

impl Storm<'_> {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Half of the processes are to be killed, and some end before.
    fn owes_a_kill(&self) -> bool {
        self.killed.load(Ordering::Relaxed) * 2 <= self.processes.load(Ordering::Relaxed)
    }

    /// One process for one request; killed at some moment if a kill is owed.
    fn ask_cgi(&self, ask: &Ask, chance: u64) -> Option<Reply> {
        let mut command = self.site.command("wiki.cgi");
        command.envs(variables(self.site, "wiki.cgi", "127.0.0.1", ask));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A form is shorter than a pipe is long; whoever was killed does not read it.
        let _ = child.stdin.take().unwrap().write_all(ask.body.as_deref().unwrap_or_default());
        let reach = &self.reach_us[usize::from(ask.method == "POST")];
        let is_owed = self.owes_a_kill();
        if is_owed {
            some_time(chance, reach.load(Ordering::Relaxed));
            let _ = child.kill();
        }
        let output = child.wait_with_output().unwrap();
        self.processes.fetch_add(1, Ordering::Relaxed);
        let is_killed = output.status.signal().is_some();
        self.killed.fetch_add(u64::from(is_killed), Ordering::Relaxed);
        if is_owed {
            // Four of five kills are to come in time, however fast the machine is.
            let now = reach.load(Ordering::Relaxed);
            let next = if is_killed { now + now / 32 } else { now - now / 8 };
            reach.store(next.clamp(1_000, 500_000), Ordering::Relaxed);
        }
        let reply = Reply::from_cgi(&output.stdout).ok();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(reply.is_some() || is_killed, "{ask:?}: {}: {complaint}", output.status);
        // What a killed process has begun to say is no answer.
        reply.filter(|reply| {
            let length = reply.header("content-length").and_then(|length| length.parse().ok());
            output.status.success() || length == Some(reply.body.len())
        })
    }

    /// One request over a connection that is kept; `None` where the worker died of it, or is not back.
    fn ask_worker(&self, ask: &Ask, kept: &mut Option<Client>) -> Option<Reply> {
        let mut client = kept.take().or_else(|| Client::open(&self.address).ok())?;
        let variables = variables(self.site, "blerg.fcgi", "127.0.0.1", ask);
        let reply = client.ask(1, true, &variables, ask.body.as_deref().unwrap_or_default()).ok()?;
        *kept = Some(client);
        Some(reply)
    }

    /// What a visitor may see: an answer of this status, or 503 with the time to come again.
    fn expect(&self, ask: &Ask, reply: Option<Reply>, status: u16) -> Option<Reply> {
        let reply = reply?;
        if reply.status == 503 {
            assert!(reply.header("retry-after").is_some(), "{reply:?}");
            assert!(!reply.text().contains("database"), "{}", reply.text());
            self.busy.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        assert_eq!(reply.status, status, "{} {}: {}", ask.method, ask.path, reply.text());
        Some(reply)
    }

    /// Reads the form, changes its own line, saves; until the storm is over.
    fn edit(&self, editor: usize) {
        let mut kept = None;
        let mut n = 0;
        let mut ask = |ask: &Ask, status: u16, n: u64| {
            let reply = if editor < WORKER_EDITORS {
                self.ask_worker(ask, &mut kept)
            } else {
                self.ask_cgi(ask, chance(editor, n))
            };
            let reply = self.expect(ask, reply, status);
            if reply.is_none() {
                some_time(chance(editor, n), 5_000);
            }
            reply
        };
        while !self.is_over() {
            n += 2;
            let form = Ask::get(&format!("{}?action=edit", page(editor))).with(self.token);
            let Some(form) = ask(&form, 200, n) else { continue };
            let base = between(form.text(), "name=\"base\" value=\"", "\"").unwrap();
            let (_, text) = between(form.text(), "<textarea", "</textarea>").unwrap().split_once(">\n").unwrap();
            let mark = format!("said {n} by {editor}");
            self.sent.lock().unwrap().insert(mark.clone());
            let fields = [("text", &*edited(text, editor, &mark)), ("summary", &mark), ("base", base), ("save", "1")];
            if ask(&Ask::post(&page(editor), &fields).with(self.token), 303, n + 1).is_some() {
                self.acknowledged.lock().unwrap().insert(mark);
            }
        }
    }

    /// Looks at what costs most to show; faults would show there, too.
    fn read(&self) {
        let mut n = 0;
        while !self.is_over() {
            n += 1;
            let paths = [
                "/wiki/Storm_3",
                "/wiki/Special:Recent",
                "/wiki/Storm_4?action=history",
                "/wiki/Special:Search?q=storm",
            ];
            let ask = Ask::get(paths[usize::try_from(n).unwrap() % paths.len()]);
            let reply = self.ask_cgi(&ask, chance(EDITORS, n));
            self.expect(&ask, reply, 200);
        }
    }

    /// Kills the worker after some time and starts the next, until the storm is over.
    fn kill_workers(&self) {
        let mut n = 0;
        while !self.is_over() {
            n += 1;
            let mut running = start(self.site, &self.address);
            some_time(chance(EDITORS + 1, n), 400_000);
            running.kill();
            self.processes.fetch_add(1, Ordering::Relaxed);
            self.killed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All of it at once, until enough is acknowledged and half of all processes were killed.
    fn rage(&self) {
        thread::scope(|scope| {
            let _over = Over(&self.over);
            let mut threads: Vec<_> = (0..EDITORS).map(|editor| scope.spawn(move || self.edit(editor))).collect();
            threads.push(scope.spawn(|| self.read()));
            threads.push(scope.spawn(|| self.kill_workers()));
            wait_until("enough is acknowledged", || {
                let killed = self.killed.load(Ordering::Relaxed);
                let enough = self.count() >= ACKNOWLEDGED_MIN && killed >= KILLED_MIN;
                let half = killed * 2 >= self.processes.load(Ordering::Relaxed);
                (enough && half) || threads.iter().any(thread::ScopedJoinHandle::is_finished)
            });
        });
    }
}

fn start(site: &Site, address: &Address) -> Running {
    let Address::Unix(socket) = address else { unreachable!("a Unix socket") };
    let listen = format!("unix:{}", socket.display());
    let mut command = site.command("fcgi_blerg");
    let mut running = Running::start(site, "storm", command.args(["--listen", &listen]));
    running.wait_until(|| address.connect().is_ok());
    running
}

/// The summaries of a page's revisions by number.
fn history(way: &Way, page: &str) -> BTreeMap<u64, String> {
    let mut found = BTreeMap::new();
    let mut before = u64::MAX;
    loop {
        let path = if found.is_empty() { String::new() } else { format!("&before={before}") };
        let reply = way.get(&format!("{page}?action=history{path}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        for item in reply.text().split("<li><input").skip(1) {
            let rev: u64 = between(item, "name=\"from\" value=\"", "\"").unwrap().parse().unwrap();
            let item = item.split("</li>").next().unwrap_or_default();
            let summary = item.rsplit("<bdi>").next().and_then(|rest| rest.split("</bdi>").next()).unwrap();
            assert!(rev < before && found.insert(rev, summary.to_owned()).is_none(), "{page}: {rev} after {before}");
            before = rev;
        }
        if !reply.text().contains("Older revisions") {
            return found;
        }
    }
}

/// Compares the history of every page, and the texts, with what was acknowledged.
fn audit(way: &Way, storm: &(BTreeSet<String>, BTreeSet<String>)) {
    let (acknowledged, sent) = storm;
    let mut seen = BTreeSet::new();
    for number in 0..PAGES {
        let page = page(number);
        let history = history(way, &page);
        let numbers: Vec<u64> = history.keys().copied().collect();
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{page}: {numbers:?}");
        let mut want = beginning(number);
        for (rev, mark) in history {
            let text = way.get(&format!("{page}?action=raw&rev={rev}"));
            if rev > 1 {
                assert!(sent.contains(&mark), "{page}: nobody sent {mark:?}");
                assert!(seen.insert(mark.clone()), "{page}: {mark:?} is there twice");
                let editor = mark.rsplit(' ').next().unwrap().parse().unwrap();
                // Each revision is the one before it with this one's line, and nobody else's lost.
                want = edited(&want, editor, &mark);
            }
            assert_eq!(text.text(), want, "{page}: revision {rev}");
        }
        assert!(way.get(&page).text().contains("</article>"), "{page}");
    }
    let lost: Vec<&String> = acknowledged.difference(&seen).collect();
    assert!(lost.is_empty(), "acknowledged, and not in the history: {lost:?}");
}

#[test]
fn fifty_editors_of_ten_pages_lose_nothing_when_half_of_the_processes_are_killed() {
    let site = Site::new("");
    site.tool(&["init"]);
    let way = Way::open(Kind::Cgi, site);
    let token = way.sign_up("ada");
    for number in 0..PAGES {
        let fields = [("text", &*beginning(number)), ("summary", "the beginning"), ("base", "0"), ("save", "1")];
        assert_eq!(way.ask(&Ask::post(&page(number), &fields).with(&token)).status, 303);
    }
    let address = Address::Unix(way.site.run().join("storm.sock"));
    let storm = Storm {
        site: &way.site,
        token: &token,
        address,
        over: AtomicBool::new(false),
        acknowledged: Mutex::default(),
        sent: Mutex::default(),
        processes: AtomicU64::new(0),
        killed: AtomicU64::new(0),
        busy: AtomicU64::new(0),
        reach_us: [20_000, 40_000].map(AtomicU64::new),
    };
    let start = Instant::now();
    storm.rage();
    let Storm { acknowledged, sent, processes, killed, busy, .. } = storm;
    let told = (acknowledged.into_inner().unwrap(), sent.into_inner().unwrap());
    println!(
        "measured: {} of {} saves acknowledged, {killed:?} of {processes:?} processes killed, {busy:?} times busy, in {:?}",
        told.0.len(),
        told.1.len(),
        start.elapsed()
    );
    let check = way.site.try_tool(&["check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&[check.stdout, check.stderr].concat()));
    audit(&Way::open(Kind::Http, way.site), &told);
}
