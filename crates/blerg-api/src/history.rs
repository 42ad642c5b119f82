//! The earlier texts of a record, for its author. Start at [`history`]. They are read one by one: a record may have been
//! edited any number of times, and all its texts together may be more than fits into memory.

use crate::answer::{Audience, json, unless_known, validators};
use crate::call::Call;
use crate::failure::{Code, Failure};
use crate::json::Object;
use crate::param;
use blerg_http::Response;
use blerg_store::{Error, History, ListKey, Reader, Revision};
use std::io;

/// A piece of a long answer ends with what fills it, so it has a text more at most: 64 KiB, or six times that where JSON
/// escapes it.
pub(crate) const PIECE_BYTES_USUAL: usize = 64 * 1024;

/// GET /history/(user)/(record): every text of a record of one's own, newest first.
pub(crate) fn history(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.asker()?;
    let reader = call.reader()?;
    let user = call.path_user(&reader)?;
    if user.id != session.author {
        return Err(Failure::new(Code::NotYours, "Only its author may see a record's earlier texts."));
    }
    let record = param::path_record(call.open[1])?;
    let audience = Audience::Only(session.author);
    let version = reader.version_of(&[ListKey::Timeline(user.id)])?;
    let history = reader
        .history(user.id, record)
        .map_err(|error| if error.is_not_found() { param::no_such_record() } else { Failure::from(error) })?;
    unless_known(call, audience, &validators(call, audience, &version), || {
        let mut texts = Texts { reader, history, is_begun: false, is_ended: false };
        let whole = texts.piece()?;
        if texts.is_ended {
            return Ok(json(200, whole));
        }
        let pieces = std::iter::once(Ok(whole)).chain(texts);
        Ok(Response::stream("application/json", Box::new(pieces)))
    })
}

/// A record's texts as an array, a piece at a time, all of one state of the log.
struct Texts {
    reader: Reader,
    history: History,
    is_begun: bool,
    is_ended: bool,
}

impl Texts {
    /// As many texts as one piece takes: it ends with the one that fills it.
    fn piece(&mut self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(1024);
        while out.len() < PIECE_BYTES_USUAL {
            let before = if self.is_begun { b',' } else { b'[' };
            let Some(text) = self.history.newest(&self.reader)? else {
                out.extend_from_slice(if self.is_begun { b"]" } else { b"[]" });
                self.is_ended = true;
                break;
            };
            self.is_begun = true;
            out.push(before);
            revision(&mut out, &text);
        }
        Ok(out)
    }
}

impl Iterator for Texts {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        if self.is_ended {
            return None;
        }
        Some(self.piece().map_err(|error| {
            self.is_ended = true;
            io::Error::other(error)
        }))
    }
}

/// One text of a record as an object.
pub(crate) fn revision(out: &mut Vec<u8>, revision: &Revision) {
    let mut object = Object::open(out);
    object.seconds("timestamp", revision.at_us);
    object.string("data", &revision.text);
    object.close();
}
