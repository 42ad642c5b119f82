//! The plain model: real texts from Debian's fortunes packages in a fixed order, given to 100 authors, and everything that
//! can be asked about them computed by walking over them. Start at [`Model`]. Uses no code of the programs under test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::site::hand_over;

pub const RECORDS: usize = 50_000;
const AUTHORS: usize = 100;
const FIRST_SECS: u64 = 1_600_000_000;
const FOLDER: &str = "/usr/share/games/fortunes";

/// One record as it is given to the import.
#[derive(Debug)]
pub struct Written {
    pub author: String,
    pub record: u64,
    pub text: String,
    pub timestamp: u64,
    reply_to: Option<usize>,
}

/// Everything that was written, in order, and where to find it.
#[derive(Debug, Default)]
pub struct Model {
    pub records: Vec<Written>,
    pub by_author: BTreeMap<String, Vec<usize>>,
    /// By sigil and folded name.
    by_tag: BTreeMap<String, Vec<usize>>,
    pub answers: BTreeMap<usize, Vec<usize>>,
}

impl Model {
    pub fn new() -> Model {
        let texts = texts();
        assert!(texts.len() >= RECORDS, "only {} texts: `make deps` installs the fortunes packages", texts.len());
        let mut model = Model::default();
        let mut random = Random(0x5eed);
        let mut order: Vec<usize> = (0..texts.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        for (index, text) in order.into_iter().take(RECORDS).enumerate() {
            model.add(index, &texts[text], &mut random);
        }
        model
    }

    fn add(&mut self, index: usize, (language, text): &(String, String), random: &mut Random) {
        // Some write far more than others.
        let number = random.below(AUTHORS).min(random.below(AUTHORS));
        let reply_to = (index > 0 && random.below(8) == 0).then(|| index - 1 - random.below(index.min(500)));
        let mut text = text.clone();
        match random.below(4) {
            0 => text.push_str(&format!("\n#fortune #{language}")),
            1 => text.push_str(&format!(" #Fortune, @{}", name(random.below(AUTHORS)).replace(' ', "_"))),
            _ => {}
        }
        let author = name(number);
        for tag in tags(&text) {
            self.by_tag.entry(tag).or_default().push(index);
        }
        if let Some(answered) = reply_to {
            self.answers.entry(answered).or_default().push(index);
        }
        let own = self.by_author.entry(author.clone()).or_default();
        let record = u64::try_from(own.len()).unwrap();
        own.push(index);
        let timestamp = FIRST_SECS + 60 * u64::try_from(index).unwrap();
        self.records.push(Written { author, record, text, timestamp, reply_to });
    }

    /// As JSON lines.
    pub fn write(&self, path: &Path) {
        let mut file = BufWriter::new(fs::File::create(path).unwrap());
        for written in &self.records {
            let Written { author, text, timestamp, .. } = written;
            let mut line = serde_json::json!({ "author": author, "timestamp": timestamp, "text": text });
            if let Some(answered) = written.reply_to {
                let answered = &self.records[answered];
                line["reply_to"] = format!("{}/{}", answered.author, answered.record).into();
            }
            writeln!(file, "{line}").unwrap();
        }
        file.into_inner().unwrap().sync_all().unwrap();
        hand_over(path);
    }

    /// The most used tags and some of the others, mentions among them.
    pub fn chosen_tags(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let many = self.by_tag.iter().filter(|(_, records)| records.len() > 2000);
        let others = self.by_tag.iter().filter(|(_, records)| records.len() <= 2000).step_by(self.by_tag.len() / 40);
        many.chain(others).map(|(tag, records)| (tag.as_str(), records.as_slice()))
    }

    /// Words about whose places there can be no doubt: of ASCII letters, with nothing like a letter on either side
    /// wherever they occur, whatever the case.
    pub fn plain_words(&self) -> Vec<(String, Vec<usize>)> {
        let lower: Vec<String> = self.records.iter().map(|written| written.text.to_lowercase()).collect();
        let mut words: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, text) in lower.iter().enumerate() {
            let here: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
            for word in here.into_iter().filter(|word| (6..=12).contains(&word.len())) {
                words.entry(word).or_default().push(index);
            }
        }
        let usual = words.into_iter().filter(|(word, records)| {
            word.bytes().all(|byte| byte.is_ascii_lowercase()) && (2..400).contains(&records.len())
        });
        let accented = accented_words(&lower);
        let usual = usual.filter(|(word, _)| !accented.iter().any(|other| may_be(other, word)));
        let few: Vec<(&str, Vec<usize>)> = usual.collect();
        let step = (few.len() / 400).max(1);
        let chosen = few.into_iter().step_by(step).filter(|(word, records)| {
            let everywhere = lower.iter().enumerate().filter(|(_, text)| text.contains(word)).map(|(index, _)| index);
            everywhere.eq(records.iter().copied())
        });
        chosen.take(60).map(|(word, records)| (word.to_owned(), records)).collect()
    }
}

/// Words with letters beyond ASCII among others: the search may fold these (ñ to n).
fn accented_words(texts: &[String]) -> BTreeSet<Vec<char>> {
    let words = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let mixed = words.filter(|word| !word.is_ascii() && word.bytes().any(|byte| byte.is_ascii_lowercase()));
    mixed.map(|word| word.chars().collect()).collect()
}

/// Whether the words are the same, should every letter beyond ASCII stand for some other.
fn may_be(accented: &[char], word: &str) -> bool {
    accented.len() == word.len() && accented.iter().zip(word.chars()).all(|(a, b)| !a.is_ascii() || *a == b)
}

/// `#name` and `@name` of a text, folded, each once: API.md section 3, "Tags in text".
fn tags(text: &str) -> BTreeSet<String> {
    let in_tag = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut found = BTreeSet::new();
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let free = before.is_none_or(|b: char| !b.is_alphanumeric() && !"_-#@&/".contains(b));
        before = Some(c);
        if !matches!(c, '#' | '@') {
            continue;
        }
        let name: String = rest.clone().take_while(|c| in_tag(*c)).collect();
        if free && (1..=64).contains(&name.len()) {
            found.insert(format!("{c}{}", name.to_ascii_lowercase()));
        }
        for c in name.chars() {
            rest.next();
            before = Some(c);
        }
    }
    found
}

/// Names of the kinds that are allowed; the plain ones can be mentioned.
fn name(number: usize) -> String {
    match number % 5 {
        0 => format!("o'brien {number}"),
        1 => format!("Dot.Com {number}"),
        2 => format!("under_score-{number}"),
        _ => format!("author{number}"),
    }
}

/// Language and text of every fortune, in the order of their files' names.
fn texts() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(Path::new(FOLDER), &mut files);
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let folder = path.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
        let language = if folder == "fortunes" { "en".to_owned() } else { folder };
        let pieces = text.split("\n%\n").map(str::trim).filter(|piece| !piece.is_empty() && !piece.contains('\0'));
        found.extend(pieces.map(|piece| (language.clone(), piece.to_owned())));
    }
    found
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_none_or(|end| end != "dat" && end != "u8") {
            files.push(path);
        }
    }
}

/// SplitMix64: the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}
