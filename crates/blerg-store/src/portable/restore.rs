//! Reads a dump into an empty directory. Start at [`Store::restore`]. The site is built in a directory inside, and its
//! files move to their places only when every line was taken: a restore that fails or is killed leaves no half of a
//! site, and is simply begun again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead};
use std::path::Path;

use blerg_log::{AuthorId, Body, Op, Outcome, Position, RecordNo, Rejection};

use super::input::Lines;
use super::line::{AccountLine, Line};
use super::{BATCH_BYTES_MAX, BATCH_OPS_MAX, DUMP_VERSION, OnProgress, Progress};
use crate::account::{Account, AccountRow, Role, SeenKind};
use crate::page::Restoring;
use crate::ready::{self, FORMAT_FILE};
use crate::{AuthorName, Error, Stamp, Store};

/// Where a restore builds the site, inside the data directory.
const PARTIAL_DIR: &str = "restore.partial";

/// Most accounts that are made in one transaction.
const ACCOUNTS_BATCH_MAX: usize = 500;

/// Most batches of the full-text index between two reports of progress.
const INDEX_BATCHES: u64 = 1;

/// What a restore brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Lines read.
    pub lines: u64,
    /// Authors, with those who left.
    pub authors: u64,
    /// Records that are there.
    pub records: u64,
    /// Accounts.
    pub accounts: u64,
    /// Pages of the wiki; their html is still to be made ([`Wiki::stale_pages`](crate::Wiki::stale_pages)).
    pub pages: u64,
}

impl Store {
    /// Makes the site that a dump describes, in a directory that is missing or empty. Takes all or nothing.
    ///
    /// # Errors
    /// The directory is not empty; a line cannot be taken, or the last one is missing; the disk refuses.
    pub fn restore(
        &self,
        now_us: u64,
        input: &mut dyn BufRead,
        on_progress: OnProgress<'_>,
    ) -> Result<Restored, Error> {
        let dir = self.dir();
        ready::make_private_dir(dir)?;
        let partial = dir.join(PARTIAL_DIR);
        clear(dir, &partial)?;
        ready::make_private_dir(&partial)?;
        let inner = Store::new(&partial, self.settings().clone());
        let restored = Restore::new(&inner, now_us, input).run(on_progress);
        // Closed in any case, so that the files may move or go.
        let closed = inner.close();
        match (restored, closed) {
            (Ok(restored), Ok(())) => {
                move_up(&partial, dir)?;
                Ok(restored)
            }
            (Err(error), _) | (Ok(_), Err(error)) => {
                let _ = fs::remove_dir_all(&partial);
                Err(error)
            }
        }
    }
}

/// Sees that nothing is in the directory but what an earlier restore left.
fn clear(dir: &Path, partial: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        if entry.map_err(Error::io(dir, "list"))?.file_name() != PARTIAL_DIR {
            return Err(Error::NotEmpty { dir: dir.to_owned() });
        }
    }
    match fs::remove_dir_all(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(partial, "remove")(error)),
        _ => Ok(()),
    }
}

/// Moves the finished site to its place; the file that makes a directory a site goes last.
pub(crate) fn move_up(partial: &Path, dir: &Path) -> Result<(), Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(partial).map_err(Error::io(partial, "list"))? {
        names.push(entry.map_err(Error::io(partial, "list"))?.file_name());
    }
    names.sort_by_key(|name| name == FORMAT_FILE);
    for name in names {
        fs::rename(partial.join(&name), dir.join(&name)).map_err(Error::io(dir.join(&name), "move"))?;
    }
    fs::remove_dir(partial).map_err(Error::io(partial, "remove"))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io(dir, "sync"))
}

/// One author of the dump.
struct Known {
    id: AuthorId,
    next_record: u64,
}

/// A restore under way.
struct Restore<'a> {
    store: &'a Store,
    now_us: u64,
    lines: Lines<&'a mut dyn BufRead>,
    authors: HashMap<String, Known>,
    /// Operations not committed yet, each with its line's number.
    batch: Vec<(u64, Op)>,
    batch_bytes: usize,
    accounts: Vec<AccountRow>,
    /// Who has seen how many steps.
    seen: Vec<(AuthorId, SeenKind, u64)>,
    wiki: Restoring,
    done: Restored,
}

