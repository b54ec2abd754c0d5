-- What a sign-up makes. Every row names the saga that made it, and a saga makes at most one of each: no row can be
-- without its saga, and none can be made twice.

CREATE TABLE users (
    id            uuid        NOT NULL PRIMARY KEY,
    saga_id       uuid        NOT NULL UNIQUE REFERENCES sagas (id),
    email         text        NOT NULL,
    email_key     text COLLATE "C" NOT NULL UNIQUE,
    password_hash text        NOT NULL,
    -- Provisional exactly while the saga is not completed: cannot sign in, is listed nowhere.
    status        text        NOT NULL CHECK (status IN ('provisional', 'active')),
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL
)
-- Each user is updated once, when the sign-up completes: it touches no index with room in its page.
WITH (fillfactor = 90);

CREATE TABLE identities (
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    saga_id    uuid        NOT NULL UNIQUE REFERENCES sagas (id),
    provider   text        NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, provider)
);

CREATE TABLE organizations (
    id         uuid        NOT NULL PRIMARY KEY,
    saga_id    uuid        NOT NULL UNIQUE REFERENCES sagas (id),
    name       text        NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE profiles (
    id              uuid        NOT NULL PRIMARY KEY,
    saga_id         uuid        NOT NULL UNIQUE REFERENCES sagas (id),
    user_id         uuid        NOT NULL UNIQUE REFERENCES users (id),
    organization_id uuid        NOT NULL REFERENCES organizations (id),
    full_name       text,
    role            text        NOT NULL CHECK (role IN ('owner')),
    created_at      timestamptz NOT NULL
);

CREATE INDEX profiles_organization ON profiles (organization_id);

-- What the user's tokens carry.
CREATE TABLE claims (
    user_id         uuid        NOT NULL PRIMARY KEY REFERENCES users (id),
    saga_id         uuid        NOT NULL UNIQUE REFERENCES sagas (id),
    organization_id uuid        NOT NULL REFERENCES organizations (id),
    role            text        NOT NULL CHECK (role IN ('owner')),
    created_at      timestamptz NOT NULL
);

CREATE INDEX claims_organization ON claims (organization_id);
