//! Brings what people wrote elsewhere into a site. Start at [`Store::import`]. Authors that do not exist are made,
//! without an account: `blergtool user passwd` gives them one. A record that its author has already, with the same
//! text at the same second, is not taken twice, so an import that stopped anywhere is finished by running it again;
//! only lines without a date cannot be told from new ones. A bad line ends the import: those before it are in, it and
//! those after it are not.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Read};

use blake2::{Blake2s256, Digest};
use blerg_log::{AuthorId, ListKey, Op, Outcome, RecordNo};

use super::entry::{self, Entry, Id, What, Written};
use super::input::Lines;
use super::restore::{index, refusal, wrong};
use super::{BATCH_BYTES_MAX, BATCH_OPS_MAX, FindTags, ImportFormat, OnProgress, Progress, date, mastodon, twtxt};
use crate::{AuthorName, Error, Reader, Store, TEXT_BYTES_MAX};

/// Largest file that is read as a whole (an outbox is one JSON value; twtxt is put in order of dates).
pub const WHOLE_BYTES_MAX: u64 = 256 * 1024 * 1024;

const US_PER_SEC: u64 = 1_000_000;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// What the input is.
    pub format: ImportFormat,
    /// Whose records they are, where the input does not say.
    pub author: Option<String>,
    /// Finds the tags of a text.
    pub find_tags: FindTags,
    /// The time of the import: of records without a date.
    pub now_us: u64,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lines or items read.
    pub lines: u64,
    /// Records that were added.
    pub records: u64,
    /// Records that were there already.
    pub known: u64,
    /// Authors that were made.
    pub authors: u64,
    /// Subscriptions that were added.
    pub follows: u64,
    /// Replies whose other end is not here: imported as plain records.
    pub loose_replies: u64,
    /// What was left out on purpose, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
}

impl Store {
    /// Imports records. Also says what was done when it stopped at an error.
    ///
    /// # Errors
    /// A line that cannot be taken; the input cannot be read; the log cannot be written.
    pub fn import(
        &self,
        input: &mut dyn BufRead,
        options: &ImportOptions,
        on_progress: OnProgress<'_>,
    ) -> (Imported, Result<(), Error>) {
        let mut import = Import::new(self, options);
        let taken = import.run(input, on_progress);
        // What was good before the bad line counts, whatever happened then.
        let committed = import.commit();
        let indexed = index(self, on_progress);
        (import.done, taken.and(committed).and(indexed))
    }
}

/// A short name for a record or a text: 128 bits of a cryptographic hash, so that nobody can make two meet.
type Print = [u8; 16];

fn print(parts: &[&[u8]]) -> Print {
    let mut hash = Blake2s256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let mut print = [0; 16];
    for (to, from) in print.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    print
}

/// An author met in the input.
struct Known {
    id: AuthorId,
    /// The records from before this import, by second and text.
    had: HashMap<Print, Vec<RecordNo>>,
    /// The number that the input's next record of this author has in the input, unless it says so itself.
    next_in_input: u64,
}

/// Where a record of the input has come to.
#[derive(Clone, Copy)]
enum Place {
    Pending,
    At(AuthorId, RecordNo),
}

/// An operation that is not committed yet.
struct Pending {
    line: u64,
    op: Op,
    prints: Vec<Print>,
}

/// Where a record that is to be added belongs.
struct New {
    line: u64,
    author: AuthorId,
    reply_to: Option<(AuthorId, RecordNo)>,
    prints: Vec<Print>,
}

/// An import under way.
struct Import<'s> {
    store: &'s Store,
    options: &'s ImportOptions,
    /// The author that lines without one belong to.
    author: Option<String>,
    authors: HashMap<String, Known>,
    places: HashMap<Print, Place>,
    pending: Vec<Pending>,
    pending_bytes: usize,
    done: Imported,
}

