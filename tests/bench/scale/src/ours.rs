//! The project's own engine: loaded through the log, asked through the store.

use std::{fs, path::Path, sync::Arc, time::Instant};

use blerg::{Setup, Style};
use blerg_log::{Backend, Disk, Durability, Identity, Log, Op, Options, Outcome, RealDisk, Recovery};
use blerg_store::{AuthorId, Store, TagKey};

use super::data::{Record, Site, author, tag};
use super::{Engine, allocated, now_us};

/// As many operations are committed together while loading.
const BATCH: u64 = 1_000;

pub(crate) struct Ours {
    pub(crate) store: Arc<Store>,
    dir: std::path::PathBuf,
}

fn open(dir: &Path) -> Log {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    Log::open(dir, &Options::new(Backend::Mapped, Recovery::Inline, blerg::random), disk).expect("open the log")
}

fn commit(log: &Log, ops: Vec<Op>) {
    let done = log.commit(now_us(), ops).expect("the log takes it");
    assert!(done.iter().all(|outcome| matches!(outcome, Ok(Outcome::Record(_) | Outcome::Author(_) | Outcome::Done))));
}

impl Ours {
    pub(crate) fn load(dir: &Path, site: &Site) -> Ours {
        let identity = Identity { site_id: [1; 16], hash_key: [2; 16], durability: Durability::Sync };
        Log::create(dir, &identity, Arc::new(RealDisk)).expect("create the log");
        let log = open(dir);
        let names: Vec<Op> = (0..site.authors).map(|n| Op::AddAuthor { name: author(n), at_us: None }).collect();
        names.chunks(1_000).for_each(|some| commit(&log, some.to_vec()));
        let follows = site.followees().into_iter();
        commit(&log, follows.map(|n| Op::Follow { author: AuthorId(0), target: AuthorId(n) }).collect());
        for first in (0..site.records).step_by(BATCH as usize) {
            let records = (first..(first + BATCH).min(site.records)).map(|n| site.record(n));
            commit(&log, records.map(put).collect());
        }
        log.close().expect("close the log");
        let settings = [("BLERG_DATA".into(), dir.into())];
        let config = blerg_config::Config::read(settings, []).expect("good settings");
        let setup = Setup::read(config, Style::Server).expect("settings that can be used");
        let store = Arc::new(Store::new(dir, setup.settings));
        store.reader().expect("a store that can be read");
        Ours { store, dir: dir.to_owned() }
    }

    /// Bytes of the index for each record, and records/s of building it anew.
    pub(crate) fn index(&self, site: &Site) -> (f64, f64) {
        let log = self.store.log().expect("the log is open");
        let start = Instant::now();
        log.rebuild(&mut |_| {}).expect("rebuild");
        let rate = site.records as f64 / start.elapsed().as_secs_f64();
        let files = fs::read_dir(&self.dir).expect("the data directory").flatten();
        let index = files.filter(|file| file.file_name().to_string_lossy().starts_with("index."));
        (index.map(|file| allocated(&file.path())).sum::<u64>() as f64 / site.records as f64, rate)
    }

    fn id(&self, n: u32) -> AuthorId {
        self.store
            .reader()
            .and_then(|reader| reader.author(&author(n)))
            .expect("readable")
            .expect("the author is there")
            .id
    }
}

fn put(record: Record) -> Op {
    let Record { author, at_us, text, spans } = record;
    Op::Put { author: AuthorId(author), text, tags: spans, reply_to: None, at_us: Some(at_us) }
}

impl Engine for Ours {
    fn put(&mut self, record: Record) {
        let log = self.store.log().expect("the log is open");
        commit(log, vec![put(record)]);
    }

    fn user(&self, n: u32) -> usize {
        let id = self.id(n);
        self.store.reader().and_then(|reader| reader.last(id, 50)).expect("readable").posts.len()
    }

    fn tag(&self, n: u32) -> usize {
        let key = [TagKey::Tag(tag(n))];
        self.store.reader().and_then(|reader| reader.tag_page(&key, None, 50)).expect("readable").posts.len()
    }

    fn feed(&self) -> usize {
        self.store.reader().and_then(|reader| reader.feed(AuthorId(0), None, 50)).expect("readable").posts.len()
    }
}
