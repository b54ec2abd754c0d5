-- Who may see sagas and act on them. A token is random, so its hash needs neither salt nor key; it is what an operator
-- is found by.

CREATE TABLE operators (
    name       TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    token_hash BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    added_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
