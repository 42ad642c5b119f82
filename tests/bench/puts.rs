//! Puts per second of the store's log against SQLite in WAL mode holding the same records and tags, in one run.
//! Prints the median of alternating rounds and the ratio. `ROUNDS` rounds, each on a fresh directory.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use blerg_log::{
    AuthorId, Backend, Disk, Durability, Identity, Log, Op, Options, Outcome, RealDisk, Recovery, TagSpan,
};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1500);
const TEXT: &str = "Some two hundred bytes of text, as a short post has them, that mention #storage and #measure in passing, \
    and go on until they are as long as the records that the other figures of this project are about. #end";

/// Something that can put one record; shared by the threads of a round.
trait Target: Sync {
    fn put(&self);
}

struct Ours(Log, AuthorId);

impl Target for Ours {
    fn put(&self) {
        let tags = spans();
        let op = Op::Put { author: self.1, text: TEXT.to_owned(), tags, reply_to: None, at_us: None };
        let done = self.0.commit(blerg::now_us(), vec![op]).expect("the log takes the put");
        assert!(matches!(done.as_slice(), [Ok(Outcome::Record(_))]), "{done:?}");
    }
}

/// One connection behind a lock, as an embedded SQLite is used: a second connection would only wait for the first.
struct Sqlite(std::sync::Mutex<rusqlite::Connection>);

impl Target for Sqlite {
    fn put(&self) {
        let mut connection = self.0.lock().expect("no thread panicked");
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("begin");
        transaction
            .prepare_cached("INSERT INTO record (author, at_us, text) VALUES (1, ?1, ?2)")
            .and_then(|mut insert| {
                insert.execute((i64::try_from(blerg::now_us()).expect("before the year 292,000"), TEXT))
            })
            .expect("insert a record");
        let id = transaction.last_insert_rowid();
        for span in spans() {
            let tag = &TEXT[usize::from(span.start)..usize::from(span.start) + usize::from(span.len)];
            transaction
                .prepare_cached("INSERT INTO tag (name, record) VALUES (?1, ?2)")
                .and_then(|mut insert| insert.execute((tag, id)))
                .expect("insert a tag");
        }
        transaction.commit().expect("commit");
    }
}

fn spans() -> Vec<TagSpan> {
    TEXT.match_indices('#')
        .map(|(start, _)| {
            let len =
                TEXT[start + 1..].find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(TEXT.len() - start - 1) + 1;
            TagSpan { start: u16::try_from(start).expect("short text"), len: u8::try_from(len).expect("short tag") }
        })
        .collect()
}

fn ours(dir: &Path, durability: Durability) -> Ours {
    let identity = Identity { site_id: [1; 16], hash_key: [2; 16], durability };
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    Log::create(dir, &identity, Arc::clone(&disk)).expect("create");
    let log = Log::open(dir, &Options::new(Backend::Mapped, Recovery::Inline, blerg::random), disk).expect("open");
    let made =
        log.commit(blerg::now_us(), vec![Op::AddAuthor { name: "ada".to_owned(), at_us: None }]).expect("add author");
    let [Ok(Outcome::Author(author))] = made.as_slice() else { panic!("{made:?}") };
    let author = *author;
    Ours(log, author)
}

fn sqlite(dir: &Path, durability: Durability) -> Sqlite {
    let connection = rusqlite::Connection::open(dir.join("peer.db")).expect("open SQLite");
    let synchronous = if durability == Durability::Sync { "FULL" } else { "OFF" };
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};
             CREATE TABLE record (id INTEGER PRIMARY KEY, author INTEGER, at_us INTEGER, text TEXT);
             CREATE INDEX record_author ON record (author, id);
             CREATE TABLE tag (name TEXT, record INTEGER, PRIMARY KEY (name, record)) WITHOUT ROWID;"
        ))
        .expect("schema");
    Sqlite(std::sync::Mutex::new(connection))
}

/// Puts per second of `threads` threads over one round.
fn rate(target: &dyn Target, threads: usize) -> f64 {
    let start = Instant::now();
    let total: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut puts = 0;
                    while start.elapsed() < ROUND {
                        target.put();
                        puts += 1;
                    }
                    puts
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a writer panicked")).sum()
    });
    total as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn compare(title: &str, durability: Durability, threads: usize) {
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let dirs =
            [tempfile::tempdir().expect("temporary directory"), tempfile::tempdir().expect("temporary directory")];
        let mine = rate(&ours(&dirs[0].path().join("data"), durability), threads);
        let theirs = rate(&sqlite(dirs[1].path(), durability), threads);
        a.push(mine);
        b.push(theirs);
        ratios.push(mine / theirs);
    }
    println!("{title:<58} {:>10.0} {:>10.0}   {:5.2}, aim > 1", median(a), median(b), median(ratios));
}

fn main() {
    println!(
        "{:<58} {:>10} {:>10}   ratio",
        format!("puts/s of 200 bytes with three tags, median of {ROUNDS}"),
        "ours",
        "SQLite"
    );
    compare("durable, 1 writer", Durability::Sync, 1);
    compare("durable, 8 writers", Durability::Sync, 8);
    compare("durable, 64 writers", Durability::Sync, 64);
    compare("not durable, 1 writer", Durability::None, 1);
    compare("not durable, 8 writers", Durability::None, 8);
}
