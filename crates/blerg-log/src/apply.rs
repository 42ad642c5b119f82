//! What a frame changes in everything derived from the log: lists and fates. Start at [`catch_up`]. Doing it twice, or again
//! after a kill in the middle, changes nothing; frames come in the order of the log.

use crate::append::is_hole;
use crate::control::{State, Word};
use crate::frame::{Fate, Header, Kind};
use crate::index::Push;
use crate::key;
use crate::payload::{Origin, Target, Text, run_of};
use crate::scan::{Entry, Window};
use crate::view::View;
use crate::{AuthorId, Error, ListKey, Position};

/// Applies the frames of the log that the index does not have yet.
pub(crate) fn catch_up(view: &View, from: u64, end: u64) -> Result<(), Error> {
    let mut scan = view.scan(from, Window::glance());
    while scan.at() < end {
        if let Some(entry) = scan.next()? {
            if entry.header.is_alien() {
                view.control.set_state(State::Alien);
            }
            let pushes = pushes(&entry, key::of_checked_frame(&entry));
            for push in &pushes {
                let number = push.number.unwrap_or(0);
                if number > 0 && view.index.find(&push.key)?.map_or(0, |head| head.len()) < number {
                    return Err(Error::Index {
                        what: format!("the list of the frame at {} is too short", entry.position),
                    });
                }
            }
            view.index.push_all_growing(&pushes)?;
            effects(view, &entry)?;
        } else {
            // What numbers were lost here only a look at the whole log can tell.
            return Err(Error::Index { what: format!("the log cannot be read at {} to index it", scan.at()) });
        }
    }
    view.control.store(Word::Indexed, end);
    Ok(())
}

/// Applies a frame that was just decided; there is room in the index for the lists of `keys`, on which it goes.
pub(crate) fn apply(view: &View, entry: &Entry<'_>, keys: &[Vec<u8>]) -> Result<(), Error> {
    for key in keys {
        view.index.push(key, Position(entry.position))?;
    }
    effects(view, entry)
}

/// The pushes of a frame that goes on the lists of `keys`. In the lists whose numbers mean something a number may be missing before
/// it, because the frame that had it is damaged.
pub(crate) fn pushes(entry: &Entry<'_>, keys: Vec<Vec<u8>>) -> Vec<Push<Vec<u8>>> {
    let push = |key: Vec<u8>| {
        let number = match key.first() {
            Some(b'r') => Some(entry.header.n),
            Some(b'A') => Some(entry.header.author.into()),
            _ => None,
        };
        Push { key, number, position: Position(entry.position) }
    };
    keys.into_iter().map(push).collect()
}

/// Whether [`effects`] does anything for such a frame.
pub(crate) fn has_effects(header: &Header) -> bool {
    [Kind::EDIT, Kind::DELETE, Kind::CLOSE_USER, Kind::UNFOLLOW].contains(&header.kind) || is_run(header)
}

/// Whether a frame uses up several numbers.
pub(crate) fn is_run(header: &Header) -> bool {
    is_hole(header) && header.payload_len > 0
}

/// What a frame changes besides the lists it goes on: fates, and the last change of other lists.
pub(crate) fn effects(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    let author = AuthorId(entry.header.author);
    match entry.header.kind {
        Kind::PUT if is_run(&entry.header) => holes(view, entry),
        Kind::EDIT => edit(view, entry),
        Kind::DELETE => delete(view, entry),
        Kind::CLOSE_USER => close(view, entry),
        Kind::UNFOLLOW => {
            let position = Position(entry.position);
            touch(view, &ListKey::Follows(author).bytes(), position)?;
            key::target(entry.header.n).map_or(Ok(()), |to| touch(view, &ListKey::Followers(to).bytes(), position))
        }
        _ => Ok(()),
    }
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

/// Gives the numbers behind the first one of a run their places in the author's list.
fn holes(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    let timeline = ListKey::Timeline(AuthorId(entry.header.author)).bytes();
    let end = entry.position + entry.header.frame_len();
    view.index.lengthen(&timeline, entry.header.n.saturating_add(run_of(entry)), Position(end))
}

fn edit(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    let changed = Position(entry.position);
    let origin = Text::origin(entry.header.kind, entry.header.flags, entry.payload);
    let Some(Origin::Edit { put, previous }) = origin else { return Ok(()) };
    // Of an erased edit it is still there, but no checksum vouches for it any more; the delete has decided both fates.
    if !entry.is_intact() || !view.is_text_of(put, entry)? || !view.is_text_of(previous, entry)? {
        return Ok(());
    }
    touch_lists(view, entry.header.author, changed)?;
    touch_record(view, put, changed)?;
    touch_record(view, previous, changed)?;
    view.raise_fate(previous, Fate::superseded(entry.position))?;
    // The put comes last: from it readers find the newest version.
    view.raise_fate(put, Fate::superseded(entry.position))
}

fn delete(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    let changed = Position(entry.position);
    if let Some(target) = sound_target(entry)
        && view.is_text_of(target.put, entry)?
    {
        touch_lists(view, entry.header.author, changed)?;
        touch_record(view, target.put, changed)?;
        if target.newest != target.put {
            touch_record(view, target.newest, changed)?;
        }
        for version in view.versions(target.put, target.newest)? {
            view.raise_fate(version, Fate::deleted(entry.position))?;
        }
    }
    view.control.raise(Word::Deleted, entry.position + 1)
}

fn close(view: &View, entry: &Entry<'_>) -> Result<(), Error> {
    touch_lists(view, entry.header.author, Position(entry.position))?;
    touch(view, &ListKey::Authors.bytes(), Position(entry.position))?;
    view.control.raise(Word::Closed, entry.position + 1)?;
    match sound_target(entry) {
        Some(target) if view.is_user_of(target.put, entry)? => {
            view.raise_fate(target.put, Fate::deleted(entry.position))
        }
        _ => Ok(()),
    }
}

/// What a frame takes away, if its payload is what was written.
pub(crate) fn sound_target(entry: &Entry<'_>) -> Option<Target> {
    Target::read(entry.payload).filter(|_| entry.is_intact())
}
