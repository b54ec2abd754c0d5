-- From when a saga may be claimed by those who look for due sagas by themselves. Workers who are told of a saga may claim
-- it as soon as it is due; the others leave it to them for a moment, so that nobody does what another is about to do.
-- Where nobody is told, the two times are the same. A program that does not know it leaves it in the past.

ALTER TABLE sagas ADD COLUMN sweep_at timestamptz NOT NULL DEFAULT now();

-- The queue of each step is read by it. Whoever is told of a saga finds it by its id.
CREATE INDEX sagas_sweep ON sagas (kind, step, sweep_at) WHERE ended_at IS NULL;
DROP INDEX sagas_due;

CREATE OR REPLACE FUNCTION keep_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.kind, NEW.version, NEW.state, NEW.epoch, NEW.seq, NEW.attempt, NEW.due_at, NEW.sweep_at,
        NEW.accepted_at)
        = (OLD.id, OLD.kind, OLD.version, OLD.state, OLD.epoch, OLD.seq, OLD.attempt, OLD.due_at, OLD.sweep_at,
           OLD.accepted_at)
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
