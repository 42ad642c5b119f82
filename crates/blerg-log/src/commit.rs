//! Writing: one leader takes the lock, sees to it that the store is as it should be, and appends what the group wants. Start at
//! [`Core::commit`]. Order of steps: FORMAT.md, section "Order of writes and syncs".

use std::sync::Arc;

use crate::append::{Appender, finish_roll};
use crate::apply;
use crate::control::{CONTROL_FILE, Commit, Control, Mark, State, Word};
use crate::core::Core;
use crate::decide::Decider;
use crate::frame::Kind;
use crate::group::Request;
use crate::key;
use crate::lock::Held;
use crate::payload::{Origin, Text};
use crate::recover::is_erased;
use crate::scan::Window;
use crate::view::{FIRST_FRAME, Purpose, View};
use crate::{AuthorId, Error, ListKey, Op, Outcome, Recovery, Rejection};

/// In a store that does not sync each commit, a commit syncs if the last sync is older than this.
const SYNC_AGE_US: u64 = 1_000_000;
/// A process that refuses long recoveries rebuilds the index of a log up to this length.
pub(crate) const SHORT_LOG_BYTES: u64 = 4 << 20;

/// Of the lists that the last frame is on so many are looked at when the index is opened to be written; it may have a thousand tags.
const LISTS_LOOKED_AT: usize = 2;

/// What one request of a group came to before the group was written.
type Decided = (Vec<Result<Outcome, Rejection>>, Mark);

/// The lock held, and the view to write through.
pub(crate) struct Writer<'c> {
    pub(crate) view: Arc<View>,
    _held: Held<'c>,
}

impl Core {
    /// Commits operations and returns once they are durable.
    pub(crate) fn commit(&self, now_us: u64, ops: Vec<Op>) -> Result<Vec<Result<Outcome, Rejection>>, Error> {
        let deletes = ops.iter().any(|op| matches!(op, Op::Delete { .. }));
        let (answers, mark) = self.queue.enter(now_us, ops, |group| self.lead(group))?;
        if self.is_durable() || deletes {
            self.sync_to(mark)?;
        } else {
            self.sync_if_older(now_us, SYNC_AGE_US, mark)?;
        }
        if deletes {
            self.scrub_if_due()?;
        } else {
            // A text that cannot be erased now is tried again by the next writer; that must not fail a put that is durable.
            let _ = self.scrub_a_little();
        }
        Ok(answers)
    }

    /// Commits what a group wants, and answers each.
    fn lead(&self, group: &[Request]) {
        let mut decided = Vec::with_capacity(group.len());
        let result = self.write_group(group, &mut decided);
        let published = *result.as_ref().unwrap_or_else(|(_, published)| published);
        let error = result.err().map(|(error, _)| error);
        let mut decided = decided.into_iter();
        for request in group {
            let answer = match (decided.next(), &error) {
                (Some(answer), None) => Ok(answer),
                // What went in before the error is in.
                (Some(answer), Some(_)) if answer.1.end <= published => Ok(answer),
                (_, Some(error)) => Err(error.again()),
                (None, None) => Err(Error::Index { what: "a request was not decided".into() }),
            };
            request.answer(answer);
        }
    }

    /// Decides and writes; says how far the log is published and indexed, after an error too. An index that turns out to be wrong is
    /// mended on the way, once.
    fn write_group(&self, group: &[Request], decided: &mut Vec<Decided>) -> Result<u64, (Error, u64)> {
        let writer = self.writer().map_err(|error| (error, 0))?;
        let before = writer.view.control.load(Word::Current);
        let result = self.try_group(group, &writer.view, decided);
        let (Err((Error::Index { .. }, _)), Ok(before)) = (&result, before) else { return result };
        self.note_suspect();
        // What was published has been answered for.
        if writer.view.control.load(Word::Current).is_ok_and(|now| now != before) {
            return result;
        }
        drop(writer);
        decided.clear();
        let writer = self.writer().map_err(|error| (error, 0))?;
        self.try_group(group, &writer.view, decided)
    }

    fn try_group(&self, group: &[Request], view: &View, decided: &mut Vec<Decided>) -> Result<u64, (Error, u64)> {
        let frees = group.iter().flat_map(|request| &request.ops).all(|op| matches!(op, Op::Delete { .. }));
        let result = self.decide_group(group, view, frees, decided);
        result.map_err(|error| {
            if matches!(error, Error::Index { .. }) {
                view.control.store(Word::Suspect, 1);
            }
            (error, view.control.load(Word::Indexed).unwrap_or(0))
        })
    }

