-- What operators have done to users: the users' part of the audit log. It stays when they go.

CREATE TABLE user_events (
    user_id  BLOB    NOT NULL,
    seq      INTEGER NOT NULL,
    action   TEXT    NOT NULL CHECK (action IN ('disable', 'enable', 'sign_out')),
    operator TEXT    NOT NULL CHECK (operator <> ''),
    reason   TEXT    NOT NULL CHECK (reason <> ''),
    at       INTEGER NOT NULL,
    PRIMARY KEY (user_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER user_events_stay BEFORE UPDATE ON user_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

CREATE TRIGGER user_events_never_deleted BEFORE DELETE ON user_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

-- REPLACE deletes the rows in its way, and fires their triggers only on connections that ask for it.
CREATE TRIGGER user_events_never_replaced BEFORE INSERT ON user_events
WHEN EXISTS (SELECT 1 FROM user_events WHERE user_id = NEW.user_id AND seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'the journal is only added to');
END;

-- Counts a user's events: what an action that comes late is told by.
ALTER TABLE users ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
