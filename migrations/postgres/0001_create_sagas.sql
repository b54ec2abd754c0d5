-- The sagas: what was accepted, where each one is, and the journal of how it got there.

CREATE TABLE sagas (
    id                uuid        NOT NULL PRIMARY KEY,
    kind              text        NOT NULL,
    version           bigint      NOT NULL,

    state             text        NOT NULL CHECK (state IN ('running', 'compensating', 'completed', 'failed')),
    step              text,
    code              text,
    epoch             bigint      NOT NULL DEFAULT 0,   -- counts claims: what a lost lease is told by
    seq               bigint      NOT NULL DEFAULT 0,   -- counts events: what a commit sent twice is told by
    attempt           bigint      NOT NULL DEFAULT 0,   -- claims of this step in this direction
    lease_owner       text,
    lease_until       timestamptz,
    due_at            timestamptz NOT NULL,             -- from when it may be claimed
    step_claimed_at   timestamptz,                      -- the step's first claim: from when its silence counts
    stuck_since       timestamptz,
    accepted_at       timestamptz NOT NULL,
    ended_at          timestamptz,

    -- What the sign-up makes. The ids are chosen at acceptance, so that any attempt can repeat or undo any step.
    user_id           uuid        NOT NULL,
    organization_id   uuid        NOT NULL,
    profile_id        uuid        NOT NULL,

    -- Personal data, which may be erased once the saga has ended.
    email             text,
    email_key         text COLLATE "C",                 -- the canonical form of the address
    full_name         text,
    organization_name text,

    -- Keyed hashes of the client's idempotency key and of the request's body.
    idempotency_key   bytea,
    idempotency_body  bytea,

    CHECK ((state IN ('running', 'compensating')) = (step IS NOT NULL)),
    CHECK ((state IN ('compensating', 'failed')) = (code IS NOT NULL)),
    CHECK ((state IN ('completed', 'failed')) = (ended_at IS NOT NULL)),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK (ended_at IS NULL OR (lease_until IS NULL AND stuck_since IS NULL)),
    CHECK ((idempotency_key IS NULL) = (idempotency_body IS NULL)),
    CHECK (ended_at IS NOT NULL OR (email IS NOT NULL AND email_key IS NOT NULL))
)
-- A claim changes no indexed column: with room in its page it touches no index (a heap-only update).
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- One live sign-up for an e-mail.
CREATE UNIQUE INDEX sagas_live_email ON sagas (email_key) WHERE ended_at IS NULL;
-- One sign-up for an idempotency key, which counts together with the e-mail.
CREATE UNIQUE INDEX sagas_idempotency ON sagas (idempotency_key, email_key) WHERE idempotency_key IS NOT NULL;
-- The queue of each step. Housekeeping looks for silent sagas in it too: it holds the active ones alone, and an index
-- on their first claim would have every claim write to every index.
CREATE INDEX sagas_due ON sagas (kind, step, due_at) WHERE ended_at IS NULL;
-- Housekeeping: idempotency keys to forget.
CREATE INDEX sagas_forget ON sagas (accepted_at) WHERE idempotency_key IS NOT NULL;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END
$$;

-- An ended saga never changes. Its idempotency key may be forgotten, and its personal data erased. The comparison is
-- in the function: every statement that updates a saga reads the WHEN clause anew, and hardly any meets an ended one.
CREATE FUNCTION keep_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.kind, NEW.version, NEW.state, NEW.epoch, NEW.seq, NEW.attempt, NEW.due_at, NEW.accepted_at)
        = (OLD.id, OLD.kind, OLD.version, OLD.state, OLD.epoch, OLD.seq, OLD.attempt, OLD.due_at, OLD.accepted_at)
        AND (NEW.user_id, NEW.organization_id, NEW.profile_id) = (OLD.user_id, OLD.organization_id, OLD.profile_id)
        AND NEW.step IS NOT DISTINCT FROM OLD.step AND NEW.code IS NOT DISTINCT FROM OLD.code
        AND NEW.lease_owner IS NOT DISTINCT FROM OLD.lease_owner
        AND NEW.lease_until IS NOT DISTINCT FROM OLD.lease_until
        AND NEW.step_claimed_at IS NOT DISTINCT FROM OLD.step_claimed_at
        AND NEW.stuck_since IS NOT DISTINCT FROM OLD.stuck_since AND NEW.ended_at IS NOT DISTINCT FROM OLD.ended_at
        AND (NEW.email IS NOT DISTINCT FROM OLD.email OR NEW.email IS NULL)
        AND (NEW.email_key IS NOT DISTINCT FROM OLD.email_key OR NEW.email_key IS NULL)
        AND (NEW.full_name IS NOT DISTINCT FROM OLD.full_name OR NEW.full_name IS NULL)
        AND (NEW.organization_name IS NOT DISTINCT FROM OLD.organization_name OR NEW.organization_name IS NULL)
        AND (NEW.idempotency_key IS NOT DISTINCT FROM OLD.idempotency_key OR NEW.idempotency_key IS NULL)
        AND (NEW.idempotency_body IS NOT DISTINCT FROM OLD.idempotency_body OR NEW.idempotency_body IS NULL)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an ended saga never changes' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER sagas_ended_stay BEFORE UPDATE ON sagas FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL)
EXECUTE FUNCTION keep_ended();

CREATE TRIGGER sagas_never_deleted BEFORE DELETE ON sagas FOR EACH ROW
EXECUTE FUNCTION refuse('a saga is never deleted');
CREATE TRIGGER sagas_never_emptied BEFORE TRUNCATE ON sagas FOR EACH STATEMENT
EXECUTE FUNCTION refuse('a saga is never deleted');

-- The journal: the sagas' part of the audit log.
CREATE TABLE saga_events (
    saga_id uuid        NOT NULL REFERENCES sagas (id),
    seq     bigint      NOT NULL,
    epoch   bigint      NOT NULL,
    kind    text        NOT NULL CONSTRAINT saga_events_kind CHECK (kind IN
            ('accepted', 'done', 'refused', 'failed', 'gave_up', 'undone', 'undo_failed')),
    step    text,
    attempt bigint      NOT NULL,
    worker  text,
    took_ms bigint,
    error   text,
    at      timestamptz NOT NULL,
    PRIMARY KEY (saga_id, seq)
);

CREATE TRIGGER saga_events_stay BEFORE UPDATE OR DELETE ON saga_events FOR EACH ROW
EXECUTE FUNCTION refuse('the journal is only added to');
CREATE TRIGGER saga_events_never_emptied BEFORE TRUNCATE ON saga_events FOR EACH STATEMENT
EXECUTE FUNCTION refuse('the journal is only added to');

-- Passwords between acceptance and hash, sealed to the workers: wiped by the commit that stores the hash or ends the
-- saga.
CREATE TABLE sealed_passwords (
    saga_id   uuid        NOT NULL PRIMARY KEY REFERENCES sagas (id),
    sealed    bytea       NOT NULL,
    sealed_at timestamptz NOT NULL
)
-- What was wiped is soon overwritten.
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX sealed_passwords_age ON sealed_passwords (sealed_at);
