-- The keys that sign access tokens, one after the other. The private halves are sealed by a key that is not in the
-- database.

CREATE TABLE signing_keys (
    -- The how-manieth key it is: of many processes that make the next one, one does.
    generation bigint           NOT NULL PRIMARY KEY CHECK (generation > 0),
    id         text COLLATE "C" NOT NULL UNIQUE,
    public_key bytea            NOT NULL,
    sealed     bytea            NOT NULL,
    created_at timestamptz      NOT NULL,
    signs_from timestamptz      NOT NULL
);
