//! Sign-ups that have ended, as many as are wanted, as if they had been run.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

/// Ended sagas with all that they have made, from `$from` to `$to`. As a replica, no trigger has a say. Ids are in the
/// order of time, as the service's are; addresses are in no order.
const FILL: &str = "
SET session_replication_role = replica;
SET synchronous_commit = off;
CREATE TEMP TABLE people ON COMMIT DROP AS
SELECT n, 'epoch'::timestamptz + n * interval '1 s' AS at, md5('email' || n) || '@example.com' AS email,
       id('saga', n) AS saga_id, id('user', n) AS user_id, id('organization', n) AS organization_id,
       id('profile', n) AS profile_id
  FROM generate_series($from::bigint, $to::bigint) AS n;
INSERT INTO sagas (id, kind, version, state, epoch, seq, due_at, accepted_at, ended_at, user_id, organization_id,
                   profile_id, email, email_key, full_name, organization_name)
SELECT saga_id, 'signup', 1, 'completed', 4, 4, at, at, at, user_id, organization_id, profile_id, email, email,
       'Ada Lovelace', 'Analytical Engines' FROM people ORDER BY n;
INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, worker, took_ms, at)
SELECT saga_id, seq, seq, kind, step, sign(seq), worker, took_ms, at FROM people, (VALUES
    (0, 'accepted', NULL, NULL, NULL), (1, 'done', 'create_user', 'serial-0123456789ab', 0),
    (2, 'done', 'create_organization', 'serial-0123456789ab', 0),
    (3, 'done', 'create_profile', 'serial-0123456789ab', 0),
    (4, 'done', 'update_claims', 'serial-0123456789ab', 0)) AS e (seq, kind, step, worker, took_ms) ORDER BY n, seq;
INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
SELECT user_id, saga_id, email, email, '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$' || repeat('x', 43),
       'active', at FROM people ORDER BY n;
INSERT INTO identities (user_id, saga_id, provider, created_at)
SELECT user_id, saga_id, 'email', at FROM people ORDER BY n;
INSERT INTO organizations (id, saga_id, name, created_at)
SELECT organization_id, saga_id, 'Analytical Engines', at FROM people ORDER BY n;
INSERT INTO profiles (id, saga_id, user_id, organization_id, full_name, role, created_at)
SELECT profile_id, saga_id, user_id, organization_id, 'Ada Lovelace', 'owner', at FROM people ORDER BY n;
INSERT INTO claims (user_id, saga_id, organization_id, role, created_at)
SELECT user_id, saga_id, organization_id, 'owner', at FROM people ORDER BY n;";

/// A UUIDv7 of its own for each kind and number.
pub(crate) const ID: &str = "
CREATE FUNCTION id(kind text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex(1000000000000 + n), 12, '0') || '7' || substr(md5(kind || n), 1, 3) || '8'
            || substr(md5(kind || n), 4, 15))::uuid
$$;";

/// Makes them, numbered from one number to another. The database knows [`ID`].
pub(crate) async fn fill(filler: &mut PgConnection, from: u32, to: u32) -> anyhow::Result<()> {
    if from <= to {
        let fill = FILL.replace("$from", &from.to_string()).replace("$to", &to.to_string());
        filler.execute(AssertSqlSafe(fill)).await?;
    }
    filler.execute("VACUUM (ANALYZE)").await?;
    Ok(())
}
