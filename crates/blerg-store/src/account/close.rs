//! Ending an account: row closing, CLOSE frame durable, records erased in batches, row closed. Start at
//! `Store::close_account`.
//!
//! From the CLOSE frame on nobody is shown any of the records. Erasing their texts takes as long as there are
//! many: a call does a bounded part and notes how far it came, and `finish_closings` goes on from there, also
//! after a kill. The name stays taken for good.

use std::net::IpAddr;

use blerg_log::{AuthorId, ListKey, Op, RecordNo, Rejection};
use rusqlite::{OptionalExtension, params};

use super::State;
use crate::Store;
use crate::error::Error;
use crate::session::micros;

/// Records erased in one commit of the log: some milliseconds, so that others get their turn.
const ERASE_BATCH_MAX: u64 = 256;

/// Batches that one call does at most: well inside a web server's patience.
const BATCHES_MAX: usize = 64;

/// Batches that a login does for those who left.
const BATCHES_AT_LOGIN_MAX: usize = 2;

/// Accounts that one sweep goes on with.
const CLOSINGS_MAX: usize = 16;

/// An account whose records are being erased.
#[derive(Debug, Clone, Copy)]
struct Closing {
    id: i64,
    author: AuthorId,
    erased: u64,
}

/// Is there more to erase?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closings {
    /// All texts of all closed accounts are erased.
    Done,
    /// Call again.
    Unfinished,
}

impl Store {
    /// Ends a user's account after proof of the password. When this returns, nobody is shown any of the user's
    /// records, and the first some thousand texts are erased; `finish_closings` erases what is left.
    ///
    /// # Errors
    /// `WrongPassword`; `Limited`; `Busy`; the log's own.
    pub fn close_account(
        &self,
        now_us: u64,
        author: AuthorId,
        password: &[u8],
        remote: Option<IpAddr>,
    ) -> Result<(), Error> {
        let entry = self.prove_password(now_us, author, password, remote)?;
        self.begin_closing(entry.id)?;
        let closing = Closing { id: entry.id, author, erased: 0 };
        self.continue_closing(now_us, closing, BATCHES_MAX).map(|_| ())
    }

    /// Goes on with closings that a kill or their size left unfinished. Cheap when there are none.
    ///
    /// # Errors
    /// If the database or the log cannot be written.
    pub fn finish_closings(&self, now_us: u64) -> Result<Closings, Error> {
        for _ in 0..CLOSINGS_MAX {
            match self.next_closing()? {
                None => return Ok(Closings::Done),
                Some(closing) => {
                    if self.continue_closing(now_us, closing, BATCHES_MAX)? == Closings::Unfinished {
                        return Ok(Closings::Unfinished);
                    }
                }
            }
        }
        Ok(Closings::Unfinished)
    }

    /// Does a small part of what is left, if anything is.
    pub(super) fn finish_closings_a_little(&self, now_us: u64) -> Result<(), Error> {
        match self.next_closing()? {
            None => Ok(()),
            Some(closing) => self.continue_closing(now_us, closing, BATCHES_AT_LOGIN_MAX).map(|_| ()),
        }
    }

    /// First step: nobody can log in any more, and what was secret is gone.
    fn begin_closing(&self, id: i64) -> Result<(), Error> {
        self.db()?.write("begin to close an account", |transaction| {
            transaction.execute(
                "UPDATE account SET state = ?2, password = NULL, role = 0, erased = 0
                 WHERE id = ?1 AND state = ?3",
                params![id, State::Closing, State::Active],
            )?;
            transaction.execute("DELETE FROM session WHERE account = ?1", params![id])?;
            transaction.execute("DELETE FROM seen WHERE account = ?1", params![id])
        })?;
        Ok(())
    }

    fn next_closing(&self) -> Result<Option<Closing>, Error> {
        self.db()?.read("look for closing accounts", |connection| {
            connection
                .query_row("SELECT id, author, erased FROM account WHERE state = 2 ORDER BY id LIMIT 1", (), |row| {
                    Ok(Closing {
                        id: row.get(0)?,
                        author: AuthorId(row.get(1)?),
                        erased: row.get::<_, i64>(2)?.unsigned_abs(),
                    })
                })
                .optional()
        })
    }

    /// The later steps: the CLOSE frame, the texts, the row.
    fn continue_closing(&self, now_us: u64, closing: Closing, batches: usize) -> Result<Closings, Error> {
        let author = closing.author;
        self.unfollow_all(now_us, author)?;
        self.commit_closing(now_us, vec![Op::CloseAuthor { author }])?;
        let records = self.log()?.snapshot()?.list(&ListKey::Timeline(author))?.len();
        let mut erased = closing.erased;
        for _ in 0..batches {
            if erased >= records {
                break;
            }
            let end = records.min(erased + ERASE_BATCH_MAX);
            let deletes = (erased..end).map(|no| Op::Delete { author, record: RecordNo(no) });
            self.commit_closing(now_us, deletes.collect())?;
            self.search_erase(author, RecordNo(erased)..RecordNo(end))?;
            erased = end;
            self.note_erased(closing.id, erased)?;
        }
        if erased < records {
            return Ok(Closings::Unfinished);
        }
        self.end_closing(closing.id)?;
        Ok(Closings::Done)
    }

    /// Commits what may have been done before.
    fn commit_closing(&self, now_us: u64, ops: Vec<Op>) -> Result<(), Error> {
        for outcome in self.log()?.commit(now_us, ops)? {
            match outcome {
                Ok(_) | Err(Rejection::AuthorClosed | Rejection::NoSuchRecord) => {}
                Err(rejection) => {
                    return Err(Error::Damaged { what: format!("log answered {rejection:?} to a closing") });
                }
            }
        }
        Ok(())
    }

    fn note_erased(&self, id: i64, erased: u64) -> Result<(), Error> {
        self.db()?.write("note what is erased", |transaction| {
            transaction
                .execute("UPDATE account SET erased = max(erased, ?2) WHERE id = ?1", params![id, micros(erased)])
        })?;
        Ok(())
    }

    fn end_closing(&self, id: i64) -> Result<(), Error> {
        self.db()?.write("close an account", |transaction| {
            transaction.execute(
                "UPDATE account SET state = ?2 WHERE id = ?1 AND state = ?3",
                params![id, State::Closed, State::Closing],
            )
        })?;
        Ok(())
    }
}

#[cfg(test)]
impl Store {
    /// The first step alone.
    pub(crate) fn begin_closing_for_test(&self, id: i64) {
        self.begin_closing(id).unwrap();
    }

    /// The number of the account whose closing is to be finished next.
    pub(super) fn next_closing_for_test(&self) -> Option<i64> {
        self.next_closing().unwrap().map(|closing| closing.id)
    }
}
