//! What is done when the control page cannot be trusted: the log itself says how far it goes. Start at [`Core::recover`].
//! A torn tail is cut; damage before what was durable is never cut, but makes the store read-only. FORMAT.md, "Recovery".

use std::sync::Arc;

use crate::append::{Appender, Draft, finish_roll};
use crate::control::{Commit, Control, State, Word};
use crate::core::Core;
use crate::format::FORMAT_FILE;
use crate::frame::{Header, Kind, Sums};
use crate::geometry::Place;
use crate::leftover;
use crate::log::sync_names;
use crate::rebuild::{Built, remove_old_indexes};
use crate::scan::{Entry, Scan, Window};
use crate::segment::{Access, SEGMENT_HEADER_BYTES, Segments};
use crate::space;
use crate::view::{FIRST_FRAME, Purpose, View, is_same_record};
use crate::{Error, Progress};

/// Follows the chain through one segment.
pub(crate) struct Follow<'s> {
    segments: &'s Segments,
    sums: Sums,
    scan: Scan<'s>,
    commit: Commit,
    /// Everything before this was durable, as the frames say.
    proven: u64,
    /// Frames with a damaged payload that no frame behind them proves to have been durable, each with the end before it and its own.
    doubtful: Vec<(Commit, u64)>,
}

impl<'s> Follow<'s> {
    /// Begins behind the segment's header.
    pub(crate) fn segment(segments: &'s Segments, sums: Sums, place: Place) -> Result<Follow<'s>, Error> {
        let last = segments.header(place, sums)?.seal;
        let time_us = match place.number {
            0 => 0,
            // Of a SEAL that is damaged the time is not known; then nothing is written behind it either.
            _ => match seal_before(segments, sums, place) {
                Err(Error::Damaged { .. }) => 0,
                seal => seal?.time_us,
            },
        };
        let end = place.base + SEGMENT_HEADER_BYTES;
        let scan = Scan::new(segments, sums, end, Window::wide());
        Ok(Follow { segments, sums, scan, commit: Commit { end, last, time_us }, proven: 0, doubtful: Vec::new() })
    }

    /// Follows as far as frames are sound and lie before `limit`; says where they end.
    pub(crate) fn up_to(mut self, limit: u64) -> Result<Commit, Error> {
        while self.scan.at() < limit && self.step()? {}
        Ok(self.cut())
    }

    /// One frame further; false if there is none, or it is a SEAL, which is taken too.
    fn step(&mut self) -> Result<bool, Error> {
        let before = self.commit;
        let Some(entry) = self.scan.next_after(before.last.hcrc)? else { return Ok(false) };
        if entry.header.time_us < before.time_us {
            return Ok(false);
        }
        let end = entry.position + entry.header.frame_len();
        self.commit = Commit { end, last: entry.tail(), time_us: entry.header.time_us };
        self.proven = self.proven.max(entry.header.proves_durable(entry.position));
        let (is_seal, doubtful) = (entry.header.kind == Kind::SEAL, !entry.is_intact());
        if doubtful && !is_erased(self.segments, self.sums, &entry)? {
            self.doubtful.push((before, end));
        }
        let proven = self.proven;
        self.doubtful.retain(|(_, end)| *end > proven);
        Ok(!is_seal)
    }

    /// The end: before the first payload that may have been torn.
    fn cut(&self) -> Commit {
        self.doubtful.first().map_or(self.commit, |(before, _)| *before)
    }
}

/// Whether the payload of a frame was erased: its fate says so, and there is a DELETE to back it.
pub(crate) fn is_erased(segments: &Segments, sums: Sums, entry: &Entry<'_>) -> Result<bool, Error> {
    let Some(by) = entry.fate.deleted_by() else { return Ok(false) };
    is_backed(segments, sums, entry, Kind::DELETE, by)
}

/// Whether the frame at `by` decided the fate of `entry`.
pub(crate) fn is_backed(
    segments: &Segments,
    sums: Sums,
    entry: &Entry<'_>,
    kind: Kind,
    by: u64,
) -> Result<bool, Error> {
    if by <= entry.position || !segments.exists(by)? {
        return Ok(false);
    }
    let found = Window::glance().header(segments, sums, by)?;
    Ok(found.is_some_and(|(header, _)| header.kind == kind && is_about(&header, &entry.header)))
}

fn is_about(header: &Header, of: &Header) -> bool {
    match of.kind {
        Kind::USER => header.author == of.author,
        _ => is_same_record(header, of),
    }
}

/// The SEAL before a segment, which its header names.
fn seal_before(segments: &Segments, sums: Sums, place: Place) -> Result<Header, Error> {
    let seal = segments.header(place, sums)?.seal;
    let found = Window::glance().header(segments, sums, seal.position)?;
    match found {
        Some((header, _)) if header.kind == Kind::SEAL && header.hcrc == seal.hcrc => Ok(header),
        _ => Err(segments.damage(seal.position, format!("no SEAL with checksum {:08x}", seal.hcrc))),
    }
}

/// What the log itself says.
struct Survey {
    commit: Commit,
    /// A sound frame far beyond the end: what lies between was durable once, so this is no torn tail.
    damage: Option<u64>,
}

impl Core {
    /// Opens the store by its log, whatever the control page says, and makes that right. The caller holds the lock.
    pub(crate) fn recover(&self) -> Result<Arc<View>, Error> {
        self.follow_format()?;
        let home = self.home();
        let was = Control::open_or_make(&*self.disk, &home.dir)?;
        let segments = Segments::at(Arc::clone(&self.disk), &home.segments, self.format.geometry, Access::Write);
        let (survey, clean) = {
            let _sync = self.sync_lock()?.hold()?;
            let survey = self.survey(&segments)?;
            let clean = self.clean_index(&was, &survey)?;
            if clean.is_none() {
                self.allow_long(segments.geometry().segment_of(survey.commit.end - 1).base)?;
            }
            // A sync failed, or who did it died in it, before: what the page cache holds may not be what the disk holds, and
            // another sync would not tell. After another start of the machine they are one.
            let distrusted = ![State::Open, State::Moving].contains(&was.state()?)
                || (was.load(Word::Intent)? != 0 && !self.is_of_another_boot(&was)?);
            was.claim(&self.format.identity.site_id)?;
            was.store(Word::Log, home.number());
            was.store(Word::CleanEnd, 0);
            was.store(Word::Intent, if distrusted { survey.commit.end } else { 0 });
            self.settle(&was, &segments, &survey, distrusted)?;
            (survey, clean)
        };
        self.forget_views();
        let view = self.index_for(was, &survey, clean)?;
        if view.control.state()? == State::Open {
            self.begin_epoch(&view)?;
        }
        view.control.own(self.boot_id());
        self.set_writer(Some(Arc::clone(&view)));
        remove_old_indexes(self, view.generation);
        if let Some(refusal) = self.refusal(view.control.state()?) {
            return Err(refusal);
        }
        // If that cannot be done now, the next erasure or compaction does it.
        let _ = leftover::remove_if_any(self);
        space::lay_ballast(self);
        self.scrub_if_due()?;
        Ok(view)
    }

