-- The oldest program that works with this schema, told by the newest migration that it knows. A program that finds a
-- schema newer than its own looks here whether it may go on. So a new program can be put in place beside the old one,
-- and taken back. A migration that breaks older programs raises the number.

CREATE TABLE schema_compat (
    id          integer NOT NULL PRIMARY KEY CHECK (id = 1),   -- there is one row
    min_program bigint  NOT NULL
);

-- No program knows less: this is the first that keeps sagas here.
INSERT INTO schema_compat (id, min_program) VALUES (1, 6);
