//! The wiki of a damaged database. Start at [`salvage`]. What is read goes in again as lines of a dump do, so the new wiki is sound;
//! a lost revision leaves its number to one without a text, as an erased one does, and a lost name is made up.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use blake2::{Blake2s256, Digest};
use rusqlite::{OptionalExtension, Row, params};

use super::Salvaged;
use super::rows::Old;
use crate::page::{ChangeKind, PAGE_BYTES_MAX, Restoring, Who, read_text};
use crate::portable::wiki::{FileLine, PageLine, RevisionLine, RevisionText, WikiLine};
use crate::{Error, FileName, PageName, Store};

/// Bytes of a file in one row, all but the last.
const PIECE_BYTES: usize = 64 * 1024;

/// A row of `page`.
struct Page {
    name: String,
    created_us: u64,
    is_deleted: bool,
    redirect: Option<i64>,
    protection: Option<Who>,
}

struct Book<'o> {
    old: &'o Old,
    pages: BTreeMap<i64, Page>,
    /// The rows of revisions, by page and number.
    revisions: BTreeMap<(i64, u64), i64>,
    files: BTreeMap<i64, Vec<i64>>,
    used: HashSet<i64>,
    now_us: u64,
}

/// Writes to `new` what can be read of the wiki. Returns how many pages that is.
pub(super) fn salvage(old: &Old, new: &Store, now_us: u64, done: &mut Salvaged) -> Result<u64, Error> {
    let book = Book::read(old, now_us, done);
    let names = book.names(done);
    let mut lines = Restoring::default();
    let mut number = 0;
    let mut take = |line: WikiLine| {
        number += 1;
        lines.take(new, number, line)
    };
    let mut fresh = book.used.iter().copied().max().unwrap_or(0);
    for (id, name) in &names {
        book.page(*id, name, &names, &mut fresh, done, &mut take)?;
    }
    lines.finish(new)
}

impl<'o> Book<'o> {
    fn read(old: &'o Old, now_us: u64, done: &mut Salvaged) -> Book<'o> {
        let mut book = Book {
            old,
            pages: BTreeMap::new(),
            revisions: BTreeMap::new(),
            files: BTreeMap::new(),
            used: HashSet::new(),
            now_us,
        };
        let mut lost = Vec::new();
        old.each("page", "name, created_us, deleted, redirect, protection", &mut lost, &mut |row| {
            let page = Page {
                name: row.get(1)?,
                created_us: row.get::<_, i64>(2)?.unsigned_abs(),
                is_deleted: row.get(3)?,
                redirect: row.get(4)?,
                protection: row.get(5)?,
            };
            book.pages.insert(row.get(0)?, page);
            Ok(())
        });
        old.each("revision", "page, rev", &mut lost, &mut |row| {
            let (id, page, rev): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            book.revisions.insert((page, rev.unsigned_abs()), id);
            book.used.insert(id);
            Ok(())
        });
        old.each("file", "page", &mut lost, &mut |row| {
            book.files.entry(row.get(1)?).or_default().push(row.get(0)?);
            Ok(())
        });
        lost.into_iter().for_each(|what| done.lose(format!("wiki.db: {what}")));
        book
    }

    /// All pages that anything is known of, with the names that they are to have.
    fn names(&self, done: &mut Salvaged) -> BTreeMap<i64, PageName> {
        let ids: BTreeSet<i64> = self
            .pages
            .keys()
            .copied()
            .chain(self.revisions.keys().map(|(page, _)| *page))
            .chain(self.files.keys().copied())
            .collect();
        let mut names: BTreeMap<i64, PageName> = BTreeMap::new();
        let mut taken = HashSet::new();
        for id in ids {
            let own = self.pages.get(&id).and_then(|page| PageName::parse(&page.name).ok());
            let name = match own.filter(|name| !taken.contains(name.as_str())) {
                Some(name) => name,
                None => {
                    let mut text = format!("Lost page {id}");
                    while taken.contains(text.as_str()) {
                        text.push('_');
                    }
                    done.lose(format!("wiki.db: the name of page {id} is lost; it is {text:?} now"));
                    let Ok(name) = PageName::parse(&text) else { continue };
                    name
                }
            };
            taken.insert(name.to_string());
            names.insert(id, name);
        }
        names
    }

    fn page(
        &self,
        id: i64,
        name: &PageName,
        names: &BTreeMap<i64, PageName>,
        fresh: &mut i64,
        done: &mut Salvaged,
        take: &mut dyn FnMut(WikiLine) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let row = self.pages.get(&id);
        // A name that leads to one that leads elsewhere, or nowhere, leads nowhere.
        let redirect = row
            .and_then(|row| row.redirect)
            .filter(|to| *to != id && self.pages.get(to).is_some_and(|target| target.redirect.is_none()));
        take(WikiLine::Page(PageLine {
            name: name.to_string(),
            created_us: row.map_or(self.now_us, |row| row.created_us),
            protection: row.and_then(|row| row.protection).map(|who| who.as_str().to_owned()),
            is_deleted: row.is_some_and(|row| row.is_deleted),
            redirect: redirect.and_then(|to| names.get(&to)).map(PageName::to_string),
        }))?;
        self.revisions(id, name, fresh, done, take)?;
        self.files_of(id, name, done, take)
    }

    fn revisions(
        &self,
        page: i64,
        name: &PageName,
        fresh: &mut i64,
        done: &mut Salvaged,
        take: &mut dyn FnMut(WikiLine) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let newest = self.revisions.range((page, 0)..=(page, u64::MAX)).next_back().map_or(0, |((_, rev), _)| *rev);
        let mut last: Option<String> = None;
        let mut kept: Option<String> = None;
        for rev in 1..=newest {
            let found = self.revisions.get(&(page, rev)).and_then(|id| self.revision(*id));
            let (mut line, is_lost) = match found {
                Some(found) => found,
                None => {
                    *fresh += 1;
                    (self.stand_in(*fresh, "lost", RevisionText::Erased), true)
                }
            };
            if is_lost {
                done.lose(format!("wiki.db: the text of revision {rev} of {:?} is lost", name.as_str()));
            }
            match &line.text {
                RevisionText::New(text) if last.as_ref() == Some(text) => line.text = RevisionText::Same,
                RevisionText::New(text) => (last, kept) = (Some(text.clone()), Some(text.clone())),
                _ => last = None,
            }
            take(WikiLine::Revision(line))?;
        }
        if last.is_none() {
            *fresh += 1;
            let text = RevisionText::New(kept.unwrap_or_default());
            take(WikiLine::Revision(self.stand_in(*fresh, "the newest text is lost; this is one before it", text)))?;
        }
        Ok(())
    }

    fn stand_in(&self, id: i64, summary: &str, text: RevisionText) -> RevisionLine {
        let bytes = if let RevisionText::New(text) = &text { u64::try_from(text.len()).unwrap_or(0) } else { 0 };
        RevisionLine {
            id: id.unsigned_abs(),
            kind: ChangeKind::Edit,
            at_us: self.now_us,
            author: None,
            summary: summary.to_owned(),
            is_minor: false,
            bytes,
            text,
        }
    }

    /// A revision, if its row can be read; without its text, if that cannot. Says whether that is lost.
    fn revision(&self, id: i64) -> Option<(RevisionLine, bool)> {
        let sql = "SELECT kind, detail, at_us, author, summary, minor, bytes, text FROM revision WHERE id = ?1";
        let read = |row: &Row<'_>| {
            let text: Option<i64> = row.get(7)?;
            let bytes = row.get::<_, i64>(6)?.unsigned_abs();
            let found = text.and_then(|text| read_text(&self.old.connection, text).ok().flatten());
            let whole = found.filter(|text| text.len() <= PAGE_BYTES_MAX && text.len() as u64 == bytes);
            let is_lost = text.is_some() && whole.is_none();
            let line = RevisionLine {
                id: id.unsigned_abs(),
                kind: ChangeKind::read(row.get(0)?, &row.get::<_, String>(1)?)?,
                at_us: row.get::<_, i64>(2)?.unsigned_abs(),
                author: row.get(3)?,
                summary: row.get(4)?,
                is_minor: row.get(5)?,
                bytes,
                text: whole.map_or(RevisionText::Erased, RevisionText::New),
            };
            Ok((line, is_lost))
        };
        self.old.connection.query_row(sql, [id], read).optional().ok().flatten()
    }

