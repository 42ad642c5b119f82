//! A new log from what was found in a damaged one. Start at [`Wreck::refill`]. Every author and record keeps its number: a lost
//! record becomes a hole, a lost author a name. Goes through the usual commits, so the new store is sound whatever the old one was.

use std::collections::HashSet;

use super::{Id, Wreck};
use crate::{AuthorId, Body, Error, Log, Op, Outcome, Position, Progress, RecordNo, TagSpan};

/// Most operations, and bytes of text, of one commit.
const BATCH_OPS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 512 * 1024;
/// For one gap and author as many numbers are left out at the end, if it can have held as many; and in all about as many.
const LEFT_OUT_MIN: u64 = 16;
const LEFT_OUT_MAX: u64 = 1 << 20;
/// Bytes of the smallest frame that uses up a number.
const NUMBERED_BYTES: u64 = 56;
/// Most lost records that are told one by one.
const TOLD_MAX: usize = 1_000;
/// Stands for a text until its record is deleted: its number is answered by others.
const PLACEHOLDER: &str = "-";

/// What a new log was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refilled {
    /// Authors.
    pub authors: u64,
    /// Records that are there.
    pub records: u64,
    /// Authors whose own frame is lost, by the names they have now.
    pub renamed: Vec<(AuthorId, String)>,
    /// Records that are lost; at most a thousand are told.
    pub lost: Vec<(AuthorId, RecordNo)>,
    /// How many they are.
    pub lost_len: u64,
    /// The positions asked about, and where they are in the new log.
    pub moved: Vec<(Position, Position)>,
}

struct Writer {
    /// Which number of a record is next.
    next: u64,
    /// Where the newest frame of a put stood.
    last: u64,
}

struct Refill<'w> {
    wreck: &'w Wreck,
    log: &'w Log,
    now_us: u64,
    name_of: &'w dyn Fn(AuthorId) -> Option<String>,
    writers: Vec<Writer>,
    names: HashSet<String>,
    batch: Vec<(u64, Op)>,
    batch_bytes: usize,
    /// Records that are to be deleted at the end.
    doomed: Vec<Id>,
    closing: Vec<u32>,
    /// Positions asked about, with the frames before each.
    marks: Vec<(u64, u64)>,
    marked: usize,
    /// Frames written so far.
    steps: u64,
    done: Refilled,
}

impl Wreck {
    /// Writes everything that was found to `log`, which is empty. `name_of` knows names of authors whose own frame may be lost; where
    /// `moved` are positions of the old log, [`Refilled::moved`] tells where they are in the new one.
    ///
    /// # Errors
    /// The old log cannot be read at all, or the new one not be written.
    pub fn refill(
        &self,
        log: &Log,
        now_us: u64,
        name_of: &dyn Fn(AuthorId) -> Option<String>,
        moved: &[Position],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Refilled, Error> {
        let mut marks: Vec<(u64, u64)> = moved.iter().map(|Position(at)| (*at, u64::MAX)).collect();
        marks.sort_unstable();
        marks.dedup();
        let mut refill = Refill {
            wreck: self,
            log,
            now_us,
            name_of,
            writers: Vec::new(),
            names: HashSet::new(),
            batch: Vec::new(),
            batch_bytes: 0,
            doomed: Vec::new(),
            closing: Vec::new(),
            marks,
            marked: 0,
            steps: 0,
            done: Refilled::default(),
        };
        self.bodies(&mut |at, time_us, body, dead| refill.take(at.0, time_us, body, dead), progress)?;
        refill.finish()
    }
}

impl Refill<'_> {
    fn take(&mut self, at: u64, time_us: u64, body: Body, dead: bool) -> Result<(), Error> {
        match body {
            Body::AddAuthor { author, name, at_us } => {
                self.authors_before(at, author.0, time_us)?;
                if self.writers.len() as u64 == u64::from(author.0) {
                    self.add_author(at, name, at_us, false)?;
                }
                if dead {
                    self.closing.push(author.0);
                }
                Ok(())
            }
            Body::Put { author, record, text, reply_to, at_us } => {
                self.authors_before(at, author.0.saturating_add(1), time_us)?;
                self.holes_before(at, author.0, record.0, time_us)?;
                let is_next = self.writers.get(author.0 as usize).is_some_and(|writer| writer.next == record.0);
                match text {
                    _ if !is_next => Ok(()),
                    Some((text, tags)) if !dead => self.put(at, author, text, tags, reply_to, at_us),
                    _ => self.instead(at, (author.0, record.0), time_us),
                }
            }
            Body::PutHole { author, record, count } => {
                self.authors_before(at, author.0.saturating_add(1), time_us)?;
                self.holes_before(at, author.0, record.0.saturating_add(count), time_us)
            }
            Body::Edit { author, record, text: Some((text, tags)), at_us } if !dead => {
                let is_put = self.writers.get(author.0 as usize).is_some_and(|writer| record.0 < writer.next);
                if !is_put {
                    // Its put is lost and no later one has come: it takes its place there, with this text.
                    self.authors_before(at, author.0.saturating_add(1), time_us)?;
                    return self.holes_before(at, author.0, record.0 + 1, time_us);
                }
                if self.wreck.survey.unput.get(&(author.0, record.0)) == Some(&Some(at)) {
                    return Ok(());
                }
                self.push(at, Op::Edit { author, record, text, tags, at_us: Some(at_us) })
            }
            Body::CloseAuthor { author } => {
                self.authors_before(at, author.0.saturating_add(1), time_us)?;
                self.closing.push(author.0);
                Ok(())
            }
            Body::Follow { author, target } => {
                self.authors_before(at, author.0.max(target.0).saturating_add(1), time_us)?;
                self.push(at, Op::Follow { author, target })
            }
            Body::Unfollow { author, target } => self.push(at, Op::Unfollow { author, target }),
            // What a DELETE took away was never put.
            _ => Ok(()),
        }
    }

