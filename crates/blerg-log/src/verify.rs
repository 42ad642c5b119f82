//! Whether everything is as it should be: every checksum, the chain, and the index equal to what the log says. Start at
//! [`Log::verify`]. Reads everything, changes nothing, and disturbs nobody: what is committed meanwhile is not looked at.

use std::path::PathBuf;

use crate::apply::is_run;
use crate::control::Word;
use crate::frame::{Fate, Header, Kind};
use crate::index::is_filler as is_no_frame;
use crate::key;
use crate::payload::{Target, Text, run_of};
use crate::rebuild::lists;
use crate::recover::is_backed;
use crate::scan::{Entry, Scan, Window};
use crate::segment::{SEGMENT_HEADER_BYTES, Tail};
use crate::view::{FIRST_FRAME, View, index_path};
use crate::{AuthorId, Error, ListKey, Log, Position, Progress, Snapshot};

/// Most problems that a report tells one by one.
pub const PROBLEMS_MAX: usize = 1_000;
/// Progress is told each time that this many bytes are done.
const STEP_BYTES: u64 = 4 << 20;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Frames of the log.
    pub frames: u64,
    /// Bytes of log they take, headers of segments included.
    pub log_bytes: u64,
    /// Different lists.
    pub lists: u64,
    /// Elements of all lists.
    pub elements: u64,
    /// Bytes of index in use.
    pub index_bytes: u64,
    /// What is wrong; at most [`PROBLEMS_MAX`] are told.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problems_len: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Where in the file.
    pub offset: u64,
    /// What was wanted and what was found.
    pub what: String,
}

impl Log {
    /// Compares everything that was published when it is called with everything else.
    ///
    /// # Errors
    /// A file cannot be read at all; what is readable and wrong is in the report.
    pub fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified, Error> {
        let snapshot = self.snapshot()?;
        let end = snapshot.stamp().visible.0;
        let index_path = index_path(&snapshot.view.home.dir, snapshot.view.generation);
        let mut check =
            Check { snapshot: &snapshot, view: &snapshot.view, end, index_path, found: Verified::default() };
        check.log(progress)?;
        check.index()?;
        Ok(check.found)
    }
}

struct Check<'s> {
    snapshot: &'s Snapshot,
    view: &'s View,
    end: u64,
    index_path: PathBuf,
    found: Verified,
}

