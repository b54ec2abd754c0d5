-- What the processes have counted, minute by minute, for the last days: what operators are told of an hour or a day without
-- reading a single saga. Each process adds what it has counted every few seconds; one that is killed takes that much along.

CREATE TABLE statistics (
    minute INTEGER NOT NULL,
    kind   TEXT    NOT NULL,   -- what: 'asked', 'ended', ...
    word   TEXT    NOT NULL,   -- and what of that: 'accepted', 'completed', ...
    class  TEXT    NOT NULL,   -- of whom: who runs their mail, or nothing
    count  INTEGER NOT NULL,
    PRIMARY KEY (minute, kind, word, class)
) STRICT, WITHOUT ROWID;
