//! The tables of `wiki.db` (SCHEMA.md explains them). Start at `WIKI`. What a page's text leads to (html, links, tags,
//! words) is there for living pages only; a deleted page keeps its row, its revisions and its files.

use crate::db::Layout;

/// The wiki: truth about pages, revisions and files, and what is derived from them.
pub(crate) const WIKI: Layout = Layout {
    file: "wiki.db",
    application_id: 0x424c_5257,
    migrations: &[
        "
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    change INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0);
CREATE TABLE page (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    rev INTEGER NOT NULL,
    text INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted BETWEEN 0 AND 1),
    redirect INTEGER,
    protection INTEGER CHECK (protection BETWEEN 0 AND 3),
    version INTEGER NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0,
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;
CREATE INDEX page_redirect ON page (redirect) WHERE redirect IS NOT NULL;
CREATE TABLE revision (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    page INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    author TEXT,
    summary TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor BETWEEN 0 AND 1),
    bytes INTEGER NOT NULL,
    text INTEGER,
    detail TEXT NOT NULL,
    UNIQUE (page, rev)
) STRICT;
CREATE INDEX revision_at ON revision (at_us, id);
CREATE INDEX revision_author ON revision (author COLLATE NOCASE, at_us);
CREATE TABLE text (
    id INTEGER PRIMARY KEY,
    page INTEGER NOT NULL,
    no INTEGER NOT NULL,
    base INTEGER,
    data BLOB NOT NULL,
    UNIQUE (page, no)
) STRICT;
CREATE INDEX text_base ON text (base) WHERE base IS NOT NULL;
CREATE TABLE shown (
    page INTEGER PRIMARY KEY,
    renderer INTEGER NOT NULL,
    html TEXT NOT NULL
) STRICT;
CREATE TABLE link (
    page INTEGER NOT NULL,
    target TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (page, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_target ON link (target, name);
CREATE TABLE tag (
    page INTEGER NOT NULL,
    tag TEXT NOT NULL,
    spelling TEXT NOT NULL,
    PRIMARY KEY (page, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_tag ON tag (tag, page);
CREATE TABLE mention (
    page INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (page, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_name ON mention (name, page);
CREATE TABLE file (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    page INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    at_us INTEGER NOT NULL,
    author TEXT,
    newest INTEGER NOT NULL CHECK (newest BETWEEN 0 AND 1),
    deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted BETWEEN 0 AND 1),
    UNIQUE (page, name, version)
) STRICT;
CREATE TABLE piece (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    no INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (file, no)
) STRICT;
CREATE VIRTUAL TABLE found USING fts5(
    title, headings, body, plain UNINDEXED,
    tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'\"
);
INSERT INTO found(found, rank) VALUES ('secure-delete', 1);
CREATE TABLE cover (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    site BLOB NOT NULL,
    epoch BLOB NOT NULL,
    generation INTEGER NOT NULL,
    next INTEGER NOT NULL,
    last INTEGER NOT NULL,
    last_us INTEGER NOT NULL
) STRICT;
CREATE TABLE post_link (
    target TEXT NOT NULL,
    put INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (target, put)
) STRICT, WITHOUT ROWID;
CREATE INDEX post_link_put ON post_link (put);
",
        "
ALTER TABLE cover ADD COLUMN log INTEGER NOT NULL DEFAULT 0;
",
    ],
};
