//! What only the operator may do with accounts, and what dumps and imports need. Start at `Store::account`.

use blerg_log::AuthorId;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Account, State, find, fold};
use crate::Store;
use crate::error::Error;
use crate::name::AuthorName;
use crate::password;
use crate::session::{micros, time};

/// Most rows of one page of [`Store::accounts`].
pub const ACCOUNTS_PAGE_MAX: u32 = 1_000;

/// An account with its secret, for dumps: handle it like the database itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The account.
    pub account: Account,
    /// The password's Argon2id hash as a PHC string; `None`: no login.
    pub password_hash: Option<String>,
}

const COLUMNS: &str = "name, author, role, disabled, state, created_us, password";

impl Store {
    /// The account of a name, if there is or was one.
    ///
    /// # Errors
    /// If the name breaks the rules or the database cannot be read.
    pub fn account(&self, name: &str) -> Result<Option<Account>, Error> {
        let folded = fold(name)?;
        let sql = format!("SELECT {COLUMNS} FROM account WHERE folded = ?1");
        let found = self.db()?.read("read an account", |connection| {
            connection.query_row(&sql, params![folded], account_row).optional()
        })?;
        Ok(found.map(|row| row.account))
    }

    /// Accounts in order of their folded names, those after `after`, at most [`ACCOUNTS_PAGE_MAX`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn accounts(&self, after: Option<&str>) -> Result<Vec<AccountRow>, Error> {
        let after = after.unwrap_or("").to_ascii_lowercase();
        let sql = format!("SELECT {COLUMNS} FROM account WHERE folded > ?1 AND state <> 0 ORDER BY folded LIMIT ?2");
        self.db()?.read("read accounts", |connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map(params![after, ACCOUNTS_PAGE_MAX], account_row)?;
            rows.collect()
        })
    }

    /// Switches an account off: no login, no session; what it wrote stays.
    ///
    /// # Errors
    /// `NoSuchAccount`; if the database cannot be written.
    pub fn disable_account(&self, name: &str) -> Result<(), Error> {
        self.change_account(name, "disable an account", |transaction, id| {
            transaction.execute("DELETE FROM session WHERE account = ?1", params![id])?;
            transaction.execute("UPDATE account SET disabled = 1 WHERE id = ?1", params![id])
        })
    }

    /// Switches an account on again.
    ///
    /// # Errors
    /// `NoSuchAccount`; if the database cannot be written.
    pub fn enable_account(&self, name: &str) -> Result<(), Error> {
        self.change_account(name, "enable an account", |transaction, id| {
            transaction.execute("UPDATE account SET disabled = 0 WHERE id = ?1", params![id])
        })
    }

    /// Gives an account a role.
    ///
    /// # Errors
    /// `NoSuchAccount`; if the database cannot be written.
    pub fn set_role(&self, name: &str, role: super::Role) -> Result<(), Error> {
        self.change_account(name, "give an account a role", |transaction, id| {
            transaction.execute("UPDATE account SET role = ?2 WHERE id = ?1", params![id, role])
        })
    }

    /// Gives an account a new password and ends all its sessions. An author without an account, as an import
    /// without passwords leaves them, gets one.
    ///
    /// # Errors
    /// `NoSuchAccount`; `PasswordLength`; `Busy`.
    pub fn set_password(&self, now_us: u64, name: &str, new: &[u8]) -> Result<(), Error> {
        password::check_length(new, self.settings.password_min)?;
        let folded = fold(name)?;
        let pass = self.enter_gate()?;
        let entry = self.db()?.read("look for an account", |connection| find(connection, &folded))?;
        let hash = password::hash(new, &self.settings.argon2, self.settings.random)?;
        let Some(entry) = entry else {
            return self.adopt_author(now_us, &folded, hash);
        };
        if entry.state == State::Pending {
            self.finish_account(&pass, now_us, &entry)?;
        }
        self.change_account(name, "set a password", |transaction, id| {
            transaction.execute("DELETE FROM session WHERE account = ?1", params![id])?;
            transaction.execute("UPDATE account SET password = ?2 WHERE id = ?1", params![id, hash])
        })
    }

    /// Puts accounts back whose authors an import has made in the log; the id of each comes from there. All or
    /// none; an account that exists already keeps what it has, but one that a dead process left half made gives
    /// way.
    ///
    /// # Errors
    /// A name without an author in the log; a hash that could not be checked; if the database cannot be written.
    pub fn restore_accounts(&self, rows: &[AccountRow]) -> Result<(), Error> {
        let snapshot = self.log()?.snapshot()?;
        let mut known = Vec::with_capacity(rows.len());
        for row in rows {
            let name = AuthorName::parse(&row.account.name)?;
            row.password_hash.as_deref().map(password::check_stored).transpose()?;
            let author = snapshot.author_by_name(name.as_str())?.ok_or(Error::NoSuchAccount)?;
            known.push((row, author));
        }
        // Nobody makes an account meanwhile, so pending rows are the dead's.
        let _pass = self.enter_gate()?;
        self.db()?.write("restore accounts", |transaction| {
            for (row, author) in &known {
                // A dump that was made while the owner left has texts of theirs, which are still to be erased.
                let state = if author.closed { State::Closing } else { State::Active };
                let hash = row.password_hash.as_deref().filter(|_| !author.closed);
                let mut account = row.account.clone();
                account.name.clone_from(&author.name);
                account.author = Some(author.id);
                insert(transaction, &account, state, hash)?;
            }
            Ok(())
        })
    }

    fn adopt_author(&self, now_us: u64, folded: &str, hash: String) -> Result<(), Error> {
        let author = self.log()?.snapshot()?.author_by_name(folded)?;
        let author = author.filter(|author| !author.closed).ok_or(Error::NoSuchAccount)?;
        let account = Account {
            name: author.name,
            author: Some(author.id),
            role: super::Role::Member,
            disabled: false,
            closed: false,
            created_us: author.created_us.min(now_us),
        };
        self.db()?.write("add an account", |transaction| insert(transaction, &account, State::Active, Some(&hash)))
    }

    fn change_account(
        &self,
        name: &str,
        doing: &'static str,
        change: impl FnOnce(&Transaction<'_>, i64) -> Result<usize, rusqlite::Error>,
    ) -> Result<(), Error> {
        let folded = fold(name)?;
        let changed = self.db()?.write(doing, |transaction| match find(transaction, &folded)? {
            Some(entry) if entry.state == State::Active => change(transaction, entry.id),
            _ => Ok(0),
        })?;
        if changed == 0 { Err(Error::NoSuchAccount) } else { Ok(()) }
    }
}

fn insert(
    transaction: &Transaction<'_>,
    account: &Account,
    state: State,
    hash: Option<&str>,
) -> Result<(), rusqlite::Error> {
    transaction.execute(
        "DELETE FROM account WHERE folded = ?1 AND state = ?2",
        params![account.name.to_ascii_lowercase(), State::Pending],
    )?;
    transaction.execute(
        "INSERT INTO account (name, folded, author, state, role, disabled, password, created_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        params![
            account.name,
            account.name.to_ascii_lowercase(),
            account.author.map(|author| author.0),
            state,
            account.role,
            account.disabled,
            hash,
            micros(account.created_us),
        ],
    )?;
    Ok(())
}

fn account_row(row: &Row<'_>) -> Result<AccountRow, rusqlite::Error> {
    let state: State = row.get(4)?;
    Ok(AccountRow {
        account: Account {
            name: row.get(0)?,
            author: row.get::<_, Option<u32>>(1)?.map(AuthorId),
            role: row.get(2)?,
            disabled: row.get(3)?,
            closed: matches!(state, State::Closing | State::Closed),
            created_us: time(row, 5)?,
        },
        password_hash: row.get(6)?,
    })
}
