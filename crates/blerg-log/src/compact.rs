//! A new log of what is alive, made beside the old one while others go on, and then put in its place by one rename. Start at
//! [`Log::compact`]. Readers wait for nothing, writers for the last, short stretch. FORMAT.md, section "Compaction".

use std::sync::Arc;

use crate::control::{Commit, Control, Mark, State, Word};
use crate::copy::{Copier, measure};
use crate::core::Core;
use crate::file::File;
use crate::format::{FORMAT_FILE, Naming};
use crate::leftover::{self, COMPACT_LOCK_FILE};
use crate::lock::{LOCK_FILE, Lock, SYNC_LOCK_FILE};
use crate::moved::Marks;
use crate::segment::{Access, SegmentHeader, Segments, Tail};
use crate::space;
use crate::sync::Synced;
use crate::view::{FIRST_FRAME, View};
use crate::{Error, Log, OpenMode, Position, Progress, Snapshot};

/// So often the log is followed without a lock.
const FREE_ROUNDS_MAX: u32 = 8;
/// A stretch that is not longer is copied while writers wait.
const LOCKED_BYTES_MAX: u64 = 64 << 10;
/// Between two looks whether the old log is still being read.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Authors, with those who left.
    pub authors: u64,
    /// Records that are there.
    pub records: u64,
    /// Later texts of them.
    pub edits: u64,
    /// Followings that hold.
    pub follows: u64,
    /// Bytes of log before.
    pub log_bytes_before: u64,
    /// Bytes of log now.
    pub log_bytes: u64,
    /// The log of before is gone. Else somebody is still reading it; the next delete or compaction removes it.
    pub is_old_removed: bool,
}

/// What lies beside a log and is to go over to the new one with it.
pub struct Followers<N, C> {
    /// Is asked for the positions that somebody has noted elsewhere: [`Log::moves`] will tell where they are.
    pub noted: N,
    /// Is shown the new log as far as it is made, some times before it counts, as long as less and less is left: indexes of it can be made
    /// meanwhile. One that is given up is followed by another of the same number.
    pub copied: C,
}

