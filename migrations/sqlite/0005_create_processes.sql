-- The processes that work on this database, as each tells of itself every few seconds: for operators, who look for the
-- ones that have gone silent. Nothing depends on these rows, and the ones that have been silent for long are deleted.

CREATE TABLE processes (
    name    TEXT    NOT NULL PRIMARY KEY,   -- what its leases bear
    role    TEXT    NOT NULL,
    version TEXT    NOT NULL,
    host    TEXT    NOT NULL,
    pid     INTEGER NOT NULL,
    busy    TEXT    NOT NULL,               -- JSON, by step: {"create_user": {"running": 1, "slots": 8}}
    since   INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
