//! Making an account in steps that may each be the last: row pending, USER frame durable, row active.
//! Start at `Store::create_account`.
//!
//! The holder of the gate resolves what a dead process left: `login` with the pending password finishes the
//! account, `create` gives the name to whoever asks now, because nobody was ever told that it was theirs.

use blerg_log::{ListKey, Op, Outcome, Rejection};
use rusqlite::{Transaction, params};

use super::{Entry, NewAccount, Registration, Role, State, find, invite};
use crate::Store;
use crate::error::Error;
use crate::gate::Pass;
use crate::limit::{Against, LimitKind};
use crate::name::AuthorName;
use crate::password;
use crate::session::micros;

/// What the operator or a visitor wants made.
#[derive(Debug)]
struct Wanted<'a> {
    name: AuthorName,
    password: &'a [u8],
    role: Role,
    invite: Option<invite::Code>,
}

impl Store {
    /// Signs a visitor up. Returns once the account is durable.
    ///
    /// # Errors
    /// The name or password breaks a rule; the name is or was taken; registration is closed or the invitation
    /// no good; `Limited`; `Busy`.
    pub fn create_account(&self, now_us: u64, new: &NewAccount<'_>) -> Result<(), Error> {
        let invite = match (self.settings.registration, new.invite) {
            (Registration::Closed, _) => return Err(Error::RegistrationClosed),
            (Registration::Invite, None) => return Err(Error::Invite),
            (Registration::Invite, Some(code)) => Some(invite::Code::parse(code).ok_or(Error::Invite)?),
            (Registration::Open, _) => None,
        };
        let name = AuthorName::parse(new.name)?;
        password::check_length(new.password, self.settings.password_min)?;
        self.spend_against(now_us, LimitKind::Create, new.remote, Against::Nobody)?;
        let wanted = Wanted { name, password: new.password, role: Role::Member, invite };
        self.make_account(now_us, &wanted)
    }

    /// Adds an account for the operator, whatever the registration setting and the limits.
    ///
    /// # Errors
    /// The name or password breaks a rule; the name is or was taken; `Busy`.
    pub fn add_account(&self, now_us: u64, name: &str, password: &[u8], role: Role) -> Result<(), Error> {
        let name = AuthorName::parse(name)?;
        password::check_length(password, self.settings.password_min)?;
        self.make_account(now_us, &Wanted { name, password, role, invite: None })
    }

    fn make_account(&self, now_us: u64, wanted: &Wanted<'_>) -> Result<(), Error> {
        let pass = self.enter_gate()?;
        self.check_free(now_us, wanted)?;
        let hash = password::hash(wanted.password, &self.settings.argon2, self.settings.random)?;
        let entry = self.begin_account(&pass, now_us, wanted, &hash)?;
        self.finish_account(&pass, now_us, &entry)
    }

    /// Refuses what can be refused before the price of a hash is paid.
    fn check_free(&self, now_us: u64, wanted: &Wanted<'_>) -> Result<(), Error> {
        let folded = wanted.name.folded();
        let (entry, invited) = self.db()?.read("look for an account", |connection| {
            let invited = match &wanted.invite {
                Some(code) => invite::is_good(connection, now_us, code, &folded)?,
                None => true,
            };
            Ok((find(connection, &folded)?, invited))
        })?;
        match entry.map(|entry| entry.state) {
            Some(State::Active | State::Closing | State::Closed) => Err(Error::NameTaken),
            // Nobody had this author confirmed, so a name that only the log has belongs to an import.
            None if self.log()?.snapshot()?.author_by_name(&folded)?.is_some() => Err(Error::NameTaken),
            None | Some(State::Pending) if invited => Ok(()),
            None | Some(State::Pending) => Err(Error::Invite),
        }
    }

    /// First step: the row, pending. Replaces one that a dead process left.
    fn begin_account(&self, _pass: &Pass<'_>, now_us: u64, wanted: &Wanted<'_>, hash: &str) -> Result<Entry, Error> {
        let folded = wanted.name.folded();
        let begun = self.db()?.write("begin an account", |transaction| {
            if let Some(code) = &wanted.invite
                && !invite::is_good(transaction, now_us, code, &folded)?
            {
                return Ok(Err(Error::Invite));
            }
            if let Some(entry) = find(transaction, &folded)? {
                if entry.state != State::Pending {
                    return Ok(Err(Error::NameTaken));
                }
                // An invitation that it had used is free again by its foreign key.
                transaction.execute("DELETE FROM account WHERE id = ?1", params![entry.id])?;
            }
            let id = insert_pending(transaction, now_us, wanted, hash)?;
            if let Some(code) = &wanted.invite {
                invite::spend(transaction, code, id)?;
            }
            Ok(Ok(id))
        })?;
        Ok(Entry {
            id: begun?,
            name: wanted.name.as_str().to_owned(),
            state: State::Pending,
            disabled: false,
            password: Some(hash.to_owned()),
        })
    }

    /// Second and third step: the USER frame, durable, then the row active.
    pub(crate) fn finish_account(&self, _pass: &Pass<'_>, now_us: u64, entry: &Entry) -> Result<(), Error> {
        let Some((author, name)) = self.ensure_author(now_us, entry)? else {
            self.db()?.write("drop an account", |transaction| {
                transaction
                    .execute("DELETE FROM account WHERE id = ?1 AND state = ?2", params![entry.id, State::Pending])
            })?;
            return Err(Error::NameTaken);
        };
        self.db()?.write("finish an account", |transaction| {
            transaction.execute(
                "UPDATE account SET state = ?2, author = ?3, name = ?4 WHERE id = ?1 AND state = ?5",
                params![entry.id, State::Active, author, name, State::Pending],
            )
        })?;
        Ok(())
    }

    /// The author of a pending account and the spelling of its name, made if a dead process had not come so
    /// far; `None` if the name belongs to another author.
    fn ensure_author(&self, now_us: u64, entry: &Entry) -> Result<Option<(u32, String)>, Error> {
        let log = self.log()?;
        let op = Op::AddAuthor { name: entry.name.clone(), at_us: None };
        let outcome = log.commit(now_us, vec![op])?.pop();
        match outcome {
            Some(Ok(Outcome::Author(author))) => Ok(Some((author.0, entry.name.clone()))),
            Some(Err(Rejection::NameTaken)) => {
                let snapshot = log.snapshot()?;
                let Some(author) = snapshot.author_by_name(&entry.name)? else { return Ok(None) };
                // An author of an account that was never finished wrote nothing: this one came by an import.
                let is_ours = !author.closed && snapshot.list(&ListKey::Timeline(author.id))?.is_empty();
                Ok(is_ours.then_some((author.id.0, author.name)))
            }
            other => Err(Error::Damaged { what: format!("log answered {other:?} to a new author") }),
        }
    }
}

fn insert_pending(
    transaction: &Transaction<'_>,
    now_us: u64,
    wanted: &Wanted<'_>,
    hash: &str,
) -> Result<i64, rusqlite::Error> {
    transaction.execute(
        "INSERT INTO account (name, folded, state, role, password, created_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![wanted.name.as_str(), wanted.name.folded(), State::Pending, wanted.role, hash, micros(now_us)],
    )?;
    Ok(transaction.last_insert_rowid())
}

#[cfg(test)]
impl Store {
    /// The first step alone.
    pub(super) fn begin_for_test(&self, pass: &Pass<'_>, now_us: u64, name: &str, hash: &str) {
        let name = AuthorName::parse(name).unwrap();
        let wanted = Wanted { name, password: b"", role: Role::Member, invite: None };
        self.begin_account(pass, now_us, &wanted, hash).unwrap();
    }
}
