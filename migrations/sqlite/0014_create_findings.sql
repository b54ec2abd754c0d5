-- What auditors have found: rows that break an invariant. Nothing refers to it, and it refers to nothing: what it is about
-- may well not be there.

CREATE TABLE findings (
    id        INTEGER NOT NULL PRIMARY KEY,
    invariant TEXT    NOT NULL CHECK (invariant <> ''),
    saga_id   BLOB    NOT NULL,
    what      TEXT    NOT NULL,
    found_at  INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL,
    over_at   INTEGER               -- when it was seen to be over
) STRICT;

-- What is found again is the same finding until it is over.
CREATE UNIQUE INDEX findings_open ON findings (saga_id, invariant) WHERE over_at IS NULL;

-- Of the processes that audit, one does at a time: when the last one began, and after which sagas the next goes on.
CREATE TABLE audit_turn (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),   -- there is one row
    auditor  TEXT    NOT NULL,
    taken_at INTEGER NOT NULL,
    looked   BLOB,                                          -- in looking over all sagas
    read     BLOB                                           -- in reading their journals
) STRICT;
