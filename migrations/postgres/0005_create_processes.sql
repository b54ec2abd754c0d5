-- The processes that work on this database, as each tells of itself every few seconds: for operators, who look for the
-- ones that have gone silent. Nothing depends on these rows, and the ones that have been silent for long are deleted.

CREATE TABLE processes (
    name    text COLLATE "C" NOT NULL PRIMARY KEY,   -- what its leases bear
    role    text        NOT NULL,
    version text        NOT NULL,
    host    text        NOT NULL,
    pid     bigint      NOT NULL,
    busy    text        NOT NULL,                    -- JSON, by step: {"create_user": {"running": 1, "slots": 8}}
    since   timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
