//! Whether an operation is possible, and the frame it becomes. Start at [`Decider`]. Its owner holds the lock, so what it
//! sees cannot change but by its own decisions, which it remembers until they are indexed and beyond.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, HashSet};

use crate::append::{Appender, Draft, is_hole};
use crate::control::Word;
use crate::frame::{FLAG_HOLE, Fate, Header, Kind};
use crate::geometry::POSITION_MAX;
use crate::index::is_filler;
use crate::key;
use crate::payload::{Name, Origin, RUN_MAX, Target, Text, run_payload, tag_in};
use crate::scan::Window;
use crate::view::View;
use crate::{AuthorId, Error, ListKey, Op, Outcome, Position, RecordNo, Rejection, TagSpan};

/// Most follow frames that are looked at, while others wait for the lock, to tell how many somebody follows.
const FOLLOW_LOOKS_MAX: usize = 10_000;

/// What an operation comes to: done, or refused.
type Decision = Result<Outcome, Rejection>;

/// An author as far as decisions depend on it.
#[derive(Clone, Copy)]
struct Author {
    user: u64,
    closed: bool,
    next_record: u64,
}

/// A record that is there.
#[derive(Clone, Copy)]
struct Record {
    put: u64,
    newest: u64,
}

/// The state of the store, with the decisions so far.
pub(crate) struct Decider<'v> {
    view: &'v View,
    window: Window,
    next_author: u64,
    names: HashMap<Vec<u8>, bool>,
    authors: HashMap<AuthorId, Option<Author>>,
    records: HashMap<(AuthorId, RecordNo), Option<Record>>,
    pairs: HashMap<(AuthorId, AuthorId), bool>,
    /// How many those follow who may follow nobody else soon; `u64::MAX`: more than can be told.
    following: HashMap<AuthorId, u64>,
    asked: Asked,
}

/// Where operations come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// From somebody who wants them now.
    Now,
    /// From another log, in which they were once in order: what was answered may be gone since.
    Before,
}

/// A text to be put or edited in.
struct Words<'o> {
    text: &'o str,
    tags: &'o [TagSpan],
    at_us: Option<u64>,
}

