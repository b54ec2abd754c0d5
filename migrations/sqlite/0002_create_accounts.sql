-- What a sign-up makes. Every row names the saga that made it, and a saga makes at most one of each: no row can be
-- without its saga, and none can be made twice.

CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY,
    saga_id       BLOB    NOT NULL UNIQUE REFERENCES sagas (id),
    email         TEXT    NOT NULL,
    email_key     TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    -- Provisional exactly while the saga is not completed: cannot sign in, is listed nowhere.
    status        TEXT    NOT NULL CHECK (status IN ('provisional', 'active')),
    disabled_at   INTEGER,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE identities (
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    saga_id    BLOB    NOT NULL UNIQUE REFERENCES sagas (id),
    provider   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE organizations (
    id         BLOB    NOT NULL PRIMARY KEY,
    saga_id    BLOB    NOT NULL UNIQUE REFERENCES sagas (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE profiles (
    id              BLOB    NOT NULL PRIMARY KEY,
    saga_id         BLOB    NOT NULL UNIQUE REFERENCES sagas (id),
    user_id         BLOB    NOT NULL UNIQUE REFERENCES users (id),
    organization_id BLOB    NOT NULL REFERENCES organizations (id),
    full_name       TEXT,
    role            TEXT    NOT NULL CHECK (role IN ('owner')),
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX profiles_organization ON profiles (organization_id);

-- What the user's tokens carry.
CREATE TABLE claims (
    user_id         BLOB    NOT NULL PRIMARY KEY REFERENCES users (id),
    saga_id         BLOB    NOT NULL UNIQUE REFERENCES sagas (id),
    organization_id BLOB    NOT NULL REFERENCES organizations (id),
    role            TEXT    NOT NULL CHECK (role IN ('owner')),
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX claims_organization ON claims (organization_id);
