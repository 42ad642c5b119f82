//! Invitations for sites that are not open to everybody. Start at `Store::create_invite`.
//!
//! A code is 128 random bits; only its hash is stored. It serves one account and ends at a given time.

use blake2::{Blake2s256, Digest};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::Store;
use crate::error::Error;
use crate::session::micros;

/// Most invitations open at a time: what an operator can still oversee.
pub const INVITES_MAX: u32 = 10_000;

const CODE_BYTES: usize = 16;

/// An invitation's code, by its hash.
#[derive(Debug)]
pub(crate) struct Code([u8; 32]);

impl Code {
    pub(crate) fn parse(text: &str) -> Option<Code> {
        let well_formed =
            text.len() == CODE_BYTES * 2 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| {
            let mut hash = Blake2s256::new();
            hash.update(b"blerg invite");
            hash.update(text);
            Code(hash.finalize().into())
        })
    }
}

impl Store {
    /// Makes an invitation that is good for `valid_secs` and returns its code, which is not stored.
    ///
    /// # Errors
    /// If the database cannot be written, or [`INVITES_MAX`] invitations are open.
    pub fn create_invite(&self, now_us: u64, valid_secs: u64) -> Result<String, Error> {
        let mut bytes = [0_u8; CODE_BYTES];
        (self.settings.random)(&mut bytes);
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let damaged = || Error::Damaged { what: "invitation code".to_owned() };
        let code = Code::parse(&text).ok_or_else(damaged)?;
        let expires_us = now_us.saturating_add(valid_secs.saturating_mul(1_000_000));
        let made = self.db()?.write("make an invitation", |transaction| {
            transaction
                .execute("DELETE FROM invite WHERE account IS NULL AND expires_us <= ?1", params![micros(now_us)])?;
            transaction.execute(
                "INSERT INTO invite (code, created_us, expires_us) SELECT ?1, ?2, ?3
                 WHERE (SELECT count(*) FROM invite WHERE account IS NULL) < ?4",
                params![code.0, micros(now_us), micros(expires_us), INVITES_MAX],
            )
        })?;
        if made == 0 {
            return Err(Error::Setting { wanted: "fewer open invitations", found: format!("{INVITES_MAX}") });
        }
        Ok(text)
    }

    /// How many invitations are open.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn open_invites(&self, now_us: u64) -> Result<u64, Error> {
        let count: i64 = self.db()?.read("count invitations", |connection| {
            connection.query_row(
                "SELECT count(*) FROM invite WHERE account IS NULL AND expires_us > ?1",
                params![micros(now_us)],
                |row| row.get(0),
            )
        })?;
        Ok(count.unsigned_abs())
    }
}

/// May the code serve the account of this name? Also if a dead process used it for just that account.
pub(super) fn is_good(
    connection: &Connection,
    now_us: u64,
    code: &Code,
    folded: &str,
) -> Result<bool, rusqlite::Error> {
    let found = connection
        .query_row(
            "SELECT 1 FROM invite i LEFT JOIN account a ON a.id = i.account
             WHERE i.code = ?1 AND i.expires_us > ?2
             AND (i.account IS NULL OR (a.state = 0 AND a.folded = ?3))",
            params![code.0, micros(now_us), folded],
            |_| Ok(()),
        )
        .optional()?;
    Ok(found.is_some())
}

/// Uses a code up for an account.
pub(super) fn spend(transaction: &Transaction<'_>, code: &Code, account: i64) -> Result<(), rusqlite::Error> {
    transaction.execute("UPDATE invite SET account = ?2 WHERE code = ?1", params![code.0, account])?;
    Ok(())
}