    /// The view with an index of the surveyed log: the one that is there if it is clean, else a new one.
    fn index_for(&self, was: Control, survey: &Survey, clean: Option<u64>) -> Result<Arc<View>, Error> {
        let end = survey.commit.end;
        if let Some(generation) = clean {
            was.store(Word::Generation, generation);
            let home = self.home();
            let control = Control::open_or_make(&*self.disk, &home.dir)?;
            let (look, purpose) = (control.look()?, Purpose::Write(self.options.backend));
            if let Ok(view) = View::open(&self.disk, &home, &self.format, (control, look), purpose) {
                return self.switch_to(view, end, end);
            }
        }
        let generation = self.next_generation(&was)?;
        let built = self.build_index(generation, was, end, &mut |progress| (self.options.progress)(progress))?;
        self.use_built(built, end, end)
    }

    /// Looks at all segments, and follows the last one to its end.
    fn survey(&self, segments: &Segments) -> Result<Survey, Error> {
        let count = segments.tidy_and_count()?;
        let Some(last) = count.checked_sub(1) else {
            return Err(Error::damaged(&segments.path(0), 0, "the log has no first segment"));
        };
        // Damage between segments costs nothing that can still be read; but nothing is written behind it.
        let mut damage = None;
        let mut end = last;
        for number in 0..count {
            match self.look_at_seam(segments, segments.geometry().segment(number)) {
                Err(Error::Damaged { .. }) => {
                    damage = damage.or(Some(segments.geometry().segment(number).base));
                    // Without a header it is not known what its first frame follows.
                    end = if number == last { number.saturating_sub(1) } else { end };
                }
                looked => looked?,
            }
        }
        let place = segments.geometry().segment(end);
        let commit = Follow::segment(segments, self.sums, place)?.up_to(place.end())?;
        let damage = match damage {
            Some(_) => damage,
            // It was made whole before it had its name: whoever made it shorter took what was durable.
            None if segments.is_short(place)? => Some(commit.end),
            None => self.find_proof(segments, place, commit.end)?,
        };
        Ok(Survey { commit, damage })
    }

