//! Rate limits per address and per account, shared by every process on the data directory. Start at
//! `Store::spend` and `Limits`.
//!
//! The counters live in the file `limits`: a table of fixed size (`limit/table.rs`), read and written under a
//! kernel lock, never synced and never in SQLite, so a put pays nothing durable for them. Losing the file only
//! forgives. Addresses and names stand in it as keyed hashes. IPv6 addresses count by their /64.

use std::net::IpAddr;
use std::str::FromStr;

use blerg_log::AuthorId;

use crate::Store;
use crate::error::Error;

mod table;

pub(crate) use table::Table;
use table::{Key, Spending};

/// Most tries a window that a setting may ask for.
pub const TRIES_MAX: u32 = 1_000_000;

/// Longest window that a setting may ask for: a day.
pub const WINDOW_SECS_MAX: u32 = 86_400;

/// How many times the tries of one address an account may be guessed at from all addresses together. More than
/// one, so that one hostile address cannot use up what the owner needs to log in.
const LOGIN_ACCOUNT_FACTOR: u32 = 5;

/// Tries in a window of time: so many at once, then one each `window_secs / tries`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tries a window; 0 switches the limit off.
    pub tries: u32,
    /// The window's length.
    pub window_secs: u32,
}

/// How often one address or account may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Passwords tried: login, change of password, closing an account.
    pub login: Rate,
    /// New accounts.
    pub create: Rate,
    /// Posts, edits and deletes.
    pub put: Rate,
    /// Looks that cost more than a page: histories, comparisons, searches of the wiki.
    pub look: Rate,
    /// Changes of little that are durable all the same: subscriptions, what was seen, sessions ended.
    pub small: Rate,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// A password tried.
    Login,
    /// A new account.
    Create,
    /// A post, an edit or a delete.
    Put,
    /// A look that costs more than a page.
    Look,
    /// A subscription begun or ended, a mark of what was seen, a session ended from elsewhere.
    Small,
}

impl Limits {
    /// What a site has when the operator says nothing.
    pub const DEFAULT: Limits = Limits {
        login: Rate::new(10, 60),
        create: Rate::new(5, 3600),
        put: Rate::new(60, 60),
        look: Rate::new(120, 60),
        small: Rate::new(120, 60),
    };

    /// No limits: the operator's tool, tests, or a proxy that limits by itself.
    pub const OFF: Limits = Limits {
        login: Rate::new(0, 1),
        create: Rate::new(0, 1),
        put: Rate::new(0, 1),
        look: Rate::new(0, 1),
        small: Rate::new(0, 1),
    };

    fn rate(&self, kind: LimitKind) -> Rate {
        match kind {
            LimitKind::Login => self.login,
            LimitKind::Create => self.create,
            LimitKind::Put => self.put,
            LimitKind::Look => self.look,
            LimitKind::Small => self.small,
        }
    }
}

impl Rate {
    const fn new(tries: u32, window_secs: u32) -> Rate {
        Rate { tries, window_secs }
    }

    /// Reads `off` or `TRIES/SECONDS`.
    fn parse(text: &str) -> Option<Rate> {
        if text == "off" {
            return Some(Rate::new(0, 1));
        }
        let (tries, window) = text.split_once('/')?;
        let rate = Rate::new(digits(tries)?, digits(window)?);
        let within = (1..=TRIES_MAX).contains(&rate.tries) && (1..=WINDOW_SECS_MAX).contains(&rate.window_secs);
        within.then_some(rate)
    }
}

/// The words of `BLERG_LIMITS`: `default`, `off`, or a list such as `login=10/60,create=5/3600,put=off`; what
/// the list leaves out keeps its default.
impl FromStr for Limits {
    type Err = Error;

    fn from_str(text: &str) -> Result<Limits, Error> {
        let wrong = || Error::Setting {
            wanted: "default, off or a list like login=10/60,create=5/3600,put=60/60,look=120/60,small=120/60",
            found: text.to_owned(),
        };
        match text {
            "default" => return Ok(Limits::DEFAULT),
            "off" => return Ok(Limits::OFF),
            _ => {}
        }
        let mut limits = Limits::DEFAULT;
        let mut named = Vec::new();
        for part in text.split(',') {
            let (name, rate) = part.split_once('=').ok_or_else(wrong)?;
            let rate = Rate::parse(rate).ok_or_else(wrong)?;
            match name {
                _ if named.contains(&name) => return Err(wrong()),
                "login" => limits.login = rate,
                "create" => limits.create = rate,
                "put" => limits.put = rate,
                "look" => limits.look = rate,
                "small" => limits.small = rate,
                _ => return Err(wrong()),
            }
            named.push(name);
        }
        Ok(limits)
    }
}

/// Whose account a try counts against, besides the address it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Against<'a> {
    /// Nobody's: only the address counts.
    Nobody,
    /// An account that may or may not exist, by its folded name.
    Name(&'a str),
    /// An author's.
    Author(AuthorId),
}

impl Store {
    /// Counts one try of `kind` against the address (none known counts as one address of its own) and, where
    /// there is one, the author. Call it before a put, an edit, a delete or a small change; what takes passwords counts by
    /// itself.
    ///
    /// # Errors
    /// `Limited` if either has used up its tries; a refused try costs nothing.
    pub fn spend(
        &self,
        now_us: u64,
        kind: LimitKind,
        remote: Option<IpAddr>,
        author: Option<AuthorId>,
    ) -> Result<(), Error> {
        let against = author.map_or(Against::Nobody, Against::Author);
        self.spend_against(now_us, kind, remote, against)
    }

    pub(crate) fn spend_against(
        &self,
        now_us: u64,
        kind: LimitKind,
        remote: Option<IpAddr>,
        against: Against<'_>,
    ) -> Result<(), Error> {
        let rate = self.settings().limits.rate(kind);
        if rate.tries == 0 {
            return Ok(());
        }
        let table = self.limit_table()?;
        let mut spendings = vec![Spending { key: table.key(kind, Key::Address(remote)), rate }];
        if let Some(key) = account_key(table, kind, against) {
            let rate = account_rate(kind, rate);
            spendings.push(Spending { key, rate });
        }
        match table.spend(now_us, &spendings)? {
            None => Ok(()),
            Some(wait_us) => Err(Error::Limited { retry_after_secs: wait_us.div_ceil(1_000_000).max(1) }),
        }
    }

    /// Gives an account back the try that turned out to be its owner's.
    pub(crate) fn give_back(&self, now_us: u64, kind: LimitKind, against: Against<'_>) -> Result<(), Error> {
        let rate = self.settings().limits.rate(kind);
        if rate.tries == 0 {
            return Ok(());
        }
        let table = self.limit_table()?;
        let rate = account_rate(kind, rate);
        match account_key(table, kind, against) {
            Some(key) => table.give_back(now_us, &Spending { key, rate }),
            None => Ok(()),
        }
    }
}

fn account_key(table: &Table, kind: LimitKind, against: Against<'_>) -> Option<table::Slot> {
    match against {
        Against::Nobody => None,
        Against::Name(folded) => Some(table.key(kind, Key::Name(folded))),
        Against::Author(author) => Some(table.key(kind, Key::Author(author))),
    }
}

fn account_rate(kind: LimitKind, rate: Rate) -> Rate {
    match kind {
        LimitKind::Login => Rate { tries: rate.tries.saturating_mul(LOGIN_ACCOUNT_FACTOR), ..rate },
        LimitKind::Create | LimitKind::Put | LimitKind::Look | LimitKind::Small => rate,
    }
}

/// A number of decimal digits only: `parse` alone would take a sign.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
