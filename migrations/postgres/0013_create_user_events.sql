-- What operators have done to users: the users' part of the audit log. It stays when they go.

CREATE TABLE user_events (
    user_id  uuid        NOT NULL,
    seq      bigint      NOT NULL,
    action   text        NOT NULL CHECK (action IN ('disable', 'enable', 'sign_out')),
    operator text        NOT NULL CHECK (operator <> ''),
    reason   text        NOT NULL CHECK (reason <> ''),
    at       timestamptz NOT NULL,
    PRIMARY KEY (user_id, seq)
);

CREATE TRIGGER user_events_stay BEFORE UPDATE OR DELETE ON user_events FOR EACH ROW
EXECUTE FUNCTION refuse('the journal is only added to');
CREATE TRIGGER user_events_never_emptied BEFORE TRUNCATE ON user_events FOR EACH STATEMENT
EXECUTE FUNCTION refuse('the journal is only added to');

-- Counts a user's events: what an action that comes late is told by.
ALTER TABLE users ADD COLUMN seq bigint NOT NULL DEFAULT 0;