    /// That a segment has a header of this site, which names the SEAL of the one before.
    fn look_at_seam(&self, segments: &Segments, place: Place) -> Result<(), Error> {
        let header = segments.header(place, self.sums)?;
        if header.site_id != self.format.identity.site_id {
            return Err(segments.damage(place.base, format!("a segment of another site than {FORMAT_FILE} says")));
        }
        if place.number > 0 {
            seal_before(segments, self.sums, place)?;
        }
        Ok(())
    }

    /// A sound frame behind `end` which proves that more than that was durable.
    fn find_proof(&self, segments: &Segments, place: Place, end: u64) -> Result<Option<u64>, Error> {
        let mut scan = Scan::new(segments, self.sums, end, Window::wide());
        loop {
            let at = scan.at();
            if let Some(entry) = scan.next()? {
                if entry.header.proves_durable(entry.position) > end {
                    return Ok(Some(entry.position));
                }
                if entry.header.kind == Kind::SEAL {
                    return Ok(None);
                }
            } else if !scan.resync(place.end())? || scan.at() <= at {
                return Ok(None);
            }
        }
    }

    /// The generation of the index, if it was synced at exactly this end and not written since.
    fn clean_index(&self, was: &Control, survey: &Survey) -> Result<Option<u64>, Error> {
        let clean = was.is_of(&self.format.identity.site_id)?
            && was.load(Word::CleanEnd)? == survey.commit.end
            && was.load(Word::Inode)? == was.inode()
            && was.load(Word::Suspect)? == 0
            && survey.damage.is_none();
        Ok(if clean { Some(was.load(Word::Generation)?) } else { None })
    }

    /// Cuts what was torn, makes the rest durable, and publishes it in a page that is nobody's.
    fn settle(&self, was: &Control, segments: &Segments, survey: &Survey, distrusted: bool) -> Result<(), Error> {
        let end = survey.commit.end;
        let place = segments.geometry().segment_of(end - 1);
        let settled = match (survey.damage, distrusted) {
            (Some(_), _) => Ok(()),
            (None, true) => rewrite(segments, place, end),
            (None, false) => wipe(segments, end).and_then(|()| {
                was.store(Word::Intent, end);
                segments.sync(end - 1)
            }),
        };
        // FORMAT too: who made the store may have died before it was durable, or have been told of an error.
        let named = settled.and_then(|()| segments.sync_dir()).and_then(|()| sync_names(&*self.disk, &self.dir));
        named.inspect_err(|_| was.set_state(State::Poisoned))?;
        was.set_state(if survey.damage.is_some() { State::Damaged } else { State::Open });
        was.store(Word::Intent, 0);
        // A new page knows nothing of before; any other one says what was published.
        if was.look().map_or(true, |look| survey.commit.end < look.commit.end) {
            self.note_cut(was);
        }
        was.publish(&survey.commit)
    }

    /// Puts a built index in its place, and into the control page what building it found.
    pub(crate) fn use_built(&self, built: Built, durable: u64, indexed: u64) -> Result<Arc<View>, Error> {
        let Built { view, unscrubbed, deleted, closed, has_alien } = built;
        // The mark is of the index before; this one is not synced.
        view.control.clear_clean_mark()?;
        match (has_alien, view.control.state()?) {
            (true, State::Open) => view.control.set_state(State::Alien),
            (false, State::Alien) => view.control.set_state(State::Open),
            _ => {}
        }
        view.control.store(Word::Closed, closed);
        view.control.store(Word::Deleted, deleted);
        view.control.store(Word::ErasedOf, 0);
        view.control.store(Word::Scrubbed, unscrubbed.unwrap_or(deleted));
        self.switch_to(view, durable, indexed)
    }

