//! What was sent and what was acknowledged, to hold the site to. Start at [`Ledger`]: what was acknowledged must be there
//! exactly once under its number, what was not may be there once and whole, nothing else may be there at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::cgi_run;
use crate::http::Ask;
use crate::site::Site;

#[derive(Debug, Default)]
pub struct Ledger {
    /// Every text that was ever handed to a writer.
    sent: Mutex<BTreeSet<String>>,
    /// By author and number.
    acknowledged: Mutex<BTreeMap<(String, u64), String>>,
    /// Of imports, which do not tell numbers.
    acknowledged_texts: Mutex<BTreeSet<String>>,
}

impl Ledger {
    pub fn sent(&self, text: &str) {
        assert!(self.sent.lock().unwrap().insert(text.to_owned()), "every text is new");
    }

    #[track_caller]
    pub fn acknowledged(&self, author: &str, record: u64, text: String) {
        let before = self.acknowledged.lock().unwrap().insert((author.to_owned(), record), text);
        assert_eq!(before, None, "{author}/{record} was acknowledged twice");
    }

    pub fn acknowledged_texts(&self, texts: Vec<String>) {
        self.acknowledged_texts.lock().unwrap().extend(texts);
    }

    pub fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len() + self.acknowledged_texts.lock().unwrap().len()
    }

    /// Somebody sent exactly this.
    #[track_caller]
    pub fn check_whole(&self, text: &str) {
        let start: String = text.chars().take(60).collect();
        assert!(self.sent.lock().unwrap().contains(text), "nobody sent these {} bytes: {start}", text.len());
    }

    /// Compares the records of `authors` with what was acknowledged.
    #[track_caller]
    pub fn audit(&self, site: &Site, authors: &[&str]) {
        let acknowledged = self.acknowledged.lock().unwrap();
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for author in authors {
            let records = records(site, author);
            for (number, (record, text)) in records.iter().enumerate() {
                assert_eq!(usize::try_from(*record).unwrap(), number, "{author}'s numbers are consecutive");
                self.check_whole(text);
                let before = seen.insert(text.clone(), format!("{author}/{record}"));
                assert_eq!(before, None, "{author}/{record} is there twice");
            }
            for ((_, record), text) in acknowledged.iter().filter(|((name, _), _)| name == author) {
                assert_eq!(records.get(record), Some(text), "{author}/{record} was acknowledged");
            }
        }
        for text in self.acknowledged_texts.lock().unwrap().iter().filter(|_| authors == [super::writers::IMPORTER]) {
            assert!(seen.contains_key(text), "an import was acknowledged");
        }
    }
}

/// All records of an author.
fn records(site: &Site, author: &str) -> BTreeMap<u64, String> {
    let mut found = BTreeMap::new();
    for start in (0..).step_by(100) {
        let reply = cgi_run::run(site, &Ask::get(&format!("/get/{author}/{start}-{}", start + 99))).unwrap();
        if reply.status == 404 {
            break;
        }
        for post in reply.json().as_array().unwrap() {
            let record = post["record"].as_str().unwrap().parse().unwrap();
            found.insert(record, post["data"].as_str().unwrap().to_owned());
        }
    }
    let info = cgi_run::run(site, &Ask::get(&format!("/info/{author}"))).unwrap();
    if info.status == 200 {
        assert_eq!(info.json()["record_count"], found.len().to_string(), "{author}");
    }
    found
}
