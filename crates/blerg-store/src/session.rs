//! Sessions: who a token belongs to, and how it ends. Start at `Store::authenticate`.
//!
//! A token is 256 random bits; only its hash is stored, so the database holds nothing that logs anybody in.
//! A session ends by logout, by a change of password, by being revoked, or by age. A text that cannot be a
//! token is refused before SQLite is opened.

use std::fmt;
use std::net::IpAddr;

use blake2::{Blake2s256, Digest};
use blerg_log::AuthorId;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::Store;
use crate::account::{Role, State};
use crate::error::Error;

/// A session that nobody used for so long is over.
pub const IDLE_SECS_MAX: u64 = 90 * 86_400;

/// A session that is so old is over, used or not.
pub const AGE_SECS_MAX: u64 = 366 * 86_400;

/// Most sessions of one account: a program that logs in for each request ends its own oldest ones.
pub const SESSIONS_MAX: u32 = 1_000;

/// Longest user agent kept: enough to tell one's devices apart.
pub const AGENT_BYTES_MAX: usize = 200;

/// How exactly the last use is known: a write for each request would cost a sync.
const TOUCH_US: u64 = 3_600 * 1_000_000;

const TOKEN_BYTES: usize = 32;

/// What a client shows to be recognised; print it into a cookie, never into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; TOKEN_BYTES]);

/// The public number of a session, which its owner may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

/// A valid session: who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// The user.
    pub author: AuthorId,
    /// The user's name in its own spelling.
    pub name: String,
    /// What the user may do.
    pub role: Role,
}

/// One of a user's sessions, as shown to that user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Its number.
    pub id: SessionId,
    /// When it began.
    pub created_us: u64,
    /// When it was last used, to the hour.
    pub used_us: u64,
    /// The address that logged in.
    pub remote: Option<String>,
    /// The program that logged in, by its own word.
    pub agent: Option<String>,
}

/// What is known of the client that logs in.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientInfo<'a> {
    /// Its address.
    pub remote: Option<IpAddr>,
    /// Its User-Agent header.
    pub agent: Option<&'a str>,
}

impl Token {
    /// Reads what [`Token`]'s `Display` wrote.
    pub fn parse(text: &str) -> Option<Token> {
        let digits = text.as_bytes();
        if digits.len() != TOKEN_BYTES * 2 {
            return None;
        }
        let mut bytes = [0_u8; TOKEN_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().try_fold(0_u8, |sum, digit| Some(sum << 4 | nibble(*digit)?))?;
        }
        Some(Token(bytes))
    }

    fn generate(random: fn(&mut [u8])) -> Token {
        let mut bytes = [0_u8; TOKEN_BYTES];
        random(&mut bytes);
        Token(bytes)
    }

    fn hash(&self) -> TokenHash {
        let mut hash = Blake2s256::new();
        hash.update(b"blerg session");
        hash.update(self.0);
        TokenHash(hash.finalize().into())
    }
}

/// What is stored of a token.
struct TokenHash([u8; 32]);

impl TokenHash {
    /// The session's number: 63 bits of the hash, so that numbers are never used again and tell nothing.
    fn id(&self) -> SessionId {
        let word = self.0.first_chunk::<8>().map_or(0, |chunk| i64::from_le_bytes(*chunk));
        SessionId(word & i64::MAX)
    }
}

impl Store {
    /// Whose token this is, if it is anybody's.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn authenticate(&self, now_us: u64, token: &str) -> Result<Option<Session>, Error> {
        let Some(token) = Token::parse(token) else {
            return Ok(None);
        };
        let hash = token.hash();
        let found = self.db()?.read("read a session", |connection| find(connection, &hash))?;
        let Some(found) = found else {
            return Ok(None);
        };
        if found.is_over(now_us) {
            return Ok(None);
        }
        if now_us.saturating_sub(found.used_us) >= TOUCH_US {
            self.touch(now_us, found.session.id)?;
        }
        Ok(Some(found.session))
    }

    /// Ends the session of a token; true if there was one.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn logout(&self, token: &str) -> Result<bool, Error> {
        let Some(token) = Token::parse(token) else {
            return Ok(false);
        };
        let hash = token.hash();
        self.db()?.write("end a session", |transaction| {
            let ended = transaction
                .execute("DELETE FROM session WHERE id = ?1 AND token = ?2", params![hash.id().0, hash.0])?;
            Ok(ended > 0)
        })
    }

    /// A user's sessions, the one used last first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn sessions(&self, now_us: u64, author: AuthorId) -> Result<Vec<SessionView>, Error> {
        self.db()?.read("read sessions", |connection| {
            let mut statement = connection.prepare(
                "SELECT s.id, s.created_us, s.used_us, s.remote, s.agent
                 FROM account a JOIN session s ON s.account = a.id
                 WHERE a.author = ?1 AND s.used_us > ?2 AND s.created_us > ?3
                 ORDER BY s.used_us DESC, s.id LIMIT ?4",
            )?;
            let [used_us, created_us] = oldest_us(now_us);
            let rows = statement.query_map(params![author.0, used_us, created_us, SESSIONS_MAX], view)?;
            rows.collect()
        })
    }

    /// Ends one session of a user; true if there was one.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn revoke(&self, author: AuthorId, id: SessionId) -> Result<bool, Error> {
        self.db()?.write("end a session", |transaction| {
            let ended = transaction.execute(
                "DELETE FROM session WHERE id = ?2
                 AND account = (SELECT id FROM account WHERE author = ?1)",
                params![author.0, id.0],
            )?;
            Ok(ended > 0)
        })
    }

    /// Ends all sessions of a user but one; tells how many.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn revoke_others(&self, author: AuthorId, keep: SessionId) -> Result<usize, Error> {
        self.db()?.write("end sessions", |transaction| {
            transaction.execute(
                "DELETE FROM session WHERE id <> ?2
                 AND account = (SELECT id FROM account WHERE author = ?1)",
                params![author.0, keep.0],
            )
        })
    }

    /// Notes a session's use. Best effort: who only reads stays logged in on a full or busy disk.
    fn touch(&self, now_us: u64, id: SessionId) -> Result<(), Error> {
        let touched = self.db()?.write("note a session's use", |transaction| {
            transaction
                .execute("UPDATE session SET used_us = max(used_us, ?2) WHERE id = ?1", params![id.0, micros(now_us)])
        });
        match touched {
            Err(error) if !error.leaves_reading_possible() => Err(error),
            _ => Ok(()),
        }
    }
}

