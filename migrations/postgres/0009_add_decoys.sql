-- A decoy is a saga that goes through its steps like any other, and makes nothing: what a sign-up with a known e-mail
-- gets where nobody is to learn that it is known. It stands beside the sign-up under way with the same e-mail, if there
-- is one.
--
-- A program that does not know of decoys takes one for a sign-up: it makes its user, or ends it as `email_taken` where
-- there is one. It accepts none itself. So `SIGNUP_DUPLICATE_EMAIL=private` is set once every process knows this
-- migration, and not before.

ALTER TABLE sagas ADD COLUMN decoy boolean NOT NULL DEFAULT false;

-- One live sign-up for an e-mail, and any number of decoys. The table is locked from above on: nothing comes between.
DROP INDEX sagas_live_email;
CREATE UNIQUE INDEX sagas_live_email ON sagas (email_key) WHERE ended_at IS NULL AND NOT decoy;

-- A decoy stays one, and nothing else becomes one.
DROP TRIGGER sagas_stay_themselves ON sagas;
CREATE TRIGGER sagas_stay_themselves BEFORE UPDATE OF id, email_key, idempotency_key, decoy ON sagas FOR EACH ROW
WHEN (OLD.ended_at IS NULL AND (
    NEW.id <> OLD.id OR NEW.decoy <> OLD.decoy
    OR NEW.email_key IS NOT NULL AND NEW.email_key IS DISTINCT FROM OLD.email_key
    OR NEW.idempotency_key IS NOT NULL AND NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key
))
EXECUTE FUNCTION refuse('a saga stays itself');

CREATE OR REPLACE FUNCTION keep_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.kind, NEW.version, NEW.state, NEW.epoch, NEW.seq, NEW.attempt, NEW.due_at, NEW.sweep_at,
        NEW.accepted_at, NEW.decoy)
        = (OLD.id, OLD.kind, OLD.version, OLD.state, OLD.epoch, OLD.seq, OLD.attempt, OLD.due_at, OLD.sweep_at,
           OLD.accepted_at, OLD.decoy)
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
