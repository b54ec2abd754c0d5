-- Who may see sagas and act on them. A token is random, so its hash needs neither salt nor key; it is what an operator
-- is found by.

CREATE TABLE operators (
    name       text COLLATE "C" NOT NULL PRIMARY KEY CHECK (name <> ''),
    token_hash bytea            NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    added_at   timestamptz      NOT NULL
);