impl Check<'_> {
    fn problem(&mut self, path: PathBuf, offset: u64, what: String) {
        self.found.problems_len += 1;
        if self.found.problems.len() < PROBLEMS_MAX {
            self.found.problems.push(Problem { path, offset, what });
        }
    }

    /// Notes damage as a problem; other errors end the check.
    fn allow_damage(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        match result {
            Err(Error::Damaged { path, offset, what }) => self.problem(path, offset, what),
            Err(Error::Index { what }) => self.problem(self.index_path.clone(), 0, what),
            other => return other,
        }
        Ok(())
    }

    fn at(&mut self, position: u64, what: String) {
        let place = self.view.segments.geometry().segment_of(position);
        self.problem(self.view.segments.path(place.base), position - place.base, what);
    }

    fn log(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let view = self.view;
        let mut scan = Scan::new(&view.segments, view.sums, FIRST_FRAME, Window::wide());
        let (mut last, mut told) = (Some(Tail::default()), 0);
        let mut time_us = 0;
        while scan.at() < self.end {
            let at = scan.at();
            let place = view.segments.geometry().segment_of(at);
            if at == place.base + SEGMENT_HEADER_BYTES {
                self.segment(at, &mut last)?;
            }
            if let Some(entry) = scan.next()? {
                if last.is_some_and(|last| !entry.header.follows(last.hcrc)) || entry.header.time_us < time_us {
                    self.at(at, "the frame does not follow the one before it".into());
                }
                (last, time_us) = (Some(entry.tail()), entry.header.time_us);
                let checked = self.frame(&entry);
                self.allow_damage(checked)?;
            } else {
                let more = scan.resync(self.end)?;
                self.at(at, format!("no sound frame; the next one is {} bytes behind", scan.at() - at));
                last = None;
                if !more {
                    break;
                }
            }
            if scan.at() >= told + STEP_BYTES {
                told = scan.at();
                progress(Progress { done: told, total: self.end });
            }
        }
        self.found.log_bytes = scan.at();
        progress(Progress { done: self.end, total: self.end });
        Ok(())
    }

    /// The header of the segment whose first frame is at `at`.
    fn segment(&mut self, at: u64, last: &mut Option<Tail>) -> Result<(), Error> {
        let place = self.view.segments.geometry().segment_of(at);
        match self.view.segments.header(place, self.view.sums) {
            Ok(header) => {
                if last.is_some_and(|last| last != header.seal) {
                    self.at(place.base, "the segment follows another seal than the one before it".into());
                }
                *last = Some(header.seal);
                Ok(())
            }
            Err(e) => {
                *last = None;
                self.allow_damage(Err(e))
            }
        }
    }

    fn frame(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.found.frames += 1;
        let by = entry.fate.position();
        let fate = if by > 0 && self.snapshot.sees(by) { entry.fate } else { Fate::LIVE };
        // What lies behind this snapshot was committed since; nothing lies behind the log. Looked at again, because the word may be
        // written just now.
        if entry.fate != Fate::LIVE && fate == Fate::LIVE {
            let now = self.view.fate(entry.position)?;
            if now != Fate::LIVE && (now.position() == 0 || now.position() >= self.view.control.look()?.commit.end) {
                self.at(entry.position, format!("its fate names {:#x}, where no frame can be", now.0));
            }
        }
        if !self.is_true(entry, fate)? {
            self.at(entry.position, format!("its fate names {by}, where no frame decides it"));
        }
        let is_erased = fate.deleted_by().is_some();
        if is_erased && by < self.view.control.load(Word::Scrubbed)? && has_text(entry) {
            self.at(entry.position, "a deleted text is still there".into());
        }
        // Whether it was deleted meanwhile, behind what is looked at.
        if !is_erased && !entry.is_intact() && self.view.fate(entry.position)?.deleted_by().is_none() {
            self.at(entry.position, "wrong checksum of the payload".into());
            return Ok(());
        }
        if entry.header.is_alien() {
            self.at(entry.position, format!("kind {}, which this version does not know", entry.header.kind.0));
        }
        self.targets(entry)?;
        for key in lists(entry, self.visible_fate(entry, fate)) {
            if !self.is_listed(&key, entry)? {
                let what = format!("the list {} lacks the frame at {}", name_of(&key), entry.position);
                self.problem(self.index_path.clone(), 0, what);
            }
        }
        Ok(())
    }

    /// The fate by which the index may have dropped a frame: also one behind what is looked at, if an index was built since.
    fn visible_fate(&self, entry: &Entry<'_>, fate: Fate) -> Fate {
        if fate == Fate::LIVE { entry.fate } else { fate }
    }

    fn is_true(&self, entry: &Entry<'_>, fate: Fate) -> Result<bool, Error> {
        let kind = match (entry.header.kind, fate.deleted_by()) {
            _ if fate == Fate::LIVE => return Ok(true),
            (Kind::USER, Some(_)) => Kind::CLOSE_USER,
            (_, Some(_)) => Kind::DELETE,
            (_, None) => Kind::EDIT,
        };
        is_backed(&self.view.segments, self.view.sums, entry, kind, fate.position())
    }

    /// That what an EDIT, DELETE or CLOSE_USER names knows of it.
    fn targets(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let target = match entry.header.kind {
            Kind::DELETE | Kind::CLOSE_USER => Target::read(entry.payload).map(|target| target.put),
            _ => None,
        };
        if let Some(target) = target.filter(|target| *target >= entry.position) {
            self.at(entry.position, format!("it takes away what stands at {target}, behind it"));
        } else if let Some(target) = target
            && self.view.fate(target)?.deleted_by() != Some(entry.position)
        {
            self.at(target, format!("the frame at {} takes it away, but its fate does not say so", entry.position));
        }
        Ok(())
    }

    fn is_listed(&self, key: &[u8], entry: &Entry<'_>) -> Result<bool, Error> {
        let Some(head) = self.view.index.find(key)? else { return Ok(false) };
        let number = match key.first() {
            Some(b'r') => entry.header.n,
            Some(b'A') => entry.header.author.into(),
            _ => head.lower_bound(Position(entry.position))?,
        };
        let behind =
            if is_run(&entry.header) { number.saturating_add(run_of(entry)) } else { number.saturating_add(1) };
        Ok(behind <= head.len() && head.get(number)?.0 == entry.position)
    }

    fn index(&mut self) -> Result<(), Error> {
        match self.view.index.verify() {
            Ok(summary) => {
                (self.found.lists, self.found.elements) = (summary.keys, summary.elements);
                self.found.index_bytes = summary.used_bytes;
            }
            Err(e) => return self.allow_damage(Err(e)),
        }
        let (view, end) = (self.view, self.end);
        let mut window = Window::glance();
        let mut wrong = Vec::new();
        view.index.for_each_key(|key, head| {
            // Where the run of holes ends that the numbers before this one are of.
            let mut run_end = 0;
            for number in 0..head.lower_bound(Position(end))? {
                let Position(at) = head.get(number)?;
                // A filler stands for a frame that is damaged; the log's own check tells of that.
                let is_filler = matches!(key.first(), Some(b'r' | b'A')) && !self.found.problems.is_empty();
                let is_right = if is_no_frame(Position(at)) {
                    key.first() == Some(&b'r') && at < run_end
                } else {
                    run_end = run_end_of(view, &mut window, at)?;
                    belongs(view, &mut window, key, at)?
                };
                if !is_right && !is_filler && wrong.len() < PROBLEMS_MAX {
                    wrong.push(format!("the list {} holds {at}, where no such frame is", name_of(key)));
                }
            }
            Ok(())
        })?;
        for what in wrong {
            self.problem(self.index_path.clone(), 0, what);
        }
        Ok(())
    }
}

