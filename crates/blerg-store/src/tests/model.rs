//! The plain model: everything in vectors, every answer by looking at all of it. What the store answers has to be equal.

use std::collections::BTreeSet;

use super::{Random, Site, all_pages, names, put_text};
use crate::{AuthorId, Error, Post, RecordNo, SearchQuery, Store, TagKey};

pub(crate) struct Author {
    pub name: String,
    pub is_gone: bool,
    pub records: Vec<Option<Record>>,
}

#[derive(Clone)]
pub(crate) struct Record {
    pub created_us: u64,
    pub versions: Vec<(u64, String)>,
    pub put: u64,
    pub newest: u64,
    pub reply_to: Option<(usize, usize)>,
}

impl Record {
    pub(crate) fn text(&self) -> &str {
        &self.versions.last().unwrap().1
    }

    fn has(&self, tag: &str) -> bool {
        self.text().split(' ').any(|word| word.eq_ignore_ascii_case(tag))
    }
}

#[derive(Default)]
pub(crate) struct Model {
    pub authors: Vec<Author>,
    pub follows: BTreeSet<(usize, usize)>,
    pub clock: u64,
}

/// Words that searches look for; the last ones have no spaces around them in their scripts.
pub(crate) const WORDS: [&str; 12] =
    ["apple", "River", "näive", "the", "of", "stone", "كِتاب", "كتب", "книга", "🎉", "中文", "日本語"];
pub(crate) const TAGS: [&str; 8] = ["#tea", "#Coffee", "#a-b", "#x_y", "@ada", "@Grace", "#日", "#rare"];

impl Model {
    /// Every record that is there, as (author, number, record).
    pub(crate) fn live(&self) -> Vec<(usize, usize, &Record)> {
        let mut found = Vec::new();
        for (a, author) in self.authors.iter().enumerate().filter(|(_, author)| !author.is_gone) {
            for (no, record) in author.records.iter().enumerate() {
                found.extend(record.as_ref().map(|record| (a, no, record)));
            }
        }
        found
    }

    /// The records that `wanted` takes, newest by `place` first.
    pub(crate) fn list(
        &self,
        wanted: impl Fn(usize, usize, &Record) -> bool,
        place: impl Fn(&Record) -> u64,
    ) -> Vec<(String, u64)> {
        let mut found: Vec<_> = self.live().into_iter().filter(|(a, no, record)| wanted(*a, *no, record)).collect();
        found.sort_by_key(|(_, _, record)| std::cmp::Reverse(place(record)));
        found.into_iter().map(|(a, no, _)| (self.authors[a].name.clone(), no as u64)).collect()
    }

    pub(crate) fn tagged(&self, tags: &[&str]) -> Vec<(String, u64)> {
        self.list(|_, _, record| tags.iter().all(|tag| record.has(tag)), |record| record.newest)
    }

    /// Whether `store` gives every answer that the model gives.
    #[track_caller]
    pub(crate) fn compare(&self, store: &Store, random: &mut Random) {
        let reader = store.reader().unwrap();
        let n = 7 + random.below(60);
        let latest = all_pages(n, |before| reader.latest(before, n).unwrap());
        assert_eq!(names(&latest), self.list(|_, _, _| true, |record| record.put), "latest, pages of {n}");
        for post in &latest {
            self.compare_post(post);
        }
        for a in 0..self.authors.len() {
            self.compare_author(store, &reader, a, random);
        }
        for tag in TAGS {
            let key = key_of(tag);
            let found = all_pages(n, |before| reader.tag_page(std::slice::from_ref(&key), before, n).unwrap());
            assert_eq!(names(&found), self.tagged(&[tag]), "{tag}, pages of {n}");
        }
        for _ in 0..10 {
            let count = 2 + random.below(3);
            let tags: Vec<&str> = (0..count).map(|_| *random.pick(&TAGS)).collect();
            let keys: Vec<TagKey> = tags.iter().map(|tag| key_of(tag)).collect();
            let found = all_pages(n, |before| reader.tag_page(&keys, before, n).unwrap());
            assert_eq!(names(&found), self.tagged(&tags), "{tags:?}, pages of {n}");
        }
        self.compare_search(store, random);
    }

