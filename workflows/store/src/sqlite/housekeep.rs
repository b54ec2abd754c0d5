//! What must happen though nobody asks for it.

use async_trait::async_trait;
use saga::Policy;
use saga::store::{Error, Housekept};

use super::transaction::Transaction;
use super::value::{self, Millis, millis};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] =
    &[("housekeep.silent", SILENT), ("housekeep.wipe", WIPE_OLD), ("housekeep.forget", FORGET)];

/// Marks sagas stuck whose step has been silent since its first claim. Their due time stays.
const SILENT: &str = "
UPDATE sagas SET stuck_since = $1
 WHERE ended_at IS NULL AND stuck_since IS NULL AND step_claimed_at <= $1 - $2
RETURNING id";

/// Wipes sealed passwords that are too old to be hashed any more.
const WIPE_OLD: &str = "
DELETE FROM sealed_passwords
 WHERE saga_id IN (SELECT saga_id FROM sealed_passwords WHERE sealed_at <= $1 - $2 LIMIT $3)";

/// Forgets the idempotency keys of ended sagas.
const FORGET: &str = "
UPDATE sagas SET idempotency_key = NULL, idempotency_body = NULL
 WHERE id IN (SELECT id FROM sagas
               WHERE idempotency_key IS NOT NULL AND accepted_at <= $1 - $2 AND ended_at IS NOT NULL LIMIT $3)";

/// Rows of a kind in one round; the next round takes the rest.
const ROUND: i64 = 1000;

pub(super) struct Housekeep(pub(super) Policy);

#[async_trait]
impl Write for Housekeep {
    type Output = Housekept;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Housekept, Error> {
        let db = db.connection().await?;
        let policy = &self.0;
        let silent = sqlx::query(SILENT).bind(now).bind(millis(policy.silence)).fetch_all(&mut *db).await;
        let silent = silent.map_err(value::error)?;
        let wipe = sqlx::query(WIPE_OLD).bind(now).bind(millis(policy.expiry)).bind(ROUND);
        let wiped = wipe.execute(&mut *db).await.map_err(value::error)?;
        let forget = sqlx::query(FORGET).bind(now).bind(millis(policy.idempotency)).bind(ROUND);
        let forgotten = forget.execute(&mut *db).await.map_err(value::error)?;
        Ok(Housekept {
            silent: silent.iter().map(|row| value::saga_id(row, "id")).collect::<Result<_, _>>()?,
            secrets: wiped.rows_affected(),
            keys: forgotten.rows_affected(),
        })
    }
}