impl<'s> Import<'s> {
    fn new(store: &'s Store, options: &'s ImportOptions) -> Import<'s> {
        Import {
            store,
            options,
            author: options.author.clone(),
            authors: HashMap::new(),
            places: HashMap::new(),
            pending: Vec::new(),
            pending_bytes: 0,
            done: Imported::default(),
        }
    }

    fn run(&mut self, input: &mut dyn BufRead, on_progress: OnProgress<'_>) -> Result<(), Error> {
        match self.options.format {
            ImportFormat::JsonLines => self.stream(input, on_progress),
            ImportFormat::Twtxt => {
                let mut lines = Lines::new(input);
                let mut entries = Vec::new();
                while let Some(line) = lines.next()? {
                    if lines.bytes() > WHOLE_BYTES_MAX {
                        return Err(lines.wrong(format!("the file is longer than {WHOLE_BYTES_MAX} bytes")));
                    }
                    let what = twtxt::from_line(&line).map_err(|problem| lines.wrong(problem))?;
                    entries.push(Entry { line: lines.number(), what });
                }
                entries.sort_by_key(|entry| match &entry.what {
                    What::Record(written) => written.at_us,
                    _ => None,
                });
                self.all(entries, on_progress)
            }
            ImportFormat::Mastodon => {
                let mut outbox = String::new();
                let read = input.take(WHOLE_BYTES_MAX + 1).read_to_string(&mut outbox);
                let bytes = read.map_err(|source| Error::Stream { doing: "read the input", source })?;
                if u64::try_from(bytes).unwrap_or(u64::MAX) > WHOLE_BYTES_MAX {
                    return Err(wrong(1, format!("the outbox is longer than {WHOLE_BYTES_MAX} bytes")));
                }
                let entries = mastodon::entries(&outbox).map_err(|(line, problem)| wrong(line, problem))?;
                self.all(entries, on_progress)
            }
        }
    }

    fn stream(&mut self, input: &mut dyn BufRead, on_progress: OnProgress<'_>) -> Result<(), Error> {
        let mut lines = Lines::new(input);
        while let Some(line) = lines.next()? {
            let what = entry::from_json_line(&line).map_err(|problem| lines.wrong(problem))?;
            self.take(Entry { line: lines.number(), what })?;
            if self.commit_if_full()? {
                on_progress(Progress { doing: "import", done: lines.bytes(), total: None });
            }
        }
        Ok(())
    }

    fn all(&mut self, entries: Vec<Entry>, on_progress: OnProgress<'_>) -> Result<(), Error> {
        let total = u64::try_from(entries.len()).ok();
        for (done, entry) in (1..).zip(entries) {
            self.take(entry)?;
            if self.commit_if_full()? {
                on_progress(Progress { doing: "import", done, total });
            }
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry) -> Result<(), Error> {
        let line = entry.line;
        self.done.lines += 1;
        match entry.what {
            What::Nothing => Ok(()),
            What::LeftOut(reason) => {
                *self.done.left_out.entry(reason).or_default() += 1;
                Ok(())
            }
            What::Account { author } => {
                self.known(line, &author, None)?;
                self.author = Some(author);
                Ok(())
            }
            What::Follow { author, target } => self.follow(line, author, &target),
            What::Record(written) => self.record(line, written),
        }
    }

    /// An author by name, made if there is none.
    fn known(&mut self, line: u64, name: &str, at_us: Option<u64>) -> Result<&mut Known, Error> {
        let name = AuthorName::parse(name).map_err(|error| wrong(line, error.to_string()))?;
        let folded = name.folded();
        if !self.authors.contains_key(&folded) {
            let found = self.store.log()?.snapshot()?.author_by_name(name.as_str())?;
            let known = match found {
                Some(author) if author.closed => return Err(wrong(line, format!("{name} has left this site"))),
                Some(author) => {
                    let had = had(&self.store.reader()?, author.id)?;
                    Known { id: author.id, had, next_in_input: 0 }
                }
                None => {
                    let op = Op::AddAuthor { name: name.as_str().to_owned(), at_us };
                    let Outcome::Author(id) = self.store.commit_one(self.options.now_us, op)? else {
                        return Err(wrong(line, "the log made no author"));
                    };
                    self.done.authors += 1;
                    Known { id, had: HashMap::new(), next_in_input: 0 }
                }
            };
            self.authors.insert(folded.clone(), known);
        }
        self.authors.get_mut(&folded).ok_or_else(|| wrong(line, "no such author"))
    }

    fn record(&mut self, line: u64, written: Written) -> Result<(), Error> {
        self.check(line, &written)?;
        let name = written.author.as_ref().or(self.author.as_ref()).cloned();
        let name = name.ok_or_else(|| wrong(line, "no author, and none was given for the import"))?;
        let first_us = written.earlier.first().map(|(at_us, _)| *at_us).or(written.at_us);
        let known = self.known(line, &name, first_us)?;
        let author = known.id;
        let number = match written.id {
            Some(Id::Record(_, number)) => number,
            _ => known.next_in_input,
        };
        known.next_in_input = number.saturating_add(1);
        let had = first_us.and_then(|us| known.had.get_mut(&text_print(us, &written.text)).and_then(Vec::pop));
        let mut prints = vec![record_print(&name, number)];
        if let Some(Id::Url(url)) = &written.id {
            prints.push(url_print(url));
        }
        if let Some(record) = had {
            self.done.known += 1;
            self.places.extend(prints.into_iter().map(|print| (print, Place::At(author, record))));
            return Ok(());
        }
        let reply_to = match &written.reply_to {
            Some(id) => self.resolve(id, &name)?,
            None => None,
        };
        self.put(New { line, author, reply_to, prints }, written)
    }

    /// Refuses what the log would refuse, before anything of the line is done.
    fn check(&self, line: u64, written: &Written) -> Result<(), Error> {
        let now_us = self.options.now_us;
        let texts = written.earlier.iter().map(|(_, text)| text).chain([&written.text]);
        for text in texts {
            if !(1..=TEXT_BYTES_MAX).contains(&text.len()) {
                return Err(wrong(line, Error::TextLength { bytes: text.len() }.to_string()));
            }
        }
        let dates = written.earlier.iter().map(|(at_us, _)| *at_us).chain(written.at_us).chain(written.edited_us);
        for at_us in dates {
            date::not_future(at_us, now_us).map_err(|problem| wrong(line, problem))?;
        }
        Ok(())
    }

    /// The record that an id means: one of this input, else one of the site.
    fn resolve(&mut self, id: &Id, own_name: &str) -> Result<Option<(AuthorId, RecordNo)>, Error> {
        let print = match id {
            Id::Record(name, number) => record_print(name.as_deref().unwrap_or(own_name), *number),
            Id::Url(url) => url_print(url),
        };
        if matches!(self.places.get(&print), Some(Place::Pending)) {
            self.commit()?;
        }
        let reader = self.store.reader()?;
        let found = match (self.places.get(&print), id) {
            (Some(Place::At(author, record)), _) => Some((*author, *record)),
            (_, Id::Record(name, number)) => {
                let name = name.as_deref().unwrap_or(own_name);
                reader.author(name)?.map(|author| (author.id, RecordNo(*number)))
            }
            _ => None,
        };
        if let Some((author, record)) = found
            && reader.live_record(author, record)?.is_some()
        {
            return Ok(Some((author, record)));
        }
        self.done.loose_replies += 1;
        Ok(None)
    }

    fn put(&mut self, new: New, written: Written) -> Result<(), Error> {
        let New { line, author, reply_to, prints } = new;
        let find_tags = self.options.find_tags;
        let mut versions = written.earlier;
        // The first text carries the record's date; each later one is an edit.
        let last_us = if versions.is_empty() { written.at_us } else { written.edited_us.or(written.at_us) };
        let has_edits = !versions.is_empty();
        let (at_us, text) = match versions.is_empty() {
            true => (written.at_us, written.text.clone()),
            false => {
                let (at_us, text) = versions.remove(0);
                (Some(at_us), text)
            }
        };
        let tags = find_tags(&text);
        self.pending_bytes += text.len();
        self.places.extend(prints.iter().map(|print| (*print, Place::Pending)));
        let own = prints.first().copied();
        self.pending.push(Pending { line, op: Op::Put { author, text, tags, reply_to, at_us }, prints });
        self.done.records += 1;
        if !has_edits {
            return Ok(());
        }
        self.commit()?;
        let Some(Place::At(author, record)) = own.and_then(|own| self.places.get(&own)).copied() else {
            return Err(wrong(line, "the log made no record"));
        };
        let edits = versions.into_iter().map(|(at_us, text)| (Some(at_us), text)).chain([(last_us, written.text)]);
        for (at_us, text) in edits {
            let op = Op::Edit { author, record, tags: find_tags(&text), text, at_us };
            self.pending.push(Pending { line, op, prints: Vec::new() });
        }
        self.commit()
    }

    fn follow(&mut self, line: u64, author: Option<String>, target: &str) -> Result<(), Error> {
        let name = author.or_else(|| self.author.clone());
        let name = name.ok_or_else(|| wrong(line, "no author, and none was given for the import"))?;
        let author = self.known(line, &name, None)?.id;
        match self.store.reader()?.author(target)? {
            Some(target) => {
                let op = Op::Follow { author, target: target.id };
                if self.store.commit_one(self.options.now_us, op)? == Outcome::Done {
                    self.done.follows += 1;
                }
            }
            None => *self.done.left_out.entry("subscriptions to users who are not here").or_default() += 1,
        }
        Ok(())
    }

    fn commit_if_full(&mut self) -> Result<bool, Error> {
        let is_full = self.pending.len() >= BATCH_OPS_MAX || self.pending_bytes >= BATCH_BYTES_MAX;
        if is_full {
            self.commit()?;
        }
        Ok(is_full)
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.pending_bytes = 0;
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut ops = Vec::with_capacity(self.pending.len());
        let mut lines = Vec::with_capacity(self.pending.len());
        for pending in self.pending.drain(..) {
            let author = match &pending.op {
                Op::Put { author, .. } => Some(*author),
                _ => None,
            };
            ops.push(pending.op);
            lines.push((pending.line, author, pending.prints));
        }
        let outcomes = self.store.log()?.commit(self.options.now_us, ops)?;
        let mut refused = None;
        for ((line, author, prints), outcome) in lines.into_iter().zip(outcomes) {
            match (outcome, author) {
                (Ok(Outcome::Record(record)), Some(author)) => {
                    self.places.extend(prints.into_iter().map(|print| (print, Place::At(author, record))));
                }
                (Ok(_), _) => {}
                (Err(rejection), _) => {
                    self.done.records = self.done.records.saturating_sub(u64::from(author.is_some()));
                    refused = refused.or(Some(wrong(line, refusal(rejection))));
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

/// The records that an author has, by second and text.
fn had(reader: &Reader, author: AuthorId) -> Result<HashMap<Print, Vec<RecordNo>>, Error> {
    let mut had: HashMap<Print, Vec<RecordNo>> = HashMap::new();
    let count = reader.snapshot().list(&ListKey::Timeline(author))?.len();
    // From the newest, so that the oldest of equal ones is popped first.
    for no in (0..count).rev().map(RecordNo) {
        if let Some(record) = reader.live_record(author, no)? {
            had.entry(text_print(record.created_us, &record.text)).or_default().push(no);
        }
    }
    Ok(had)
}

fn text_print(at_us: u64, text: &str) -> Print {
    print(&[b"text", &(at_us / US_PER_SEC).to_le_bytes(), text.as_bytes()])
}

fn record_print(author: &str, number: u64) -> Print {
    print(&[b"record", author.to_ascii_lowercase().as_bytes(), &number.to_le_bytes()])
}

fn url_print(url: &str) -> Print {
    print(&[b"url", url.as_bytes()])
}

#[cfg(test)]
mod tests;