    /// Sees that all authors with lower numbers are there: those whose own frames are lost get a name.
    fn authors_before(&mut self, at: u64, author: u32, time_us: u64) -> Result<(), Error> {
        while (self.writers.len() as u64) < u64::from(author) {
            let id = self.next_author();
            let name = (self.name_of)(id).unwrap_or_else(|| format!("lost {}", id.0));
            self.add_author(at, name, time_us, true)?;
        }
        Ok(())
    }

    fn next_author(&self) -> AuthorId {
        AuthorId(u32::try_from(self.writers.len()).unwrap_or(u32::MAX))
    }

    fn add_author(&mut self, at: u64, mut name: String, at_us: u64, mut is_renamed: bool) -> Result<(), Error> {
        let id = self.next_author();
        // A name that was made up here, or came from elsewhere, may be that of somebody who came later.
        while !self.names.insert(name.to_ascii_lowercase()) {
            name.push('_');
            is_renamed = true;
        }
        if is_renamed {
            self.done.renamed.push((id, name.clone()));
        }
        self.writers.push(Writer { next: 0, last: at });
        self.done.authors += 1;
        self.push(at, Op::AddAuthor { name, at_us: Some(at_us) })
    }

    /// Uses up an author's numbers below `next`, which were not met.
    fn holes_before(&mut self, at: u64, author: u32, next: u64, time_us: u64) -> Result<(), Error> {
        while let Some(no) = self.writers.get(author as usize).map(|writer| writer.next).filter(|no| *no < next) {
            self.instead(at, (author, no), time_us)?;
        }
        Ok(())
    }

    /// What stands at the place of a record that was deleted or is lost.
    fn instead(&mut self, at: u64, id: Id, time_us: u64) -> Result<(), Error> {
        let survey = &self.wreck.survey;
        let (author, no) = id;
        let is_deleted = survey.deleted.contains(&id);
        let edit = survey.unput.get(&id).copied().flatten().filter(|_| !is_deleted);
        if let Some(Body::Edit { text: Some((text, tags)), at_us, .. }) = match edit {
            Some(edit) => self.wreck.edit_at(edit)?,
            None => None,
        } {
            return self.put(at, AuthorId(author), text, tags, None, at_us);
        }
        if survey.unput.contains_key(&id) && !is_deleted && !survey.closed.contains(&author) {
            self.done.lost_len += 1;
            if self.done.lost.len() < TOLD_MAX {
                self.done.lost.push((AuthorId(author), RecordNo(no)));
            }
        }
        if survey.answered.contains(&id) {
            self.doomed.push(id);
        }
        self.used(author, at);
        let (author, text) = (AuthorId(author), PLACEHOLDER.to_owned());
        self.push(
            at,
            match survey.answered.contains(&id) {
                true => Op::Put { author, text, tags: Vec::new(), reply_to: None, at_us: Some(time_us) },
                false => Op::PutHole { author },
            },
        )
    }

    fn used(&mut self, author: u32, at: u64) {
        if let Some(writer) = self.writers.get_mut(author as usize) {
            (writer.next, writer.last) = (writer.next + 1, at);
        }
    }