    fn files_of(
        &self,
        page: i64,
        name: &PageName,
        done: &mut Salvaged,
        take: &mut dyn FnMut(WikiLine) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut versions: HashMap<String, u64> = HashMap::new();
        for id in self.files.get(&page).into_iter().flatten() {
            match self.file(*id) {
                Some((line, data)) if versions.get(&line.name).is_none_or(|last| *last < line.version) => {
                    versions.insert(line.name.clone(), line.version);
                    take(WikiLine::File(line))?;
                    for piece in data.chunks(PIECE_BYTES) {
                        take(WikiLine::Piece(piece.to_vec()))?;
                    }
                }
                _ => done.lose(format!("wiki.db: a file of {:?} is lost (row {id})", name.as_str())),
            }
        }
        Ok(())
    }

    /// A version of a file, if all its bytes are those that were attached.
    fn file(&self, id: i64) -> Option<(FileLine, Vec<u8>)> {
        let sql = "SELECT name, version, media_type, at_us, author, deleted, hash FROM file WHERE id = ?1";
        let read = |row: &Row<'_>| {
            let line = FileLine {
                name: row.get(0)?,
                version: row.get::<_, i64>(1)?.unsigned_abs(),
                media_type: row.get(2)?,
                at_us: row.get::<_, i64>(3)?.unsigned_abs(),
                author: row.get(4)?,
                is_deleted: row.get(5)?,
            };
            Ok((line, row.get::<_, [u8; 32]>(6)?))
        };
        let (line, hash) = self.old.connection.query_row(sql, [id], read).optional().ok().flatten()?;
        FileName::parse(&line.name).ok()?;
        let mut data = Vec::new();
        for no in 0_i64.. {
            let sql = "SELECT data FROM piece WHERE file = ?1 AND no = ?2";
            let piece: Option<Vec<u8>> =
                self.old.connection.query_row(sql, params![id, no], |row| row.get(0)).optional().ok()?;
            match piece {
                Some(piece) => data.extend_from_slice(&piece),
                None => break,
            }
        }
        let found: [u8; 32] = Blake2s256::digest(&data).into();
        (found == hash).then_some((line, data))
    }
}
