//! A record with what it answers and what answers it. Start at [`Thread`].

use blerg_log::{AuthorId, ListKey, RecordNo};

use super::{Cursor, Page, Post, Reader};
use crate::Error;

/// A record and its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The record itself.
    pub record: Post,
    /// What it answers, unless that was deleted.
    pub parent: Option<Post>,
    /// Its answers, newest first.
    pub replies: Page,
}

impl Reader {
    /// A record, what it replies to, and its replies from below a cursor or the newest.
    ///
    /// # Errors
    /// There is no such record, the cursor names none, or the log cannot be read.
    pub fn thread(
        &self,
        author: AuthorId,
        record: RecordNo,
        before: Option<&Cursor>,
        n: usize,
    ) -> Result<Thread, Error> {
        let found = self.live_record(author, record)?.ok_or(Error::NoSuchRecord { record })?;
        let parent = match found.reply_to {
            Some((author, no)) => self.post(author, no)?,
            None => None,
        };
        let replies = self.page_by_put(&ListKey::Replies(author, record), before, n)?;
        Ok(Thread { record: self.namer().post(&found)?, parent, replies })
    }
}
