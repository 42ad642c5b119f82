//! What takes a password: logging in, changing it, proving it. Start at `Store::login`.
//!
//! A wrong name costs one hash like a wrong password. The session is written after the gate is left, so it
//! looks again whether the password is still the one that was checked.

use std::net::IpAddr;

use rusqlite::params;

use super::{Entry, State, find, fold, folded_name};
use crate::Store;
use crate::error::Error;
use crate::gate::Pass;
use crate::limit::{Against, LimitKind};
use crate::password::{self, PASSWORD_BYTES_MAX, Verdict};
use crate::session::{self, ClientInfo, Session, Token};

use blerg_log::AuthorId;

/// A password that was its account's own.
#[derive(Debug)]
pub(super) struct Proof {
    entry: Entry,
    /// A hash of the site's cost, where the stored one has another.
    better_hash: Option<String>,
}

impl Store {
    /// Checks a name and its password and begins a session.
    ///
    /// # Errors
    /// `WrongPassword`, whichever of the two is wrong; `Disabled`; `Limited`; `Busy`.
    pub fn login(&self, now_us: u64, name: &str, password: &[u8], client: &ClientInfo<'_>) -> Result<Token, Error> {
        // A text that cannot be a name is treated like one that nobody has.
        let folded = fold(name).unwrap_or_default();
        let proof = self.check_password(now_us, &folded, password, client.remote)?;
        let token = self.begin_session(now_us, &folded, &proof, client)?;
        // On a site of CGI processes nobody else finishes what a kill left. It is not this visitor's business,
        // so its failure is not either: the next login tries again, and reports come from the operator's tool.
        let _ = self.finish_closings_a_little(now_us);
        Ok(token)
    }

    /// Begins a session, unless the account or its password changed since it was proved.
    pub(super) fn begin_session(
        &self,
        now_us: u64,
        folded: &str,
        proof: &Proof,
        client: &ClientInfo<'_>,
    ) -> Result<Token, Error> {
        let entry = &proof.entry;
        if entry.disabled {
            return Err(Error::Disabled);
        }
        let token = session::new_token(self.settings.random);
        let begun = self.db()?.write("begin a session", |transaction| {
            let unchanged = find(transaction, folded)?.is_some_and(|now| {
                now.id == entry.id && now.state == State::Active && !now.disabled && now.password == entry.password
            });
            if !unchanged {
                return Ok(false);
            }
            if let Some(hash) = &proof.better_hash {
                transaction.execute("UPDATE account SET password = ?2 WHERE id = ?1", params![entry.id, hash])?;
            }
            session::begin(transaction, now_us, entry.id, &token, client)?;
            Ok(true)
        })?;
        if begun { Ok(token) } else { Err(Error::WrongPassword) }
    }

    /// Changes a user's password and ends all sessions but the one that asks.
    ///
    /// # Errors
    /// `WrongPassword` if the old one is wrong; `PasswordLength`; `Limited`; `Busy`.
    pub fn change_password(
        &self,
        now_us: u64,
        session: &Session,
        old: &[u8],
        new: &[u8],
        remote: Option<IpAddr>,
    ) -> Result<(), Error> {
        password::check_length(new, self.settings.password_min)?;
        let folded = folded_name(self, session.author)?;
        self.spend_against(now_us, LimitKind::Login, remote, Against::Name(&folded))?;
        let pass = self.enter_gate()?;
        let entry = self.prove(&pass, &folded, old)?.0;
        let hash = password::hash(new, &self.settings.argon2, self.settings.random)?;
        self.db()?.write("change a password", |transaction| {
            transaction.execute(
                "UPDATE account SET password = ?2 WHERE id = ?1 AND state = ?3",
                params![entry.id, hash, State::Active],
            )?;
            transaction.execute("DELETE FROM session WHERE account = ?1 AND id <> ?2", params![entry.id, session.id.0])
        })?;
        drop(pass);
        self.give_back(now_us, LimitKind::Login, Against::Name(&folded))
    }

    /// Is this the user's password? Counts as a try, like a login.
    ///
    /// # Errors
    /// `WrongPassword`; `Limited`; `Busy`.
    pub(super) fn prove_password(
        &self,
        now_us: u64,
        author: AuthorId,
        password: &[u8],
        remote: Option<IpAddr>,
    ) -> Result<Entry, Error> {
        let folded = folded_name(self, author)?;
        Ok(self.check_password(now_us, &folded, password, remote)?.entry)
    }

    /// The account, if the password is its own.
    pub(super) fn check_password(
        &self,
        now_us: u64,
        folded: &str,
        password: &[u8],
        remote: Option<IpAddr>,
    ) -> Result<Proof, Error> {
        self.spend_against(now_us, LimitKind::Login, remote, Against::Name(folded))?;
        let pass = self.enter_gate()?;
        let (entry, verdict) = self.prove(&pass, folded, password)?;
        if entry.state == State::Pending {
            self.finish_account(&pass, now_us, &entry)?;
        }
        let better_hash = match verdict {
            Verdict::RightButOldCost => Some(password::hash(password, &self.settings.argon2, self.settings.random)?),
            Verdict::Right | Verdict::Wrong => None,
        };
        drop(pass);
        self.give_back(now_us, LimitKind::Login, Against::Name(folded))?;
        Ok(Proof { entry, better_hash })
    }

    /// Compares the password, at the price of exactly one hash whatever is wrong.
    fn prove(&self, _pass: &Pass<'_>, folded: &str, password: &[u8]) -> Result<(Entry, Verdict), Error> {
        let entry = self.db()?.read("look for an account", |connection| find(connection, folded))?;
        let stored = entry.as_ref().and_then(|entry| entry.password.as_deref());
        let too_long = password.len() > PASSWORD_BYTES_MAX;
        let verdict = match stored {
            Some(stored) if !too_long => password::verify(password, stored, &self.settings.argon2)?,
            _ => {
                let (password, _) = password.split_at(password.len().min(PASSWORD_BYTES_MAX));
                password::verify_nothing(password, &self.settings.argon2)?;
                Verdict::Wrong
            }
        };
        match entry {
            Some(entry) if verdict != Verdict::Wrong => Ok((entry, verdict)),
            _ => Err(Error::WrongPassword),
        }
    }
}
