//! What can be read of a damaged log. Start at [`Wreck::open`]. Needs neither index nor control page, and not even FORMAT: a
//! frame is what its checksum says, wherever its neighbours went. Never writes to the damaged store. [`Wreck::refill`] writes
//! what was found into a new log. FORMAT.md, section "Salvage".

mod refill;
mod seed;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::append::is_hole;
use crate::control::State;
use crate::file::File;
use crate::format::{FORMAT_FILE, Format};
use crate::frame::{Fate, HEADER_BYTES, Header, Kind, Sums};
use crate::frames::body;
use crate::geometry::{Geometry, Place};
use crate::home::Home;
use crate::key;
use crate::payload::{run_most, run_of};
use crate::scan::Entry;
use crate::segment::{Access, SEGMENT_HEADER_BYTES, SegmentHeader, Segments};
use crate::verify::{PROBLEMS_MAX, Problem};
use crate::{AuthorId, Body, Disk, Durability, Error, Identity, Log, OpenMode, Position, Progress, RecordNo};

pub use refill::Refilled;

/// Bytes that are read at once where the disk gives errors: what it can lose singly.
const SECTOR_BYTES: usize = 4096;
/// And where it gives none.
const CHUNK_BYTES: usize = 1 << 20;

/// A log that may be damaged anywhere.
pub struct Wreck {
    disk: Arc<dyn Disk>,
    segments: Segments,
    sums: Sums,
    identity: Identity,
    geometry: Geometry,
    /// The segments that are there, in order.
    places: Vec<Place>,
    lost: Lost,
    survey: Survey,
}

/// What was lost, for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Each place; at most [`PROBLEMS_MAX`] are told.
    pub problems: Vec<Problem>,
    /// How many there are in all.
    pub len: u64,
}

impl Lost {
    fn note(&mut self, path: PathBuf, offset: u64, what: String) {
        self.len += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { path, offset, what });
        }
    }
}

/// A segment, with zeros where it cannot be read.
struct Bytes {
    bytes: Vec<u8>,
    /// Where that is, and why.
    failed: Vec<(u64, String)>,
    /// There may have been more.
    is_short: bool,
}

/// A record, by its author's number and its own.
type Id = (u32, u64);

/// What a first look at all frames told.
#[derive(Default)]
struct Survey {
    /// Stretches that hold no sound frame.
    gaps: Vec<(u64, u64)>,
    deleted: HashSet<Id>,
    /// Records whose put is damaged or missing, with the first sound edit of each.
    unput: HashMap<Id, Option<u64>>,
    /// Holes: the first number, and the one behind the last.
    holes: BTreeMap<Id, u64>,
    /// Records without a text of their own that others answer.
    answered: HashSet<Id>,
    /// Frames whose payload is not what was written; mostly that of deleted records.
    damaged: Vec<(u64, Header, Fate)>,
    closed: HashSet<u32>,
    /// One more than the highest number that an author's frames name.
    records: HashMap<u32, u64>,
    /// One more than the highest number of an author that frames name.
    authors: u32,
    /// Behind the last sound frame that counts.
    end: u64,
}

impl Survey {
    fn is_in_gap(&self, position: u64) -> bool {
        let after = self.gaps.partition_point(|(from, _)| *from <= position);
        after.checked_sub(1).and_then(|at| self.gaps.get(at)).is_some_and(|(_, to)| position < *to)
    }

    /// Whether a frame was taken away: by a sound frame, or by one that is lost, which only its fate tells of.
    fn is_dead(&self, header: &Header, fate: Fate) -> bool {
        let is_known = match header.kind {
            Kind::USER => self.closed.contains(&header.author),
            _ => self.deleted.contains(&(header.author, header.n)),
        };
        is_known || fate.deleted_by().is_some_and(|by| self.is_in_gap(by))
    }
}

