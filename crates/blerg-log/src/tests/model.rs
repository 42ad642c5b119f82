//! What a store must answer, computed in the plainest way, and what it does answer, through the public interface.

use std::collections::{BTreeMap, BTreeSet};

use super::basics::tags;
use super::fake::Rng;
use crate::*;

/// The tags that generated texts use.
pub(crate) const TAGS: [&str; 4] = ["#a", "#Bb", "@ada", "#c-c"];

/// A record that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) versions: Vec<String>,
    pub(crate) reply_to: Option<(AuthorId, RecordNo)>,
}

/// All answers of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// By number: name, whether closed, records by number.
    pub(crate) authors: Vec<(String, bool, Vec<Option<Text>>)>,
    pub(crate) latest: Vec<(AuthorId, RecordNo)>,
    pub(crate) tags: BTreeMap<String, Vec<(AuthorId, RecordNo)>>,
    pub(crate) replies: BTreeMap<(AuthorId, RecordNo), Vec<(AuthorId, RecordNo)>>,
    pub(crate) follows: BTreeSet<(AuthorId, AuthorId)>,
}

#[derive(Clone, Debug)]
struct ModelRecord {
    text: Text,
    put: u64,
    element: u64,
}

#[derive(Clone, Debug)]
struct ModelAuthor {
    name: String,
    closed: bool,
    records: Vec<Option<ModelRecord>>,
}

/// The plainest store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    authors: Vec<ModelAuthor>,
    follows: BTreeSet<(AuthorId, AuthorId)>,
    clock: u64,
}

impl Model {
    /// What an operation comes to.
    pub(crate) fn apply(&mut self, op: &Op) -> Result<Outcome, Rejection> {
        self.clock += 1;
        let clock = self.clock;
        match op {
            Op::AddAuthor { name, .. } => {
                if name.is_empty() || name.len() > Op::NAME_BYTES_MAX {
                    return Err(Rejection::NameLength);
                }
                if self.authors.iter().any(|author| author.name.eq_ignore_ascii_case(name)) {
                    return Err(Rejection::NameTaken);
                }
                self.authors.push(ModelAuthor { name: name.clone(), closed: false, records: Vec::new() });
                Ok(Outcome::Author(AuthorId(self.authors.len() as u32 - 1)))
            }
            Op::Put { author, text, reply_to, .. } => {
                let reply_ok = reply_to.is_none_or(|(to, record)| self.record(to, record).is_some());
                let author = self.open(*author)?;
                if !reply_ok {
                    return Err(Rejection::NoSuchRecord);
                }
                let text = Text { text: text.clone(), versions: vec![text.clone()], reply_to: *reply_to };
                author.records.push(Some(ModelRecord { text, put: clock, element: clock }));
                Ok(Outcome::Record(RecordNo(author.records.len() as u64 - 1)))
            }
            Op::PutHole { author } => {
                let author = self.open(*author)?;
                author.records.push(None);
                Ok(Outcome::Record(RecordNo(author.records.len() as u64 - 1)))
            }
            Op::Edit { author, record, text, .. } => {
                let author = self.open(*author)?;
                let slot = author.records.get_mut(record.0 as usize).and_then(Option::as_mut);
                let record = slot.ok_or(Rejection::NoSuchRecord)?;
                record.text.text = text.clone();
                record.text.versions.push(text.clone());
                record.element = clock;
                Ok(Outcome::Done)
            }
            Op::Delete { author, record } => {
                let author = self.authors.get_mut(author.0 as usize).ok_or(Rejection::NoSuchAuthor)?;
                let slot = author.records.get_mut(record.0 as usize).filter(|slot| slot.is_some());
                *slot.ok_or(Rejection::NoSuchRecord)? = None;
                Ok(Outcome::Done)
            }
            Op::CloseAuthor { author } => {
                let author = self.authors.get_mut(author.0 as usize).ok_or(Rejection::NoSuchAuthor)?;
                let was = std::mem::replace(&mut author.closed, true);
                Ok(if was { Outcome::Unchanged } else { Outcome::Done })
            }
            Op::Follow { author, target } => {
                self.open(*author)?;
                self.open(*target)?;
                let new = self.follows.insert((*author, *target));
                Ok(if new { Outcome::Done } else { Outcome::Unchanged })
            }
            Op::Unfollow { author, target } => {
                if [author, target].iter().any(|one| one.0 as usize >= self.authors.len()) {
                    return Err(Rejection::NoSuchAuthor);
                }
                let was = self.follows.remove(&(*author, *target));
                Ok(if was { Outcome::Done } else { Outcome::Unchanged })
            }
        }
    }

    /// A compaction leaves of those who left nothing but their numbers: what was dead already is not there to be deleted.
    pub(crate) fn compact(&mut self) {
        self.authors.iter_mut().filter(|author| author.closed).for_each(|author| author.records.fill(None));
    }

    fn open(&mut self, author: AuthorId) -> Result<&mut ModelAuthor, Rejection> {
        let author = self.authors.get_mut(author.0 as usize).ok_or(Rejection::NoSuchAuthor)?;
        if author.closed { Err(Rejection::AuthorClosed) } else { Ok(author) }
    }

    fn record(&self, author: AuthorId, record: RecordNo) -> Option<&ModelRecord> {
        self.authors.get(author.0 as usize)?.records.get(record.0 as usize)?.as_ref()
    }

