-- The keys that sign access tokens, one after the other. The private halves are sealed by a key that is not in the
-- database.

CREATE TABLE signing_keys (
    -- The how-manieth key it is: of many processes that make the next one, one does.
    generation INTEGER NOT NULL PRIMARY KEY CHECK (generation > 0),
    id         TEXT    NOT NULL UNIQUE,
    public_key BLOB    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL
) STRICT;
