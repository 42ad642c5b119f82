//! Erasing the texts of deleted records. Start at [`Core::scrub_if_due`]. The DELETE is durable first, then the fates are made
//! durable, then the texts are overwritten: so a recovery never takes an erased text for a torn one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::apply::sound_target;
use crate::control::{State, Word};
use crate::core::Core;
use crate::frame::HEADER_BYTES;
use crate::leftover;
use crate::payload::Text;
use crate::scan::Window;
use crate::sync::sync_segment;
use crate::view::View;
use crate::{Error, ListKey, Position};

/// As many texts are erased while the lock of those who sync is held once, or as many bytes of them and one text more: an edit
/// costs two small writes, and what is written has to be synced while others wait.
pub(crate) const TEXTS_MAX: usize = 1_024;
const BYTES_MAX: u64 = 4 << 20;
/// As many deletes are looked at in one round.
const DELETES_MAX: u64 = 4_096;
/// Between two rounds, so that those who wait for the lock find it free.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// What one round erases.
#[derive(Default)]
struct Round {
    texts: Vec<u64>,
    /// Behind it everything before this is erased.
    to: u64,
    /// The delete at `to` of which that is so only of the newest texts, and of how many.
    part: Option<(u64, usize)>,
}

impl Core {
    /// Erases what the deletes that are durable now took away and is still there, in rounds.
    pub(crate) fn scrub_if_due(&self) -> Result<(), Error> {
        let Some(view) = self.last_writer() else { return Ok(()) };
        let until = view.control.load(Word::Deleted)?.min(view.control.load(Word::Durable)?);
        while self.scrub_once(&view)? && view.control.load(Word::Scrubbed)? < until {
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// One round of it: what somebody left who was killed, or is still at.
    pub(crate) fn scrub_a_little(&self) -> Result<(), Error> {
        let Some(view) = self.last_writer() else { return Ok(()) };
        self.scrub_once(&view).map(drop)
    }

    /// One round, if one is due; whether there may be another.
    fn scrub_once(&self, view: &Arc<View>) -> Result<bool, Error> {
        if !is_due(view)? {
            return Ok(false);
        }
        let _sync = self.sync_lock()?.hold()?;
        if let Some(refusal) = self.refusal(view.control.state()?) {
            return Err(refusal);
        }
        // What was deleted before another log counted was erased there before it did.
        if view.control.state()? == State::Moving && self.has_left(&view.home)? {
            return Ok(false);
        }
        if !view.is_of(&view.control.look()?) || !is_due(view)? {
            return Ok(false);
        }
        self.scrub_round(view)?;
        // What a killed compaction has left may hold the text too. If that cannot be removed now, the next one tries again.
        let _ = leftover::remove_if_any(self);
        is_due(view)
    }

    fn scrub_round(&self, view: &Arc<View>) -> Result<(), Error> {
        let round = next_round(view)?;
        let geometry = view.segments.geometry();
        let touched: BTreeSet<u64> = round.texts.iter().map(|at| geometry.segment_of(*at).base).collect();
        // Again: a process may have died in the sync of them, and taken the news of an error with it.
        for version in &round.texts {
            view.rewrite_fate(*version)?;
        }
        for base in &touched {
            self.sync_for_scrub(view, *base)?;
        }
        for version in &round.texts {
            erase(view, *version)?;
        }
        for base in &touched {
            self.sync_for_scrub(view, *base)?;
        }
        if let Some((delete, erased)) = round.part {
            // In this order: a number is never taken for one of another delete.
            view.control.store(Word::Erased, erased as u64);
            view.control.store(Word::ErasedOf, delete);
        }
        view.control.store(Word::Scrubbed, round.to);
        Ok(())
    }

    /// The last segment holds frames that are not durable yet: a failed sync, or a process that dies in it, concerns them too. Of
    /// the others only fates and erased texts can be lost, and those are written again.
    fn sync_for_scrub(&self, view: &View, base: u64) -> Result<(), Error> {
        let end = view.control.look()?.commit.end;
        if view.segments.geometry().segment_of(end - 1).base == base {
            sync_segment(self, view, base, end, end)
        } else {
            view.segments.sync(base)
        }
    }
}

fn is_due(view: &View) -> Result<bool, Error> {
    let scrubbed = view.control.load(Word::Scrubbed)?;
    let deleted = view.control.load(Word::Deleted)?.min(view.control.load(Word::Durable)?);
    Ok(scrubbed < deleted)
}

/// The versions that the next deletes took away, as many as one round takes.
fn next_round(view: &View) -> Result<Round, Error> {
    let from = view.control.load(Word::Scrubbed)?;
    let to = view.control.load(Word::Deleted)?.min(view.control.load(Word::Durable)?);
    let mut round = Round { to, ..Round::default() };
    let Some(head) = view.index.find(&ListKey::Deletes.bytes())? else { return Ok(round) };
    let first = head.lower_bound(Position(from))?;
    let last = head.lower_bound(Position(to))?;
    let (mut window, mut bytes) = (Window::glance(), 0);
    for number in first..last {
        let Position(at) = head.get(number)?;
        if number == first + DELETES_MAX {
            return Ok(Round { to: at, ..round });
        }
        let entry = window.entry(&view.segments, view.sums, at)?;
        let Some(entry) = entry else { continue };
        let Some(target) = sound_target(&entry) else { continue };
        if !view.is_text_of(target.put, &entry)? {
            continue;
        }
        let erased = if number == first { erased_of(view, at)? } else { 0 };
        for (i, version) in view.versions(target.put, target.newest)?.into_iter().enumerate().skip(erased) {
            if round.texts.len() == TEXTS_MAX || bytes >= BYTES_MAX {
                return Ok(Round { to: at, part: Some((at, i)), ..round });
            }
            let header = window.header(&view.segments, view.sums, version)?;
            bytes += header.map_or(0, |(header, _)| u64::from(header.payload_len));
            round.texts.push(version);
        }
    }
    Ok(round)
}

/// How many texts of the delete at `at` earlier rounds have erased.
fn erased_of(view: &View, at: u64) -> Result<usize, Error> {
    if view.control.load(Word::ErasedOf)? != at {
        return Ok(0);
    }
    Ok(usize::try_from(view.control.load(Word::Erased)?).unwrap_or(0))
}

/// Overwrites the text of a frame. What leads to the versions before it stays.
fn erase(view: &View, position: u64) -> Result<(), Error> {
    let Some((header, _)) = Window::glance().header(&view.segments, view.sums, position)? else { return Ok(()) };
    let from = Text::origin_bytes(header.kind, header.flags);
    let zeros = vec![0; (header.payload_len as usize).saturating_sub(from)];
    view.segments.write(position + (HEADER_BYTES + from) as u64, &zeros)
}
