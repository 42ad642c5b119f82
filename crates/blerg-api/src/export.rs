//! A user's own things as JSON lines: the account, the records with their earlier texts, the subscriptions.
//! Start at [`export`]. It is written piece by piece: an account may have more records than fit into memory.

use crate::answer::{Audience, LEAVING, unless_known, validators, version_of_records};
use crate::call::Call;
use crate::failure::Failure;
use crate::json::{Object, array, reference};
use crate::param;
use blerg_http::Response;
use blerg_store::{AuthorView, Error, ListKey, Post, Reader};
use std::io;

/// Records in one piece: some tens of kilobytes at a time.
const PIECE_RECORDS: u64 = 100;

/// GET /export
pub(crate) fn export(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.asker()?;
    let reader = call.reader()?;
    let account = reader.author_by_id(session.author)?.ok_or_else(param::no_such_user)?;
    let audience = Audience::Only(session.author);
    let version = version_of_records(&reader, &[ListKey::Timeline(account.id), ListKey::Follows(account.id), LEAVING])?;
    unless_known(call, audience, &validators(call, audience, &version), || {
        let lines = Lines { reader, account, next: Piece::Account };
        Ok(Response::stream("application/x-ndjson", Box::new(lines))
            .header("Content-Disposition", "attachment; filename=\"export.jsonl\""))
    })
}

/// What is written next.
enum Piece {
    Account,
    /// From this number on; past the last one, the subscriptions.
    Records(u64),
    End,
}

/// The export, a piece at a time, all of one state of the log.
struct Lines {
    reader: Reader,
    account: AuthorView,
    next: Piece,
}

impl Iterator for Lines {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let mut out = Vec::new();
        let (written, next) = match self.next {
            Piece::Account => (self.account(&mut out), Piece::Records(0)),
            Piece::Records(start) if start < self.account.record_count => {
                (self.records(&mut out, start), Piece::Records(start.saturating_add(PIECE_RECORDS)))
            }
            Piece::Records(_) => (self.subscriptions(&mut out), Piece::End),
            Piece::End => return None,
        };
        self.next = if written.is_ok() { next } else { Piece::End };
        Some(written.map(|()| out).map_err(io::Error::other))
    }
}

impl Lines {
    fn account(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut object = Object::open(out);
        object.string("type", "account");
        object.string("author", &self.account.name);
        object.seconds("created", self.account.created_us);
        object.close();
        out.push(b'\n');
        Ok(())
    }

    fn records(&self, out: &mut Vec<u8>, start: u64) -> Result<(), Error> {
        let range = start..=start.saturating_add(PIECE_RECORDS - 1);
        let posts = self.reader.range(self.account.id, range)?.unwrap_or_default();
        for post in posts.iter().rev() {
            self.record(out, post)?;
        }
        Ok(())
    }

    fn record(&self, out: &mut Vec<u8>, post: &Post) -> Result<(), Error> {
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
        if post.edited_us.is_some() {
            let mut earlier = self.reader.history(self.account.id, post.record)?;
            earlier.pop();
            array(object.key("earlier"), &earlier, |out, version| {
                let mut object = Object::open(out);
                object.seconds("timestamp", version.at_us);
                object.string("data", &version.text);
                object.close();
            });
        }
        object.close();
        out.push(b'\n');
        Ok(())
    }

    fn subscriptions(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        for target in self.reader.following(self.account.id)?.iter().rev() {
            let Some(target) = self.reader.author_by_id(*target)? else { continue };
            let mut object = Object::open(out);
            object.string("type", "subscription");
            object.string("author", &target.name);
            object.close();
            out.push(b'\n');
        }
        Ok(())
    }
}
