//! The site that is damaged: small, with everything that a site can hold, and alike in every byte whenever it is made, but for
//! what the machine decides (boot id, inode). Start at [`Victim`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blerg_log::{Identity, ListKey, Log, RealDisk};

use super::cases::{Damage, How};
use crate::page::tests::put;
use crate::tests::{NOW_US, Random, Site, files, put_text, settings};
use crate::{AuthorId, Durability, Error, LimitKind, Position, PutText, RecordNo, Role, Settings, Store};

/// What a site answers: a question and the one answer.
pub(super) type Answers = BTreeMap<String, String>;

/// What became of the site before it was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Past {
    /// Written to only.
    Grown,
    /// Compacted, and written to again: format 2, and a log of another name.
    Compacted,
}

pub(super) fn fixed() -> Settings {
    Settings { durability: None, random, ..settings() }
}

/// The same bytes in each thread that makes a site.
fn random(buffer: &mut [u8]) {
    thread_local!(static NEXT: std::cell::Cell<u64> = const { std::cell::Cell::new(1) });
    let mut random = Random(NEXT.get());
    buffer.fill_with(|| random.next().to_le_bytes()[0]);
    NEXT.set(random.next());
}

/// A site that is whole, and copies of its files.
pub(super) struct Victim {
    pub(super) past: Past,
    pub(super) dir: PathBuf,
    pub(super) scratch: PathBuf,
    pub(super) files: BTreeMap<String, Vec<u8>>,
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
    before
}

pub(super) fn answers(store: &Store) -> Result<Answers, Error> {
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
    pub(super) fn new(past: Past) -> Victim {
        let folder = folder();
        let dir = folder.path().join("data");
        crate::ready::make_private_dir(&dir).unwrap();
        let identity = Identity { site_id: [1; 16], hash_key: [2; 16], durability: Durability::Sync };
        Log::create_tiny(&dir, &identity, Arc::new(RealDisk)).unwrap();
        let site = Site { store: Store::new(&dir, fixed()), _folder: folder };
        let before = fill(&site);
        if past == Past::Compacted {
            site.store.compact(NOW_US, |_| Vec::new(), &mut |_| {}).unwrap();
        }
        let ada = site.store.reader().unwrap().author("ada").unwrap().unwrap().id;
        for no in 14..20 {
            site.put(ada, &format!("ada {no} #tea again"));
        }
        let truth = answers(&site.store).unwrap();
        let Site { store, _folder: folder } = site;
        drop(store);
        let mut files = BTreeMap::new();
        for path in crate::tests::files(&dir) {
            let name = path.strip_prefix(&dir).unwrap().to_str().unwrap().to_owned();
            // Locks and ballast: what is in them means nothing.
            if name != "ballast" && !name.ends_with("lock") {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
        let scratch = folder.path().join("scratch");
        Victim { past, dir, scratch, files, truth, before, _folder: folder }
    }

    /// Puts everything as it was, into the same files, so that the control page is still the live one; or without it, as after
    /// another start of the machine.
    pub(super) fn restore(&self, is_live: bool) {
        for path in files(&self.dir) {
            let name = path.strip_prefix(&self.dir).unwrap().to_str().unwrap();
            if !self.files.contains_key(name) {
                fs::remove_file(&path).unwrap();
            }
        }
        for (name, bytes) in &self.files {
            let path = self.dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut file = fs::File::options().create(true).truncate(false).write(true).open(&path).unwrap();
            file.write_all(bytes).unwrap();
            file.set_len(bytes.len() as u64).unwrap();
        }
        if !is_live {
            self.restart();
        }
        let _ = fs::remove_dir_all(&self.scratch);
    }

    /// Leaves the control page as another start of the machine finds it.
    pub(super) fn restart(&self) {
        let page = self.files.keys().find(|name| name.ends_with("ctl")).unwrap();
        fs::write(self.dir.join(page), vec![0; 4096]).unwrap();
    }

    pub(super) fn damage(&self, damage: &Damage) {
        let path = self.dir.join(&damage.file);
        let mut file = fs::File::options().write(true).open(&path).unwrap();
        let bytes = &self.files[&damage.file];
        match damage.how {
            How::Flip(at, mask) => {
                file.seek(SeekFrom::Start(at as u64)).unwrap();
                file.write_all(&[bytes[at] ^ mask]).unwrap();
            }
            How::Fill(at, len) => {
                file.seek(SeekFrom::Start(at as u64)).unwrap();
                file.write_all(&bytes[at..at + len].iter().map(|byte| byte ^ 0xA5).collect::<Vec<_>>()).unwrap();
            }
            How::Cut(len) => file.set_len(len as u64).unwrap(),
            How::Longer(more) => {
                file.seek(SeekFrom::End(0)).unwrap();
                file.write_all(&vec![0xA5; more]).unwrap();
            }
        }
    }

    /// Whether the last frame of the log is hit.
    pub(super) fn is_last(&self, damage: &Damage) -> bool {
        let (name, bytes) = self.files.iter().rfind(|(name, _)| name.ends_with(".seg")).unwrap();
        let text = bytes.windows(6).rposition(|window| window == b"ada 19").unwrap();
        let at = match damage.how {
            How::Flip(at, _) | How::Cut(at) => at,
            How::Fill(..) | How::Longer(_) => return false,
        };
        // Before the text stand its tags and the header.
        damage.file == *name && at + 70 >= text
    }

    /// What is missing from `found`; nothing in it may be wrong.
    pub(super) fn missing(&self, found: &Answers, what: &str) -> usize {
        for (question, answer) in found {
            let is_true = self.truth.get(question) == Some(answer)
                || self.before.get(question).is_some_and(|answers| answers.contains(answer))
                || question.starts_with("tag ") && self.before.values().any(|answers| answers.contains(answer))
                || question.starts_with("author lost ")
                // Hidden by a damaged fate, as a record is: something is missing, and has to be told.
                || question.starts_with("author ") && answer == "left";
            assert!(is_true, "{what}: {question:?} -> {answer:?}");
        }
        self.truth.iter().filter(|(question, answer)| found.get(*question) != Some(answer)).count()
    }
}
