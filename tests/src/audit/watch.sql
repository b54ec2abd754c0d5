-- What rows do not keep, written down as it happens: who claimed which epoch and whether somebody held it then, whose
-- claims were ended by somebody else, and whether an ended saga was changed. For tests: a claim costs a row here.
CREATE SCHEMA audit;

CREATE TABLE audit.seen (
    saga_id    uuid        NOT NULL,
    epoch      bigint      NOT NULL,
    what       text        NOT NULL,   -- 'claimed', 'released', 'changed'
    worker     text,
    held       boolean     NOT NULL,   -- by a lease that had not run out
    overdue    boolean     NOT NULL,   -- a lease that had run out was taken over
    untold     boolean     NOT NULL,   -- those who were to be told had their time: whoever claims it now, by a tick or a late hint
    started_at timestamptz NOT NULL    -- the server
);
CREATE INDEX seen_claim ON audit.seen (saga_id, epoch);

CREATE FUNCTION audit.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit.seen VALUES (
        NEW.id, NEW.epoch, TG_ARGV[0], NEW.lease_owner,
        coalesce(OLD.lease_until > now(), false) AND OLD.seq = NEW.seq,
        coalesce(OLD.lease_until < now(), false) AND OLD.seq = NEW.seq,
        OLD.lease_until IS NULL AND OLD.sweep_at > OLD.due_at AND OLD.sweep_at < now() AND OLD.seq = NEW.seq,
        pg_postmaster_start_time());
    RETURN NULL;
END
$$;

CREATE TRIGGER audit_claimed AFTER UPDATE ON sagas FOR EACH ROW
WHEN (NEW.epoch > OLD.epoch AND NEW.lease_owner IS NOT NULL)
EXECUTE FUNCTION audit.see('claimed');

-- Whoever hands a claim back takes its attempt back too.
CREATE TRIGGER audit_released AFTER UPDATE ON sagas FOR EACH ROW
WHEN (OLD.lease_until IS NOT NULL AND NEW.lease_until IS NULL AND NEW.seq = OLD.seq AND NEW.attempt = OLD.attempt)
EXECUTE FUNCTION audit.see('released');

-- A key may be forgotten, and personal data erased.
CREATE TRIGGER audit_changed AFTER UPDATE ON sagas FOR EACH ROW
WHEN (OLD.ended_at IS NOT NULL AND
    (NEW.state, NEW.epoch, NEW.seq, NEW.attempt, NEW.due_at, NEW.user_id, NEW.ended_at, NEW.code, NEW.step, NEW.decoy)
    IS DISTINCT FROM
    (OLD.state, OLD.epoch, OLD.seq, OLD.attempt, OLD.due_at, OLD.user_id, OLD.ended_at, OLD.code, OLD.step, OLD.decoy))
EXECUTE FUNCTION audit.see('changed');