    /// Records that are shown, in the order of a key.
    fn shown(&self, order: impl Fn(&ModelRecord) -> u64) -> Vec<((AuthorId, RecordNo), &ModelRecord)> {
        let mut all = Vec::new();
        for (id, author) in (0..).zip(&self.authors) {
            for (no, record) in (0..).zip(&author.records) {
                if let (Some(record), false) = (record, author.closed) {
                    all.push(((AuthorId(id), RecordNo(no)), record));
                }
            }
        }
        all.sort_by_key(|(_, record)| order(record));
        all
    }

    pub(crate) fn answers(&self) -> Answers {
        let mut answers = Answers { follows: self.follows.clone(), ..Answers::default() };
        answers.follows.retain(|(_, target)| !self.authors[target.0 as usize].closed);
        for author in &self.authors {
            let records = author.records.iter();
            let shown = records.map(|slot| slot.as_ref().filter(|_| !author.closed).map(|record| record.text.clone()));
            answers.authors.push((author.name.clone(), author.closed, shown.collect()));
        }
        let by_put = self.shown(|record| record.put);
        answers.latest = by_put.iter().map(|(name, _)| *name).collect();
        for (name, record) in &by_put {
            if let Some(to) = record.text.reply_to {
                answers.replies.entry(to).or_default().push(*name);
            }
        }
        for (name, record) in self.shown(|record| record.element) {
            for tag in TAGS {
                let holds = record.text.text.split(' ').any(|word| word.eq_ignore_ascii_case(tag));
                if holds {
                    answers.tags.entry(tag.to_owned()).or_default().push(name);
                }
            }
        }
        answers
    }

    pub(crate) fn authors_len(&self) -> usize {
        self.authors.len()
    }

    pub(crate) fn records_len(&self, author: usize) -> usize {
        self.authors.get(author).map_or(0, |author| author.records.len())
    }
}

fn elements(snapshot: &Snapshot, key: ListKey<'_>) -> Result<Vec<(AuthorId, RecordNo)>, Error> {
    let list = snapshot.list(&key)?;
    let mut found = Vec::new();
    for i in 0..list.len() {
        if let Some(record) = snapshot.element(&key, list.get(i)?)? {
            found.push((record.author, record.no));
        }
    }
    Ok(found)
}

/// What a store answers.
pub(crate) fn ask(snapshot: &Snapshot) -> Result<Answers, Error> {
    let mut answers = Answers::default();
    let authors = snapshot.list(&ListKey::Authors)?.len();
    for id in (0..authors as u32).map(AuthorId) {
        let Some(author) = snapshot.author(id)? else {
            answers.authors.push(("(lost)".into(), false, Vec::new()));
            continue;
        };
        let by_name = snapshot.author_by_name(&author.name.to_uppercase())?;
        assert!(by_name.is_none_or(|found| found == author), "two authors of one name");
        let mut records = Vec::new();
        for no in (0..snapshot.list(&ListKey::Timeline(id))?.len()).map(RecordNo) {
            let record = snapshot.record(id, no)?;
            let versions = snapshot.versions(id, no)?.into_iter().map(|version| version.text).collect();
            records.push(record.map(|record| Text { text: record.text.into(), versions, reply_to: record.reply_to }));
            let replies = elements(snapshot, ListKey::Replies(id, no))?;
            if !replies.is_empty() {
                answers.replies.insert((id, no), replies);
            }
        }
        let follows = snapshot.list(&ListKey::Follows(id))?;
        for i in 0..follows.len() {
            if let Some(target) = snapshot.following(id, follows.get(i)?)? {
                assert!(answers.follows.insert((id, target)), "followed twice");
            }
        }
        answers.authors.push((author.name, author.closed, records));
    }
    answers.latest = elements(snapshot, ListKey::Latest)?;
    for tag in TAGS {
        let key = if let Some(name) = tag.strip_prefix('#') { ListKey::Tag(name) } else { ListKey::Mention(&tag[1..]) };
        let found = elements(snapshot, key)?;
        if !found.is_empty() {
            answers.tags.insert(tag.to_owned(), found);
        }
    }
    Ok(answers)
}

/// An operation that is mostly possible.
pub(crate) fn random_op(rng: &mut Rng, model: &Model) -> Op {
    let authors = model.authors_len();
    let author = AuthorId(rng.below(authors.max(1)) as u32);
    let other = AuthorId(rng.below(authors + 1) as u32);
    let record = RecordNo(rng.below(model.records_len(author.0 as usize) + 1) as u64);
    let text = random_text(rng);
    let tags = tags(&text);
    match rng.below(20) {
        _ if authors == 0 => Op::AddAuthor { name: "First".into(), at_us: None },
        0 => Op::AddAuthor { name: format!("{}{}", ["u", "U", "v"][rng.below(3)], rng.below(5)), at_us: None },
        1 => Op::PutHole { author },
        2..=4 => Op::Edit { author, record, text, tags, at_us: None },
        5 | 6 => Op::Delete { author, record },
        7 if rng.below(8) == 0 => Op::CloseAuthor { author },
        8 => Op::Follow { author, target: other },
        9 => Op::Unfollow { author, target: other },
        10 | 11 => Op::Put { author, text, tags, reply_to: Some((author, record)), at_us: Some(5) },
        _ => Op::Put { author, text, tags, reply_to: None, at_us: None },
    }
}

/// Words, some of them tags; each text is different, so that nothing passes for something else.
fn random_text(rng: &mut Rng) -> String {
    let mut words = vec![format!("{:x}", rng.next())];
    for _ in 0..rng.below(4) {
        words.push(TAGS[rng.below(TAGS.len())].to_owned());
    }
    words.resize(words.len() + rng.below(12), "и так далее".into());
    words.join(" ")
}
