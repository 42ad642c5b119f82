//! Accounts: the secret half of an author. Start at `Store::create_account` and `Store::login`.
//!
//! An account is a row in SQLite and a USER frame in the log. A row begins *pending*, becomes *active* once the
//! frame is durable, *closing* when its owner leaves, and *closed* when all its records are erased. Only the
//! holder of the gate (`gate.rs`) makes rows, so a pending row that the gate's holder finds is one that a dead
//! process left behind: nobody else can be at work on it. Each step may be the last one before a kill.

use std::net::IpAddr;
use std::str::FromStr;

use blerg_log::AuthorId;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params};

use crate::Store;
use crate::db::{Checkpoints, Db, SITE, Syncing};
use crate::error::Error;
use crate::gate::Pass;
use crate::limit::Table;
use crate::name::AuthorName;
use crate::{Durability, Recovery, ready};

mod admin;
mod close;
mod create;
mod invite;
mod login;
mod seen;
mod upkeep;

pub use admin::AccountRow;
pub use close::Closings;
pub use seen::{Seen, SeenKind};
pub(crate) use upkeep::leave_in_copy;

/// Who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Nobody; the operator adds accounts.
    Closed,
    /// Who holds an invitation.
    Invite,
}

/// The words of `BLERG_REGISTRATION`.
impl FromStr for Registration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Registration, Error> {
        match text {
            "open" => Ok(Registration::Open),
            "closed" => Ok(Registration::Closed),
            "invite" => Ok(Registration::Invite),
            _ => Err(Error::Setting { wanted: "open, closed or invite", found: text.to_owned() }),
        }
    }
}

/// What a user may do beyond posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What everybody may.
    Member,
    /// Protect and delete wiki pages too.
    Admin,
}

impl Role {
    /// The role's word, as the operator's tool and dumps write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Role::Member => "member",
            Role::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Role, Error> {
        match text {
            "member" => Ok(Role::Member),
            "admin" => Ok(Role::Admin),
            _ => Err(Error::Setting { wanted: "member or admin", found: text.to_owned() }),
        }
    }
}

/// How far an account's making or ending has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The USER frame may or may not be in the log.
    Pending,
    /// In use.
    Active,
    /// Its owner left; records are being erased.
    Closing,
    /// Nothing is left but the name.
    Closed,
}

/// What a visitor signs up with.
#[derive(Debug, Clone, Copy)]
pub struct NewAccount<'a> {
    /// The name wanted.
    pub name: &'a str,
    /// The password.
    pub password: &'a [u8],
    /// An invitation's code.
    pub invite: Option<&'a str>,
    /// Where the visitor comes from.
    pub remote: Option<IpAddr>,
}

/// An account as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name in its own spelling.
    pub name: String,
    /// The author; `None` where a process died while it made the account.
    pub author: Option<AuthorId>,
    /// What the user may do.
    pub role: Role,
    /// Switched off by the operator.
    pub disabled: bool,
    /// Its owner has closed it.
    pub closed: bool,
    /// When it was made.
    pub created_us: u64,
}

/// A row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) disabled: bool,
    pub(crate) password: Option<String>,
}

impl Store {
    /// The database, opened on first use. A GET by somebody without a session never comes here.
    pub(crate) fn db(&self) -> Result<&Db, Error> {
        if let Some(db) = self.db.get() {
            return Ok(db);
        }
        // The log comes first: it makes the directory, and knows how durable the site is.
        let syncing = match self.log()?.identity().durability {
            Durability::Sync => Syncing::Full,
            Durability::None => Syncing::Normal,
        };
        // A program that refuses long recoveries lives for one request (CGI).
        let checkpoints = match self.settings.recovery {
            Recovery::Refuse => Checkpoints::WhenGrown,
            Recovery::Inline => Checkpoints::AtClose,
        };
        let _one_at_a_time = crate::lock(&self.opening);
        if let Some(db) = self.db.get() {
            return Ok(db);
        }
        let db = Db::open(&self.dir, &SITE, syncing, checkpoints)?;
        Ok(self.db.get_or_init(|| db))
    }

    /// Waits for the one hashing place on the data directory, before anything else is opened.
    pub(crate) fn enter_gate(&self) -> Result<Pass<'_>, Error> {
        ready::make_dir(&self.dir)?;
        self.gate.enter()
    }

    pub(crate) fn limit_table(&self) -> Result<&Table, Error> {
        if let Some(table) = self.limits.get() {
            return Ok(table);
        }
        ready::make_dir(&self.dir)?;
        let _one_at_a_time = crate::lock(&self.opening);
        if let Some(table) = self.limits.get() {
            return Ok(table);
        }
        let table = Table::open(&self.dir, self.settings.random)?;
        Ok(self.limits.get_or_init(|| table))
    }
}

/// Finds an account by its folded name.
pub(crate) fn find(connection: &Connection, folded: &str) -> Result<Option<Entry>, rusqlite::Error> {
    connection
        .query_row(
            "SELECT id, name, state, disabled, password FROM account WHERE folded = ?1",
            params![folded],
            |row| {
                Ok(Entry {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    state: row.get(2)?,
                    disabled: row.get(3)?,
                    password: row.get(4)?,
                })
            },
        )
        .optional()
}

/// The name of an author's account, in the form in which accounts are found.
pub(crate) fn folded_name(store: &Store, author: AuthorId) -> Result<String, Error> {
    let name: Option<String> = store.db()?.read("read an account", |connection| {
        connection
            .query_row("SELECT folded FROM account WHERE author = ?1", params![author.0], |row| row.get(0))
            .optional()
    })?;
    name.ok_or(Error::NoSuchAccount)
}

/// The folded form of a name that an operator or a visitor typed.
pub(crate) fn fold(name: &str) -> Result<String, Error> {
    Ok(AuthorName::parse(name)?.folded())
}

impl ToSql for State {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(match self {
            State::Pending => 0_i64,
            State::Active => 1,
            State::Closing => 2,
            State::Closed => 3,
        }
        .into())
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<State> {
        match value.as_i64()? {
            0 => Ok(State::Pending),
            1 => Ok(State::Active),
            2 => Ok(State::Closing),
            3 => Ok(State::Closed),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

impl ToSql for Role {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(match self {
            Role::Member => 0_i64,
            Role::Admin => 1,
        }
        .into())
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Role> {
        match value.as_i64()? {
            0 => Ok(Role::Member),
            1 => Ok(Role::Admin),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
