-- Who is signed in. A session has one row, however often it is refreshed: no token is stored, nor the hash of one.

CREATE TABLE sessions (
    id            BLOB    NOT NULL PRIMARY KEY,
    user_id       BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The sign-up that was redeemed for it: each is once at most.
    saga_id       BLOB    UNIQUE REFERENCES sagas (id),
    -- The user's session_epoch when it began: it is over once they have another.
    epoch         INTEGER NOT NULL,
    device        TEXT,
    address_class TEXT,
    began_at      INTEGER NOT NULL,
    -- The latest refresh token, and since when it is that.
    generation    INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    issued_at     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT;

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_began ON sessions (began_at);

-- Raised to end all of a user's sessions at once, those that begin in the same moment too. Once it was, their sign-up is
-- not redeemed any more.
ALTER TABLE users ADD COLUMN session_epoch INTEGER NOT NULL DEFAULT 0;
