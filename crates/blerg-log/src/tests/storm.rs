//! T2: writer processes are killed at random moments, again and again, while a reader looks on. The test binary starts itself
//! as the writers.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::basics::{add, identity, options, tags};
use super::fake::Rng;
use crate::format::Format;
use crate::geometry::Geometry;
use crate::*;

/// Tells a process that it is a writer: directory, author, seed.
const VARIABLE: &str = "BLERG_LOG_TEST_WRITER";
const WRITERS: u32 = 4;
const KILLS: u64 = 240;
const DEADLINE: Duration = Duration::from_secs(90);

fn journal_path(dir: &Path, author: u32) -> std::path::PathBuf {
    dir.join(format!("journal.{author}"))
}

/// Notes what is about to be done, or was acknowledged.
fn note(journal: &mut File, line: &str) {
    journal.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The body of a writer process: writes until it is killed.
#[test]
fn writer_process() {
    #[expect(clippy::disallowed_methods, reason = "how the test that starts this process tells it what to do")]
    let Ok(orders) = std::env::var(VARIABLE) else { return };
    let mut orders = orders.split('|');
    let dir = Path::new(orders.next().unwrap());
    let author: u32 = orders.next().unwrap().parse().unwrap();
    let mut rng = Rng(orders.next().unwrap().parse().unwrap());
    let mut journal = OpenOptions::new().append(true).create(true).open(journal_path(dir, author)).unwrap();
    // Who waits long for a lock on a busy machine is not what this is about.
    let options = Options { lock_wait_ms: 60_000, ..options([Backend::Mapped, Backend::Pread][rng.below(2)]) };
    let log = Log::open(&dir.join("data"), &options, Arc::new(RealDisk)).unwrap();
    let id = AuthorId(author);
    loop {
        let nonce = rng.next();
        let len = log.snapshot().unwrap().list(&ListKey::Timeline(id)).unwrap().len();
        let record = RecordNo(nonce % len.max(1));
        let (line, op) = match nonce % 16 {
            0 if len > 0 => (format!("delete {}", record.0), Op::Delete { author: id, record }),
            1..=3 if len > 0 => {
                let text = format!("{author} edit {nonce:016x} #e @w{author}");
                let tags = tags(&text);
                (format!("edit {} {nonce:016x}", record.0), Op::Edit { author: id, record, text, tags, at_us: None })
            }
            _ => {
                let text = format!("{author} put {nonce:016x} #t @w{author} {}", "filling ".repeat(rng.below(300)));
                let (tags, at_us) = (tags(&text), None);
                (format!("put {nonce:016x}"), Op::Put { author: id, text, tags, reply_to: None, at_us })
            }
        };
        note(&mut journal, &line);
        let count = if rng.below(8) == 0 { 3 } else { 1 };
        // A batch: only its first operation is journalled; the others must not break anything.
        let mut ops = vec![op];
        ops.resize(count, Op::PutHole { author: id });
        let answers = log.commit(nonce % 1000, ops).unwrap();
        match &answers[0] {
            Ok(Outcome::Record(no)) => note(&mut journal, &format!("ok {}", no.0)),
            Ok(_) => note(&mut journal, "ok"),
            Err(_) => note(&mut journal, "no"),
        }
    }
}

fn start(dir: &Path, author: u32, seed: u64) -> Child {
    let said = OpenOptions::new().append(true).create(true).open(dir.join("said")).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::storm::writer_process", "--quiet"])
        .env(VARIABLE, format!("{}|{author}|{seed}", dir.display()))
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .spawn()
        .unwrap()
}

/// Starts writers for one author and kills them, until enough are dead; says how many ended by themselves, which none may.
fn torment(dir: &Path, author: u32, kills: &AtomicU64, begun: Instant) -> u64 {
    let mut rng = Rng(author.into());
    let (_keep, timer) = channel::<()>();
    let mut ended = 0;
    while kills.load(Ordering::Relaxed) < KILLS && begun.elapsed() < DEADLINE {
        let mut writer = start(dir, author, rng.next());
        // Not before it has begun to work: then 3 to 33 ms.
        let journal = journal_path(dir, author);
        let length = || std::fs::metadata(&journal).map_or(0, |data| data.len());
        let before = length();
        while length() == before && writer.try_wait().unwrap().is_none() && begun.elapsed() < DEADLINE {
            let _ = timer.recv_timeout(Duration::from_millis(1));
        }
        let _ = timer.recv_timeout(Duration::from_micros(3_000 + rng.next() % 30_000));
        if writer.try_wait().unwrap().is_some() {
            ended += 1;
        }
        let _ = writer.kill();
        writer.wait().unwrap();
        kills.fetch_add(1, Ordering::Relaxed);
    }
    ended
}

/// Reads what is there, as a visitor does; whatever it sees must hold together.
fn read_all_the_time(dir: &Path, backend: Backend, stop: &AtomicBool) -> u64 {
    let log = Log::open(&dir.join("data"), &options(backend), Arc::new(RealDisk)).unwrap();
    let mut rng = Rng(77);
    let mut records = 0;
    let mut lengths = [0; WRITERS as usize];
    while !stop.load(Ordering::Relaxed) {
        let snapshot = log.snapshot().unwrap();
        let author = rng.below(WRITERS as usize);
        let id = AuthorId(author as u32);
        let timeline = snapshot.list(&ListKey::Timeline(id)).unwrap();
        assert!(timeline.len() >= lengths[author], "a timeline became shorter");
        lengths[author] = timeline.len();
        for no in timeline.len().saturating_sub(50)..timeline.len() {
            if let Some(record) = snapshot.record(id, RecordNo(no)).unwrap() {
                assert!(record.text.starts_with(&format!("{author} ")), "{}", record.text);
                records += 1;
            }
        }
        let mention = format!("w{author}");
        for key in [ListKey::Tag("t"), ListKey::Tag("e"), ListKey::Mention(&mention), ListKey::Latest] {
            let list = snapshot.list(&key).unwrap();
            let from = list.len().saturating_sub(20);
            let mut last = Position(0);
            for i in from..list.len() {
                let position = list.get(i).unwrap();
                assert!(position > last);
                last = position;
                records += u64::from(snapshot.element(&key, position).unwrap().is_some());
            }
        }
        assert_eq!(snapshot.damaged(), 0);
    }
    records
}

/// That the records of an author are what the journal promises: what was acknowledged last, or what was begun after it.
fn check_journal(dir: &Path, author: u32, snapshot: &Snapshot) -> u64 {
    const GONE: &str = "gone";
    let mut lines =
        BufReader::new(File::open(journal_path(dir, author)).unwrap()).lines().map(Result::unwrap).peekable();
    // By record; none: not known, because the answer to what made it was never heard.
    let mut may: BTreeMap<u64, Option<Vec<String>>> = BTreeMap::new();
    let mut acknowledged = 0;
    while let Some(order) = lines.next() {
        let answer = lines.next_if(|line| line.starts_with("ok") || line == "no");
        let words: Vec<&str> = order.split(' ').collect();
        let is_sure = answer.as_ref().is_some_and(|answer| answer.starts_with("ok"));
        acknowledged += u64::from(is_sure);
        let (number, state) = match (words[0], &answer) {
            ("put", Some(answer)) if is_sure => (answer[3..].parse().unwrap(), format!("put {}", words[1])),
            ("put", _) => continue,
            ("edit", _) => (words[1].parse().unwrap(), format!("edit {}", words[2])),
            _ => (words[1].parse().unwrap(), GONE.to_owned()),
        };
        let states = may.entry(number).or_default();
        if is_sure {
            *states = Some(vec![state]);
        } else if let (Some(states), None) = (states, answer) {
            states.push(state);
        }
    }
    for (number, states) in may {
        let found = snapshot.record(AuthorId(author), RecordNo(number)).unwrap();
        let found = found.map(|record| record.text.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" "));
        let found = found.unwrap_or(GONE.to_owned());
        assert!(
            states.as_ref().is_none_or(|states| states.contains(&found)),
            "{author}/{number}: {found}, not {states:?}"
        );
    }
    acknowledged
}