    fn compare_post(&self, post: &Post) {
        let a = self.authors.iter().position(|author| author.name == post.author_name).unwrap();
        let no = usize::try_from(post.record.0).unwrap();
        let record = self.authors[a].records[no].as_ref().unwrap();
        assert_eq!(post.text, record.text());
        assert_eq!(post.timestamp_us, record.created_us);
        let edited = (record.versions.len() > 1).then(|| record.versions.last().unwrap().0);
        assert_eq!(post.edited_us, edited);
        let reply_to = record.reply_to.filter(|(a, no)| self.is_live(*a, *no));
        let reply_to = reply_to.map(|(a, no)| (self.authors[a].name.clone(), RecordNo(no as u64)));
        assert_eq!(post.reply_to, reply_to);
    }

    pub(crate) fn is_live(&self, a: usize, no: usize) -> bool {
        !self.authors[a].is_gone && self.authors[a].records[no].is_some()
    }

    #[track_caller]
    fn compare_author(&self, store: &Store, reader: &crate::Reader, a: usize, random: &mut Random) {
        let author = &self.authors[a];
        let view = reader.author(&author.name.to_uppercase()).unwrap();
        assert_eq!(view.is_none(), author.is_gone, "{}", author.name);
        let Some(view) = view else { return };
        assert_eq!((view.id, view.name.as_str()), (AuthorId(a as u32), author.name.as_str()));
        assert_eq!(view.record_count, author.records.len() as u64);
        let n = 3 + random.below(40);
        let own = all_pages(n, |before| reader.timeline(view.id, before, n).unwrap());
        assert_eq!(names(&own), self.list(|b, _, _| a == b, |record| record.put), "{}", author.name);
        let feed = all_pages(n, |before| reader.feed(view.id, before, n).unwrap());
        assert_eq!(names(&feed), self.list(|b, _, _| self.follows.contains(&(a, b)), |record| record.put));
        let following = self.follows.iter().filter(|(b, to)| *b == a && !self.authors[*to].is_gone).count();
        assert_eq!(reader.following_len(view.id).unwrap(), following as u64);
        let start = random.below(author.records.len() + 1) as u64;
        let end = start + random.below(100) as u64;
        let range = reader.range(view.id, start..=end).unwrap();
        if start >= author.records.len() as u64 {
            assert_eq!(range, None);
        } else {
            let want = self.list(|b, no, _| a == b && (start..=end).contains(&(no as u64)), |record| record.put);
            assert_eq!(names(&range.unwrap()), want);
        }
        if !author.records.is_empty() {
            self.compare_record(store, a, random.below(author.records.len()), n);
        }
    }

    #[track_caller]
    fn compare_record(&self, store: &Store, a: usize, no: usize, n: usize) {
        let reader = store.reader().unwrap();
        let (author, number) = (AuthorId(a as u32), RecordNo(no as u64));
        let history = reader.history(author, number);
        let thread = reader.thread(author, number, None, n);
        let Some(record) = &self.authors[a].records[no] else {
            assert!(matches!(history, Err(Error::NoSuchRecord { .. })), "{history:?}");
            assert!(matches!(thread, Err(Error::NoSuchRecord { .. })), "{thread:?}");
            return;
        };
        let history = history.unwrap();
        let (mut backward, mut versions) = (history.clone(), Vec::new());
        while let Some(version) = backward.newest(&reader).unwrap() {
            versions.insert(0, (version.at_us, version.text));
        }
        assert_eq!(versions, record.versions);
        assert_eq!(history.all(&reader), record.versions);
        let replies = all_pages(n, |before| reader.thread(author, number, before, n).unwrap().replies);
        assert_eq!(names(&replies), self.list(|_, _, record| record.reply_to == Some((a, no)), |record| record.put));
        let parent = record.reply_to.filter(|(a, no)| self.is_live(*a, *no));
        let parent = parent.map(|(a, no)| (self.authors[a].name.clone(), no as u64));
        let found = thread.unwrap().parent.map(|post| (post.author_name, post.record.0));
        assert_eq!(found, parent);
    }

