-- The journal also tells what operators do: who did it and why.

ALTER TABLE saga_events
    ADD COLUMN operator text CHECK (operator <> ''),
    ADD COLUMN reason   text CHECK (reason <> ''),
    DROP CONSTRAINT saga_events_kind,
    ADD CONSTRAINT saga_events_kind CHECK (kind IN
        ('accepted', 'done', 'refused', 'failed', 'gave_up', 'undone', 'undo_failed',
         'retried', 'rolled_back', 'resolved')),
    -- Every operator's action is signed, and nothing else is.
    ADD CHECK ((kind IN ('retried', 'rolled_back', 'resolved')) = (operator IS NOT NULL)),
    ADD CHECK ((operator IS NULL) = (reason IS NULL));

-- What tells sagas apart never becomes anything else; sagas_ended_stay says so of ended sagas already.
CREATE TRIGGER sagas_stay_themselves BEFORE UPDATE OF id, email_key, idempotency_key ON sagas FOR EACH ROW
WHEN (OLD.ended_at IS NULL AND (
    NEW.id <> OLD.id
    OR NEW.email_key IS NOT NULL AND NEW.email_key IS DISTINCT FROM OLD.email_key
    OR NEW.idempotency_key IS NOT NULL AND NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key
))
EXECUTE FUNCTION refuse('a saga stays itself');

-- What operators list, the newest first: stuck sagas, and sagas that fail or have failed. Both are few, so the indexes
-- cost a write next to nothing. Active sagas are few too, and are found by sagas_due.
CREATE INDEX sagas_stuck ON sagas (id) WHERE stuck_since IS NOT NULL;
CREATE INDEX sagas_coded ON sagas (id) WHERE code IS NOT NULL;