impl<'a> Restore<'a> {
    fn new(store: &'a Store, now_us: u64, input: &'a mut dyn BufRead) -> Restore<'a> {
        Restore {
            store,
            now_us,
            lines: Lines::of_dump(input),
            authors: HashMap::new(),
            batch: Vec::new(),
            batch_bytes: 0,
            accounts: Vec::new(),
            seen: Vec::new(),
            wiki: Restoring::default(),
            done: Restored::default(),
        }
    }

    fn run(mut self, on_progress: OnProgress<'_>) -> Result<Restored, Error> {
        match self.next_line()? {
            Some(Line::Dump { version: DUMP_VERSION, site }) => {
                ready::create_log(self.store.dir(), self.store.settings(), site)?;
            }
            Some(Line::Dump { version, .. }) => {
                return Err(self.lines.wrong(format!("dump of version {version}, want {DUMP_VERSION}")));
            }
            _ => return Err(self.lines.wrong("want the first line of a dump")),
        }
        loop {
            let before = self.lines.number();
            match self.next_line()? {
                Some(Line::End { lines }) if lines == before => break,
                Some(Line::End { lines }) => {
                    return Err(self.lines.wrong(format!("{before} lines came before, the dump had {lines}")));
                }
                Some(line) => self.take(line)?,
                None => return Err(self.lines.wrong("the dump ends after this line, it was cut off")),
            }
            if self.batch.len() >= BATCH_OPS_MAX || self.batch_bytes >= BATCH_BYTES_MAX {
                self.commit()?;
                on_progress(Progress { doing: "restore", done: self.lines.bytes(), total: None });
            }
        }
        self.commit()?;
        self.add_accounts()?;
        self.put_seen()?;
        self.done.pages = std::mem::take(&mut self.wiki).finish(self.store)?;
        self.done.lines = self.lines.number();
        index(self.store, on_progress)?;
        Ok(self.done)
    }

    fn next_line(&mut self) -> Result<Option<Line>, Error> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        Line::parse(&line).map(Some).map_err(|problem| self.lines.wrong(problem))
    }

    fn take(&mut self, line: Line) -> Result<(), Error> {
        let op = match line {
            Line::Author { name, at_us } => self.author(name, at_us)?,
            Line::Put { author, record, at_us, text, tags, reply_to } => {
                let author = self.new_record(&author, record)?;
                let reply_to = match reply_to {
                    Some((author, record)) => Some(self.record(&author, record)?),
                    None => None,
                };
                self.done.records += 1;
                Op::Put { author, text, tags, reply_to, at_us: Some(at_us) }
            }
            Line::Hole { author, record } => Op::PutHole { author: self.new_record(&author, record)? },
            Line::Edit { author, record, at_us, text, tags } => {
                let (author, record) = self.record(&author, record)?;
                Op::Edit { author, record, text, tags, at_us: Some(at_us) }
            }
            Line::Follow { author, target } => Op::Follow { author: self.id(&author)?, target: self.id(&target)? },
            Line::Unfollow { author, target } => Op::Unfollow { author: self.id(&author)?, target: self.id(&target)? },
            Line::Close { author } => Op::CloseAuthor { author: self.id(&author)? },
            Line::Account(account) => return self.account(account),
            Line::Wiki(line) => {
                return self.wiki.take(self.store, self.lines.number(), line);
            }
            Line::Dump { .. } | Line::End { .. } => return Err(self.lines.wrong("stands in the middle of a dump")),
        };
        if !self.accounts.is_empty() || self.done.accounts > 0 || self.wiki.has_begun() {
            return Err(self.lines.wrong("comes after the accounts"));
        }
        self.batch_bytes += match &op {
            Op::Put { text, .. } | Op::Edit { text, .. } => text.len(),
            _ => 0,
        };
        self.batch.push((self.lines.number(), op));
        Ok(())
    }

    fn author(&mut self, name: String, at_us: u64) -> Result<Op, Error> {
        let parsed = AuthorName::parse(&name).map_err(|error| self.lines.wrong(error.to_string()))?;
        let id = u32::try_from(self.authors.len()).map_err(|_| self.lines.wrong("too many authors"))?;
        let known = Known { id: AuthorId(id), next_record: 0 };
        if self.authors.insert(parsed.folded(), known).is_some() {
            return Err(self.lines.wrong(format!("author {name:?} comes twice")));
        }
        self.done.authors += 1;
        Ok(Op::AddAuthor { name, at_us: Some(at_us) })
    }

    fn known(&self, name: &str) -> Result<&Known, Error> {
        let known = self.authors.get(&name.to_ascii_lowercase());
        known.ok_or_else(|| self.lines.wrong(format!("author {name:?} did not come before")))
    }

    fn id(&self, name: &str) -> Result<AuthorId, Error> {
        Ok(self.known(name)?.id)
    }

    /// A record that came before.
    fn record(&self, name: &str, record: u64) -> Result<(AuthorId, RecordNo), Error> {
        let known = self.known(name)?;
        if record >= known.next_record {
            return Err(self.lines.wrong(format!("record {record} of {name:?} did not come before")));
        }
        Ok((known.id, RecordNo(record)))
    }

    /// The author whose next record has this number.
    fn new_record(&mut self, name: &str, record: u64) -> Result<AuthorId, Error> {
        let known = self.known(name)?;
        let (id, next) = (known.id, known.next_record);
        if record != next {
            return Err(self.lines.wrong(format!("record {record} of {name:?}, want {next}")));
        }
        if let Some(known) = self.authors.get_mut(&name.to_ascii_lowercase()) {
            known.next_record += 1;
        }
        Ok(id)
    }

    fn commit(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let (numbers, ops): (Vec<u64>, Vec<Op>) = self.batch.drain(..).unzip();
        self.batch_bytes = 0;
        let outcomes = self.store.log()?.commit(self.now_us, ops)?;
        for (line, outcome) in numbers.into_iter().zip(outcomes) {
            match outcome {
                Ok(Outcome::Unchanged) => return Err(wrong(line, "changes nothing")),
                Ok(_) => {}
                Err(rejection) => return Err(wrong(line, refusal(rejection))),
            }
        }
        Ok(())
    }

    fn account(&mut self, account: AccountLine) -> Result<(), Error> {
        let id = self.id(&account.name)?;
        let role: Role = account.role.parse().map_err(|error: Error| self.lines.wrong(error.to_string()))?;
        if let Some(hash) = &account.password {
            crate::password::check_stored(hash).map_err(|error| self.lines.wrong(error.to_string()))?;
        }
        for (kind, steps) in [(SeenKind::Feed, account.feed_seen), (SeenKind::Mentioned, account.mentioned_seen)] {
            if steps > 0 {
                self.seen.push((id, kind, steps));
            }
        }
        self.accounts.push(AccountRow {
            account: Account {
                name: account.name,
                author: Some(id),
                role,
                disabled: account.is_disabled,
                closed: false,
                created_us: account.created_us,
            },
            password_hash: account.password,
        });
        if self.accounts.len() >= ACCOUNTS_BATCH_MAX { self.add_accounts() } else { Ok(()) }
    }

    fn add_accounts(&mut self) -> Result<(), Error> {
        self.commit()?;
        self.store.restore_accounts(&self.accounts)?;
        self.done.accounts += u64::try_from(self.accounts.len()).unwrap_or(0);
        self.accounts.clear();
        Ok(())
    }

    /// Turns steps of the dump into positions of the new log, where each step is one frame.
    fn put_seen(&mut self) -> Result<(), Error> {
        if self.seen.is_empty() {
            return Ok(());
        }
        self.seen.sort_by_key(|(_, _, steps)| *steps);
        let snapshot = self.store.log()?.snapshot()?;
        let mut seen = self.seen.drain(..).peekable();
        let mut steps = 0;
        for frame in snapshot.frames(Position(0)) {
            let frame = frame?;
            if matches!(frame.body, Body::Other { .. }) {
                continue;
            }
            steps += 1;
            while let Some((author, kind, _)) = seen.next_if(|(_, _, wanted)| *wanted <= steps) {
                self.store.clear(author, kind, Stamp { visible: frame.next, ..snapshot.stamp() })?;
            }
        }
        let end = snapshot.stamp();
        seen.try_for_each(|(author, kind, _)| self.store.clear(author, kind, end))
    }
}