impl std::fmt::Debug for Wreck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wreck").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Wreck {
    /// Reads the log of the store in `dir` from one end to the other and finds what is there. `random` makes the new store's key
    /// where the old one is lost.
    ///
    /// # Errors
    /// There is no log at all, it is of another version, or nothing in it tells how to read it.
    pub fn open(
        dir: &Path,
        disk: Arc<dyn Disk>,
        random: fn(&mut [u8]),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Wreck, Error> {
        let read = Format::read_naming(&*disk, dir);
        let home = match &read {
            Ok((_, naming)) => Home::of(dir, *naming),
            Err(_) => Home::likely(&*disk, dir)?,
        };
        let log_dir = home.segments;
        let names = disk.list(&log_dir).map_err(|e| Error::io(&log_dir, "list", e))?;
        let mut bases: Vec<u64> =
            names.iter().filter_map(|name| u64::from_str_radix(name.strip_suffix(".seg")?, 16).ok()).collect();
        bases.sort_unstable();
        bases.dedup();
        let mut lost = Lost::default();
        let (sums, identity, geometry) = match read {
            Ok((format, _)) => (Sums::new(&format.identity.hash_key), format.identity, format.geometry),
            Err(Error::Format { what, .. })
                if what.starts_with("first line ") && is_whole(&*disk, &dir.join(FORMAT_FILE))? =>
            {
                return Err(Error::Format { path: dir.join(FORMAT_FILE), what });
            }
            Err(error) => {
                lost.note(dir.join(FORMAT_FILE), 0, format!("{error}; what it said is taken from the segments"));
                seed::find(&*disk, &log_dir, &bases, random)?
            }
        };
        let segments = Segments::at(Arc::clone(&disk), &log_dir, geometry, Access::Read);
        let (bases, strays): (Vec<u64>, Vec<u64>) = bases.into_iter().partition(|base| geometry.is_base(*base));
        for stray in strays {
            lost.note(segments.path(stray), 0, "no segment begins where its name says".into());
        }
        let places = bases.into_iter().map(|base| geometry.segment_of(base)).collect();
        let survey = Survey { end: SEGMENT_HEADER_BYTES, ..Survey::default() };
        let mut wreck = Wreck { disk, segments, sums, identity, geometry, places, lost, survey };
        wreck.look(progress)?;
        Ok(wreck)
    }

    /// What the store was, and the new one is to be.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What cannot be read.
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    fn is_durable(&self) -> bool {
        self.identity.durability == Durability::Sync
    }

    /// How many authors there were, as far as frames tell.
    pub fn authors(&self) -> u32 {
        self.survey.authors
    }

    /// All bytes of a segment: zeros where they cannot be read. Says where that is.
    fn bytes(&self, place: Place) -> Result<Bytes, Error> {
        let mut bytes = vec![0; usize::try_from(place.bytes).unwrap_or(0)];
        let path = self.segments.path(place.base);
        let file = match File::open(&*self.disk, &path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) => {
                let failed = vec![(0, format!("the segment cannot be read: {}", reason(&error)))];
                return Ok(Bytes { bytes, failed, is_short: true });
            }
        };
        let mut failed = Vec::new();
        let mut at = 0_u64;
        for chunk in bytes.chunks_mut(CHUNK_BYTES) {
            if file.read_up_to(chunk, at).is_err() {
                for (n, sector) in (0_u64..).zip(chunk.chunks_mut(SECTOR_BYTES)) {
                    let from = at + n * SECTOR_BYTES as u64;
                    if let Err(error) = file.read_up_to(sector, from) {
                        sector.fill(0);
                        failed.push((from, format!("{SECTOR_BYTES} bytes cannot be read: {}", reason(&error))));
                    }
                }
            }
            at += chunk.len() as u64;
        }
        let size = file.size()?;
        if size != place.bytes {
            failed.push((size.min(place.bytes), format!("the file has {size} bytes, want {}", place.bytes)));
        }
        Ok(Bytes { bytes, is_short: size < place.bytes || !failed.is_empty(), failed })
    }

    /// Hands every sound frame to `take`, in order, and every stretch without one to `gap`.
    fn each(
        &self,
        place: Place,
        bytes: &Bytes,
        take: &mut dyn FnMut(&Entry<'_>) -> Result<(), Error>,
        gap: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        let mut at = SEGMENT_HEADER_BYTES;
        let mut gap_at = None;
        while at + HEADER_BYTES as u64 <= place.bytes {
            let position = place.base + at;
            let Some(entry) = entry_at(&bytes.bytes, at, position, self.sums) else {
                gap_at = gap_at.or(Some(at));
                at += 8;
                continue;
            };
            if let Some(from) = gap_at.take() {
                gap(place.base + from, position);
            }
            take(&entry)?;
            at += entry.header.frame_len();
            if entry.header.kind == Kind::SEAL {
                return Ok(());
            }
        }
        // What follows the last frame: room that was never written, or something that was.
        let from = gap_at.unwrap_or(at);
        let rest = bytes.bytes.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
        match rest.iter().rposition(|byte| *byte != 0) {
            _ if bytes.is_short => gap(place.base + from, place.end()),
            Some(last) => gap(place.base + from, place.base + from + last as u64 + 1),
            None => {}
        }
        Ok(())
    }

    fn look(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let total = self.places.last().map_or(0, Place::end);
        let mut survey = std::mem::take(&mut self.survey);
        let mut lost = std::mem::take(&mut self.lost);
        let mut next = 0;
        for place in &self.places {
            self.miss_segments(next, place.number, &mut survey, &mut lost);
            next = place.number + 1;
            let path = self.segments.path(place.base);
            let bytes = self.bytes(*place)?;
            for (offset, what) in &bytes.failed {
                lost.note(path.clone(), *offset, what.clone());
            }
            let header = bytes.bytes.first_chunk().and_then(|bytes| SegmentHeader::read(bytes, place.base, self.sums));
            let is_known = bytes.failed.first().is_some_and(|(offset, _)| *offset == 0);
            if header.is_none_or(|header| header.site_id != self.identity.site_id) && !is_known {
                lost.note(path.clone(), 0, "no segment header of this site".into());
            }
            let is_last = Some(place) == self.places.last();
            self.look_at(*place, &bytes, is_last, &mut survey, &mut lost)?;
            progress(Progress { done: place.end(), total });
        }
        self.miss_segments(next, 1, &mut survey, &mut lost);
        for (position, header, fate) in std::mem::take(&mut survey.damaged) {
            if !survey.is_dead(&header, fate) && !is_hole(&header) {
                let place = self.geometry.segment_of(position);
                let what = format!("wrong checksum of the payload of a frame of kind {}", header.kind.0);
                lost.note(self.segments.path(place.base), position - place.base, what);
            }
        }
        let (deleted, unput, holes) = (&survey.deleted, &survey.unput, &survey.holes);
        survey.answered.retain(|id| {
            let hole = holes.range(..=id).next_back();
            let is_hole = hole.is_some_and(|((author, _), behind)| *author == id.0 && id.1 < *behind);
            is_hole || deleted.contains(id) || unput.contains_key(id)
        });
        (self.survey, self.lost) = (survey, lost);
        Ok(())
    }

    /// Notes that the segments from number `from` on, up to number `to`, are not there: as one gap, however many they are.
    fn miss_segments(&self, from: u64, to: u64, survey: &mut Survey, lost: &mut Lost) {
        let Some(count) = to.checked_sub(from).filter(|count| *count > 0) else { return };
        let base = self.geometry.segment(from).base;
        let what = if count == 1 { "the segment is missing" } else { "this segment and others behind it are missing" };
        lost.note(self.segments.path(base), 0, what.into());
        survey.gaps.push((base, self.geometry.segment(to).base));
    }

    fn look_at(
        &self,
        place: Place,
        bytes: &Bytes,
        is_last: bool,
        survey: &mut Survey,
        lost: &mut Lost,
    ) -> Result<(), Error> {
        let limit = if is_last && self.is_durable() { self.torn_at(place, bytes)? } else { place.end() };
        let (mut gaps, mut aliens) = (Vec::new(), Vec::new());
        let mut take = |entry: &Entry<'_>| {
            if entry.position < limit {
                note(survey, entry);
                survey.end = entry.position + entry.header.frame_len();
                if entry.header.is_alien() {
                    aliens.push((entry.position, entry.header.kind));
                }
                if !entry.is_intact() {
                    survey.damaged.push((entry.position, entry.header, entry.fate));
                }
            }
            Ok(())
        };
        self.each(place, bytes, &mut take, &mut |from, to| gaps.push((from, to)))?;
        let path = self.segments.path(place.base);
        for (at, kind) in aliens {
            lost.note(path.clone(), at - place.base, format!("kind {}, which this version does not know", kind.0));
        }
        for (from, to) in gaps {
            if from < limit {
                lost.note(path.clone(), from - place.base, format!("no sound frame in {} bytes", to - from));
            } else {
                let what = format!("{} bytes behind the end, of a commit that was not finished", to - from);
                lost.note(path.clone(), from - place.base, what);
            }
            survey.gaps.push((from, to));
        }
        Ok(())
    }

    /// Where the log ends, if what follows a gap in the last segment is the rest of a commit that was never finished: nothing behind
    /// the gap proves that more was durable.
    fn torn_at(&self, place: Place, bytes: &Bytes) -> Result<u64, Error> {
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        let mut proven = 0;
        let mut take = |entry: &Entry<'_>| {
            proven = proven.max(entry.header.proves_durable(entry.position));
            Ok(())
        };
        self.each(place, bytes, &mut take, &mut |from, to| gaps.push((from, to)))?;
        Ok(gaps.into_iter().map(|(from, _)| from).find(|from| *from >= proven).unwrap_or(place.end()))
    }

    /// What a frame says, and whether it was taken away.
    fn meaning(&self, entry: &Entry<'_>) -> (Body, bool) {
        let dead = self.survey.is_dead(&entry.header, entry.fate);
        (body(entry, dead), dead)
    }

    /// Hands what each sound frame says to `take`.
    fn bodies(
        &self,
        take: &mut dyn FnMut(Position, u64, Body, bool) -> Result<(), Error>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let total = self.places.last().map_or(0, Place::end);
        for place in &self.places {
            let bytes = self.bytes(*place)?;
            let mut each = |entry: &Entry<'_>| {
                if entry.position >= self.survey.end {
                    return Ok(());
                }
                let (body, dead) = self.meaning(entry);
                take(Position(entry.position), entry.header.time_us, body, dead)
            };
            self.each(*place, &bytes, &mut each, &mut |_, _| {})?;
            progress(Progress { done: place.end(), total });
        }
        Ok(())
    }

    /// The text of the edit at a position, which the survey has found sound.
    fn edit_at(&self, position: u64) -> Result<Option<Body>, Error> {
        let mut window = crate::scan::Window::glance();
        let entry = window.entry(&self.segments, self.sums, position)?;
        Ok(entry.map(|entry| body(&entry, false)))
    }
}

