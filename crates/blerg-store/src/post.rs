//! Writing records and follows: each call is one committed operation and returns once that is durable. Start at
//! [`Store::put`]. Who may write what was decided by the caller; the tags come from the caller too, because this
//! crate does not know the tag grammar.

use blerg_log::{AuthorId, Op, Outcome, RecordNo, Rejection, TagSpan};

use crate::{Error, Store, TEXT_BYTES_MAX};

/// A text to put or to edit into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutText {
    /// The text, 1 to 65,535 bytes.
    pub text: String,
    /// The tags and mentions in it.
    pub spans: Vec<TagSpan>,
    /// The record it answers; an edit leaves that as it was.
    pub reply_to: Option<(AuthorId, RecordNo)>,
}

impl Store {
    /// Adds a record and returns its number.
    ///
    /// # Errors
    /// The text is empty or too long, the author or the record replied to does not exist, or the log cannot take it.
    pub fn put(&self, now_us: u64, author: AuthorId, put: PutText) -> Result<RecordNo, Error> {
        let PutText { text, spans, reply_to } = put;
        check_text(&text)?;
        if let Some((replied, record)) = reply_to {
            self.reader()?.live_record(replied, record)?.ok_or(Error::NoSuchRecord { record })?;
        }
        match self.commit_one(now_us, Op::Put { author, text, tags: spans, reply_to, at_us: None })? {
            Outcome::Record(record) => Ok(record),
            other => Err(unexpected(other)),
        }
    }

    /// Gives a record a new text; the earlier ones are kept for its author.
    ///
    /// # Errors
    /// The text is empty or too long, there is no such record, or the log cannot take it.
    pub fn edit(&self, now_us: u64, author: AuthorId, record: RecordNo, edit: PutText) -> Result<(), Error> {
        check_text(&edit.text)?;
        let op = Op::Edit { author, record, text: edit.text, tags: edit.spans, at_us: None };
        self.commit_one(now_us, op).map(|_| ()).map_err(|error| name_record(error, record))
    }

    /// Removes a record with all its texts, from the log and from the full-text index.
    ///
    /// # Errors
    /// There is no such record, or the log cannot take it.
    pub fn delete(&self, now_us: u64, author: AuthorId, record: RecordNo) -> Result<(), Error> {
        self.commit_one(now_us, Op::Delete { author, record }).map_err(|error| name_record(error, record))?;
        self.search_erase(author, record..RecordNo(record.0 + 1))
    }

    /// Makes `author` follow `target`; following already is fine.
    ///
    /// # Errors
    /// Either does not exist, `author` follows too many, or the log cannot take it.
    pub fn follow(&self, now_us: u64, author: AuthorId, target: AuthorId) -> Result<(), Error> {
        self.commit_one(now_us, Op::Follow { author, target }).map(|_| ())
    }

    /// Ends a following; not following is fine.
    ///
    /// # Errors
    /// Either does not exist, or the log cannot take it.
    pub fn unfollow(&self, now_us: u64, author: AuthorId, target: AuthorId) -> Result<(), Error> {
        self.commit_one(now_us, Op::Unfollow { author, target }).map(|_| ())
    }

    /// Ends all followings of an author who leaves, so that the counts of those followed stay right.
    pub(crate) fn unfollow_all(&self, now_us: u64, author: AuthorId) -> Result<(), Error> {
        let followees = self.reader()?.followees(author)?;
        let ops: Vec<Op> = followees.into_iter().map(|(target, _)| Op::Unfollow { author, target }).collect();
        if !ops.is_empty() {
            self.log()?.commit(now_us, ops)?;
        }
        Ok(())
    }

    /// Commits one operation; a refusal becomes an error.
    pub(crate) fn commit_one(&self, now_us: u64, op: Op) -> Result<Outcome, Error> {
        let outcome = self.log()?.commit(now_us, vec![op])?.pop();
        match outcome {
            Some(Ok(outcome)) => Ok(outcome),
            Some(Err(rejection)) => Err(rejected(rejection)),
            None => Err(Error::Damaged { what: "record log: a commit without an outcome".to_owned() }),
        }
    }
}

/// Whether a text may be a record.
fn check_text(text: &str) -> Result<(), Error> {
    if (1..=TEXT_BYTES_MAX).contains(&text.len()) { Ok(()) } else { Err(Error::TextLength { bytes: text.len() }) }
}

/// The error behind a refusal; numbers and lengths are filled in by whoever knows them.
fn rejected(rejection: Rejection) -> Error {
    match rejection {
        Rejection::NameTaken => Error::NameTaken,
        Rejection::NoSuchAuthor | Rejection::AuthorClosed => Error::NoSuchAuthor,
        Rejection::NoSuchRecord => Error::NoSuchRecord { record: RecordNo(0) },
        Rejection::TextLength => Error::TextLength { bytes: 0 },
        Rejection::TagSpans => Error::TagSpans,
        Rejection::FollowLimit => Error::FollowLimit,
        other => Error::Damaged { what: format!("record log: unexpected refusal {other:?}") },
    }
}

fn name_record(error: Error, record: RecordNo) -> Error {
    match error {
        Error::NoSuchRecord { .. } => Error::NoSuchRecord { record },
        other => other,
    }
}

fn unexpected(outcome: Outcome) -> Error {
    Error::Damaged { what: format!("record log: a put came out as {outcome:?}") }
}

#[cfg(test)]
mod tests;
