//! Every byte of a small but complete site is damaged, one at a time, and every file is cut at every length. Whatever is
//! hit: nobody crashes or hangs, no record is shown that is not what was written, what is missing is told by the check, and
//! a rebuild or a salvage brings back everything else. A part runs each time; `SOAK=1` in the environment runs all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use blerg_log::{Identity, ListKey, Log, RealDisk};

use super::{NOW_US, Site, put_text, settings};
use crate::page::tests::{page, put};
use crate::{AuthorId, Durability, Error, LimitKind, Position, PutText, RecordNo, Role, Settings, Store};

/// Calls of [`run`], which share the time of a soak.
const RUNS: u64 = 8;

/// What a site answers: a question and the one answer.
type Answers = BTreeMap<String, String>;

/// No case takes longer, or it is taken for a hang.
const PATIENCE: Duration = Duration::from_secs(30);

fn fixed() -> Settings {
    Settings { durability: None, ..settings() }
}

/// A site that is whole, and copies of its files.
struct Victim {
    dir: PathBuf,
    scratch: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    truth: Answers,
    /// Other answers that are true when something is lost: texts from before an edit, who had not left yet.
    before: BTreeMap<String, BTreeSet<String>>,
    _folder: tempfile::TempDir,
}

fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn fill(site: &Site) -> BTreeMap<String, BTreeSet<String>> {
    let store = &site.store;
    for name in ["ada", "bob", "eve"] {
        store.add_account(NOW_US, name, b"secret", Role::Member).unwrap();
    }
    let id = |name: &str| store.account(name).unwrap().unwrap().author.unwrap();
    let (ada, bob, eve) = (id("ada"), id("bob"), id("eve"));
    let mut before: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for no in 0..14 {
        site.put(ada, &format!("ada {no} #tea {}", "words that take some room ".repeat(no % 5)));
        if no < 6 {
            site.put(bob, &format!("bob {no} @ada #cup and more"));
        }
    }
    site.put(eve, "eve says goodbye #tea");
    let answer = PutText { reply_to: Some((ada, RecordNo(2))), ..put_text("bob answers ada 2") };
    store.put(NOW_US, bob, answer).unwrap();
    let answer = PutText { reply_to: Some((bob, RecordNo(4))), ..put_text("ada answers bob 4") };
    store.put(NOW_US, ada, answer).unwrap();
    for (author, name, no) in [(ada, "ada", 3), (bob, "bob", 1), (ada, "ada", 3)] {
        let was = store.reader().unwrap().snapshot().record(author, RecordNo(no)).unwrap().unwrap().text.into_owned();
        before.entry(format!("{name}/{no}")).or_default().insert(was);
        store.edit(NOW_US, author, RecordNo(no), put_text(&format!("{name} {no} edited #cup"))).unwrap();
    }
    for (author, no) in [(ada, 5), (bob, 4), (ada, 9)] {
        store.delete(NOW_US, author, RecordNo(no)).unwrap();
    }
    store.follow(NOW_US, ada, bob).unwrap();
    store.follow(NOW_US, bob, ada).unwrap();
    store.close_account(NOW_US, eve, b"secret", None).unwrap();
    before.entry("author eve".to_owned()).or_default().insert("open".to_owned());
    let seen = crate::Stamp { visible: Position(2_000), ..store.reader().unwrap().stamp() };
    store.clear(ada, crate::SeenKind::Feed, seen).unwrap();
    for text in ["green tea\n", "green tea\nand black tea\n", "green tea\nand black tea, see [[Cup]]\n"] {
        put(site, "Tea", text);
    }
    put(site, "Cup", "holds tea");
    while !store.index_search(1).unwrap().is_complete() {}
    store.spend(NOW_US, LimitKind::Login, None, None).unwrap();
    let client = crate::ClientInfo { remote: None, agent: Some("test") };
    store.login(NOW_US, "ada", b"secret", &client).unwrap();
    for no in 14..20 {
        site.put(ada, &format!("ada {no} #tea again"));
    }
    before
}

