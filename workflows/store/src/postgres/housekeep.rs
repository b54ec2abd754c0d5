//! What must happen though nobody asks for it.

use saga::Policy;
use saga::store::{Error, Housekept};

use super::connections::Connections;
use super::value::{millis, saga_id};

pub(super) const SQL: &[(&str, &str)] =
    &[("housekeep.silent", SILENT), ("housekeep.wipe", WIPE_OLD), ("housekeep.forget", FORGET)];

/// Marks sagas stuck whose step has been silent since its first claim. Their due time stays. One that a commit holds
/// is not silent.
const SILENT: &str = "
WITH c AS (
    SELECT id FROM sagas
     WHERE ended_at IS NULL AND stuck_since IS NULL AND step_claimed_at <= now() - $1 * interval '1 millisecond'
     ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sagas s SET stuck_since = now() FROM c WHERE s.id = c.id RETURNING s.id";

/// Wipes sealed passwords that are too old to be hashed any more.
const WIPE_OLD: &str = "
DELETE FROM sealed_passwords
 WHERE saga_id IN (SELECT saga_id FROM sealed_passwords
                    WHERE sealed_at <= now() - $1 * interval '1 millisecond' LIMIT $2)";

/// Forgets the idempotency keys of ended sagas.
const FORGET: &str = "
UPDATE sagas SET idempotency_key = NULL, idempotency_body = NULL
 WHERE id IN (SELECT id FROM sagas
               WHERE idempotency_key IS NOT NULL AND accepted_at <= now() - $1 * interval '1 millisecond'
                 AND ended_at IS NOT NULL LIMIT $2)";

/// Rows of a kind in one round; the next round takes the rest.
const ROUND: i64 = 1000;

pub(super) async fn housekeep(connections: &Connections, policy: &Policy) -> Result<Housekept, Error> {
    let secrets = connections.execute(sqlx::query(WIPE_OLD).bind(millis(policy.expiry)).bind(ROUND)).await?;
    let keys = connections.execute(sqlx::query(FORGET).bind(millis(policy.idempotency)).bind(ROUND)).await?;
    // Last: who has been marked is told, and not lost over another statement's failure.
    let silent = connections.fetch(sqlx::query(SILENT).bind(millis(policy.silence)).bind(ROUND)).await?;
    let silent = silent.iter().map(|row| saga_id(row, "id")).collect::<Result<_, _>>()?;
    Ok(Housekept { silent, secrets, keys })
}
