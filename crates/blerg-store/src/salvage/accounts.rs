//! Accounts, sessions and invitations of a damaged database. Start at [`Accounts::read`]. A row counts only with an author of the
//! same name in the log; where one of the two has lost the name, the other has it.

use std::collections::HashMap;

use blerg_log::{AuthorId, Position};
use rusqlite::{Row, params};

use super::Salvaged;
use super::rows::Old;
use crate::account::State;
use crate::session::micros;
use crate::{AuthorName, Error, Store, password};

/// An account.
struct Account {
    id: i64,
    name: String,
    author: Option<u32>,
    state: State,
    role: i64,
    disabled: i64,
    password: Option<String>,
    created_us: i64,
    erased: i64,
}

struct Session {
    id: i64,
    account: i64,
    token: [u8; 32],
    created_us: i64,
    used_us: i64,
    remote: Option<String>,
    agent: Option<String>,
}

struct Invite {
    code: [u8; 32],
    created_us: i64,
    expires_us: i64,
    account: Option<i64>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Accounts {
    accounts: Vec<Account>,
    by_author: HashMap<u32, usize>,
    sessions: Vec<Session>,
    invites: Vec<Invite>,
    /// Account, and up to which positions feed and mentions were seen.
    seen: Vec<(i64, i64, i64)>,
}

impl Accounts {
    /// Reads what is readable.
    pub(super) fn read(old: &Old, done: &mut Salvaged) -> Accounts {
        let mut all = Accounts::default();
        let (mut lost, mut odd) = (Vec::new(), Vec::new());
        let columns = "name, author, state, role, disabled, password, created_us, erased";
        old.each("account", columns, &mut lost, &mut |row| {
            all.accounts.push(Account {
                id: row.get(0)?,
                name: row.get(1)?,
                author: row.get(2)?,
                state: row.get(3)?,
                role: row.get::<_, i64>(4)?.clamp(0, 1),
                disabled: row.get::<_, i64>(5)?.clamp(0, 1),
                password: row.get(6)?,
                created_us: not_negative(row, 7, "account", &mut odd)?,
                erased: not_negative(row, 8, "account", &mut odd)?,
            });
            Ok(())
        });
        let columns = "account, token, created_us, used_us, remote, agent";
        old.each("session", columns, &mut lost, &mut |row| {
            all.sessions.push(Session {
                id: row.get(0)?,
                account: row.get(1)?,
                token: row.get(2)?,
                created_us: not_negative(row, 3, "session", &mut odd)?,
                used_us: not_negative(row, 4, "session", &mut odd)?,
                remote: row.get(5)?,
                agent: row.get(6)?,
            });
            Ok(())
        });
        old.each("seen", "feed, mentioned", &mut lost, &mut |row| {
            all.seen.push((row.get(0)?, row.get(1)?, row.get(2)?));
            Ok(())
        });
        if let Err(error) = all.read_invites(old) {
            lost.push(format!("invite: {error}"));
        }
        for (number, account) in all.accounts.iter().enumerate() {
            if let Some(author) = account.author {
                all.by_author.entry(author).or_insert(number);
            }
        }
        for what in lost.into_iter().chain(odd) {
            done.lose(format!("site.db: {what}"));
        }
        all
    }

    /// These have no numbers to be found by; what stands before damage is taken.
    fn read_invites(&mut self, old: &Old) -> Result<(), rusqlite::Error> {
        let mut statement = old.connection.prepare("SELECT code, created_us, expires_us, account FROM invite")?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            self.invites.push(Invite {
                code: row.get(0)?,
                created_us: row.get(1)?,
                expires_us: row.get(2)?,
                account: row.get(3)?,
            });
        }
        Ok(())
    }

    /// The name that an author's account has.
    pub(super) fn name_of(&self, AuthorId(author): AuthorId) -> Option<String> {
        let account = self.accounts.get(*self.by_author.get(&author)?)?;
        AuthorName::parse(&account.name).ok().map(|name| name.as_str().to_owned())
    }

    /// The places in the old log that somebody remembers.
    pub(super) fn positions(&self) -> Vec<Position> {
        let all = self.seen.iter().flat_map(|(_, feed, mentioned)| [*feed, *mentioned]);
        all.filter_map(|at| u64::try_from(at).ok()).filter(|at| *at > 0).map(Position).collect()
    }