    fn put(
        &mut self,
        at: u64,
        author: AuthorId,
        text: String,
        tags: Vec<TagSpan>,
        reply_to: Option<(AuthorId, RecordNo)>,
        at_us: u64,
    ) -> Result<(), Error> {
        if let Some((to, no)) = reply_to {
            self.authors_before(at, to.0.saturating_add(1), at_us)?;
            self.holes_before(at, to.0, no.0 + 1, at_us)?;
        }
        self.used(author.0, at);
        self.done.records += 1;
        self.push(at, Op::Put { author, text, tags, reply_to, at_us: Some(at_us) })
    }

    fn push(&mut self, at: u64, op: Op) -> Result<(), Error> {
        self.batch_bytes += match &op {
            Op::Put { text, .. } | Op::Edit { text, .. } => text.len(),
            _ => 0,
        };
        self.batch.push((at, op));
        match self.batch.len() >= BATCH_OPS_MAX || self.batch_bytes >= BATCH_BYTES_MAX {
            true => self.commit(),
            false => Ok(()),
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        let (places, ops): (Vec<u64>, Vec<Op>) = std::mem::take(&mut self.batch).into_iter().unzip();
        self.batch_bytes = 0;
        let uses_number: Vec<bool> =
            ops.iter().map(|op| matches!(op, Op::AddAuthor { .. } | Op::Put { .. } | Op::PutHole { .. })).collect();
        let outcomes = self.log.commit(self.now_us, ops)?;
        for ((at, uses_number), outcome) in places.into_iter().zip(uses_number).zip(outcomes) {
            while let Some((_, steps)) = self.marks.get_mut(self.marked).filter(|(mark, _)| *mark <= at) {
                *steps = self.steps;
                self.marked += 1;
            }
            match outcome {
                Ok(Outcome::Unchanged) => {}
                Ok(_) => self.steps += 1,
                // All numbers behind it would be others.
                Err(why) if uses_number => {
                    return Err(Error::Index { what: format!("the new log refused what stood at {at}: {why:?}") });
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Refilled, Error> {
        let survey = &self.wreck.survey;
        let end = survey.end;
        self.authors_before(end, survey.authors, self.now_us)?;
        let known: Vec<(u32, u64)> = survey.records.iter().map(|(author, next)| (*author, *next)).collect();
        for (author, next) in known {
            self.holes_before(end, author, next, self.now_us)?;
        }
        self.leave_out()?;
        for (author, no) in std::mem::take(&mut self.doomed) {
            self.push(end, Op::Delete { author: AuthorId(author), record: RecordNo(no) })?;
        }
        for author in std::mem::take(&mut self.closing) {
            self.push(end, Op::CloseAuthor { author: AuthorId(author) })?;
        }
        self.commit()?;
        self.log.sync()?;
        self.moved()?;
        Ok(self.done)
    }

    /// Numbers that a frame which is lost may have had are not given out again.
    fn leave_out(&mut self) -> Result<(), Error> {
        let gaps = &self.wreck.survey.gaps;
        let most = (LEFT_OUT_MAX / (self.writers.len() as u64).max(1)).max(LEFT_OUT_MIN);
        let end = self.wreck.survey.end;
        for author in 0..self.writers.len() {
            let Some(Writer { next, last }) = self.writers.get(author) else { continue };
            let behind = gaps.iter().filter(|(_, to)| to > last);
            let lost: u64 = behind.map(|(from, to)| ((to - from).div_ceil(NUMBERED_BYTES)).min(most)).sum();
            let (author, wanted) = (u32::try_from(author).unwrap_or(u32::MAX), next + lost);
            self.holes_before(end, author, wanted, self.now_us)?;
        }
        Ok(())
    }

    /// Turns the frames before each position asked about into a position of the new log.
    fn moved(&mut self) -> Result<(), Error> {
        let snapshot = self.log.snapshot()?;
        let mut marks = self.marks.iter().peekable();
        let mut steps = 0;
        for frame in snapshot.frames(Position(0)) {
            let frame = frame?;
            while let Some((old, _)) = marks.next_if(|(_, wanted)| *wanted <= steps) {
                self.done.moved.push((Position(*old), frame.position));
            }
            steps += u64::from(!matches!(frame.body, Body::Other { .. }));
        }
        let end = snapshot.stamp().visible;
        self.done.moved.extend(marks.map(|(old, _)| (Position(*old), end)));
        Ok(())
    }
}