    fn decide_group(
        &self,
        group: &[Request],
        view: &View,
        frees: bool,
        decided: &mut Vec<Decided>,
    ) -> Result<u64, Error> {
        let mut out = Appender::new(self, view, frees)?;
        let mut decider = Decider::new(view)?;
        // Nothing is cut while the lock is held.
        let (cut, log) = (view.control.load(Word::Cut)?, view.home.number());
        for request in group {
            let mut answers = Vec::with_capacity(request.ops.len());
            for op in &request.ops {
                answers.push(decider.decide(request.now_us, op, &mut out)?);
            }
            // Also one who changed nothing may have been told of what another has yet to make durable.
            decided.push((answers, Mark { end: out.end(), cut, log }));
        }
        out.flush()?;
        Ok(out.published())
    }

    /// Takes the lock and makes the store ready to be written: recovered, healed, adopted, indexed.
    pub(crate) fn writer(&self) -> Result<Writer<'_>, Error> {
        let held = self.lock()?.hold()?;
        let view = self.ready()?;
        Ok(Writer { view, _held: held })
    }

    /// The view to write through; the caller holds the lock.
    pub(crate) fn ready(&self) -> Result<Arc<View>, Error> {
        let view = self.sound_view()?;
        match self.adopt(&view)? {
            Adopted::All => {}
            Adopted::Stale => return self.recover(),
        }
        let look = view.control.look()?;
        let caught_up = match look.indexed < look.commit.end {
            // Where a rebuild must not run nothing is written either: by a wrong index ids would be given out twice.
            _ if look.is_suspect => Err(Error::Index { what: "a reader found it wrong".into() }),
            true => apply::catch_up(&view, look.indexed, look.commit.end),
            false => Ok(()),
        };
        match caught_up {
            // Among what was adopted there may be frames of a later version.
            Ok(()) => self.refusal(view.control.state()?).map_or(Ok(view), Err),
            Err(Error::Index { .. }) => self.replace_index(),
            Err(e) => Err(e),
        }
    }

    /// Whether this process may do work that takes time in proportion to the log.
    pub(crate) fn allow_long(&self, log_bytes: u64) -> Result<(), Error> {
        if self.options.recovery == Recovery::Inline || log_bytes <= SHORT_LOG_BYTES {
            return Ok(());
        }
        Err(Error::Recovering { dir: self.dir.clone(), log_bytes })
    }

    /// A view whose control page is the right one, of this start of the machine, and says that writing is allowed.
    fn sound_view(&self) -> Result<Arc<View>, Error> {
        let Some(view) = self.current_writer()? else { return self.recover() };
        let view = match view.control.state()? {
            State::Poisoned => self.heal(&view)?,
            state => match self.refusal(state) {
                Some(refusal) => return Err(refusal),
                None => view,
            },
        };
        view.control.clear_clean_mark()?;
        Ok(view)
    }

    /// The writer's view, opened anew if it is not that of the files that are there; `None` if the store needs a recovery.
    fn current_writer(&self) -> Result<Option<Arc<View>>, Error> {
        let last = self.last_writer();
        if let Some(view) = &last
            && self.disk.inode(&view.home.dir.join(CONTROL_FILE)).ok() == Some(view.control.inode())
            && view.control.look().is_ok_and(|look| view.is_of(&look) && look.state != State::Moving)
            // Not while it is nobody's: then a recovery was cut short.
            && self.boot_id().is_none_or(|now| view.control.boot().is_ok_and(|boot| boot == u128::from_le_bytes(now)))
        {
            return Ok(last);
        }
        // The reader's view may be of the same files that are not there any more.
        self.follow_format()?;
        self.forget_views();
        let Some(control) = Control::open_to_write(&*self.disk, &self.home().dir)? else { return Ok(None) };
        let boot_id = self.boot_id();
        let current = control.current(&self.format.identity.site_id, boot_id)?.is_some()
            // Without a boot id each process recovers once, when it opens the store; then it trusts what it made.
            || (boot_id.is_none() && control.is_of(&self.format.identity.site_id)?);
        if !current {
            return Ok(None);
        }
        // FORMAT names this log, and whoever compacts holds the lock: so he died before the other one counted.
        if control.state()? == State::Moving {
            control.set_state(State::Open);
        }
        match self.use_writer(control) {
            Err(Error::Index { .. }) => self.replace_index().map(Some),
            Ok(view) if !has_last_frame(&view)? => self.replace_index().map(Some),
            opened => opened.map(Some),
        }
    }

    /// A new index for one that cannot be used. The caller holds the lock.
    pub(crate) fn replace_index(&self) -> Result<Arc<View>, Error> {
        let control = self.control_to_write()?;
        self.allow_long(control.look()?.commit.end)?;
        self.rebuild_index(&mut |progress| (self.options.progress)(progress))
    }

    /// Opens the view to write through.
    pub(crate) fn open_writer(&self) -> Result<Arc<View>, Error> {
        self.use_writer(self.control_to_write()?)
    }

    fn control_to_write(&self) -> Result<Control, Error> {
        let home = self.home();
        let control = Control::open_to_write(&*self.disk, &home.dir)?;
        control.ok_or_else(|| Error::damaged(&home.dir.join(CONTROL_FILE), 0, "no control page"))
    }

    fn use_writer(&self, control: Control) -> Result<Arc<View>, Error> {
        let (look, purpose) = (control.look()?, Purpose::Write(self.options.backend));
        let view = Arc::new(View::open(&self.disk, &self.home(), &self.format, (control, look), purpose)?);
        self.set_writer(Some(Arc::clone(&view)));
        Ok(view)
    }

    /// Publishes frames that a killed writer wrote but did not publish, and finishes its rollover.
    fn adopt(&self, view: &View) -> Result<Adopted, Error> {
        let before = view.control.look()?.commit;
        let (mut end, mut proven, mut tail) = (before, 0, before.last.hcrc);
        let mut is_whole = true;
        let mut scan = view.scan(end.end, Window::glance());
        while let Some(entry) = scan.next_after(tail)? {
            if entry.header.time_us < end.time_us {
                break;
            }
            // Only of what was published texts are erased. Behind a torn one nothing is adopted; but what frames there prove counts.
            if !entry.is_intact() && is_erased(&view.segments, view.sums, &entry)? {
                return Ok(Adopted::Stale);
            }
            is_whole &= entry.is_intact();
            proven = proven.max(entry.header.proves_durable(entry.position));
            tail = entry.header.hcrc;
            let is_seal = entry.header.kind == Kind::SEAL;
            if proven > before.end && (is_seal || !is_whole) {
                return Ok(Adopted::Stale);
            }
            if is_whole {
                let frame_end = entry.position + entry.header.frame_len();
                end = Commit { end: frame_end, last: entry.tail(), time_us: entry.header.time_us };
            }
            if is_seal {
                if !is_whole {
                    break;
                }
                end = finish_roll(self, view, &end, None)?;
                scan = view.scan(end.end, Window::glance());
            }
        }
        if proven > before.end {
            return Ok(Adopted::Stale);
        }
        if end.end != view.control.look()?.commit.end {
            view.control.publish(&end)?;
        }
        Ok(Adopted::All)
    }
}