/// Builds the full-text index of a site that was just filled, so that the first search need not.
pub(crate) fn index(store: &Store, on_progress: OnProgress<'_>) -> Result<(), Error> {
    // What comes meanwhile is left to whoever searches next: it might come faster than it is indexed.
    let wanted = store.reader()?.stamp().visible;
    loop {
        let cover = store.index_search(INDEX_BATCHES)?;
        on_progress(Progress { doing: "index words", done: cover.next.0, total: Some(wanted.0) });
        if cover.is_complete() || cover.next >= wanted {
            return Ok(());
        }
    }
}

/// Why the log refused a line.
pub(super) fn refusal(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::NameTaken => "the name is taken",
        Rejection::NameLength => "the name is empty or too long",
        Rejection::NoSuchAuthor => "there is no such author",
        Rejection::AuthorClosed => "the author has left",
        Rejection::NoSuchRecord => "there is no such record",
        Rejection::TextLength => "the text is empty or longer than 65535 bytes",
        Rejection::TagSpans => "the tags do not lie in the text, or are too many",
        Rejection::FollowLimit => "the author follows too many others",
        _ => "the log refuses it",
    }
}

pub(super) fn wrong(line: u64, problem: impl Into<String>) -> Error {
    Error::Line { line, problem: problem.into() }
}

#[cfg(test)]
mod tests;
