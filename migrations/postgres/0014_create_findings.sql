-- What auditors have found: rows that break an invariant. Nothing refers to it, and it refers to nothing: what it is about
-- may well not be there.

CREATE TABLE findings (
    id        bigint           NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    invariant text COLLATE "C" NOT NULL CHECK (invariant <> ''),
    saga_id   uuid             NOT NULL,
    what      text             NOT NULL,
    found_at  timestamptz      NOT NULL,
    seen_at   timestamptz      NOT NULL,
    over_at   timestamptz               -- when it was seen to be over
);

-- What is found again is the same finding until it is over.
CREATE UNIQUE INDEX findings_open ON findings (saga_id, invariant) WHERE over_at IS NULL;

-- Of the processes that audit, one does at a time: when the last one began, and after which sagas the next goes on.
CREATE TABLE audit_turn (
    id       integer     NOT NULL PRIMARY KEY CHECK (id = 1),   -- there is one row
    auditor  text        NOT NULL,
    taken_at timestamptz NOT NULL,
    looked   uuid,                                              -- in looking over all sagas
    read     uuid                                               -- in reading their journals
);