impl Log {
    /// Why the store takes no writes, if that is so, and how far its log can be read.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn wound(&self) -> Result<Option<Problem>, Error> {
        let (view, look) = self.core.reader()?;
        let base = view.segments.geometry().segment_of(look.commit.end.saturating_sub(1)).base;
        let problem = |refusal: Error| Problem {
            path: view.segments.path(base),
            offset: look.commit.end - base,
            what: refusal.to_string(),
        };
        // The others pass by themselves.
        let stays = [State::Damaged, State::Lost, State::Alien].contains(&look.state);
        Ok(self.core.refusal(look.state).filter(|_| stays).map(problem))
    }
}

/// Whether a FORMAT that cannot be understood is as it was written: that of a later version.
fn is_whole(disk: &dyn Disk, path: &Path) -> Result<bool, Error> {
    let mut bytes = vec![0; SECTOR_BYTES];
    let found = File::open(disk, path, OpenMode::Read)?.read_up_to(&mut bytes, 0)?;
    bytes.truncate(found);
    let text = String::from_utf8_lossy(&bytes);
    let Some((body, sum)) = text.rsplit_once("crc32c ") else { return Ok(false) };
    Ok(sum.trim_end() == format!("{:08x}", crc32c::crc32c(body.as_bytes())))
}