impl Log {
    /// [`Log::compact_followed`] by nothing but positions: `noted` is asked for the positions that somebody has
    /// noted elsewhere: [`Log::moves`] will tell where they are. Waits at most `wait_ms` for those who read the old log.
    ///
    /// # Errors
    /// Another one runs, there is no room, the log is damaged or takes no writes; or what `noted` says. The old log counts still.
    pub fn compact<E: From<Error>>(
        &self,
        now_us: u64,
        wait_ms: u64,
        noted: impl FnOnce() -> Result<Vec<Position>, E>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Compacted, E> {
        self.compact_followed(now_us, wait_ms, Followers { noted, copied: |_: &Snapshot| Ok(()) }, progress)
    }

    /// Whether a compaction is going on, in any process.
    ///
    /// # Errors
    /// The lock of those who compact cannot be looked at.
    pub fn is_compacting(&self) -> Result<bool, Error> {
        match Lock::open(&self.core.disk, &self.core.dir.join(COMPACT_LOCK_FILE), 0)?.hold() {
            Ok(_held) => Ok(false),
            Err(e) if e.is_busy() => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// Makes a new log of what is alive and has every process go over to it. Waits at most `wait_ms` for those who read the old log.
    ///
    /// # Errors
    /// Another one runs, there is no room, the log is damaged or takes no writes; or what `followers` say. The old log counts still.
    pub fn compact_followed<E: From<Error>>(
        &self,
        now_us: u64,
        wait_ms: u64,
        followers: Followers<impl FnOnce() -> Result<Vec<Position>, E>, impl FnMut(&Snapshot) -> Result<(), E>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Compacted, E> {
        let Followers { noted, mut copied } = followers;
        let core = &self.core;
        let lock = Lock::open(&core.disk, &core.dir.join(COMPACT_LOCK_FILE), 0)?;
        let _held = lock.hold()?;
        // Whatever there is to mend is mended, or refused, now.
        drop(core.writer()?);
        if !remove_when_unread(core, wait_ms)? {
            let path = core.dir.join(COMPACT_LOCK_FILE);
            return Err(Error::Busy { path, waited_ms: wait_ms }.into());
        }
        let first = self.snapshot()?;
        let marks = Marks::new(noted()?);
        guard(core, &first)?;
        let naming = Naming { number: core.home().number() + 1, since_us: now_us };
        let compaction = Compaction { log: self, heir: Arc::new(core.beside(naming)) };
        let made = compaction.begin(&first).map_err(E::from);
        let made = made.and_then(|view| compaction.run(first, view, marks, (naming, &mut copied), progress));
        let mut compacted = made.inspect_err(|_| {
            // What cannot be removed now, the next one removes.
            let _ = leftover::remove_begun(core);
        })?;
        compacted.is_old_removed = remove_when_unread(core, wait_ms)?;
        Ok(compacted)
    }
}

/// A log that was never compacted gives way to a compacted one once all who read it have gone over.
fn remove_when_unread(core: &Core, wait_ms: u64) -> Result<bool, Error> {
    let mut left = std::time::Duration::from_millis(wait_ms);
    while !leftover::remove(core)? {
        if left.is_zero() {
            return Ok(false);
        }
        std::thread::sleep(PAUSE.min(left));
        left = left.saturating_sub(PAUSE);
    }
    Ok(true)
}

/// That there is room for the new log beside the old one.
fn guard(core: &Core, from: &Snapshot) -> Result<(), Error> {
    let geometry = core.format.geometry;
    let segments = geometry.segment_of(FIRST_FRAME + measure(from)?).number;
    // The segment behind the last one may be begun, too.
    let log_bytes = geometry.segment(segments + 1).end();
    space::guard_compaction(core, log_bytes + from.view.index.used()?)
}

struct Compaction<'l> {
    log: &'l Log,
    heir: Arc<Core>,
}

impl Compaction<'_> {
    /// An empty log beside the one that counts.
    fn begin(&self, from: &Snapshot) -> Result<Arc<View>, Error> {
        let heir = &self.heir;
        let (home, geometry) = (heir.home(), heir.format.geometry);
        heir.disk.create_dir(&home.dir).map_err(|e| Error::io(&home.dir, "create", e))?;
        let segments = Segments::at(Arc::clone(&heir.disk), &home.segments, geometry, Access::Write);
        let site_id = heir.format.identity.site_id;
        let header = SegmentHeader { site_id, base: 0, seal: Tail::default() };
        segments.create(geometry.segment(0), &header, heir.sums)?;
        let control = Control::open_or_make(&*heir.disk, &home.dir)?;
        // Nobody's until all of it is durable: who opens it before would recover it.
        control.claim(&site_id)?;
        control.store(Word::Log, home.number());
        heir.note_cut(&control);
        control.publish(&Commit { end: FIRST_FRAME, ..Commit::default() })?;
        let built = heir.build_index(from.stamp().generation + 1, control, FIRST_FRAME, &mut |_| {})?;
        let view = heir.use_built(built, FIRST_FRAME, FIRST_FRAME)?;
        heir.set_writer(Some(Arc::clone(&view)));
        Ok(view)
    }

    fn run<E: From<Error>>(
        &self,
        first: Snapshot,
        view: Arc<View>,
        marks: Marks,
        (naming, copied): (Naming, &mut impl FnMut(&Snapshot) -> Result<(), E>),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Compacted, E> {
        let began = first.view.control.look()?.mark();
        let mut copier = Copier::new(&self.heir, &view, marks);
        copier.round(&first, progress)?;
        drop(first);
        copier.marks.tell_all();
        self.sync(&view)?;
        copied(&self.so_far(&view)?)?;
        let (mut last, mut converges) = (copier.at, true);
        for _ in 0..FREE_ROUNDS_MAX {
            let next = self.log.snapshot()?;
            let ahead = next.stamp().visible.0.saturating_sub(copier.at);
            if !is_same(&next.view, began)? || ahead <= LOCKED_BYTES_MAX {
                break;
            }
            copier.round(&next, progress)?;
            self.sync(&view)?;
            // Whoever writes faster than the new log is followed would be waited for without end.
            converges &= ahead <= last / 2;
            if converges {
                copied(&self.so_far(&view)?)?;
            }
            last = ahead;
        }
        Ok(self.finish(began, copier, &view, naming)?)
    }

    /// The new log, as far as it is made and durable.
    fn so_far(&self, view: &Arc<View>) -> Result<Snapshot, Error> {
        Snapshot::new(Arc::clone(&self.heir), Arc::clone(view), &view.control.look()?)
    }

    /// Makes durable what is copied, so that little is left to do while writers wait.
    fn sync(&self, view: &View) -> Result<(), Error> {
        let mark = view.control.look()?.mark();
        if self.heir.sync_through(view, mark)? == Synced::Stale {
            return Err(self.heir.poisoned());
        }
        view.index.memory().sync()
    }

    /// The rest, under the lock; then the switch.
    fn finish(
        &self,
        began: Mark,
        mut copier: Copier<'_>,
        view: &Arc<View>,
        naming: Naming,
    ) -> Result<Compacted, Error> {
        let core = &self.log.core;
        let writer = core.writer()?;
        let old = &writer.view;
        let mark = old.control.look()?.mark();
        if !is_same(old, began)? || core.sync_through(old, mark)? == Synced::Stale {
            return Err(busy(core));
        }
        let look = old.control.look()?;
        let last = Snapshot::new(Arc::clone(core), Arc::clone(old), &look)?;
        if last.stamp().visible.0 != look.commit.end {
            return Err(busy(core));
        }
        copier.round(&last, &mut |_| {})?;
        let (counts, before) = (copier.counts, copier.at);
        self.sync(view)?;
        // Proves by its lag that everything before it is durable.
        self.heir.begin_epoch(view)?;
        self.heir.scrub_if_due()?;
        let end = view.control.look()?.commit.end;
        copier.marks.write(&*core.disk, &old.home, &view.home)?;
        self.seal(view, end, naming)?;
        self.switch(old, view)?;
        drop(writer);
        core.follow_format()?;
        Ok(Compacted {
            authors: counts.authors,
            records: counts.records,
            edits: counts.edits,
            follows: counts.follows,
            log_bytes_before: before,
            log_bytes: end,
            is_old_removed: false,
        })
    }

    /// Everything that the new log needs is durable; only that it counts is not said yet.
    fn seal(&self, view: &View, end: u64, naming: Naming) -> Result<(), Error> {
        let (core, home) = (&self.log.core, &view.home);
        view.segments.sync_all(end)?;
        view.index.memory().sync()?;
        for name in [LOCK_FILE, SYNC_LOCK_FILE] {
            leftover::remove_file(core, &home.dir.join(name))?;
        }
        view.control.store(Word::CleanEnd, end);
        view.control.sync()?;
        let tmp = core.dir.join(FORMAT_FILE).with_extension("tmp");
        let file = File::open(&*core.disk, &tmp, OpenMode::Replace)?;
        file.write(core.format.text_naming(naming).as_bytes(), 0)?;
        file.sync()?;
        for dir in [&home.dir, &core.dir] {
            core.disk.sync_dir(dir).map_err(|e| Error::io(dir, "sync", e))?;
        }
        Ok(())
    }

    /// From here on the new log counts. The caller holds the lock.
    fn switch(&self, old: &View, new: &View) -> Result<(), Error> {
        let core = &self.log.core;
        let _sync = core.sync_lock()?.hold()?;
        if let Some(refusal) = core.refusal(old.control.state()?) {
            return Err(refusal);
        }
        // First: whoever sees the old page must look whether it counts, from before the moment at which it does not.
        old.control.set_state(State::Moving);
        let path = core.dir.join(FORMAT_FILE);
        let renamed = core.disk.rename(&path.with_extension("tmp"), &path);
        renamed.map_err(|e| {
            old.control.set_state(State::Open);
            Error::io(&path, "rename", e)
        })?;
        // After an error nobody knows which name a power cut would leave: nothing is acknowledged before a recovery has synced it.
        core.disk.sync_dir(&core.dir).map_err(|_| {
            new.control.set_state(State::Poisoned);
            core.poisoned()
        })?;
        new.control.own(core.boot_id());
        Ok(())
    }
}

/// Whether the log was not cut since, nor replaced by another.
fn is_same(view: &View, began: Mark) -> Result<bool, Error> {
    let now = view.control.look()?.mark();
    Ok((now.cut, now.log) == (began.cut, began.log))
}

fn busy(core: &Core) -> Error {
    Error::Busy { path: core.dir.join(LOCK_FILE), waited_ms: 0 }
}
