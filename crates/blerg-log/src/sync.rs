//! Making the log durable: one thread of one process at a time, for all who wait. Start at [`Core::sync_to`]. A failed
//! fdatasync is never just repeated: the store is poisoned for everybody before anyone else can sync.

use std::cmp::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::Error;
use crate::control::{Control, Mark, State, Word};
use crate::core::Core;
use crate::frame::{FATE_IN_FRAME, HEADER_BYTES};
use crate::lock::SYNC_LOCK_FILE;
use crate::recover::{Follow, is_erased, rewrite};
use crate::scan::Window;
use crate::view::View;

/// Whether a thread of this process syncs.
#[derive(Default)]
pub(crate) struct Syncing {
    running: Mutex<Running>,
    ended: Condvar,
}

#[derive(Default)]
struct Running {
    is_running: bool,
    /// Counts those who did not get the lock in time; whoever waited for one of them has waited as long.
    gave_up: u64,
}

impl Core {
    /// Returns once everything before a mark is durable.
    pub(crate) fn sync_to(&self, mark: Mark) -> Result<(), Error> {
        let mut last = self.last_writer();
        loop {
            // Without one, another thread is mending the store; what was published for us still has to become durable. And the
            // files of an old one are not those of now.
            let view = match last.take() {
                Some(view) => view,
                None => self.writer()?.view,
            };
            if self.sync_through(&view, mark)? == Synced::Done {
                return Ok(());
            }
        }
    }

    /// Makes everything before a mark durable through the files of this view, if they are still those of the store.
    pub(crate) fn sync_through(&self, view: &View, mark: Mark) -> Result<Synced, Error> {
        let mut running = self.syncing.running.lock().unwrap_or_else(PoisonError::into_inner);
        // In a log that counted before this one: a compaction takes over what is durable.
        match view.home.number().cmp(&mark.log) {
            Ordering::Greater => return Ok(Synced::Done),
            Ordering::Less => return Ok(Synced::Stale),
            Ordering::Equal => {}
        }
        loop {
            let durable = view.control.load(Word::Durable)?;
            // In this order: whoever cuts the log says so first.
            if view.control.load(Word::Cut)? != mark.cut {
                return Err(self.poisoned());
            }
            if durable >= mark.end {
                return Ok(Synced::Done);
            }
            if let Some(refusal) = self.refusal(view.control.state()?) {
                return Err(refusal);
            }
            if running.is_running {
                let gave_up = running.gave_up;
                running = self.syncing.ended.wait(running).unwrap_or_else(PoisonError::into_inner);
                if running.gave_up != gave_up {
                    let path = self.dir.join(SYNC_LOCK_FILE);
                    return Err(Error::Busy { path, waited_ms: self.options.lock_wait_ms });
                }
                continue;
            }
            running.is_running = true;
            drop(running);
            let result = self.sync_now(view, mark);
            running = self.syncing.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.is_running = false;
            running.gave_up += u64::from(result.as_ref().is_err_and(Error::is_busy));
            self.syncing.ended.notify_all();
            if result? == Synced::Stale {
                return Ok(Synced::Stale);
            }
        }
    }

    /// For stores that do not sync each commit: syncs if the last sync is `age_us` old.
    pub(crate) fn sync_if_older(&self, now_us: u64, age_us: u64, mark: Mark) -> Result<(), Error> {
        let Some(view) = self.last_writer() else { return Ok(()) };
        let last_us = view.control.load(Word::LastSync)?;
        if now_us.abs_diff(last_us) < age_us {
            return Ok(());
        }
        view.control.store(Word::LastSync, now_us);
        self.sync_to(mark)
    }

    /// Makes everything durable that is published now.
    pub(crate) fn sync_all(&self) -> Result<(), Error> {
        let look = self.reader()?.1;
        if look.durable >= look.commit.end { Ok(()) } else { self.sync_to(look.mark()) }
    }

    fn sync_now(&self, view: &View, mark: Mark) -> Result<Synced, Error> {
        let _sync = self.sync_lock()?.hold()?;
        let look = view.control.look()?;
        // Replaced meanwhile, by a heal or a new index: through the new files the same mark counts, unless the log was cut.
        if !view.is_of(&look) {
            return Ok(Synced::Stale);
        }
        if let Some(refusal) = self.refusal(look.state) {
            return Err(refusal);
        }
        if look.cut != mark.cut || look.durable >= mark.end {
            return Ok(Synced::Done);
        }
        let end = look.commit.end;
        sync_segment(self, view, look.commit.last.position, end, end)?;
        Ok(Synced::Done)
    }
}

/// What a try to sync through a view came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synced {
    /// What the control page says now counts.
    Done,
    /// The view is of files that were replaced.
    Stale,
}

/// Syncs the segment of `position`, the last one, in which frames before `written` may not be durable, and notes that all that was
/// published, which is everything before `end`, is. The caller holds the lock of those who sync.
pub(crate) fn sync_segment(core: &Core, view: &View, position: u64, written: u64, end: u64) -> Result<(), Error> {
    if let Some(refusal) = core.refusal(view.control.state()?) {
        return Err(refusal);
    }
    let intent = view.control.load(Word::Intent)?;
    if intent != 0 {
        redirty(core, view, intent)?;
    }
    view.control.store(Word::Intent, written);
    sync_or_poison(core, view, position)?;
    view.control.raise(Word::Durable, end)?;
    view.control.store(Word::Intent, 0);
    Ok(())
}

