-- The sagas: what was accepted, where each one is, and the journal of how it got there.
-- Times are milliseconds since 1970, UTC. Ids are UUIDs of 16 bytes.

CREATE TABLE sagas (
    id                BLOB    NOT NULL PRIMARY KEY,
    kind              TEXT    NOT NULL,
    version           INTEGER NOT NULL,

    state             TEXT    NOT NULL CHECK (state IN ('running', 'compensating', 'completed', 'failed')),
    step              TEXT,
    code              TEXT,
    epoch             INTEGER NOT NULL DEFAULT 0,   -- counts claims: what a lost lease is told by
    seq               INTEGER NOT NULL DEFAULT 0,   -- counts events: what a commit sent twice is told by
    attempt           INTEGER NOT NULL DEFAULT 0,   -- claims of this step in this direction
    lease_owner       TEXT,
    lease_until       INTEGER,
    due_at            INTEGER NOT NULL,             -- from when it may be claimed
    step_claimed_at   INTEGER,                      -- the step's first claim: from when its silence counts
    stuck_since       INTEGER,
    accepted_at       INTEGER NOT NULL,
    ended_at          INTEGER,

    -- What the sign-up makes. The ids are chosen at acceptance, so that any attempt can repeat or undo any step.
    user_id           BLOB    NOT NULL,
    organization_id   BLOB    NOT NULL,
    profile_id        BLOB    NOT NULL,

    -- Personal data, which may be erased once the saga has ended.
    email             TEXT,
    email_key         TEXT,                         -- the canonical form of the address
    full_name         TEXT,
    organization_name TEXT,

    -- Keyed hashes of the client's idempotency key and of the request's body.
    idempotency_key   BLOB,
    idempotency_body  BLOB,

    CHECK ((state IN ('running', 'compensating')) = (step IS NOT NULL)),
    CHECK ((state IN ('compensating', 'failed')) = (code IS NOT NULL)),
    CHECK ((state IN ('completed', 'failed')) = (ended_at IS NOT NULL)),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK (ended_at IS NULL OR (lease_until IS NULL AND stuck_since IS NULL)),
    CHECK ((idempotency_key IS NULL) = (idempotency_body IS NULL)),
    CHECK (ended_at IS NOT NULL OR (email IS NOT NULL AND email_key IS NOT NULL))
) STRICT;

-- One live sign-up for an e-mail.
CREATE UNIQUE INDEX sagas_live_email ON sagas (email_key) WHERE ended_at IS NULL;
-- One sign-up for an idempotency key, which counts together with the e-mail.
CREATE UNIQUE INDEX sagas_idempotency ON sagas (idempotency_key, email_key) WHERE idempotency_key IS NOT NULL;
-- The queue of each step.
CREATE INDEX sagas_due ON sagas (kind, step, due_at) WHERE ended_at IS NULL;
-- Housekeeping: silent sagas, and idempotency keys to forget.
CREATE INDEX sagas_silence ON sagas (step_claimed_at) WHERE ended_at IS NULL AND stuck_since IS NULL;
CREATE INDEX sagas_forget ON sagas (accepted_at) WHERE idempotency_key IS NOT NULL;

-- An ended saga never changes. Its idempotency key may be forgotten, and its personal data erased.
CREATE TRIGGER sagas_ended_stay BEFORE UPDATE ON sagas
WHEN OLD.ended_at IS NOT NULL AND NOT (
    NEW.id IS OLD.id AND NEW.kind IS OLD.kind AND NEW.version IS OLD.version
    AND NEW.state IS OLD.state AND NEW.step IS OLD.step AND NEW.code IS OLD.code
    AND NEW.epoch IS OLD.epoch AND NEW.seq IS OLD.seq AND NEW.attempt IS OLD.attempt
    AND NEW.lease_owner IS OLD.lease_owner AND NEW.lease_until IS OLD.lease_until
    AND NEW.due_at IS OLD.due_at
    AND NEW.step_claimed_at IS OLD.step_claimed_at AND NEW.stuck_since IS OLD.stuck_since
    AND NEW.accepted_at IS OLD.accepted_at AND NEW.ended_at IS OLD.ended_at
    AND NEW.user_id IS OLD.user_id AND NEW.organization_id IS OLD.organization_id
    AND NEW.profile_id IS OLD.profile_id
    AND (NEW.email IS OLD.email OR NEW.email IS NULL)
    AND (NEW.email_key IS OLD.email_key OR NEW.email_key IS NULL)
    AND (NEW.full_name IS OLD.full_name OR NEW.full_name IS NULL)
    AND (NEW.organization_name IS OLD.organization_name OR NEW.organization_name IS NULL)
    AND (NEW.idempotency_key IS OLD.idempotency_key OR NEW.idempotency_key IS NULL)
    AND (NEW.idempotency_body IS OLD.idempotency_body OR NEW.idempotency_body IS NULL)
)
BEGIN
    SELECT RAISE(ABORT, 'an ended saga never changes');
END;

CREATE TRIGGER sagas_never_deleted BEFORE DELETE ON sagas
BEGIN
    SELECT RAISE(ABORT, 'a saga is never deleted');
END;

-- The journal: the sagas' part of the audit log.
CREATE TABLE saga_events (
    saga_id BLOB    NOT NULL REFERENCES sagas (id),
    seq     INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN
            ('accepted', 'done', 'refused', 'failed', 'gave_up', 'undone', 'undo_failed')),
    step    TEXT,
    attempt INTEGER NOT NULL,
    worker  TEXT,
    took_ms INTEGER,
    error   TEXT,
    at      INTEGER NOT NULL,
    PRIMARY KEY (saga_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER saga_events_stay BEFORE UPDATE ON saga_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

CREATE TRIGGER saga_events_never_deleted BEFORE DELETE ON saga_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

-- Passwords between acceptance and hash, sealed to the workers: wiped by the commit that stores the hash or ends the
-- saga. Deleted content is overwritten (PRAGMA secure_delete, set by every connection that writes).
CREATE TABLE sealed_passwords (
    saga_id   BLOB    NOT NULL PRIMARY KEY REFERENCES sagas (id),
    sealed    BLOB    NOT NULL,
    sealed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sealed_passwords_age ON sealed_passwords (sealed_at);
