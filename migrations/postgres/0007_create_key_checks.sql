-- What the processes' keys are told by: the first process writes it, and another that has other keys is refused, since
-- it could neither open the passwords that the first has sealed nor recognise its requests. None of it is secret.
-- Whoever means to change a key deletes its row.

CREATE TABLE key_checks (
    name   text COLLATE "C" NOT NULL PRIMARY KEY,   -- of the key: 'seal', 'hash'
    digest bytea            NOT NULL CHECK (length(digest) = 32)
);
