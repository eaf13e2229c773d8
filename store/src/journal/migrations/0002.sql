-- Version 2 of the journal: numbered transactions that a follower can read
-- again, versions of things, documents, and what evaluations leave behind.

-- One row for each numbered transaction of the last days. `kind` is 0 for
-- anything else, 1 observations, 2 documents, 3 things, 4 a tick. `rows` counts
-- the observations it stored; they lie in the buckets from the first to the
-- last, or in `buckets` alone where that is set (8 bytes each, little-endian).
CREATE TABLE commits (
    number       INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    kind         INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 4),
    rows         INTEGER NOT NULL,
    bucket_first INTEGER,
    bucket_last  INTEGER,
    buckets      BLOB
) STRICT;

-- One row: `commits` is complete after this number. Transactions of version 1
-- were not noted.
CREATE TABLE commits_forgotten (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO commits_forgotten (id, number) SELECT 1, number FROM last_commit;

CREATE INDEX replaced_by_commit ON replaced ("commit");

-- `body` is the thing as JSON with its datastreams.
CREATE TABLE thing_versions (
    thing    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    "commit" INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (thing, revision)
) STRICT, WITHOUT ROWID;
INSERT INTO thing_versions (thing, revision, changed, "commit", body)
    SELECT t.id, t.revision, t.changed, t."commit", json_set(t.body, '$.datastreams', json((
        SELECT json_group_array(json(d.spec) ORDER BY d.datastream)
        FROM datastreams AS d WHERE d.thing = t.id
    )))
    FROM things AS t;

-- Never changed and never deleted: the newest revision of an id counts.
CREATE TABLE documents (
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    "commit" INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (kind, id, revision)
) STRICT;
CREATE INDEX documents_by_commit ON documents ("commit");
CREATE INDEX documents_by_kind ON documents (kind, "commit");

-- `seen` is the last commit that the evaluation at `at` saw.
CREATE TABLE ticks (
    at       INTEGER PRIMARY KEY,
    seen     INTEGER NOT NULL,
    "commit" INTEGER NOT NULL
) STRICT;

-- `level` is 0 for none to 4 for red; a grey score has none. `body` is opaque.
CREATE TABLE scores (
    id          INTEGER PRIMARY KEY,
    "index"     TEXT NOT NULL,
    feature     TEXT NOT NULL,
    at          INTEGER NOT NULL,
    score       REAL,
    level       INTEGER CHECK (level BETWEEN 0 AND 4),
    grey        INTEGER NOT NULL,
    provisional INTEGER NOT NULL,
    coverage    REAL NOT NULL,
    confidence  REAL NOT NULL,
    "commit"    INTEGER NOT NULL,
    body        BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX scores_by_feature ON scores ("index", feature, at);
CREATE INDEX scores_by_time ON scores (at);

CREATE TABLE alerts (
    id         TEXT PRIMARY KEY,
    datastream TEXT NOT NULL,
    thing      TEXT NOT NULL,
    township   TEXT,
    opened     INTEGER NOT NULL,
    closed     INTEGER,
    updated    INTEGER NOT NULL,
    "commit"   INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_opening ON alerts (opened, id);
CREATE INDEX alerts_open ON alerts (opened, id) WHERE closed IS NULL;

CREATE TABLE alert_transitions (
    alert    TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    "commit" INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (alert, sequence)
) STRICT;

-- What the evaluation must know to go on after a start.
CREATE TABLE memory (
    part     TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,
    "commit" INTEGER NOT NULL,
    body     BLOB NOT NULL
) STRICT;

-- Deliveries to receivers outside. Times here are real ones.
CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT NOT NULL UNIQUE,
    receiver TEXT NOT NULL,
    body     TEXT NOT NULL,
    created  INTEGER NOT NULL,
    state    TEXT NOT NULL DEFAULT 'waiting'
             CHECK (state IN ('waiting', 'delivered', 'undelivered')),
    n_tries  INTEGER NOT NULL DEFAULT 0,
    next_try INTEGER,
    detail   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX outbox_waiting ON outbox (id) WHERE state = 'waiting';
