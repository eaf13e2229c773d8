-- Version 1 of the journal. Times are milliseconds since 1970 UTC; `commit` is
-- the number of the transaction that wrote the row.

PRAGMA application_id = 0x54574A31;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the number of the last transaction that wrote rows.
CREATE TABLE last_commit (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO last_commit (id, number) VALUES (1, 0);

CREATE TABLE sources (
    source   INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    "commit" INTEGER NOT NULL
) STRICT;

-- `body` is the thing as JSON without its datastreams.
CREATE TABLE things (
    id       TEXT PRIMARY KEY,
    body     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    "commit" INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys are given without gaps from 1 on and are never given again. `channel` is
-- '' where there is none; `spec` is the datastream as registered, as JSON.
CREATE TABLE datastreams (
    datastream INTEGER PRIMARY KEY,
    thing      TEXT NOT NULL REFERENCES things (id),
    property   TEXT NOT NULL,
    channel    TEXT NOT NULL,
    spec       TEXT NOT NULL,
    "commit"   INTEGER NOT NULL,
    UNIQUE (thing, property, channel)
) STRICT;

-- `bucket` is `time` in slots of ten minutes: rows that arrive together lie
-- together, whatever their datastream.
CREATE TABLE observations (
    bucket     INTEGER NOT NULL,
    datastream INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    since      INTEGER,
    value      REAL NOT NULL,
    quality    INTEGER NOT NULL,
    received   INTEGER NOT NULL,
    "commit"   INTEGER NOT NULL,
    PRIMARY KEY (bucket, datastream, time)
) STRICT, WITHOUT ROWID;

-- The observation of greatest event time of each datastream.
CREATE TABLE latest (
    datastream      INTEGER PRIMARY KEY,
    time            INTEGER NOT NULL,
    since           INTEGER,
    value           REAL NOT NULL,
    quality         INTEGER NOT NULL,
    received        INTEGER NOT NULL,
    "commit"        INTEGER NOT NULL,
    unchanged_since INTEGER NOT NULL
) STRICT;

-- Values that another value of the same datastream and time took the place of,
-- in the transaction `replaced_by`.
CREATE TABLE replaced (
    id          INTEGER PRIMARY KEY,
    datastream  INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    since       INTEGER,
    value       REAL NOT NULL,
    quality     INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    "commit"    INTEGER NOT NULL,
    replaced_by INTEGER NOT NULL
) STRICT;
CREATE INDEX replaced_by_datastream ON replaced (datastream, time);

CREATE TABLE quarantine (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    source     INTEGER NOT NULL REFERENCES sources (source),
    thing      TEXT,
    topic      TEXT NOT NULL,
    codec      TEXT,
    received   INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    n_readings INTEGER NOT NULL,
    "commit"   INTEGER NOT NULL,
    redriven   INTEGER,
    payload    BLOB NOT NULL
) STRICT;

CREATE TABLE refusals (
    id       INTEGER PRIMARY KEY,
    source   INTEGER NOT NULL REFERENCES sources (source),
    peer     TEXT NOT NULL,
    user     TEXT,
    topic    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    received INTEGER NOT NULL,
    "commit" INTEGER NOT NULL
) STRICT;

-- Per source and hour of commit. `replaced` is a part of `stored`;
-- `lost_acknowledged` counts commits and stands outside the equation.
CREATE TABLE ledger (
    source            INTEGER NOT NULL REFERENCES sources (source),
    hour              INTEGER NOT NULL,
    received          INTEGER NOT NULL,
    stored            INTEGER NOT NULL,
    duplicate         INTEGER NOT NULL,
    quarantined       INTEGER NOT NULL,
    refused           INTEGER NOT NULL,
    replaced          INTEGER NOT NULL,
    lost_acknowledged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, source),
    CHECK (received = stored + duplicate + quarantined + refused),
    CHECK (replaced <= stored)
) STRICT, WITHOUT ROWID;

CREATE TABLE rejected_connections (
    hour   INTEGER NOT NULL,
    peer   TEXT NOT NULL,
    reason TEXT NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (hour, peer, reason)
) STRICT, WITHOUT ROWID;

-- Hours of event time. Only this table decides where an hour is read; `rows`
-- are those visible in `observations`.
CREATE TABLE hours (
    hour       INTEGER PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('open', 'closed', 'released')),
    rows       INTEGER NOT NULL,
    digest     BLOB,
    generation INTEGER NOT NULL DEFAULT 0,
    dirty      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE cursors (
    name     TEXT PRIMARY KEY,
    "commit" INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
