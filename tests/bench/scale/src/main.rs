//! What costs do when the data grows: sites of 10,000, 1 million ... up to `SCALE` records (10M is ten million) in the project's
//! engine, SQLite and LMDB, one after the other in one run. Prints a table and leaves it as JSON in `target/scale.json`.
//! Reads are told as CPU time, which others on the machine disturb least; puts and loads by the clock.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod data;
mod lmdb;
mod ours;
mod sqlite;

use std::hint::black_box;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use blerg_api::Api;
use blerg_http::{Body, Front, Handler};
use data::{Site, zipf};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

pub(crate) use blerg::now_us;

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");
/// Each read is repeated for as long.
const ROUND: Duration = Duration::from_millis(700);
/// The busiest authors and tags, which are asked for again and again: all have 50 records to show, on every site.
const WARM: u32 = 30;
/// Different requests where nearly each is for something else.
const WIDE: usize = 20_000;

/// What each engine can do.
pub(crate) trait Engine {
    /// Puts a record; durable when it returns.
    fn put(&mut self, record: data::Record);
    /// Reads the last 50 records of an author and says how many there were.
    fn user(&self, n: u32) -> usize;
    /// The same of a tag.
    fn tag(&self, n: u32) -> usize;
    /// The newest 50 of all whom the reader follows.
    fn feed(&self) -> usize;
}

fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Microseconds of CPU for one call, after one round that is not counted; the best of three.
fn micros(mut calls: usize, mut call: impl FnMut(usize) -> usize) -> f64 {
    (0..calls).for_each(|n| assert!(call(n) > 0, "nothing is found"));
    let mut best = f64::MAX;
    for _ in 0..3 {
        let (start, mut done, begun) = (cpu(), 0_usize, Instant::now());
        while begun.elapsed() < ROUND / 3 || done < calls {
            black_box(call(done % calls));
            done += 1;
        }
        best = best.min((cpu() - start).as_secs_f64() * 1e6 / done as f64);
        calls = calls.min(done);
    }
    best
}

/// Disk that a file, or all in a directory, takes.
pub(crate) fn allocated(path: &Path) -> u64 {
    let about = path.symlink_metadata().expect("a file");
    let inside = if about.is_dir() {
        std::fs::read_dir(path).expect("a directory").flatten().map(|f| allocated(&f.path())).sum()
    } else {
        0
    };
    about.blocks() * 512 + inside
}

/// Loads an engine and measures it.
fn measure<E: Engine>(name: &str, dir: &Path, site: &Site, load: impl FnOnce(&Path, &Site) -> E) -> (E, Value) {
    let start = Instant::now();
    let mut engine = load(dir, site);
    let loaded = site.records as f64 / start.elapsed().as_secs_f64();
    let disk = allocated(dir) as f64 / site.records as f64;
    // Else what was loaded goes to the disk while reads are timed, and takes their memory's time.
    rustix::fs::sync();
    let mut rng = fastrand::Rng::with_seed(7);
    let authors: Vec<u32> = (0..WIDE).map(|_| zipf(&mut rng, site.authors / 2)).collect();
    let tags: Vec<u32> = (0..WIDE).map(|_| zipf(&mut rng, site.tags / 2)).collect();
    let found = |count: usize| count + 1;
    let (warm, wide) = (|n: usize| u32::try_from(n).expect("a few"), |from: &[u32], n: usize| from[n]);
    let reads = json!({
        "user": micros(WARM as usize, |n| found(engine.user(warm(n)))),
        "user_wide": micros(WIDE, |n| found(engine.user(wide(&authors, n)))),
        "tag": micros(WARM as usize, |n| found(engine.tag(warm(n)))),
        "tag_wide": micros(WIDE, |n| found(engine.tag(wide(&tags, n)))),
        "feed": micros(1, |_| found(engine.feed())),
    });
    let (start, mut puts) = (Instant::now(), 0);
    while start.elapsed() < ROUND * 2 {
        engine.put(site.record(site.records + puts));
        puts += 1;
    }
    let puts = puts as f64 / start.elapsed().as_secs_f64();
    println!(
        "{:>10} {name:<8}{loaded:>10.0}{puts:>10.0}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{disk:>9.0}",
        site.records,
        micro(&reads, "user"),
        micro(&reads, "user_wide"),
        micro(&reads, "tag"),
        micro(&reads, "tag_wide"),
        micro(&reads, "feed"),
    );
    (engine, json!({ "load": loaded, "puts": puts, "reads": reads, "disk": disk }))
}

fn micro(reads: &Value, name: &str) -> f64 {
    reads.get(name).and_then(Value::as_f64).unwrap_or_default()
}

