-- Version 3 of the journal: where the rows of an hour are once they left it.

-- `changed` is the last commit that stored a row of the hour. Its generation
-- is the part of `file` that belongs to it: `archived_rows` rows, all of them
-- of commits up to `archived_commit`. `digest` is of these rows. `lost` counts
-- rows that a repair found no file for.
ALTER TABLE hours ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN archived_commit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN archived_rows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hours ADD COLUMN file INTEGER;
ALTER TABLE hours ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
UPDATE hours SET changed = (SELECT number FROM last_commit);
CREATE INDEX hours_released ON hours (hour) WHERE state = 'released';
CREATE INDEX hours_by_file ON hours (file);

-- `name` is the path under the archive. A file is `writing` until the hours
-- name it, and `superseded` (with the real time of that) when none does any more.
CREATE TABLE archive_files (
    file       INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL DEFAULT 'writing'
               CHECK (state IN ('writing', 'current', 'superseded')),
    rows       INTEGER NOT NULL DEFAULT 0,
    bytes      INTEGER NOT NULL DEFAULT 0,
    sha256     BLOB,
    superseded INTEGER
) STRICT;

-- Where the rows of a datastream lie in a file.
CREATE TABLE spans (
    file       INTEGER NOT NULL,
    datastream INTEGER NOT NULL,
    row_first  INTEGER NOT NULL,
    n_rows     INTEGER NOT NULL,
    time_min   INTEGER NOT NULL,
    time_max   INTEGER NOT NULL,
    PRIMARY KEY (file, datastream)
) STRICT, WITHOUT ROWID;

-- Rows stored into released hours whose place in the ledger is not settled: a
-- merge finds out whether the archive had the key already. `arrived` is the
-- hour of their commit.
CREATE TABLE late (
    hour       INTEGER NOT NULL,
    datastream INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    value      REAL NOT NULL,
    source     INTEGER NOT NULL,
    arrived    INTEGER NOT NULL,
    "commit"   INTEGER NOT NULL,
    PRIMARY KEY (hour, datastream, time)
) STRICT, WITHOUT ROWID;

-- Sums of an hour, of usable values in time order, for windows that are longer
-- than the hot time.
CREATE TABLE hourly (
    datastream INTEGER NOT NULL,
    hour       INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    sum        REAL NOT NULL,
    min        REAL NOT NULL,
    max        REAL NOT NULL,
    last       REAL NOT NULL,
    PRIMARY KEY (datastream, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX hourly_by_hour ON hourly (hour);
