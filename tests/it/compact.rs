//! `blergtool compact` on a site in use: nobody notices but by the room there is. Start at [`Busy`], a site with a web server
//! and a FastCGI worker, writers and readers.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::front::{Kind, Way};
use super::http::{self, Address, Ask, Reply};
use super::mixed::quiet;
use super::site::{Over, Site, let_the_second_end, wait_until};

/// Times that the tool is killed.
const KILLS: u64 = 30;

/// A site that two programs serve at once.
struct Busy {
    /// By way of FastCGI.
    way: Way,
    http: Address,
    token: String,
    over: AtomicBool,
    next: AtomicU64,
    /// Numbers and texts of acknowledged records.
    acknowledged: Mutex<Vec<(u64, String)>>,
    deleted: Mutex<Vec<u64>>,
    refused: AtomicU64,
    answered: AtomicU64,
}

impl Busy {
    fn new() -> Busy {
        let mut way = Way::open(Kind::Http, Site::new(""));
        let token = way.sign_up("ada");
        way.sign_up("bob");
        let http = way.address.take().unwrap();
        way.kind = Kind::Fcgi;
        way.start_worker();
        let (over, next, refused, answered) =
            (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Busy {
            way,
            http,
            token,
            over,
            next,
            acknowledged: Mutex::default(),
            deleted: Mutex::default(),
            refused,
            answered,
        }
    }

    fn ask(&self, by_http: bool, ask: &Ask) -> Reply {
        let reply = if by_http { http::ask(&self.http, &self.way.host, "", ask).unwrap() } else { self.way.ask(ask) };
        self.answered.fetch_add(1, Ordering::Relaxed);
        // A second's wait for a lock may be told; nothing else may go wrong.
        assert!(matches!(reply.status, 200 | 304 | 404 | 503), "{} {}: {}", ask.path, reply.status, reply.text());
        self.refused.fetch_add(u64::from(reply.status == 503), Ordering::Relaxed);
        reply
    }

    fn put(&self, by_http: bool) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("text{n}t #tag{} {}", n % 7, "y".repeat(200));
        let reply = self.ask(by_http, &Ask::post("/put", &[("data", &text)]).with(&self.token));
        if reply.status == 200 {
            let record = reply.json()["record"].as_str().unwrap().parse().unwrap();
            self.acknowledged.lock().unwrap().push((record, text));
        }
    }

    fn delete_some(&self, by_http: bool) {
        let found = self.acknowledged.lock().unwrap().iter().rev().nth(9).map(|(record, _)| *record);
        let Some(record) = found.filter(|record| record % 2 == 0) else { return };
        let reply = self.ask(by_http, &Ask::post("/delete", &[("record", &record.to_string())]).with(&self.token));
        if reply.status == 200 {
            self.deleted.lock().unwrap().push(record);
        }
    }

    fn write(&self, by_http: bool) {
        while !self.over.load(Ordering::Relaxed) {
            self.put(by_http);
            self.delete_some(by_http);
        }
    }

    fn read(&self, by_http: bool) {
        while !self.over.load(Ordering::Relaxed) {
            for path in ["/get/ada", "/tag/Htag3", "/latest", "/info/ada", "/search?q=text1t"] {
                let reply = self.ask(by_http, &Ask::get(path));
                assert!(reply.status == 200 || reply.status == 503, "{path}: {}", reply.text());
            }
            thread::yield_now();
        }
    }

    /// Writers and readers by both ways while `work` is done.
    fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let _over = Over(&self.over);
            for by_http in [false, true] {
                scope.spawn(move || self.write(by_http));
                scope.spawn(move || self.read(by_http));
            }
            work()
        })
    }

    /// Everything acknowledged is there, everything deleted is not, and all is sound.
    fn audit(&self) {
        let deleted = self.deleted.lock().unwrap();
        for (record, text) in self.acknowledged.lock().unwrap().iter() {
            let reply = self.ask(true, &Ask::get(&format!("/get/ada/{record}-{record}")));
            let is_there = reply.text().contains(text.as_str());
            assert_eq!((reply.status, is_there), (200, !deleted.contains(record)), "{record}: {}", reply.text());
        }
        let check = self.way.site.try_tool(&["check"]);
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&[check.stdout, check.stderr].concat()));
    }
}

