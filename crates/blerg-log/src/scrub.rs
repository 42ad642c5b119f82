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

/// As many deletes are erased with one round of syncs.
const ROUND_MAX: u64 = 4_096;

impl Core {
    /// Erases what durable deletes took away and is still there.
    pub(crate) fn scrub_if_due(&self) -> Result<(), Error> {
        let Some(view) = self.last_writer() else { return Ok(()) };
        while is_due(&view)? {
            let _sync = self.sync_lock()?.hold()?;
            if let Some(refusal) = self.refusal(view.control.state()?) {
                return Err(refusal);
            }
            // What was deleted before another log counted was erased there before it did.
            if view.control.state()? == State::Moving && self.has_left(&view.home)? {
                return Ok(());
            }
            if !view.is_of(&view.control.look()?) || !is_due(&view)? {
                return Ok(());
            }
            self.scrub_round(&view)?;
            // What a killed compaction has left may hold the text too. If that cannot be removed now, the next one tries again.
            let _ = leftover::remove_if_any(self);
        }
        Ok(())
    }

    fn scrub_round(&self, view: &Arc<View>) -> Result<(), Error> {
        let from = view.control.load(Word::Scrubbed)?;
        let durable = view.control.load(Word::Durable)?;
        let deleted = view.control.load(Word::Deleted)?.min(durable);
        let (targets, to) = targets(view, from, deleted)?;
        let geometry = view.segments.geometry();
        let touched: BTreeSet<u64> = targets.iter().map(|at| geometry.segment_of(*at).base).collect();
        // Again: a process may have died in the sync of them, and taken the news of an error with it.
        for version in &targets {
            view.rewrite_fate(*version)?;
        }
        for base in &touched {
            self.sync_for_scrub(view, *base)?;
        }
        for version in &targets {
            erase(view, *version)?;
        }
        for base in &touched {
            self.sync_for_scrub(view, *base)?;
        }
        view.control.store(Word::Scrubbed, to);
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

/// The versions that the deletes in `[from, to)` take away, and how far that goes.
fn targets(view: &View, from: u64, to: u64) -> Result<(Vec<u64>, u64), Error> {
    let mut versions = Vec::new();
    let Some(head) = view.index.find(&ListKey::Deletes.bytes())? else { return Ok((versions, to)) };
    let first = head.lower_bound(Position(from))?;
    let last = head.lower_bound(Position(to))?;
    let mut window = Window::glance();
    for number in first..last.min(first + ROUND_MAX) {
        let Position(at) = head.get(number)?;
        let entry = window.entry(&view.segments, view.sums, at)?;
        let Some(entry) = entry else { continue };
        if let Some(target) = sound_target(&entry)
            && view.is_text_of(target.put, &entry)?
        {
            versions.extend(view.versions(target.put, target.newest)?);
        }
    }
    let to = if last > first + ROUND_MAX { head.get(first + ROUND_MAX)?.0 } else { to };
    Ok((versions, to))
}

/// Overwrites the text of a frame. What leads to the versions before it stays.
fn erase(view: &View, position: u64) -> Result<(), Error> {
    let Some((header, _)) = Window::glance().header(&view.segments, view.sums, position)? else { return Ok(()) };
    let from = Text::origin_bytes(header.kind, header.flags);
    let zeros = vec![0; (header.payload_len as usize).saturating_sub(from)];
    view.segments.write(position + (HEADER_BYTES + from) as u64, &zeros)
}