/// Begins a session inside a transaction, ending those that are too old or too many.
pub(crate) fn begin(
    transaction: &Transaction<'_>,
    now_us: u64,
    account: i64,
    token: &Token,
    client: &ClientInfo<'_>,
) -> Result<(), rusqlite::Error> {
    let [used_us, created_us] = oldest_us(now_us);
    transaction.execute("DELETE FROM session WHERE used_us <= ?1", params![used_us])?;
    transaction.execute(
        "DELETE FROM session WHERE account = ?1 AND (created_us <= ?2 OR id IN
             (SELECT id FROM session WHERE account = ?1 ORDER BY used_us DESC LIMIT -1 OFFSET ?3))",
        params![account, created_us, SESSIONS_MAX - 1],
    )?;
    let hash = token.hash();
    transaction.execute(
        "INSERT INTO session (id, account, token, created_us, used_us, remote, agent)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)",
        params![
            hash.id().0,
            account,
            hash.0,
            micros(now_us),
            client.remote.map(|remote| remote.to_canonical().to_string()),
            client.agent.map(cut_agent),
        ],
    )?;
    Ok(())
}

/// A new token.
pub(crate) fn new_token(random: fn(&mut [u8])) -> Token {
    Token::generate(random)
}

/// Times and positions in SQLite's signed 64 bits; those beyond (the year 294247) stand still.
pub(crate) fn micros(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

struct Found {
    session: Session,
    created_us: u64,
    used_us: u64,
}

impl Found {
    fn is_over(&self, now_us: u64) -> bool {
        now_us.saturating_sub(self.used_us) >= IDLE_SECS_MAX * 1_000_000
            || now_us.saturating_sub(self.created_us) >= AGE_SECS_MAX * 1_000_000
    }
}

fn find(connection: &Connection, hash: &TokenHash) -> Result<Option<Found>, rusqlite::Error> {
    let found = connection
        .query_row(
            "SELECT s.token, s.created_us, s.used_us, a.author, a.name, a.role
             FROM session s JOIN account a ON a.id = s.account
             WHERE s.id = ?1 AND a.state = ?2 AND a.disabled = 0",
            params![hash.id().0, State::Active],
            |row| {
                let session =
                    Session { id: hash.id(), author: AuthorId(row.get(3)?), name: row.get(4)?, role: row.get(5)? };
                let token: [u8; 32] = row.get(0)?;
                Ok((token, Found { session, created_us: time(row, 1)?, used_us: time(row, 2)? }))
            },
        )
        .optional()?;
    // The look-up is by a hash of the token, so its time tells nothing about any token.
    Ok(found.and_then(|(token, found)| (token == hash.0).then_some(found)))
}

fn view(row: &Row<'_>) -> Result<SessionView, rusqlite::Error> {
    Ok(SessionView {
        id: SessionId(row.get(0)?),
        created_us: time(row, 1)?,
        used_us: time(row, 2)?,
        remote: row.get(3)?,
        agent: row.get(4)?,
    })
}

/// A time column; the ones we write are never negative.
pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    let us: i64 = row.get(column)?;
    u64::try_from(us).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, us))
}

/// The last use and the beginning at which a session is over by now.
fn oldest_us(now_us: u64) -> [i64; 2] {
    // A site whose clock shows less than that has no old sessions: -1 is before everything.
    let before = |secs: u64| now_us.checked_sub(secs * 1_000_000).map_or(-1, micros);
    [before(IDLE_SECS_MAX), before(AGE_SECS_MAX)]
}

fn cut_agent(agent: &str) -> String {
    let end = (0..=AGENT_BYTES_MAX.min(agent.len())).rev().find(|end| agent.is_char_boundary(*end));
    let (kept, _) = agent.split_at(end.unwrap_or(0));
    kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests;