fn answers(store: &Store) -> Result<Answers, Error> {
    let reader = store.reader()?;
    let snapshot = reader.snapshot();
    let mut found = Answers::new();
    let authors = snapshot.list(&ListKey::Authors)?.len().min(100);
    for author in (0..authors).map(|id| AuthorId(u32::try_from(id).unwrap())) {
        let Some(known) = snapshot.author(author)? else { continue };
        found.insert(format!("author {}", known.name), if known.closed { "left" } else { "open" }.to_owned());
        for no in (0..reader.record_count(author)?.min(1_000)).map(RecordNo) {
            if let Some(record) = snapshot.record(author, no)? {
                found.insert(format!("{}/{}", known.name, no.0), record.text.into_owned());
                if let Some((to, no_of)) = record.reply_to {
                    found.insert(format!("{}/{} answers", known.name, no.0), format!("{}/{}", to.0, no_of.0));
                }
            }
        }
        let followed = snapshot.list(&ListKey::Follows(author))?;
        for number in 0..followed.len().min(100) {
            if let Some(target) = snapshot.following(author, followed.get(number)?)? {
                found.insert(format!("{} follows {}", known.name, target.0), String::new());
            }
        }
    }
    for tag in ["tea", "cup"] {
        let key = ListKey::Tag(tag);
        let list = snapshot.list(&key)?;
        for number in 0..list.len().min(1_000) {
            if let Some(record) = snapshot.element(&key, list.get(number)?)? {
                found.insert(format!("tag {tag} {}/{}", record.author.0, record.no.0), record.text.into_owned());
            }
        }
    }
    Ok(found)
}