/// Whole requests, from CGI variables to the answer's bytes, and what a process of its own costs.
fn requests(engine: &ours::Ours, dir: &Path, site: &Site) -> Value {
    let api = Api::new(Arc::clone(&engine.store), Box::new(|error| panic!("{error:?}")));
    let ask = |target: &str| {
        let variables =
            [("REQUEST_METHOD", "GET"), ("SCRIPT_NAME", ""), ("REQUEST_URI", target), ("SERVER_PROTOCOL", "HTTP/1.1")];
        let request = Front::default()
            .from_cgi(variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())), now_us());
        let response = api.handle(&request.expect("a sound request"));
        assert_eq!(response.status, 200, "{target}");
        let Body::Bytes(body) = response.body else { panic!("a body that streams") };
        body.len()
    };
    let gets: Vec<String> = (0..WARM).map(|n| format!("/get/{}", data::author(n))).collect();
    let tags: Vec<String> = (0..WARM).map(|n| format!("/tag/H{}", data::tag(n))).collect();
    let (get, tag) = (micros(gets.len(), |n| ask(&gets[n])), micros(tags.len(), |n| ask(&tags[n])));
    let mut wall: Vec<f64> = gets.iter().cycle().take(300).map(|target| process(dir, target)).collect();
    wall.sort_by(f64::total_cmp);
    let cgi = wall[wall.len() / 2];
    let (index, rebuild) = engine.index(site);
    println!(
        "{:>10} ours    /get {get:.1} us, /tag {tag:.1} us, CGI process {cgi:.2} ms, index {index:.1} bytes a record, rebuild {rebuild:.0} records/s",
        site.records
    );
    json!({ "get": get, "tag": tag, "cgi_ms": cgi, "index_bytes": index, "rebuild": rebuild })
}

/// Milliseconds from the start to the end of a CGI program that answers one request.
fn process(dir: &Path, target: &str) -> f64 {
    let start = Instant::now();
    let mut program = Command::new(TOP.to_owned() + "/dist/cgi_blerg");
    program
        .env_clear()
        .env("BLERG_DATA", dir)
        .env("REQUEST_METHOD", "GET")
        .env("SCRIPT_NAME", "")
        .env("REQUEST_URI", target);
    program.env("SERVER_PROTOCOL", "HTTP/1.1").env("GATEWAY_INTERFACE", "CGI/1.1").stdin(Stdio::null());
    let answer = program.output().expect("the program starts");
    assert!(answer.stdout.starts_with(b"Status: 200") || !answer.stdout.starts_with(b"Status:"), "{answer:?}");
    start.elapsed().as_secs_f64() * 1e3
}

/// `10M`, `50k` or a plain number.
fn scale(text: &str) -> u64 {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    digits.parse::<u64>().expect("SCALE is a number, such as 50000, 50k or 10M") * unit
}

fn main() {
    let most = scale(&std::env::var("SCALE").unwrap_or_else(|_| "100k".to_owned()));
    println!(
        "{:>10} {:<8}{:>10}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "", "", "load/s", "durable", "user", "user", "tag", "tag", "feed of", "bytes a"
    );
    println!(
        "{:>10} {:<8}{:>10}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "records", "engine", "", "puts/s", "warm us", "wide us", "warm us", "wide us", "400 us", "record"
    );
    let mut sizes: Vec<u64> =
        [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000].into_iter().filter(|size| *size < most).collect();
    sizes.push(most);
    let mut all = Vec::new();
    let out = Path::new(TOP).join("target");
    std::fs::create_dir_all(&out).expect("target/");
    for records in sizes {
        let (site, mut row) = (Site::of(records), json!({ "records": records }));
        let work = tempfile::Builder::new().prefix("scale-").tempdir_in(&out).expect("a directory");
        let dir = work.path().join("ours");
        let (engine, figures) = measure("ours", &dir, &site, ours::Ours::load);
        row["ours"] = figures;
        row["requests"] = requests(&engine, &dir, &site);
        drop(engine);
        std::fs::remove_dir_all(&dir).expect("remove");
        row["SQLite"] = measure("SQLite", &work.path().join("sqlite"), &site, sqlite::Sqlite::load).1;
        row["LMDB"] = measure("LMDB", &work.path().join("lmdb"), &site, lmdb::Lmdb::load).1;
        all.push(row);
        // At once: the next size may take an hour, and not everybody has it.
        std::fs::write(out.join("scale.json"), serde_json::to_string_pretty(&all).expect("JSON")).expect("write");
    }
    let times = |what: &str, name: &str| {
        let of = |row: &Value| {
            micro(row.get(what).and_then(|row| row.get("reads").or(Some(row))).unwrap_or(&Value::Null), name)
        };
        all.last().map_or(0.0, of) / all.first().map_or(1.0, of)
    };
    println!(
        "\n{most} records against {}, aim <= 1.5 for warm reads:",
        all.first().and_then(|row| row["records"].as_u64()).unwrap_or(0)
    );
    println!(
        "/get {:.2}, /tag {:.2}, CGI process {:.2}",
        times("requests", "get"),
        times("requests", "tag"),
        times("requests", "cgi_ms")
    );
    for engine in ["ours", "SQLite", "LMDB"] {
        println!(
            "{engine:<8} user {:.2} tag {:.2} feed {:.2}",
            times(engine, "user"),
            times(engine, "tag"),
            times(engine, "feed")
        );
    }
    println!("figures: target/scale.json; `tests/bench/plot target/scale.json` draws them");
}
