-- The oldest program that works with this schema, told by the newest migration that it knows. A program that finds a
-- schema newer than its own looks here whether it may go on. So a new program can be put in place beside the old one,
-- and taken back. A migration that breaks older programs raises the number.

CREATE TABLE schema_compat (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),   -- there is one row
    min_program INTEGER NOT NULL
) STRICT;

-- 3, and not 2: a program that knows no more than 0002 finds every column that it asks for, but the journal may hold
-- 'retried', 'rolled_back' and 'resolved', and it cannot read a journal with a word that it does not know. The tables
-- of 0004 and 0005, and this one, an older program can do without.
INSERT INTO schema_compat (id, min_program) VALUES (1, 3);
