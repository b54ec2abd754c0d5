-- What the processes' keys are told by, where there are several. A file belongs to one process, with its keys beside it,
-- so nothing is written here.

CREATE TABLE key_checks (
    name   TEXT NOT NULL PRIMARY KEY,   -- of the key: 'seal', 'hash'
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT, WITHOUT ROWID;
