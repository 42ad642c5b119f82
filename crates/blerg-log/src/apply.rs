//! What a frame changes in everything derived from the log: lists and fates. Start at [`apply`]. Doing it twice, or again
//! after a kill in the middle, changes nothing; frames come in the order of the log.

use crate::control::Word;
use crate::frame::{Fate, Kind};
use crate::key;
use crate::payload::{Origin, Target, Text};
use crate::scan::{Entry, Window};
use crate::view::View;
use crate::{AuthorId, Error, ListKey, Position};

/// Bytes of index that a frame which is applied without a reservation of its own finds free: far more than one can take.
const SLACK_BYTES: u64 = 1 << 19;

/// Sees to it that pushes to these keys cannot fail for lack of room.
pub(crate) fn reserve(view: &View, keys: &[Vec<u8>]) -> Result<(), Error> {
    let wanted = view.index.used()? + view.index.need(keys)?;
    view.index.memory().reserve(wanted)
}

/// Sees to it that there is more room than the pushes of any one frame take.
pub(crate) fn reserve_slack(view: &View) -> Result<(), Error> {
    let used = view.index.used()?;
    view.index.memory().reserve(used + used / 64 + SLACK_BYTES)
}

/// Applies the frames of the log that the index does not have yet.
pub(crate) fn catch_up(view: &View, from: u64, end: u64) -> Result<(), Error> {
    let mut scan = view.scan(from, Window::glance());
    while scan.at() < end {
        if let Some(entry) = scan.next()? {
            let keys = key::of_frame(&entry);
            reserve(view, &keys)?;
            reserve_slack(view)?;
            apply(view, &entry, &keys)?;
        } else if !scan.resync(end)? {
            break;
        }
    }
    view.control.store(Word::Indexed, end);
    Ok(())
}

/// Applies one frame; `keys` are the lists it goes on, for which there is room.
pub(crate) fn apply(view: &View, entry: &Entry<'_>, keys: &[Vec<u8>]) -> Result<(), Error> {
    let position = Position(entry.position);
    for key in keys {
        match key.first() {
            Some(b'r') => push_at(view, key, entry.header.n, position)?,
            Some(b'A') => push_at(view, key, entry.header.author.into(), position)?,
            _ => view.index.push(key, position)?,
        }
    }
    let author = AuthorId(entry.header.author);
    match entry.header.kind {
        Kind::EDIT => edit(view, entry),
        Kind::DELETE => delete(view, entry),
        Kind::CLOSE_USER => close(view, entry),
        Kind::UNFOLLOW => {
            touch(view, &ListKey::Follows(author).bytes(), position)?;
            key::target(entry.header.n).map_or(Ok(()), |to| touch(view, &ListKey::Followers(to).bytes(), position))
        }
        _ => Ok(()),
    }
}

/// Pushes to a list whose numbers mean something. Numbers that are missing before this one, because their frames are damaged,
/// are filled with positions at which no frame of theirs stands.
fn push_at(view: &View, key: &[u8], number: u64, position: Position) -> Result<(), Error> {
    let head = view.index.find(key)?;
    let len = head.as_ref().map_or(0, |head| head.len());
    if len < number {
        let last = if len == 0 { 0 } else { head.map_or(Ok(Position(0)), |head| head.get(len - 1))?.0 };
        let missing = number - len;
        let room = position.0.saturating_sub(last + 1);
        if missing > room {
            return Err(Error::Index {
                what: format!("number {number} at {}: {missing} before it are missing", position.0),
            });
        }
        for filler in (last + 1..).take(usize::try_from(missing).unwrap_or(usize::MAX)) {
            reserve_slack(view)?;
            view.index.push(key, Position(filler))?;
        }
    }
    view.index.push(key, position)
}

fn touch(view: &View, key: &[u8], position: Position) -> Result<(), Error> {
    view.index.touch(key, position)
}

/// Notes on the lists of a record, by one of its frames, that it changed.
fn touch_record(view: &View, at: u64, changed: Position) -> Result<(), Error> {
    let mut window = Window::glance();
    let Some(entry) = window.entry(&view.segments, view.sums, at)? else { return Ok(()) };
    let (kind, flags) = (entry.header.kind, entry.header.flags);
    if let Some(Origin::Put { reply_to: Some((to, record)) }) = Text::origin(kind, flags, entry.payload) {
        touch(view, &ListKey::Replies(to, record).bytes(), changed)?;
    }
    if !entry.is_intact() {
        return Ok(());
    }
    let text =
        if kind == Kind::PUT { Text::read_put(flags, entry.payload) } else { Text::read_edit(flags, entry.payload) };
    for key in text.iter().flat_map(key::of_tags) {
        touch(view, &key, changed)?;
    }
    Ok(())
}

fn touch_lists(view: &View, author: u32, changed: Position) -> Result<(), Error> {
    touch(view, &ListKey::Timeline(AuthorId(author)).bytes(), changed)?;
    touch(view, &ListKey::Latest.bytes(), changed)
}

fn edit(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    let changed = Position(entry.position);
    let origin = Text::origin(entry.header.kind, entry.header.flags, entry.payload);
    let Some(Origin::Edit { put, previous }) = origin else { return Ok(()) };
    touch_lists(view, entry.header.author, changed)?;
    touch_record(view, put, changed)?;
    touch_record(view, previous, changed)?;
    view.raise_fate(previous, Fate::superseded(entry.position))?;
    // The put comes last: from it readers find the newest version.
    view.raise_fate(put, Fate::superseded(entry.position))
}

fn delete(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    let changed = Position(entry.position);
    let Some(target) = Target::read(entry.payload) else { return Ok(()) };
    touch_lists(view, entry.header.author, changed)?;
    touch_record(view, target.put, changed)?;
    if target.newest != target.put {
        touch_record(view, target.newest, changed)?;
    }
    for version in view.versions(target.put, target.newest)? {
        view.raise_fate(version, Fate::deleted(entry.position))?;
    }
    view.control.raise(Word::Deleted, entry.position + 1)
}

fn close(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    let Some(target) = Target::read(entry.payload) else { return Ok(()) };
    touch_lists(view, entry.header.author, Position(entry.position))?;
    touch(view, &ListKey::Authors.bytes(), Position(entry.position))?;
    view.control.raise(Word::Closed, entry.position + 1)?;
    view.raise_fate(target.put, Fate::deleted(entry.position))
}
