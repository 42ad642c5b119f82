//! The texts of revisions. Start at [`add`] and [`read`]. The newest text of a page is whole; an earlier one is what
//! must be changed about its successor to have it again, but every [`WHOLE_EVERY`]th, which stays whole and bounds how
//! many are read for one. SCHEMA.md has the measurements.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::PAGE_BYTES_MAX;

/// Every text whose number on its page is divisible by this stays whole.
const WHOLE_EVERY: i64 = 32;

/// Shorter lines are not worth the bytes that say where they stand.
const COPY_BYTES_MIN: usize = 6;

/// Adds a page's newest text and makes the one before it smaller; returns its row.
pub(crate) fn add(transaction: &Connection, page: i64, text: &str) -> Result<i64, rusqlite::Error> {
    let before: Option<(i64, i64, Vec<u8>)> = transaction
        .query_row(
            "SELECT id, no, data FROM text WHERE page = ?1 AND base IS NULL ORDER BY no DESC LIMIT 1",
            [page],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let no = before.as_ref().map_or(1, |(_, no, _)| no + 1);
    let insert = "INSERT INTO text (page, no, base, data) VALUES (?1, ?2, NULL, ?3)";
    transaction.execute(insert, params![page, no, text.as_bytes()])?;
    let id = transaction.last_insert_rowid();
    if let Some((earlier, no, data)) = before
        && no % WHOLE_EVERY != 0
    {
        shrink(transaction, earlier, &data, id, text.as_bytes())?;
    }
    Ok(id)
}

/// Keeps of text `earlier` only what `base` does not have.
fn shrink(
    transaction: &Connection,
    earlier: i64,
    data: &[u8],
    base: i64,
    base_data: &[u8],
) -> Result<(), rusqlite::Error> {
    let delta = diff(base_data, data);
    if delta.len() < data.len() / 2 {
        transaction.execute("UPDATE text SET base = ?2, data = ?3 WHERE id = ?1", params![earlier, base, delta])?;
    }
    Ok(())
}

/// The text of a row; `None` if it is damaged.
pub(crate) fn read(connection: &Connection, id: i64) -> Result<Option<String>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT base, data FROM text WHERE id = ?1")?;
    let mut deltas = Vec::new();
    let mut next = id;
    let mut data = loop {
        let row = statement.query_row([next], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Vec<u8>>(1)?)));
        match row.optional()? {
            Some((None, data)) => break data,
            Some((Some(base), delta)) if deltas.len() < usize::try_from(WHOLE_EVERY).unwrap_or(0) => {
                deltas.push(delta);
                next = base;
            }
            _ => return Ok(None),
        }
    };
    while let Some(delta) = deltas.pop() {
        let Some(earlier) = patch(&data, &delta) else { return Ok(None) };
        data = earlier;
    }
    Ok(String::from_utf8(data).ok())
}

/// Erases a text; those that are kept as changes to it are kept whole.
pub(crate) fn erase(transaction: &Connection, id: i64) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare("SELECT id FROM text WHERE base = ?1")?;
    let dependents: Vec<i64> = statement.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for dependent in dependents {
        let text = read(transaction, dependent)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let whole = "UPDATE text SET base = NULL, data = ?2 WHERE id = ?1";
        transaction.execute(whole, params![dependent, text.as_bytes()])?;
    }
    transaction.execute("DELETE FROM text WHERE id = ?1", [id]).map(|_| ())
}

/// What makes `wanted` of `base`: copies of stretches of `base`, and what stands between them. Each begins with a LEB128
/// number, twice its length, odd for a copy; a copy's place in `base` follows as another, or the bytes themselves.
fn diff(base: &[u8], wanted: &[u8]) -> Vec<u8> {
    let head = base.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let room = base.len().min(wanted.len()) - head;
    let tail = base.iter().rev().zip(wanted.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    let mut delta = Delta::default();
    delta.copy(0, head);
    delta.lines(base, head, base.len() - tail, wanted.get(head..wanted.len() - tail).unwrap_or_default());
    delta.copy(base.len() - tail, tail);
    delta.finish()
}

/// A delta being written.
#[derive(Default)]
struct Delta<'t> {
    out: Vec<u8>,
    /// The copy that may still grow: its place and length.
    copied: (usize, usize),
    /// What is to be inserted after it.
    inserted: Vec<&'t [u8]>,
}

impl<'t> Delta<'t> {
    /// Copies each line that the stretch of `base` has too, inserts the others.
    fn lines(&mut self, base: &[u8], from: usize, to: usize, wanted: &'t [u8]) {
        let mut places = HashMap::new();
        let mut at = from;
        for line in base.get(from..to).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            places.entry(line).or_insert(at);
            at += line.len();
        }
        for line in wanted.split_inclusive(|byte| *byte == b'\n') {
            let end = self.copied.0 + self.copied.1;
            let goes_on = self.inserted.is_empty() && base.get(end..to).is_some_and(|rest| rest.starts_with(line));
            match places.get(line) {
                _ if goes_on => self.copy(end, line.len()),
                Some(place) if line.len() >= COPY_BYTES_MIN => self.copy(*place, line.len()),
                _ => self.inserted.push(line),
            }
        }
    }

    fn copy(&mut self, place: usize, len: usize) {
        if len == 0 {
            return;
        }
        if self.inserted.is_empty() && self.copied.0 + self.copied.1 == place {
            self.copied.1 += len;
            return;
        }
        self.flush();
        self.copied = (place, len);
    }

    fn flush(&mut self) {
        let (place, len) = std::mem::take(&mut self.copied);
        if len > 0 {
            put_number(&mut self.out, len * 2 + 1);
            put_number(&mut self.out, place);
        }
        let inserted: usize = self.inserted.iter().map(|line| line.len()).sum();
        if inserted > 0 {
            put_number(&mut self.out, inserted * 2);
            self.inserted.drain(..).for_each(|line| self.out.extend_from_slice(line));
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.flush();
        self.out
    }
}

/// The text that `delta` makes of `base`; `None` if it cannot be of it, or is longer than a page may be.
fn patch(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut rest = delta;
    while !rest.is_empty() {
        let (head, after) = number(rest)?;
        let len = head / 2;
        if text.len() + len > PAGE_BYTES_MAX {
            return None;
        }
        if head % 2 == 1 {
            let (place, after) = number(after)?;
            text.extend_from_slice(base.get(place..place.checked_add(len)?)?);
            rest = after;
        } else {
            let (inserted, after) = after.split_at_checked(len)?;
            text.extend_from_slice(inserted);
            rest = after;
        }
    }
    Some(text)
}

fn put_number(out: &mut Vec<u8>, mut value: usize) {
    while let (low, true) = (value & 0x7F, value > 0x7F) {
        out.extend(u8::try_from(low | 0x80));
        value >>= 7;
    }
    out.extend(u8::try_from(value));
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    let mut rest = bytes;
    for shift in [0_u32, 7, 14, 21] {
        let (byte, after) = rest.split_first()?;
        rest = after;
        value |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests;
