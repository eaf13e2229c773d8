-- Version 1 of the registry. Times are milliseconds since 1970 UTC; secrets are
-- kept hashed.

PRAGMA application_id = 0x54575231;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- `things` and `prefixes` are JSON arrays of texts.
CREATE TABLE credentials (
    thing       TEXT PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    things      TEXT NOT NULL,
    prefixes    TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    name          TEXT PRIMARY KEY,
    role          TEXT NOT NULL,
    password_hash TEXT,
    created       INTEGER NOT NULL,
    disabled      INTEGER NOT NULL,
    token_hash    BLOB UNIQUE,
    token_created INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id_hash   BLOB PRIMARY KEY,
    user      TEXT NOT NULL,
    role      TEXT NOT NULL,
    created   INTEGER NOT NULL,
    last_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