    #[track_caller]
    fn compare_search(&self, store: &Store, random: &mut Random) {
        let n = 7 + random.below(60);
        for _ in 0..6 {
            let (one, two, without) = (*random.pick(&WORDS), *random.pick(&WORDS), *random.pick(&WORDS));
            let query = SearchQuery {
                words: vec![one.to_owned(), two.to_uppercase()],
                exclude: if random.below(2) == 0 { vec![without.to_owned()] } else { Vec::new() },
                ..SearchQuery::default()
            };
            let found = all_pages(n, |before| store.search(&query, before, n).unwrap());
            let wanted = |_: usize, _: usize, record: &Record| {
                [one, two].iter().all(|word| holds(record.text(), word))
                    && !(query.exclude.iter().any(|word| holds(record.text(), word)))
            };
            assert_eq!(names(&found), self.list(wanted, |record| record.put), "{query:?}");
        }
        let (tag, a) = (*random.pick(&["tea", "a-b", "x_y"]), random.below(self.authors.len()));
        let query = SearchQuery {
            tags: vec![tag.to_owned()],
            from: Some(self.authors[a].name.clone()),
            ..SearchQuery::default()
        };
        let found = all_pages(n, |before| store.search(&query, before, n).unwrap());
        let wanted = |b: usize, _: usize, record: &Record| a == b && record.has(&format!("#{tag}"));
        assert_eq!(names(&found), self.list(wanted, |record| record.put), "{query:?}");
    }
}

/// Whether a text has a word of [`WORDS`], as a reader would say.
fn holds(text: &str, word: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('ä', "a").replace('\u{650}', "");
    let (text, word) = (plain(text), plain(word));
    if matches!(word.as_str(), "中文" | "日本語") {
        text.contains(&word)
    } else {
        text.split(' ').any(|w| w == word)
    }
}

pub(crate) fn key_of(tag: &str) -> TagKey {
    match tag.split_at(1) {
        ("#", name) => TagKey::Tag(name.to_owned()),
        (_, name) => TagKey::Mention(name.to_owned()),
    }
}

/// A random text of words and tags between single spaces.
pub(crate) fn text(random: &mut Random) -> String {
    let count = 1 + random.below(8);
    let words: Vec<&str> =
        (0..count).map(|_| if random.below(3) == 0 { *random.pick(&TAGS) } else { *random.pick(&WORDS) }).collect();
    words.join(" ")
}

impl Model {
    pub(crate) fn add_author(&mut self, site: &Site, name: &str) {
        site.author(name);
        self.authors.push(Author { name: name.to_owned(), is_gone: false, records: Vec::new() });
    }

    /// A random step on both the model and the store.
    pub(crate) fn step(&mut self, store: &Store, random: &mut Random) {
        self.clock += 1;
        let now_us = super::NOW_US + self.clock * 1_000;
        let a = random.below(self.authors.len());
        let author = AuthorId(a as u32);
        let count = self.authors[a].records.len();
        match random.below(20) {
            0..=11 => self.put(store, a, now_us, random),
            12..=14 if count > 0 => {
                let no = random.below(count);
                let text = text(random);
                let edited = store.edit(now_us, author, RecordNo(no as u64), put_text(&text));
                assert_eq!(edited.is_ok(), self.is_live(a, no));
                if let Some(record) = self.authors[a].records[no].as_mut() {
                    record.newest = self.clock;
                    record.versions.push((now_us, text));
                }
            }
            15..=16 if count > 0 => {
                let no = random.below(count);
                let deleted = store.delete(now_us, author, RecordNo(no as u64));
                assert_eq!(deleted.is_ok(), self.is_live(a, no));
                self.authors[a].records[no] = None;
            }
            17..=18 => {
                let target = random.below(self.authors.len());
                store.follow(now_us, author, AuthorId(target as u32)).unwrap();
                self.follows.insert((a, target));
            }
            _ => {
                let target = random.below(self.authors.len());
                store.unfollow(now_us, author, AuthorId(target as u32)).unwrap();
                self.follows.remove(&(a, target));
            }
        }
    }

    fn put(&mut self, store: &Store, a: usize, now_us: u64, random: &mut Random) {
        let text = text(random);
        let mut put = put_text(&text);
        let live = self.live();
        let reply_to = if random.below(4) == 0 && !live.is_empty() {
            let (b, no, _) = random.pick(&live);
            Some((*b, *no))
        } else {
            None
        };
        put.reply_to = reply_to.map(|(b, no)| (AuthorId(b as u32), RecordNo(no as u64)));
        let record = store.put(now_us, AuthorId(a as u32), put).unwrap();
        assert_eq!(record.0, self.authors[a].records.len() as u64);
        let versions = vec![(now_us, text)];
        let (put, newest) = (self.clock, self.clock);
        self.authors[a].records.push(Some(Record { created_us: now_us, versions, put, newest, reply_to }));
    }
}