impl Victim {
    fn new() -> Victim {
        let folder = folder();
        let dir = folder.path().join("data");
        crate::ready::make_private_dir(&dir).unwrap();
        let identity = Identity { site_id: [1; 16], hash_key: [2; 16], durability: Durability::Sync };
        Log::create_small(&dir, &identity, Arc::new(RealDisk)).unwrap();
        let site = Site { store: Store::new(&dir, fixed()), _folder: folder };
        let before = fill(&site);
        let truth = answers(&site.store).unwrap();
        let Site { store, _folder: folder } = site;
        drop(store);
        let mut files = BTreeMap::new();
        for path in super::files(&dir) {
            let name = path.strip_prefix(&dir).unwrap().to_str().unwrap().to_owned();
            if !["ballast", "lock", "sync.lock", "hash.lock"].contains(&name.as_str()) {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
        let scratch = folder.path().join("scratch");
        Victim { dir, scratch, files, truth, before, _folder: folder }
    }

    /// Puts everything as it was, into the same files, so that the control page is still the live one; or without it, as after
    /// another start of the machine.
    fn restore(&self, is_live: bool) {
        for path in super::files(&self.dir) {
            let name = path.strip_prefix(&self.dir).unwrap().to_str().unwrap();
            if !self.files.contains_key(name) {
                fs::remove_file(&path).unwrap();
            }
        }
        for (name, bytes) in &self.files {
            let path = self.dir.join(name);
            let mut file = fs::File::options().create(true).truncate(false).write(true).open(&path).unwrap();
            file.write_all(bytes).unwrap();
            file.set_len(bytes.len() as u64).unwrap();
        }
        if !is_live {
            fs::write(self.dir.join("ctl"), vec![0; 4096]).unwrap();
        }
        let _ = fs::remove_dir_all(&self.scratch);
    }

    fn damage(&self, damage: &Damage) {
        let path = self.dir.join(&damage.file);
        let mut file = fs::File::options().write(true).open(&path).unwrap();
        let bytes = &self.files[&damage.file];
        match damage.how {
            How::Flip(at, mask) => {
                file.seek(SeekFrom::Start(at as u64)).unwrap();
                file.write_all(&[bytes[at] ^ mask]).unwrap();
            }
            How::Cut(len) => file.set_len(len as u64).unwrap(),
            How::Longer(more) => {
                file.seek(SeekFrom::End(0)).unwrap();
                file.write_all(&vec![0xA5; more]).unwrap();
            }
        }
    }

    /// Whether the last frame of the log is hit.
    fn is_last(&self, damage: &Damage) -> bool {
        let (name, bytes) = self.files.iter().rfind(|(name, _)| name.ends_with(".seg")).unwrap();
        let text = bytes.windows(6).rposition(|window| window == b"ada 19").unwrap();
        let at = match damage.how {
            How::Flip(at, _) | How::Cut(at) => at,
            How::Longer(_) => return false,
        };
        // Before the text stand its tags and the header.
        damage.file == *name && at + 70 >= text
    }

    /// What is missing from `found`; nothing in it may be wrong.
    fn missing(&self, found: &Answers, what: &str) -> usize {
        for (question, answer) in found {
            let is_true = self.truth.get(question) == Some(answer)
                || self.before.get(question).is_some_and(|answers| answers.contains(answer))
                || question.starts_with("tag ") && self.before.values().any(|answers| answers.contains(answer))
                || question.starts_with("author lost ");
            assert!(is_true, "{what}: {question:?} -> {answer:?}");
        }
        self.truth.iter().filter(|(question, answer)| found.get(*question) != Some(answer)).count()
    }
}

#[derive(Clone, Debug)]
enum How {
    Flip(usize, u8),
    Cut(usize),
    Longer(usize),
}

#[derive(Clone, Debug)]
struct Damage {
    file: String,
    how: How,
}

/// What came of cases.
#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    unharmed: u64,
    refused: u64,
    told: u64,
    /// In the last frame, which was cut.
    torn: u64,
    salvaged: u64,
    lost: usize,
}

/// One case in a log, index or control page: read, checked, mended.
fn case(victim: &Victim, damage: &Damage, is_live: bool, tally: &mut Tally) {
    let what = format!("{damage:?} live {is_live}");
    victim.restore(is_live);
    victim.damage(damage);
    let began = Instant::now();
    let run = catch_unwind(AssertUnwindSafe(|| {
        let store = Store::new(&victim.dir, fixed());
        let missing = match answers(&store) {
            Ok(found) => Some(victim.missing(&found, &what)),
            Err(_) => None,
        };
        // Whoever was told of the damage by the read may have had it mended.
        let told = match store.check(&mut |_| {}) {
            Ok(report) => report
                .problems
                .iter()
                .find(|problem| problem.contains(&damage.file))
                .cloned()
                .or_else(|| report.problems.first().cloned()),
            Err(error) => Some(error.to_string()),
        };
        drop(store);
        (missing, told)
    }));
    let (missing, told) = run.unwrap_or_else(|_| panic!("{what}: a panic"));
    assert!(began.elapsed() < PATIENCE, "{what}: {:?}", began.elapsed());
    tally.cases += 1;
    tally.refused += u64::from(missing.is_none());
    tally.told += u64::from(told.is_some());
    if missing == Some(0) && told.is_none() {
        tally.unharmed += 1;
        return;
    }
    // The page is of one start of the machine only, and has no checksums but for what is published.
    if damage.file == "ctl" {
        let store = Store::new(&victim.dir, fixed());
        let _ = store.rebuild(&mut |_| {});
        drop(store);
        fs::write(victim.dir.join("ctl"), vec![0; 4096]).unwrap();
    }
    // What is derived needs no salvage.
    if damage.file.starts_with("index.") || damage.file == "ctl" {
        let store = Store::new(&victim.dir, fixed());
        store.rebuild(&mut |_| {}).unwrap_or_else(|error| panic!("{what}: rebuild: {error}"));
        assert_eq!(victim.missing(&answers(&store).unwrap(), &what), 0, "{what}: a rebuild mends it");
        let report = store.check(&mut |_| {}).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{what}: after a rebuild");
        return;
    }
    // After another start of the machine nothing tells the last frame, damaged, from one that a power cut tore.
    if !is_live && told.is_none() && missing.is_some_and(|missing| missing <= 2) && victim.is_last(damage) {
        tally.torn += 1;
        return;
    }
    assert!(told.is_some() || missing.is_none(), "{what}: {missing:?} answers are missing and the check says nothing");
    salvage(victim, &what, tally, missing);
}

fn salvage(victim: &Victim, what: &str, tally: &mut Tally, missing: Option<usize>) {
    let before: BTreeMap<PathBuf, Vec<u8>> =
        super::files(&victim.dir).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let store = Store::new(&victim.dir, fixed());
    let done = store.salvage(NOW_US, &victim.scratch, &mut |_| {});
    let done = done.unwrap_or_else(|error| panic!("{what}: salvage: {error:?}"));
    for (path, bytes) in before {
        assert!(fs::read(&path).unwrap() == bytes, "{what}: {path:?} was changed");
    }
    let new = Store::new(&victim.scratch, fixed());
    let left = victim.missing(&answers(&new).unwrap(), what);
    // One frame is hit: a record, its edits and what answers or follows by it. A cut takes all that was behind it in its file.
    let is_cut = what.contains("Cut(");
    assert!(left <= 8 || is_cut, "{what}: {left} answers are missing after salvage: {:?}", done.lost);
    assert!(left == 0 || done.lost_len > 0, "{what}: {left} lost and nothing told");
    assert!(is_cut || missing.is_none_or(|missing| left <= missing.max(8)), "{what}");
    let report = new.check(&mut |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new(), "{what}: after salvage");
    let ada = new.reader().unwrap().author("ada").unwrap();
    if let Some(ada) = ada {
        new.put(NOW_US, ada.id, put_text("further")).unwrap();
    }
    tally.salvaged += 1;
    tally.lost += left;
}

/// Minutes for all tests here, where all cases are to run.
#[expect(clippy::disallowed_methods, reason = "the one switch between a part of the cases and all")]
fn soak() -> Option<u64> {
    std::env::var("SOAK").ok().map(|minutes| minutes.parse().unwrap_or(10))
}

/// Runs about `few` of the cases; in a soak all, in an order of their own, as far as the time goes.
fn run<T: std::fmt::Debug>(what: &str, mut cases: Vec<T>, few: usize, mut each: impl FnMut(&T)) {
    let all = cases.len();
    let began = Instant::now();
    let mut done = 0;
    let patience = match soak() {
        Some(minutes) => {
            let seed = u64::from(std::process::id());
            println!("{what}: seed {seed}");
            let mut random = super::Random(seed);
            for at in (1..cases.len()).rev() {
                cases.swap(at, random.below(at + 1));
            }
            Duration::from_secs(60 * minutes / RUNS)
        }
        None => {
            let stride = all.div_ceil(few);
            cases = cases.into_iter().step_by(stride).collect();
            Duration::MAX
        }
    };
    for case in cases {
        if began.elapsed() > patience {
            break;
        }
        each(&case);
        done += 1;
    }
    println!("{what}: {done} of {all} cases in {:?}", began.elapsed());
}

/// Every byte that is in use, and a sample of the others, with one bit of it changed.
fn flips(name: &str, bytes: &[u8]) -> Vec<Damage> {
    let sample = (bytes.len() / 64).max(1);
    let places = (0..bytes.len()).filter(|at| bytes[*at] != 0 || at % sample == 0);
    let bit = |at: &usize| 1 << (at % 8);
    places.map(|at| Damage { file: name.to_owned(), how: How::Flip(at, bit(&at)) }).collect()
}

/// Every bit of every byte that is in use.
fn bits(name: &str, bytes: &[u8]) -> Vec<Damage> {
    let places = (0..bytes.len()).filter(|at| bytes[*at] != 0);
    places
        .flat_map(|at| (0..8).map(move |bit| (at, 1 << bit)))
        .map(|(at, mask)| Damage { file: name.to_owned(), how: How::Flip(at, mask) })
        .collect()
}

fn lengths(name: &str, bytes: &[u8], stride: usize) -> Vec<Damage> {
    let cuts = (0..bytes.len()).step_by(stride).map(How::Cut);
    let longer = [1, 8, 4096, 100_000].map(How::Longer);
    cuts.chain(longer).map(|how| Damage { file: name.to_owned(), how }).collect()
}

#[test]
fn any_bit_of_the_log_can_be_damaged_and_any_length_cut() {
    let victim = Victim::new();
    let segments: Vec<&String> = victim.files.keys().filter(|name| name.ends_with(".seg")).collect();
    assert!(segments.len() >= 3, "{segments:?}");
    let mut tally = Tally::default();
    let (mut flipped, mut cut) = (Vec::new(), Vec::new());
    for name in segments {
        let bytes = &victim.files[name];
        flipped.extend(bits(name, bytes));
        flipped.extend(flips(name, bytes));
        cut.extend(lengths(name, bytes, 1));
    }
    let mut is_live = false;
    run("log, bits", flipped, 160, |damage| {
        is_live = !is_live;
        case(&victim, damage, is_live, &mut tally);
    });
    run("log, lengths", cut, 40, |damage| {
        is_live = !is_live;
        case(&victim, damage, is_live, &mut tally);
    });
    println!("log: {tally:?}");
}

#[test]
fn any_byte_of_what_is_derived_can_be_damaged_and_any_length_cut() {
    let victim = Victim::new();
    let mut tally = Tally::default();
    for name in victim.files.keys().filter(|name| name.starts_with("index.") || *name == "ctl") {
        let bytes = &victim.files[name];
        let cases = [flips(name, bytes), lengths(name, bytes, if name == "ctl" { 1 } else { 509 })].concat();
        run(name, cases, 70, |damage| case(&victim, damage, true, &mut tally));
    }
    println!("control page and index: {tally:?}");
}

#[test]
fn any_byte_of_format_can_be_damaged_and_any_length_cut() {
    let victim = Victim::new();
    let bytes = victim.files["FORMAT"].clone();
    let mut tally = Tally::default();
    let cases = [bits("FORMAT", &bytes), lengths("FORMAT", &bytes, 1)].concat();
    run("FORMAT", cases, 50, |damage| {
        let what = format!("{damage:?}");
        victim.restore(true);
        victim.damage(damage);
        let refused = Store::new(&victim.dir, fixed()).log().map(drop).unwrap_err();
        tally.cases += 1;
        tally.refused += 1;
        assert!(format!("{refused:?}").contains("FORMAT"), "{what}: {refused:?}");
        let mut lost = Tally::default();
        salvage(&victim, &what, &mut lost, None);
        assert_eq!(lost.lost, 0, "{what}");
        assert_eq!(Store::new(&victim.scratch, fixed()).site_id().unwrap(), [1; 16], "{what}");
        tally.salvaged += 1;
    });
    println!("FORMAT: {tally:?}");
}

/// One case in a database.
fn database(victim: &Victim, damage: &Damage, tally: &mut Tally) {
    let name = damage.file.as_str();
    let what = format!("{damage:?}");
    victim.restore(true);
    victim.damage(damage);
    let began = Instant::now();
    let run = catch_unwind(AssertUnwindSafe(|| {
        let store = Store::new(&victim.dir, fixed());
        // Records never suffer.
        assert_eq!(victim.missing(&answers(&store).unwrap(), &what), 0, "{what}");
        let _ = store.accounts(None);
        let _ = store.wiki().and_then(|wiki| wiki.view(&page("Tea")));
        let _ = store.search(&crate::SearchQuery::parse("tea").unwrap(), None, 10);
        store.check(&mut |_| {}).unwrap_or_else(|error| panic!("{what}: check: {error:?}")).problems
    }));
    let told = run.unwrap_or_else(|_| panic!("{what}: a panic"));
    assert!(began.elapsed() < PATIENCE, "{what}: {:?}", began.elapsed());
    tally.cases += 1;
    tally.told += u64::from(!told.is_empty());
    // SQLite has no checksums: a byte of a value can be another without anybody being able to tell.
    tally.unharmed += u64::from(told.is_empty());
    let names = |problem: &String| problem.contains(name) || (name == "site.db" && problem.starts_with("account "));
    assert!(told.is_empty() || told.iter().any(names), "{what}: {told:?}");
    if name == "search.db" {
        let store = Store::new(&victim.dir, fixed());
        store.rebuild(&mut |_| {}).unwrap_or_else(|error| panic!("{what}: rebuild: {error:?}"));
        assert_eq!(store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new(), "{what}: after a rebuild");
    } else if !told.is_empty() {
        salvage(victim, &what, tally, Some(0));
    }
}

#[test]
fn any_byte_of_the_databases_can_be_damaged_and_any_length_cut() {
    let victim = Victim::new();
    for name in ["site.db", "wiki.db", "search.db"] {
        let mut tally = Tally::default();
        let bytes = &victim.files[name];
        let cases = [flips(name, bytes), lengths(name, bytes, 512)].concat();
        run(name, cases, 10, |damage| database(&victim, damage, &mut tally));
        println!("{name}: {tally:?}");
    }
}