    /// Writes what agrees with the new log. Returns how many accounts that is.
    pub(super) fn write(mut self, new: &Store, moved: &HashMap<u64, u64>, done: &mut Salvaged) -> Result<u64, Error> {
        self.agree(new, done)?;
        let accounts = std::mem::take(&mut self.accounts);
        new.db()?.write("write salvaged accounts", |transaction| {
            let mut written = 0;
            for account in &accounts {
                written += transaction.execute(
                    "INSERT OR IGNORE INTO account
                     (id, name, folded, author, state, role, disabled, password, created_us, erased)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    params![
                        account.id,
                        account.name,
                        account.name.to_ascii_lowercase(),
                        account.author,
                        account.state,
                        account.role,
                        account.disabled,
                        account.password,
                        account.created_us,
                        account.erased,
                    ],
                )?;
            }
            self.write_rest(transaction, moved)?;
            Ok(u64::try_from(written).unwrap_or(0))
        })
    }

    fn write_rest(&self, transaction: &rusqlite::Connection, moved: &HashMap<u64, u64>) -> Result<(), rusqlite::Error> {
        let has = "WHERE EXISTS (SELECT 1 FROM account WHERE id =";
        for session in &self.sessions {
            transaction.execute(
                &format!(
                    "INSERT OR IGNORE INTO session (id, account, token, created_us, used_us, remote, agent)
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 {has} ?2 AND state = 1)"
                ),
                params![
                    session.id,
                    session.account,
                    session.token,
                    session.created_us,
                    session.used_us,
                    session.remote,
                    session.agent
                ],
            )?;
        }
        for invite in &self.invites {
            transaction.execute(
                "INSERT OR IGNORE INTO invite (code, created_us, expires_us, account)
                 SELECT ?1, ?2, ?3, (SELECT id FROM account WHERE id = ?4)",
                // One whose account is lost is used up all the same.
                params![
                    invite.code,
                    invite.created_us,
                    if invite.account.is_some() { 0 } else { invite.expires_us },
                    invite.account
                ],
            )?;
        }
        let place = |old: &i64| u64::try_from(*old).ok().and_then(|old| moved.get(&old)).copied().unwrap_or(0);
        for (account, feed, mentioned) in &self.seen {
            transaction.execute(
                &format!("INSERT OR IGNORE INTO seen (account, feed, mentioned) SELECT ?1, ?2, ?3 {has} ?1)"),
                params![account, micros(place(feed)), micros(place(mentioned))],
            )?;
        }
        Ok(())
    }

    /// Makes accounts and authors agree: the log's word counts, because it has checksums.
    fn agree(&mut self, new: &Store, done: &mut Salvaged) -> Result<(), Error> {
        let snapshot = new.log()?.snapshot()?;
        let mut kept = Vec::with_capacity(self.accounts.len());
        for mut account in std::mem::take(&mut self.accounts) {
            let found = match account.author {
                Some(author) => snapshot.author(AuthorId(author))?,
                None => None,
            };
            let named = AuthorName::parse(&account.name).ok();
            match (&found, named) {
                (Some(author), named) => {
                    if named.is_none_or(|name| !name.as_str().eq_ignore_ascii_case(&author.name)) {
                        let was = account.name.escape_default().to_string();
                        done.lose(format!(
                            "site.db: account {} was {was:?}, its author is {:?}",
                            account.id, author.name
                        ));
                        account.name.clone_from(&author.name);
                    }
                    if author.closed && account.state == State::Active {
                        (account.state, account.password, account.erased) = (State::Closing, None, 0);
                    }
                }
                (None, Some(_)) if account.state == State::Pending && account.author.is_none() => {}
                _ => {
                    let name = account.name.escape_default().to_string();
                    done.lose(format!("site.db: account {name:?} has no author in the log"));
                    continue;
                }
            }
            if account.password.as_deref().is_some_and(|hash| password::check_stored(hash).is_err()) {
                done.lose(format!("site.db: the password of {:?} is damaged", account.name));
                account.password = None;
            }
            kept.push(account);
        }
        self.accounts = kept;
        Ok(())
    }
}

/// A time or a count: where damage has made it negative, 0 takes its place, and that is told.
fn not_negative(row: &Row<'_>, column: usize, table: &str, odd: &mut Vec<String>) -> Result<i64, rusqlite::Error> {
    let value: i64 = row.get(column)?;
    if value < 0 {
        let name = row.as_ref().column_name(column)?;
        odd.push(format!("{table}: row {}: {name} was {value}, and is 0 now", row.get::<_, i64>(0)?));
    }
    Ok(value.max(0))
}
