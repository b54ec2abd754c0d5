-- A decoy is a saga that goes through its steps like any other, and makes nothing: what a sign-up with a known e-mail
-- gets where nobody is to learn that it is known. It stands beside the sign-up under way with the same e-mail, if there
-- is one.
--
-- A program that does not know of decoys takes one for a sign-up: it makes its user, or ends it as `email_taken` where
-- there is one. It accepts none itself. So `SIGNUP_DUPLICATE_EMAIL=private` is set once every process knows this
-- migration, and not before.

ALTER TABLE sagas ADD COLUMN decoy INTEGER NOT NULL DEFAULT 0 CHECK (decoy IN (0, 1));

-- One live sign-up for an e-mail, and any number of decoys.
DROP INDEX sagas_live_email;
CREATE UNIQUE INDEX sagas_live_email ON sagas (email_key) WHERE ended_at IS NULL AND NOT decoy;

DROP TRIGGER sagas_never_replaced;
CREATE TRIGGER sagas_never_replaced BEFORE INSERT ON sagas
WHEN EXISTS (SELECT 1 FROM sagas WHERE id = NEW.id)
  OR NEW.ended_at IS NULL AND NOT NEW.decoy
     AND EXISTS (SELECT 1 FROM sagas WHERE email_key = NEW.email_key AND ended_at IS NULL AND NOT decoy)
  OR EXISTS (SELECT 1 FROM sagas WHERE idempotency_key = NEW.idempotency_key AND email_key = NEW.email_key)
BEGIN
    SELECT RAISE(IGNORE);
END;

-- A decoy stays one, and nothing else becomes one.
DROP TRIGGER sagas_stay_themselves;
CREATE TRIGGER sagas_stay_themselves BEFORE UPDATE OF id, email_key, idempotency_key, decoy ON sagas
WHEN OLD.ended_at IS NULL AND (
    NEW.id IS NOT OLD.id OR NEW.decoy IS NOT OLD.decoy
    OR NEW.email_key IS NOT NULL AND NEW.email_key IS NOT OLD.email_key
    OR NEW.idempotency_key IS NOT NULL AND NEW.idempotency_key IS NOT OLD.idempotency_key
)
BEGIN
    SELECT RAISE(ABORT, 'a saga stays itself');
END;

-- An ended saga never changes. Its idempotency key may be forgotten, and its personal data erased.
DROP TRIGGER sagas_ended_stay;
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
    AND NEW.profile_id IS OLD.profile_id AND NEW.decoy IS OLD.decoy
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
