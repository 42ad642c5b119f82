//! A user's own things as JSON lines: the account, the records with their earlier texts, the subscriptions.
//! Start at [`export`]. It is written text by text: an account, or one record's earlier texts, may be more than fits
//! into memory.

use crate::answer::{Audience, unless_known, validators, version_of_records};
use crate::call::Call;
use crate::failure::Failure;
use crate::history::{PIECE_BYTES_USUAL, revision};
use crate::json::{Object, reference};
use crate::param;
use blerg_http::Response;
use blerg_store::{AuthorId, AuthorView, Error, History, ListKey, Post, Reader, RecordNo};
use std::io;

/// GET /export
pub(crate) fn export(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.asker()?;
    let reader = call.reader()?;
    let account = reader.author_by_id(session.author)?.ok_or_else(param::no_such_user)?;
    let audience = Audience::Only(session.author);
    let version = version_of_records(&reader, &[ListKey::Timeline(account.id), ListKey::Follows(account.id)])?;
    unless_known(call, audience, &validators(call, audience, &version), || {
        let lines = Lines { reader, account, next: Next::Account };
        Ok(Response::stream("application/x-ndjson", Box::new(lines))
            .header("Content-Disposition", "attachment; filename=\"export.jsonl\""))
    })
}

/// What is written next.
enum Next {
    Account,
    /// The record of this number; past the last one, the subscriptions.
    Record(u64),
    /// An earlier text of the record of this number, whose line is open.
    Earlier(u64, History, Place),
    /// To those who are left, the one followed last first.
    Subscription(Vec<AuthorId>),
    End,
}

/// Where in an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Later,
}

/// The export, a piece at a time, all of one state of the log.
struct Lines {
    reader: Reader,
    account: AuthorView,
    next: Next,
}

impl Iterator for Lines {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let mut out = Vec::new();
        while out.len() < PIECE_BYTES_USUAL {
            self.next = match std::mem::replace(&mut self.next, Next::End) {
                Next::End => break,
                next => match self.step(&mut out, next) {
                    Ok(next) => next,
                    Err(error) => return Some(Err(io::Error::other(error))),
                },
            };
        }
        (!out.is_empty()).then_some(Ok(out))
    }
}

impl Lines {
    /// Writes one thing, with one text at most, and says what comes after it.
    fn step(&self, out: &mut Vec<u8>, next: Next) -> Result<Next, Error> {
        match next {
            Next::Account => {
                self.account(out);
                Ok(Next::Record(0))
            }
            Next::Record(number) if number < self.account.record_count => {
                match self.reader.post(self.account.id, RecordNo(number))? {
                    Some(post) => self.record(out, &post),
                    None => Ok(Next::Record(number + 1)),
                }
            }
            Next::Record(_) => Ok(Next::Subscription(self.reader.following(self.account.id)?)),
            Next::Earlier(number, history, place) => self.earlier(out, number, history, place),
            Next::Subscription(mut targets) => match targets.pop() {
                Some(target) => {
                    self.subscription(out, target)?;
                    Ok(Next::Subscription(targets))
                }
                None => Ok(Next::End),
            },
            Next::End => Ok(Next::End),
        }
    }

    fn account(&self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.string("type", "account");
        object.string("author", &self.account.name);
        object.seconds("created", self.account.created_us);
        object.close();
        out.push(b'\n');
    }

    /// A record up to its earlier texts.
    fn record(&self, out: &mut Vec<u8>, post: &Post) -> Result<Next, Error> {
        let mut object = Object::open(out);
        object.string("type", "record");
        object.count("record", post.record.0);
        object.seconds("timestamp", post.timestamp_us);
        object.string("data", &post.text);
        if let Some(edited_us) = post.edited_us {
            object.seconds("edited", edited_us);
        }
        if let Some((name, record)) = &post.reply_to {
            object.string("reply_to", &reference(name, *record));
        }
        if post.edited_us.is_none() {
            object.close();
            out.push(b'\n');
            return Ok(Next::Record(post.record.0 + 1));
        }
        object.key("earlier").push(b'[');
        match self.reader.history(self.account.id, post.record) {
            Ok(mut history) => {
                history.skip_newest();
                Ok(Next::Earlier(post.record.0, history, Place::First))
            }
            // Deleted, and erased, since it was read: what there was of it is out, and nothing more is to be had.
            Err(error) if error.is_not_found() => {
                out.extend_from_slice(b"]}\n");
                Ok(Next::Record(post.record.0 + 1))
            }
            Err(error) => Err(error),
        }
    }

    fn earlier(&self, out: &mut Vec<u8>, number: u64, mut history: History, place: Place) -> Result<Next, Error> {
        let Some(text) = history.oldest(&self.reader)? else {
            out.extend_from_slice(b"]}\n");
            return Ok(Next::Record(number + 1));
        };
        if place == Place::Later {
            out.push(b',');
        }
        revision(out, &text);
        Ok(Next::Earlier(number, history, Place::Later))
    }

    fn subscription(&self, out: &mut Vec<u8>, target: AuthorId) -> Result<(), Error> {
        let Some(target) = self.reader.author_by_id(target)? else { return Ok(()) };
        let mut object = Object::open(out);
        object.string("type", "subscription");
        object.string("author", &target.name);
        object.close();
        out.push(b'\n');
        Ok(())
    }
}