impl<'v> Decider<'v> {
    pub(crate) fn new(view: &'v View) -> Result<Decider<'v>, Error> {
        let mut window = Window::glance();
        let is_last = |header: &Header, number| header.kind == Kind::USER && u64::from(header.author) == number;
        let next_author = next_number(view, &mut window, &ListKey::Authors.bytes(), is_last)?;
        let (names, authors, records, pairs) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
        let (following, asked) = (HashMap::new(), Asked::Now);
        Ok(Decider { view, window, next_author, names, authors, records, pairs, following, asked })
    }

    /// For what is copied from another log.
    pub(crate) fn of_copies(view: &'v View) -> Result<Decider<'v>, Error> {
        Ok(Decider { asked: Asked::Before, ..Decider::new(view)? })
    }

    /// Decides one operation and hands its frame to `out`.
    pub(crate) fn decide(&mut self, now_us: u64, op: &Op, out: &mut Appender<'_>) -> Result<Decision, Error> {
        match op {
            Op::AddAuthor { name, at_us } => self.add_author(now_us, name, *at_us, out),
            Op::Put { author, text, tags, reply_to, at_us } => {
                let words = Words { text, tags, at_us: *at_us };
                self.put(now_us, *author, &words, *reply_to, out)
            }
            Op::PutHole { author } => self.put_hole(now_us, *author, out),
            Op::Edit { author, record, text, tags, at_us } => {
                let words = Words { text, tags, at_us: *at_us };
                self.edit(now_us, (*author, *record), &words, out)
            }
            Op::Delete { author, record } => self.delete(now_us, (*author, *record), out),
            Op::CloseAuthor { author } => self.close(now_us, *author, out),
            Op::Follow { author, target } => self.follow(now_us, *author, *target, out),
            Op::Unfollow { author, target } => self.unfollow(now_us, *author, *target, out),
        }
    }

    fn add_author(
        &mut self,
        now_us: u64,
        name: &str,
        at_us: Option<u64>,
        out: &mut Appender<'_>,
    ) -> Result<Decision, Error> {
        if name.is_empty() || name.len() > Op::NAME_BYTES_MAX {
            return Ok(Err(Rejection::NameLength));
        }
        let taken = match self.names.entry(key::of_name(name)) {
            Place::Occupied(known) => known.into_mut(),
            Place::Vacant(place) => {
                let found = self.view.index.find(place.key())?.is_some();
                place.insert(found)
            }
        };
        if std::mem::replace(taken, true) {
            return Ok(Err(Rejection::NameTaken));
        }
        let Ok(number) = u32::try_from(self.next_author) else {
            return Err(Error::Index { what: "4,294,967,296 authors, and no number for another".into() });
        };
        let name = Name { at_us, name };
        let mut payload = Vec::new();
        name.write(&mut payload);
        let draft = Draft { kind: Kind::USER, flags: name.flags(), author: number, n: 0, payload: &payload };
        let user = out.append(now_us, &draft)?;
        self.next_author += 1;
        self.authors.insert(AuthorId(number), Some(Author { user, closed: false, next_record: 0 }));
        Ok(Ok(Outcome::Author(AuthorId(number))))
    }

    fn put(
        &mut self,
        now_us: u64,
        author: AuthorId,
        words: &Words<'_>,
        reply_to: Option<(AuthorId, RecordNo)>,
        out: &mut Appender<'_>,
    ) -> Result<Decision, Error> {
        let state = match self.open_author(author)? {
            Ok(state) => state,
            Err(rejection) => return Ok(Err(rejection)),
        };
        if let Some((to, record)) = reply_to
            && self.asked == Asked::Now
            && self.record(to, record)?.is_none()
        {
            return Ok(Err(Rejection::NoSuchRecord));
        }
        let payload = match payload_of(words, Origin::Put { reply_to }, out) {
            Ok(payload) => payload,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let (flags, payload) = payload;
        let draft = Draft { kind: Kind::PUT, flags, author: author.0, n: state.next_record, payload: &payload };
        let put = out.append(now_us, &draft)?;
        let record = RecordNo(state.next_record);
        self.records.insert((author, record), Some(Record { put, newest: put }));
        self.authors.insert(author, Some(Author { next_record: state.next_record + 1, ..state }));
        Ok(Ok(Outcome::Record(record)))
    }

    fn put_hole(&mut self, now_us: u64, author: AuthorId, out: &mut Appender<'_>) -> Result<Decision, Error> {
        let state = match self.open_author(author)? {
            Ok(state) => state,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let draft = Draft { kind: Kind::PUT, flags: FLAG_HOLE, author: author.0, n: state.next_record, payload: &[] };
        out.append(now_us, &draft)?;
        let record = RecordNo(state.next_record);
        self.records.insert((author, record), None);
        self.authors.insert(author, Some(Author { next_record: state.next_record + 1, ..state }));
        Ok(Ok(Outcome::Record(record)))
    }

    /// Uses up an author's numbers before `next`, many with one frame.
    pub(crate) fn fill_up(
        &mut self,
        now_us: u64,
        author: AuthorId,
        next: u64,
        out: &mut Appender<'_>,
    ) -> Result<(), Error> {
        let what = || Error::Index { what: format!("author {} was not copied before a record", author.0) };
        let state = self.author(author)?.ok_or_else(what)?;
        let mut n = state.next_record;
        while n < next {
            let count = (next - n).min(RUN_MAX);
            let payload = if count == 1 { Vec::new() } else { run_payload(count) };
            out.append(now_us, &Draft { kind: Kind::PUT, flags: FLAG_HOLE, author: author.0, n, payload: &payload })?;
            n += count;
        }
        self.authors.insert(author, Some(Author { next_record: n.max(state.next_record), ..state }));
        Ok(())
    }

    fn edit(
        &mut self,
        now_us: u64,
        (author, no): (AuthorId, RecordNo),
        words: &Words<'_>,
        out: &mut Appender<'_>,
    ) -> Result<Decision, Error> {
        if let Err(rejection) = self.open_author(author)? {
            return Ok(Err(rejection));
        }
        let Some(record) = self.record(author, no)? else { return Ok(Err(Rejection::NoSuchRecord)) };
        let origin = Origin::Edit { put: record.put, previous: record.newest };
        let (flags, payload) = match payload_of(words, origin, out) {
            Ok(payload) => payload,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let draft = Draft { kind: Kind::EDIT, flags, author: author.0, n: no.0, payload: &payload };
        let newest = out.append(now_us, &draft)?;
        self.records.insert((author, no), Some(Record { newest, ..record }));
        Ok(Ok(Outcome::Done))
    }

    /// Also the records of a closed author can be deleted: that is how they are erased.
    fn delete(
        &mut self,
        now_us: u64,
        (author, no): (AuthorId, RecordNo),
        out: &mut Appender<'_>,
    ) -> Result<Decision, Error> {
        if self.author(author)?.is_none() {
            return Ok(Err(Rejection::NoSuchAuthor));
        }
        let Some(record) = self.record(author, no)? else { return Ok(Err(Rejection::NoSuchRecord)) };
        let mut payload = Vec::new();
        Target { put: record.put, newest: record.newest }.write(&mut payload);
        out.append(now_us, &Draft { kind: Kind::DELETE, flags: 0, author: author.0, n: no.0, payload: &payload })?;
        self.records.insert((author, no), None);
        Ok(Ok(Outcome::Done))
    }

    fn close(&mut self, now_us: u64, author: AuthorId, out: &mut Appender<'_>) -> Result<Decision, Error> {
        let Some(state) = self.author(author)? else { return Ok(Err(Rejection::NoSuchAuthor)) };
        if state.closed {
            return Ok(Ok(Outcome::Unchanged));
        }
        let mut payload = Vec::new();
        Target { put: state.user, newest: state.user }.write(&mut payload);
        out.append(now_us, &Draft { kind: Kind::CLOSE_USER, flags: 0, author: author.0, n: 0, payload: &payload })?;
        self.authors.insert(author, Some(Author { closed: true, ..state }));
        Ok(Ok(Outcome::Done))
    }

    fn follow(
        &mut self,
        now_us: u64,
        author: AuthorId,
        target: AuthorId,
        out: &mut Appender<'_>,
    ) -> Result<Decision, Error> {
        for one in [author, target] {
            if let Err(rejection) = self.open_author(one)? {
                return Ok(Err(rejection));
            }
        }
        if self.is_following(author, target)? {
            return Ok(Ok(Outcome::Unchanged));
        }
        if self.is_at_follow_limit(author)? {
            return Ok(Err(Rejection::FollowLimit));
        }
        let draft = Draft { kind: Kind::FOLLOW, flags: 0, author: author.0, n: target.0.into(), payload: &[] };
        out.append(now_us, &draft)?;
        self.pairs.insert((author, target), true);
        self.following.entry(author).and_modify(|count| *count = count.saturating_add(1));
        Ok(Ok(Outcome::Done))
    }

    fn unfollow(
        &mut self,
        now_us: u64,
        author: AuthorId,
        target: AuthorId,
        out: &mut Appender<'_>,
    ) -> Result<Decision, Error> {
        if self.author(author)?.is_none() || self.author(target)?.is_none() {
            return Ok(Err(Rejection::NoSuchAuthor));
        }
        if !self.is_following(author, target)? {
            return Ok(Ok(Outcome::Unchanged));
        }
        let draft = Draft { kind: Kind::UNFOLLOW, flags: 0, author: author.0, n: target.0.into(), payload: &[] };
        out.append(now_us, &draft)?;
        self.pairs.insert((author, target), false);
        self.following.entry(author).and_modify(|count| *count -= u64::from(*count != u64::MAX && *count > 0));
        Ok(Ok(Outcome::Done))
    }

    fn author(&mut self, id: AuthorId) -> Result<Option<Author>, Error> {
        match self.authors.entry(id) {
            Place::Occupied(known) => Ok(*known.get()),
            Place::Vacant(place) => {
                let found = find_author(self.view, &mut self.window, id)?;
                Ok(*place.insert(found))
            }
        }
    }

    /// The author, or why nothing can be done in that name.
    fn open_author(&mut self, id: AuthorId) -> Result<Result<Author, Rejection>, Error> {
        Ok(match self.author(id)? {
            None => Err(Rejection::NoSuchAuthor),
            Some(author) if author.closed => Err(Rejection::AuthorClosed),
            Some(author) => Ok(author),
        })
    }

    fn record(&mut self, author: AuthorId, no: RecordNo) -> Result<Option<Record>, Error> {
        match self.records.entry((author, no)) {
            Place::Occupied(known) => Ok(*known.get()),
            Place::Vacant(place) => {
                let found = find_record(self.view, &mut self.window, author, no)?;
                Ok(*place.insert(found))
            }
        }
    }

    fn is_following(&mut self, author: AuthorId, target: AuthorId) -> Result<bool, Error> {
        match self.pairs.entry((author, target)) {
            Place::Occupied(known) => Ok(*known.get()),
            Place::Vacant(place) => {
                let steps = length(self.view, &ListKey::FollowPair(author, target).bytes())?;
                Ok(*place.insert(steps % 2 == 1))
            }
        }
    }

    /// Whether the author follows as many as may be. Follow frames bound the number from above. Where there are many, the newest tell
    /// whom they concern, and how many frames each of those accounts for, until all are accounted for: whoever follows and unfollows
    /// a few without end costs as many looks as they are. Who needs more than [`FOLLOW_LOOKS_MAX`] follows nobody else before the
    /// next compaction, which forgets what ended.
    fn is_at_follow_limit(&mut self, author: AuthorId) -> Result<bool, Error> {
        if let Some(count) = self.following.get(&author) {
            return Ok(*count >= Op::FOLLOWS_MAX);
        }
        let key = ListKey::Follows(author).bytes();
        let new = self.pairs.iter().filter(|(pair, follows)| pair.0 == author && **follows).count() as u64;
        let frames = self.view.index.find(&key)?.map_or(0, |head| head.len());
        if frames + new < Op::FOLLOWS_MAX {
            return Ok(false);
        }
        let count = self.count_following(author)?;
        self.following.insert(author, count);
        Ok(count >= Op::FOLLOWS_MAX)
    }

    /// How many an author follows; `u64::MAX` if that takes too many looks.
    fn count_following(&mut self, author: AuthorId) -> Result<u64, Error> {
        let mut targets: HashSet<AuthorId> = HashSet::new();
        if let Some(head) = self.view.index.find(&ListKey::Follows(author).bytes())? {
            let mut explained = 0;
            for (looks, number) in (0..head.len()).rev().enumerate() {
                if explained >= head.len() {
                    break;
                }
                if looks == FOLLOW_LOOKS_MAX {
                    return Ok(u64::MAX);
                }
                let Position(at) = head.get(number)?;
                let found = frame_at(self.view, &mut self.window, at)?;
                let Some(target) = found.and_then(|(header, _)| key::target(header.n)) else {
                    explained += 1;
                    continue;
                };
                if targets.insert(target) {
                    explained += length(self.view, &ListKey::FollowPair(author, target).bytes())?.div_ceil(2);
                }
            }
        }
        targets.extend(self.pairs.keys().filter(|pair| pair.0 == author).map(|pair| pair.1));
        let mut following = 0;
        for target in targets {
            following += u64::from(self.is_following(author, target)?);
        }
        Ok(following)
    }
}

fn length(view: &View, key: &[u8]) -> Result<u64, Error> {
    Ok(view.index.find(key)?.map_or(0, |head| head.len()))
}

fn find_author(view: &View, window: &mut Window, id: AuthorId) -> Result<Option<Author>, Error> {
    let Some(head) = view.index.find(&ListKey::Authors.bytes())? else { return Ok(None) };
    if u64::from(id.0) >= head.len() {
        return Ok(None);
    }
    let Position(user) = head.get(id.0.into())?;
    let is_last = |header: &Header, number| header.kind == Kind::PUT && (header.author, header.n) == (id.0, number);
    let next_record = next_number(view, window, &ListKey::Timeline(id).bytes(), is_last)?;
    if is_filler(Position(user)) {
        // The frame is damaged: this author cannot write any more.
        return Ok(None);
    }
    // Until the first author leaves, nobody's frame has to be looked at.
    if view.control.load(Word::Closed)? == 0 {
        return Ok(Some(Author { user, closed: false, next_record }));
    }
    window.forget();
    match frame_at(view, window, user)? {
        Some((header, fate)) if header.kind == Kind::USER && header.author == id.0 => {
            Ok(Some(Author { user, closed: fate.deleted_by().is_some(), next_record }))
        }
        _ => Err(wrong(user)),
    }
}

/// The frame to which the index leads; `None` for a number whose frame is lost.
fn frame_at(view: &View, window: &mut Window, position: u64) -> Result<Option<(Header, Fate)>, Error> {
    if is_filler(Position(position)) && position < POSITION_MAX {
        return Ok(None);
    }
    let found = window.header(&view.segments, view.sums, position)?;
    found.map(Some).ok_or_else(|| wrong(position))
}

fn wrong(position: u64) -> Error {
    Error::Index { what: format!("the index leads to {position}, where no such frame is") }
}

/// The number behind the last one of a list whose numbers mean something. It is given out only if the last element is what
/// `is_last` says of its number: by a damaged index a number could be used twice.
fn next_number(
    view: &View,
    window: &mut Window,
    key: &[u8],
    is_last: impl Fn(&Header, u64) -> bool,
) -> Result<u64, Error> {
    let Some(head) = view.index.find(key)? else { return Ok(0) };
    let last = head.len() - 1;
    let Position(at) = head.get(last)?;
    match frame_at(view, window, at)? {
        Some((header, _)) if !is_last(&header, last) => Err(wrong(at)),
        _ => Ok(head.len()),
    }
}

fn find_record(view: &View, window: &mut Window, author: AuthorId, no: RecordNo) -> Result<Option<Record>, Error> {
    let Some(head) = view.index.find(&ListKey::Timeline(author).bytes())? else { return Ok(None) };
    if no.0 >= head.len() {
        return Ok(None);
    }
    let Position(put) = head.get(no.0)?;
    window.forget();
    match frame_at(view, window, put)? {
        Some((header, _)) if header.kind != Kind::PUT || key::record(&header) != (author, no) => Err(wrong(put)),
        Some((header, fate)) if !is_hole(&header) => {
            let newest = fate.superseded_by().unwrap_or(put);
            Ok(fate.deleted_by().is_none().then_some(Record { put, newest }))
        }
        _ => Ok(None),
    }
}

/// Flags and payload of a frame with this text.
fn payload_of(words: &Words<'_>, origin: Origin, out: &Appender<'_>) -> Result<(u8, Vec<u8>), Rejection> {
    if words.text.is_empty() || words.text.len() > Op::TEXT_BYTES_MAX {
        return Err(Rejection::TextLength);
    }
    let sound = words.tags.len() <= Op::TAGS_MAX && words.tags.iter().all(|span| tag_in(words.text, *span).is_some());
    if !sound {
        return Err(Rejection::TagSpans);
    }
    let text = Text { at_us: words.at_us, origin, tags: words.tags.to_vec(), text: words.text };
    let mut payload = Vec::with_capacity(32 + 3 * words.tags.len() + words.text.len());
    text.write(&mut payload);
    // Only in a store with small segments, as tests make them.
    if out.fits(payload.len()) { Ok((text.flags(), payload)) } else { Err(Rejection::TextLength) }
}