/// Whether the index has the last frame that it says it has. After a file system was shut down and mounted again, within one start of
/// the machine, the control page may be that of the last commit and the index that of some time before: pages go to the disk file by
/// file, each all that it was at that moment, so what came last is missing then.
pub(crate) fn has_last_frame(view: &View) -> Result<bool, Error> {
    let look = view.control.look()?;
    let last = look.commit.last.position;
    if look.indexed < look.commit.end || last < FIRST_FRAME {
        return Ok(true);
    }
    let mut window = Window::glance();
    let Some(entry) = window.entry(&view.segments, view.sums, last)? else { return Ok(true) };
    let mut keys = key::of_checked_frame(&entry);
    if entry.header.kind == Kind::CLOSE_USER {
        keys.push(ListKey::Authors.bytes());
    }
    let origin = Text::origin(entry.header.kind, entry.header.flags, entry.payload);
    if let Some(Origin::Edit { put, previous }) = origin
        && entry.is_intact()
        && view.is_text_of(put, &entry)?
        && view.is_text_of(previous, &entry)?
    {
        keys.push(ListKey::Timeline(AuthorId(entry.header.author)).bytes());
    }
    for key in keys.iter().rev().take(LISTS_LOOKED_AT) {
        match view.index.find(key) {
            Ok(Some(head)) if head.changed().0 >= last => {}
            Ok(_) | Err(Error::Index { .. }) => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// What looking beyond the published end came to.
enum Adopted {
    /// Whatever stood there belongs to the log now.
    All,
    /// More is durable than the control page knows of: it lost what was written to it, and the index with it.
    Stale,
}