/// The sound frame at an offset of a segment, if all of it is there.
fn entry_at(bytes: &[u8], at: u64, position: u64, sums: Sums) -> Option<Entry<'_>> {
    let from = usize::try_from(at).ok()?;
    let (header, fate) = Header::open(bytes.get(from..)?, position, sums)?;
    let payload_at = from + HEADER_BYTES;
    let payload = bytes.get(payload_at..payload_at + header.payload_len as usize)?;
    Some(Entry { position, header, fate, payload })
}

/// Notes what a frame tells of records and authors.
fn note(survey: &mut Survey, entry: &Entry<'_>) {
    let header = &entry.header;
    if !(Kind::USER.0..=Kind::UNFOLLOW.0).contains(&header.kind.0) {
        return;
    }
    survey.authors = survey.authors.max(header.author.saturating_add(1));
    let id = (header.author, header.n);
    match header.kind {
        Kind::PUT => {
            miss(survey, header.author, header.n);
            let run = match is_hole(header) {
                true if entry.is_intact() => run_of(entry),
                true => run_most(header),
                false => 1,
            };
            let behind = header.n.saturating_add(run);
            if is_hole(header) {
                survey.holes.insert(id, behind);
            }
            survey.records.entry(header.author).and_modify(|known| *known = behind.max(*known)).or_insert(behind);
            let found = body(entry, false);
            if let Body::Put { reply_to: Some((AuthorId(to), RecordNo(no))), text: Some(_), .. } = found {
                survey.authors = survey.authors.max(to.saturating_add(1));
                // The record came before, so a number that was not met is one that is lost.
                miss(survey, to, no + 1);
                survey.answered.insert((to, no));
            }
            if !is_hole(header) && !entry.is_intact() {
                survey.unput.insert(id, None);
            }
        }
        Kind::EDIT => {
            miss(survey, header.author, header.n + 1);
            let is_text = matches!(body(entry, false), Body::Edit { text: Some(_), .. });
            if let (Some(edit @ None), true) = (survey.unput.get_mut(&id), is_text) {
                *edit = Some(entry.position);
            }
        }
        Kind::DELETE => {
            miss(survey, header.author, header.n + 1);
            survey.deleted.insert(id);
        }
        Kind::CLOSE_USER => {
            survey.closed.insert(header.author);
        }
        Kind::FOLLOW | Kind::UNFOLLOW => {
            let target = key::target(header.n).map_or(0, |AuthorId(target)| target.saturating_add(1));
            survey.authors = survey.authors.max(target);
        }
        _ => {}
    }
}

/// Notes that an author's records before number `next` were put, though some of the frames were not met.
fn miss(survey: &mut Survey, author: u32, next: u64) {
    let known = survey.records.entry(author).or_default();
    for no in *known..next {
        survey.unput.insert((author, no), None);
    }
    *known = (*known).max(next);
}

fn reason(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
