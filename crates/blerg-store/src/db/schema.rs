//! The tables of each SQLite file, as migrations that are only ever added to (SCHEMA.md explains them).
//! Start at `SITE`. A migration that was released is never edited; `user_version` counts those done.

/// One SQLite file: its name and how it came to be.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The file's name in the data directory.
    pub(crate) file: &'static str,
    /// What `file` and the like show the file to be.
    pub(crate) application_id: i64,
    /// Migration number n brings version n to n + 1.
    pub(crate) migrations: &'static [&'static str],
}

impl Layout {
    /// The newest version.
    pub(crate) fn version(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }

    /// The tables that hold rows of their own.
    pub(crate) fn tables(&self) -> Vec<&'static str> {
        let names =
            self.migrations.iter().flat_map(|sql| sql.lines()).filter_map(|line| line.strip_prefix("CREATE TABLE "));
        names.filter_map(|rest| rest.split_whitespace().next()).collect()
    }

    /// What is left to do for a file of version `found`.
    pub(crate) fn migrations_from(&self, found: i64) -> impl Iterator<Item = &'static str> {
        let done = usize::try_from(found).unwrap_or(0);
        self.migrations.iter().skip(done).copied()
    }
}

/// The truth about what is secret or changes in place: accounts, sessions, invitations, what was seen.
pub(crate) const SITE: Layout = Layout {
    file: "site.db",
    application_id: 0x424c_5247,
    migrations: &[
        "
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    author INTEGER UNIQUE,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    role INTEGER NOT NULL DEFAULT 0 CHECK (role BETWEEN 0 AND 1),
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled BETWEEN 0 AND 1),
    password TEXT,
    created_us INTEGER NOT NULL,
    erased INTEGER NOT NULL DEFAULT 0,
    CHECK (state = 0 OR author IS NOT NULL)
) STRICT;
CREATE INDEX account_closing ON account (id) WHERE state = 2;
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    token BLOB NOT NULL CHECK (length(token) = 32),
    created_us INTEGER NOT NULL,
    used_us INTEGER NOT NULL,
    remote TEXT,
    agent TEXT
) STRICT;
CREATE INDEX session_account ON session (account, used_us);
CREATE INDEX session_used ON session (used_us);
CREATE TABLE invite (
    code BLOB PRIMARY KEY CHECK (length(code) = 32),
    created_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    account INTEGER UNIQUE REFERENCES account (id) ON DELETE SET NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
    account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    feed INTEGER NOT NULL DEFAULT 0,
    mentioned INTEGER NOT NULL DEFAULT 0
) STRICT;
",
        "
ALTER TABLE seen ADD COLUMN log INTEGER NOT NULL DEFAULT 0;
",
    ],
};