    /// Makes a view the one that everybody uses: everything before `indexed` is in its index.
    fn switch_to(&self, view: View, durable: u64, indexed: u64) -> Result<Arc<View>, Error> {
        let control = &view.control;
        let replaced = control.load(Word::Replaced)?.wrapping_add(1);
        control.store(Word::Generation, view.generation);
        control.store(Word::Replaced, replaced);
        for (word, value) in [(Word::Durable, durable), (Word::Indexed, indexed), (Word::Suspect, 0)] {
            control.store(word, value);
        }
        Ok(Arc::new(View { replaced, ..view }))
    }

    /// Builds a new index and switches every process to it; the log is left as it is. The caller holds the lock.
    pub(crate) fn rebuild_index(&self, progress: &mut dyn FnMut(Progress)) -> Result<Arc<View>, Error> {
        let control = Control::open_or_make(&*self.disk, &self.home().dir)?;
        let end = control.look()?.commit.end;
        let generation = self.next_generation(&control)?;
        let built = self.build_index(generation, control, end, progress)?;
        let _sync = self.sync_lock()?.hold()?;
        let durable = built.view.control.load(Word::Durable)?;
        let view = self.use_built(built, durable, end)?;
        self.forget_views();
        self.set_writer(Some(Arc::clone(&view)));
        remove_old_indexes(self, view.generation);
        Ok(view)
    }

    /// Ends a segment that ends in a SEAL, then marks in the log that it was recovered here.
    pub(crate) fn begin_epoch(&self, view: &View) -> Result<(), Error> {
        let commit = view.control.look()?.commit;
        let ends_in_seal = Window::glance()
            .header(&view.segments, view.sums, commit.last.position)?
            .is_some_and(|(header, _)| header.kind == Kind::SEAL)
            && view.segments.geometry().segment_of(commit.last.position)
                == view.segments.geometry().segment_of(commit.end - 1);
        if ends_in_seal && commit.end > FIRST_FRAME {
            finish_roll(self, view, &commit, None)?;
        }
        let mut epoch = [0; 8];
        (self.options.random)(&mut epoch);
        let epoch = u64::from_le_bytes(epoch);
        let boot_id = self.boot_id().unwrap_or_default();
        let mut out = Appender::new(self, view, true)?;
        out.append(0, &Draft { kind: Kind::EPOCH, flags: 0, author: 0, n: epoch, payload: &boot_id })?;
        out.flush()?;
        let _sync = self.sync_lock()?.hold()?;
        crate::sync::sync_segment(self, view, out.published() - 1, out.published(), out.published())?;
        view.control.store(Word::Epoch, epoch);
        Ok(())
    }

    /// Whether a page is that of an earlier start of the machine. One of nobody is that of a recovery which was cut short.
    fn is_of_another_boot(&self, page: &Control) -> Result<bool, Error> {
        let boot = page.boot()?;
        Ok(boot != 0 && self.boot_id().is_some_and(|now| u128::from_le_bytes(now) != boot))
    }
}

/// Makes the segment at `place` anew, up to `end`.
pub(crate) fn rewrite(segments: &Segments, place: Place, end: u64) -> Result<(), Error> {
    let mut bytes = vec![0; usize::try_from(end - place.base).unwrap_or_default()];
    segments.read(place.base, &mut bytes)?;
    segments.create_with(place, |file| file.write(&bytes, 0))
}

/// Makes everything from `end` to the end of its segment zero, where it is not.
fn wipe(segments: &Segments, end: u64) -> Result<(), Error> {
    const CHUNK: usize = 1 << 16;
    let stop = segments.geometry().segment_of(end - 1).end();
    let zeros = vec![0; CHUNK];
    let mut bytes = vec![0; CHUNK];
    let mut at = end;
    while at < stop {
        let now = usize::try_from(stop - at).unwrap_or(CHUNK).min(CHUNK);
        let (part, _) = bytes.split_at_mut(now);
        segments.read(at, part)?;
        if part.iter().any(|byte| *byte != 0) {
            segments.write(at, zeros.split_at(now).0)?;
        }
        at += now as u64;
    }
    Ok(())
}