/// Syncs the segment of `position`; if that fails, no process may write before it is healed.
fn sync_or_poison(core: &Core, view: &View, position: u64) -> Result<(), Error> {
    view.segments.sync(position).map_err(|e| poison(core, view, e))
}

/// What is told of a sync that failed. What could not even be opened was not synced, and can be tried again.
pub(crate) fn poison(core: &Core, view: &View, error: Error) -> Error {
    if error.is_out_of_files() {
        return error;
    }
    view.control.set_state(State::Poisoned);
    core.poisoned()
}

/// Writes what may not have reached the disk once more: its writer died in fdatasync, and may have taken the news of an error
/// with it. Fates are left alone: another writer may be setting one.
fn redirty(core: &Core, view: &View, intent: u64) -> Result<(), Error> {
    let mut scan = view.scan(view.control.load(Word::Durable)?, Window::wide());
    let fate_end = HEADER_BYTES as u64;
    while scan.at() < intent {
        let sound = match scan.next()? {
            Some(entry) if entry.is_intact() || is_erased(&view.segments, view.sums, &entry)? => Some(entry),
            _ => None,
        };
        // What the page cache has lost cannot be written again.
        let Some(entry) = sound else {
            view.control.set_state(State::Poisoned);
            return Err(core.poisoned());
        };
        let (position, payload) = (entry.position, entry.payload.to_vec());
        let mut header = vec![0; FATE_IN_FRAME as usize];
        view.segments.read(position, &mut header)?;
        view.segments.write(position, &header)?;
        // A SEAL has none, and behind it the segment may end.
        if !payload.is_empty() {
            view.segments.write(position + fate_end, &payload)?;
        }
    }
    Ok(())
}

impl Core {
    /// The one try to mend a failed sync: writes the last segment anew, from what the page cache holds and the checksums confirm, and
    /// syncs that. The caller holds the lock.
    pub(crate) fn heal(&self, view: &View) -> Result<Arc<View>, Error> {
        let is_whole = {
            let _sync = self.sync_lock()?.hold()?;
            self.heal_log(view)?
        };
        self.forget_views();
        if is_whole { self.open_writer() } else { self.rebuild_index(&mut |_| {}) }
    }

    /// [`Core::heal`] once more, by order of the operator.
    pub(crate) fn mend(&self) -> Result<(), Error> {
        let _held = self.lock()?.hold()?;
        let view = self.open_writer()?;
        match view.control.state()? {
            State::Poisoned | State::Lost => self.heal(&view).map(drop),
            State::Open | State::Moving | State::Damaged | State::Alien => Ok(()),
        }
    }

    /// Notes that the end is moved back: positions of before mean nothing from here on.
    pub(crate) fn note_cut(&self, control: &Control) {
        let mut cut = [0; 8];
        (self.options.random)(&mut cut);
        control.store(Word::Cut, u64::from_le_bytes(cut));
    }

    /// Whether all that was published could be kept; if not, the index knows of too much.
    fn heal_log(&self, view: &View) -> Result<bool, Error> {
        if view.control.state()? == State::Open {
            return Ok(true);
        }
        // Whoever dies in here has tried.
        view.control.set_state(State::Lost);
        self.try_heal(view).map_err(|error| match error {
            // Nothing was synced for want of a file or of room: the next one may find it.
            Error::Io { .. } | Error::Full { .. } if error.is_out_of_files() || error.is_full() => {
                view.control.set_state(State::Poisoned);
                error
            }
            _ => self.poisoned(),
        })
    }

    fn try_heal(&self, view: &View) -> Result<bool, Error> {
        let look = view.control.look()?;
        let place = view.segments.geometry().segment_of(look.commit.end - 1);
        let kept = Follow::segment(&view.segments, self.sums, place)?.up_to(look.commit.end)?;
        let is_whole = kept.end == look.commit.end;
        // Damage among what was durable: the file stays as it is, since more than this may be saved from it.
        if kept.end < look.durable {
            return Err(self.poisoned());
        }
        // A rollover that was not published leads nowhere: its SEAL is cut too, and the next one will be another.
        let next = view.segments.geometry().segment(place.number + 1);
        view.segments.remove(next)?;
        rewrite(&view.segments, place, kept.end)?;
        if !is_whole {
            // First: who reads of a durable end behind the cut must be able to read of the cut.
            self.note_cut(&view.control);
            view.control.publish(&kept)?;
            view.control.store(Word::Indexed, view.control.load(Word::Indexed)?.min(kept.end));
            view.control.store(Word::Suspect, 1);
        }
        view.control.store(Word::Durable, kept.end);
        view.control.store(Word::Intent, 0);
        view.control.store(Word::Replaced, look.replaced.wrapping_add(1));
        view.control.set_state(State::Open);
        Ok(is_whole)
    }
}
