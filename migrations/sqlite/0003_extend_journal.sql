-- The journal also tells what operators do: who did it and why. SQLite cannot change a CHECK, so the table is made anew
-- with all its rows. Nothing refers to it, and dropping a table fires no triggers; both triggers are made anew too.

CREATE TABLE saga_events_extended (
    saga_id  BLOB    NOT NULL REFERENCES sagas (id),
    seq      INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN
             ('accepted', 'done', 'refused', 'failed', 'gave_up', 'undone', 'undo_failed',
              'retried', 'rolled_back', 'resolved')),
    step     TEXT,
    attempt  INTEGER NOT NULL,
    worker   TEXT,
    took_ms  INTEGER,
    error    TEXT,
    operator TEXT    CHECK (operator <> ''),
    reason   TEXT    CHECK (reason <> ''),
    at       INTEGER NOT NULL,
    PRIMARY KEY (saga_id, seq),
    -- Every operator's action is signed, and nothing else is.
    CHECK ((kind IN ('retried', 'rolled_back', 'resolved')) = (operator IS NOT NULL)),
    CHECK ((operator IS NULL) = (reason IS NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO saga_events_extended (saga_id, seq, epoch, kind, step, attempt, worker, took_ms, error, at)
SELECT saga_id, seq, epoch, kind, step, attempt, worker, took_ms, error, at FROM saga_events;

DROP TABLE saga_events;
ALTER TABLE saga_events_extended RENAME TO saga_events;

CREATE TRIGGER saga_events_stay BEFORE UPDATE ON saga_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

CREATE TRIGGER saga_events_never_deleted BEFORE DELETE ON saga_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

-- In SQLite, REPLACE deletes the rows in its way, and fires their delete triggers only on connections that ask for it.
-- So what would be in its way is looked for first, by every unique index of the table.
CREATE TRIGGER saga_events_never_replaced BEFORE INSERT ON saga_events
WHEN EXISTS (SELECT 1 FROM saga_events WHERE saga_id = NEW.saga_id AND seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

-- Nothing is inserted then, and nothing complains: that is what ON CONFLICT DO NOTHING means, which the acceptance of a
-- sign-up relies on, also that of a program which knows nothing of this trigger.
CREATE TRIGGER sagas_never_replaced BEFORE INSERT ON sagas
WHEN EXISTS (SELECT 1 FROM sagas WHERE id = NEW.id)
  OR NEW.ended_at IS NULL
     AND EXISTS (SELECT 1 FROM sagas WHERE email_key = NEW.email_key AND ended_at IS NULL)
  OR EXISTS (SELECT 1 FROM sagas WHERE idempotency_key = NEW.idempotency_key AND email_key = NEW.email_key)
BEGIN
    SELECT RAISE(IGNORE);
END;

-- UPDATE OR REPLACE has the same way in: a saga that becomes like another one takes its place. What tells sagas apart
-- never becomes anything else; sagas_ended_stay says so of ended sagas already.
CREATE TRIGGER sagas_stay_themselves BEFORE UPDATE OF id, email_key, idempotency_key ON sagas
WHEN OLD.ended_at IS NULL AND (
    NEW.id IS NOT OLD.id
    OR NEW.email_key IS NOT NULL AND NEW.email_key IS NOT OLD.email_key
    OR NEW.idempotency_key IS NOT NULL AND NEW.idempotency_key IS NOT OLD.idempotency_key
)
BEGIN
    SELECT RAISE(ABORT, 'a saga stays itself');
END;

-- What operators list, the newest first: stuck sagas, and sagas that fail or have failed. Both are few, so the indexes
-- cost a write next to nothing. Active sagas are few too, and are found by sagas_due.
CREATE INDEX sagas_stuck ON sagas (id) WHERE stuck_since IS NOT NULL;
CREATE INDEX sagas_coded ON sagas (id) WHERE code IS NOT NULL;
