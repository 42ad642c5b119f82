//! What a user has seen of the feed and of mentions, as positions in the log. Start at `Store::seen`.

use blerg_log::{AuthorId, Position};
use rusqlite::{OptionalExtension, params};

use crate::Store;
use crate::error::Error;
use crate::session::micros;

/// Up to where a user has seen things; the start of the log if never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Posts of those followed.
    pub feed: Position,
    /// Posts that mention the user.
    pub mentioned: Position,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenKind {
    /// Posts of those followed.
    Feed,
    /// Posts that mention the user.
    Mentioned,
}

impl Store {
    /// Up to where a user has seen feed and mentions.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn seen(&self, author: AuthorId) -> Result<Seen, Error> {
        let found = self.db()?.read("read what was seen", |connection| {
            connection
                .query_row(
                    "SELECT s.feed, s.mentioned FROM account a JOIN seen s ON s.account = a.id
                     WHERE a.author = ?1",
                    params![author.0],
                    |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
                )
                .optional()
        })?;
        Ok(found.map_or_else(Seen::default, |(feed, mentioned)| Seen {
            feed: Position(feed.unsigned_abs()),
            mentioned: Position(mentioned.unsigned_abs()),
        }))
    }

    /// Notes that a user has seen everything before `position`; never goes back.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn clear(&self, author: AuthorId, kind: SeenKind, position: Position) -> Result<(), Error> {
        let (feed, mentioned) = match kind {
            SeenKind::Feed => (micros(position.0), 0),
            SeenKind::Mentioned => (0, micros(position.0)),
        };
        self.db()?.write("note what was seen", |transaction| {
            transaction.execute(
                "INSERT INTO seen (account, feed, mentioned)
                 SELECT id, ?2, ?3 FROM account WHERE author = ?1
                 ON CONFLICT (account) DO UPDATE
                 SET feed = max(feed, excluded.feed), mentioned = max(mentioned, excluded.mentioned)",
                params![author.0, feed, mentioned],
            )
        })?;
        Ok(())
    }
}