/// The files below `dir` that hold `needle`.
fn files_with(dir: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if fs::read(&path).is_ok_and(|all| all.windows(needle.len()).any(|part| part == needle.as_bytes())) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_live_site_goes_over_to_the_new_log_by_itself_and_loses_nothing() {
    let busy = Busy::new();
    let mut saved = Vec::new();
    busy.during(|| {
        for _ in 0..4 {
            let before = busy.next.load(Ordering::Relaxed);
            wait_until("more was written", || busy.next.load(Ordering::Relaxed) > before + 60);
            let done: serde_json::Value = serde_json::from_str(&busy.way.site.tool(&["compact", "--json"])).unwrap();
            assert_eq!((&done["status"], &done["old_log_removed"]), (&"success".into(), &true.into()), "{done}");
            saved.push((done["log_bytes_before"].as_u64().unwrap(), done["log_bytes"].as_u64().unwrap()));
        }
    });
    assert!(saved.iter().all(|(before, after)| after < before), "{saved:?}");
    assert_eq!(busy.refused.load(Ordering::Relaxed), 0, "nobody was told to come again");
    busy.audit();
    println!(
        "measured: {} answers, {} puts, {} deletes, bytes of log {saved:?}",
        busy.answered.load(Ordering::Relaxed),
        busy.acknowledged.lock().unwrap().len(),
        busy.deleted.lock().unwrap().len()
    );
    busy.way.site.tool(&["compact"]);
    let data = busy.way.site.data();
    for record in busy.deleted.lock().unwrap().iter() {
        let all = busy.acknowledged.lock().unwrap();
        let (_, text) = all.iter().find(|(number, _)| number == record).unwrap();
        let word = text.split(' ').next().unwrap();
        assert_eq!(files_with(&data, word), Vec::<String>::new(), "{word}");
    }
    let deleted = busy.deleted.lock().unwrap();
    let all = busy.acknowledged.lock().unwrap();
    let (_, alive) = all.iter().find(|(record, _)| !deleted.contains(record)).unwrap();
    assert!(!files_with(&data, alive.split(' ').next().unwrap()).is_empty());
    assert!(!data.join("log").exists() && data.join("log.5").exists());
}

#[test]
fn a_tool_killed_at_any_moment_leaves_the_old_log_or_the_new_one() {
    let busy = Busy::new();
    let mut ends = [0_u64; 2];
    busy.during(|| {
        wait_until("something is there", || busy.next.load(Ordering::Relaxed) > 200);
        for kill in 0..KILLS {
            let mut tool =
                quiet(busy.way.site.command("blergtool").arg("compact")).stdout(Stdio::null()).spawn().unwrap();
            // Over the length of a whole run, as this machine does it.
            let (begun, time) = (Instant::now(), Duration::from_millis(3 + kill * 7));
            wait_until("its time has come", || begun.elapsed() >= time);
            let is_done = tool.try_wait().unwrap().is_some();
            let _ = tool.kill();
            tool.wait().unwrap();
            ends[usize::from(is_done)] += 1;
            let before = busy.next.load(Ordering::Relaxed);
            wait_until("others go on", || busy.next.load(Ordering::Relaxed) > before + 4);
        }
    });
    println!("measured: {} kills, {} whole runs", ends[0], ends[1]);
    assert!(ends[0] > 5, "{ends:?}");
    busy.audit();
    busy.way.site.tool(&["compact"]);
    busy.audit();
    let logs = fs::read_dir(busy.way.site.data()).unwrap();
    let logs = logs.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("log"));
    assert_eq!(logs.count(), 1, "leftovers are gone");
}

#[test]
fn what_readers_hold_stays_right_and_feeds_keep_their_ids() {
    let way = Way::open(Kind::Http, Site::new(""));
    let (ada, bob) = (way.sign_up("ada"), way.sign_up("bob"));
    way.ask(&Ask::post("/subscribe/bob", &[("username", "ada")]).with(&ada));
    for n in 0..30 {
        way.ask(&Ask::post("/put", &[("data", &format!("number{n}n @ada #tea"))]).with(&bob));
        if n == 20 {
            way.ask(&Ask::post("/status", &[("clear", "feed")]).with(&ada));
        }
    }
    for record in [3, 5, 22] {
        way.ask(&Ask::post("/delete", &[("record", &record.to_string())]).with(&bob));
    }
    let news = || way.ask(&Ask::get("/status").with(&ada)).text().to_owned();
    let ids = || -> Vec<String> {
        let feed = way.get("/rss/user/bob.json").json();
        feed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let dump = || way.site.tool(&["dump"]);
    let known = way.get("/get/bob");
    let etag = known.header("etag").unwrap().to_owned();
    let again = |etag: &str| way.ask(&Ask::get("/get/bob").header("If-None-Match", etag));
    assert_eq!(again(&etag).status, 304);
    let before = (news(), ids(), known.text().to_owned(), dump());
    let_the_second_end();
    let told = way.site.tool(&["compact"]);
    let_the_second_end();
    assert!(told.contains("log: ") && told.contains("records"), "{told}");
    let fresh = again(&etag);
    assert_eq!(fresh.status, 200, "the copy of before is asked for again");
    assert_eq!((news(), ids(), fresh.text().to_owned(), dump()), before);
    assert_eq!(again(fresh.header("etag").unwrap()).status, 304);
    let dated = Ask::get("/get/bob").header("If-Modified-Since", known.header("last-modified").unwrap());
    assert_ne!(way.ask(&dated).text(), "", "by its date alone, too");
}

#[test]
fn a_site_that_cannot_be_compacted_says_why() {
    let site = Site::new("");
    assert_eq!(site.try_tool(&["compact"]).status.code(), Some(2), "there is none");
    site.tool(&["init"]);
    site.tool(&["compact"]);
    let told: serde_json::Value = serde_json::from_str(&site.tool(&["compact", "--json"])).unwrap();
    assert_eq!((&told["status"], &told["records"]), (&"success".into(), &0.into()));
    let held = fs::OpenOptions::new().write(true).open(site.data().join("compact.lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let output = site.try_tool(&["compact"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("compact.lock"), "{output:?}");
}