/// Where a frame ends that uses up several numbers; 0 for others.
fn run_end_of(view: &View, window: &mut Window, at: u64) -> Result<u64, Error> {
    let found = window.header(&view.segments, view.sums, at)?;
    let run = found.filter(|(header, _)| is_run(header));
    Ok(run.map_or(0, |(header, _)| at + header.frame_len()))
}

/// Whether the frame at `at` belongs, or belonged until it was erased, on the list of `key`.
fn belongs(view: &View, window: &mut Window, key: &[u8], at: u64) -> Result<bool, Error> {
    let Some(entry) = window.entry(&view.segments, view.sums, at)? else { return Ok(false) };
    let Header { kind, author, .. } = entry.header;
    let is_text = [Kind::PUT, Kind::EDIT].contains(&kind);
    let is_erased = is_text && (entry.fate.deleted_by().is_some() || view.fate(at)?.deleted_by().is_some());
    Ok(match key.first() {
        Some(b'#' | b'@' | b'L' | b't') if is_erased => true,
        Some(b'r') => kind == Kind::PUT && *key == *ListKey::Timeline(AuthorId(author)).bytes(),
        _ => key::of_frame(&entry).iter().any(|its| its == key),
    })
}

fn has_text(entry: &Entry<'_>) -> bool {
    let from = Text::origin_bytes(entry.header.kind, entry.header.flags);
    let is_text = [Kind::PUT, Kind::EDIT].contains(&entry.header.kind);
    is_text && entry.payload.get(from..).is_some_and(|text| text.iter().any(|byte| *byte != 0))
}

/// A key as an operator can read it.
fn name_of(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}
