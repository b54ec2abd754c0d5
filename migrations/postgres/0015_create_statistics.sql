-- What the processes have counted, minute by minute, for the last days: what operators are told of an hour or a day without
-- reading a single saga. Each process adds what it has counted every few seconds; one that is killed takes that much along.

CREATE TABLE statistics (
    minute timestamptz      NOT NULL,
    kind   text COLLATE "C" NOT NULL,   -- what: 'asked', 'ended', ...
    word   text COLLATE "C" NOT NULL,   -- and what of that: 'accepted', 'completed', ...
    class  text COLLATE "C" NOT NULL,   -- of whom: who runs their mail, or nothing
    count  bigint           NOT NULL,
    PRIMARY KEY (minute, kind, word, class)
)
-- A row is added to for a minute, and then stays: it touches no index with room in its page.
WITH (fillfactor = 50);