#[test]
fn killed_writers_lose_nothing_acknowledged_and_break_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    // Small segments: many kills meet a rollover.
    let geometry = Geometry { first_bits: 14, last_bits: 16 };
    Log::create_with(&data, &Format { identity: identity(), geometry }, &(Arc::new(RealDisk) as Arc<dyn Disk>))
        .unwrap();
    let log = Log::open(&data, &options(Backend::Mapped), Arc::new(RealDisk)).unwrap();
    log.commit(1, (0..WRITERS).map(|n| add(&format!("w{n}"))).collect()).unwrap();
    drop(log);
    let (kills, stop, begun) = (AtomicU64::new(0), AtomicBool::new(false), Instant::now());
    let read = std::thread::scope(|scope| {
        let readers = [Backend::Mapped, Backend::Pread].map(|backend| {
            scope.spawn({
                let (dir, stop) = (dir.path(), &stop);
                move || read_all_the_time(dir, backend, stop)
            })
        });
        let tormentors: Vec<_> = (0..WRITERS)
            .map(|author| {
                scope.spawn({
                    let (dir, kills) = (dir.path(), &kills);
                    move || torment(dir, author, kills, begun)
                })
            })
            .collect();
        let ended: Vec<u64> = tormentors.into_iter().map(|thread| thread.join().unwrap()).collect();
        stop.store(true, Ordering::Relaxed);
        let said = std::fs::read_to_string(dir.path().join("said")).unwrap();
        assert_eq!(ended, [0; WRITERS as usize], "writers that ended by themselves: {said}");
        readers.map(|thread| thread.join().unwrap())
    });
    let log = Log::open(&data, &options(Backend::Pread), Arc::new(RealDisk)).unwrap();
    // The next writer finishes what the last killed ones began.
    log.commit(1, vec![add("last")]).unwrap();
    let found = log.verify(&mut |_| {}).unwrap();
    assert_eq!(found.problems, []);
    let snapshot = log.snapshot().unwrap();
    let acknowledged: u64 = (0..WRITERS).map(|author| check_journal(dir.path(), author, &snapshot)).sum();
    println!(
        "{} kills, {acknowledged} acknowledged, {read:?} read, {found:?}, {:?}",
        kills.load(Ordering::Relaxed),
        begun.elapsed()
    );
    // A machine that has other things to do kills fewer before the deadline, and those get less done.
    let wanted = if begun.elapsed() < DEADLINE { KILLS } else { KILLS / 8 };
    assert!(kills.load(Ordering::Relaxed) >= wanted, "{kills:?} kills in {:?}", begun.elapsed());
    assert!(acknowledged >= wanted / 8, "{acknowledged} acknowledged");
}
