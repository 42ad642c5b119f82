//! LMDB with the same records, tags and follows: a tree of records by number, and trees of (author, number) and (tag, number).

use std::{ops::Bound, path::Path};

use heed::types::{Bytes, Unit};
use heed::{Database, Env, EnvFlags, EnvOpenOptions, PutFlags, RwTxn};

use super::Engine;
use super::data::{Record, Site, author, tag};

/// As many records are put in one transaction while loading.
const BATCH: u64 = 10_000;
/// Address space only; more than ten million records take.
const MAP_BYTES: usize = 1 << 36;

type Texts = Database<Bytes, Bytes>;
type Keys = Database<Bytes, Unit>;

pub(crate) struct Lmdb {
    env: Env,
    names: Texts,
    records: Texts,
    authors: Keys,
    tags: Keys,
    next: u64,
    followees: Vec<u32>,
}

fn open(dir: &Path, flags: EnvFlags) -> Env {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES).max_dbs(4);
    // SAFETY: nobody else opens the file, on a local file system; NO_SYNC is used while loading only.
    #[expect(unsafe_code, reason = "LMDB maps a file, and its flags are unsafe to choose")]
    unsafe {
        options.flags(flags).open(dir).expect("open")
    }
}

/// A key of a list: name, a zero, number.
fn key(name: &[u8], n: u64) -> Vec<u8> {
    [name, &[0], &n.to_be_bytes()].concat()
}

impl Lmdb {
    pub(crate) fn load(dir: &Path, site: &Site) -> Lmdb {
        std::fs::create_dir(dir).expect("a directory");
        Lmdb::over(open(dir, EnvFlags::NO_SYNC), site).fill(site);
        Lmdb::over(open(dir, EnvFlags::empty()), site)
    }

    fn over(env: Env, site: &Site) -> Lmdb {
        let mut transaction = env.write_txn().expect("begin");
        let names = env.create_database(&mut transaction, Some("names")).expect("a tree");
        let records = env.create_database(&mut transaction, Some("records")).expect("a tree");
        let authors = env.create_database(&mut transaction, Some("authors")).expect("a tree");
        let tags = env.create_database(&mut transaction, Some("tags")).expect("a tree");
        transaction.commit().expect("commit");
        Lmdb { env, names, records, authors, tags, next: site.records, followees: site.followees() }
    }

    fn fill(self, site: &Site) {
        let mut transaction = self.env.write_txn().expect("begin");
        for n in 0..site.authors {
            self.names.put(&mut transaction, author(n).as_bytes(), &n.to_be_bytes()).expect("put");
        }
        transaction.commit().expect("commit");
        for first in (0..site.records).step_by(BATCH as usize) {
            let mut transaction = self.env.write_txn().expect("begin");
            (first..(first + BATCH).min(site.records)).for_each(|n| self.insert(&mut transaction, n, &site.record(n)));
            transaction.commit().expect("commit");
        }
        self.env.force_sync().expect("sync");
        self.env.prepare_for_closing().wait();
    }

    fn insert(&self, transaction: &mut RwTxn<'_>, n: u64, record: &Record) {
        let mut value = record.at_us.to_be_bytes().to_vec();
        value.extend_from_slice(record.text.as_bytes());
        self.records.put_with_flags(transaction, PutFlags::APPEND, &n.to_be_bytes(), &value).expect("put");
        self.authors.put(transaction, &key(&record.author.to_be_bytes(), n), &()).expect("put");
        for tag in record.tags() {
            self.tags.put(transaction, &key(tag.as_bytes(), n), &()).expect("put");
        }
    }

    /// The newest 50 of a list that are not below `least`.
    fn newest(&self, keys: &Keys, name: &[u8], least: u64) -> Vec<u64> {
        let transaction = self.env.read_txn().expect("begin");
        let (low, high) = (key(name, least), key(name, u64::MAX));
        let range = (Bound::Included(low.as_slice()), Bound::Included(high.as_slice()));
        let found = keys.rev_range(&transaction, &range).expect("a range").take(50);
        found.map(|entry| number(entry.expect("an entry").0)).collect()
    }

    fn texts(&self, numbers: &[u64]) -> usize {
        let transaction = self.env.read_txn().expect("begin");
        let texts =
            numbers.iter().map(|n| self.records.get(&transaction, &n.to_be_bytes()).expect("readable").expect("there"));
        texts
            .map(|value| {
                usize::from(!String::from_utf8_lossy(value.get(8..).unwrap_or_default()).into_owned().is_empty())
            })
            .sum()
    }
}

fn number(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

impl Engine for Lmdb {
    fn put(&mut self, record: Record) {
        let mut transaction = self.env.write_txn().expect("begin");
        self.insert(&mut transaction, self.next, &record);
        transaction.commit().expect("commit");
        self.next += 1;
    }

    fn user(&self, n: u32) -> usize {
        let transaction = self.env.read_txn().expect("begin");
        let id = self
            .names
            .get(&transaction, author(n).as_bytes())
            .expect("readable")
            .expect("the author is there")
            .to_vec();
        drop(transaction);
        self.texts(&self.newest(&self.authors, &id, 0))
    }

    fn tag(&self, n: u32) -> usize {
        self.texts(&self.newest(&self.tags, tag(n).as_bytes(), 0))
    }

    fn feed(&self) -> usize {
        let mut newest: Vec<u64> = Vec::new();
        for followee in &self.followees {
            let least = newest.get(49).map_or(0, |n| n + 1);
            newest.extend(self.newest(&self.authors, &followee.to_be_bytes(), least));
            newest.sort_unstable_by(|a, b| b.cmp(a));
            newest.truncate(50);
        }
        self.texts(&newest)
    }
}
