//! Ending leases without a commit.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::{Error, Fence};

use super::transaction::Transaction;
use super::value::{self, Millis, millis, stored};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[("hand_back", HAND_BACK), ("release_leases", RELEASE_ALL)];

const HAND_BACK: &str = "
UPDATE sagas
   SET lease_owner = NULL, lease_until = NULL, attempt = attempt - 1, due_at = $4 + $5,
       step_claimed_at = CASE WHEN attempt > 1 THEN step_claimed_at END
 WHERE id = $1 AND epoch = $2 AND seq = $3 AND lease_until >= $4";

/// Due at once: whoever held them is gone, and the time since is nobody's silence. So is whatever is due later than
/// anything can be: the clock was ahead when that was written.
const RELEASE_ALL: &str = "
UPDATE sagas SET lease_owner = NULL, lease_until = NULL, due_at = $1, step_claimed_at = NULL
 WHERE ended_at IS NULL AND (lease_until IS NOT NULL OR due_at > $1 + $2)";

pub(super) struct HandBack {
    pub(super) fence: Fence,
    pub(super) due_in: Duration,
}

#[async_trait]
impl Write for HandBack {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<bool, Error> {
        let db = db.connection().await?;
        let query = sqlx::query(HAND_BACK)
            .bind(self.fence.saga.uuid())
            .bind(stored(self.fence.epoch)?)
            .bind(stored(self.fence.seq)?)
            .bind(now)
            .bind(millis(self.due_in));
        Ok(query.execute(db).await.map_err(value::error)?.rows_affected() > 0)
    }
}

pub(super) struct ReleaseAll;

#[async_trait]
impl Write for ReleaseAll {
    type Output = u64;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<u64, Error> {
        let db = db.connection().await?;
        let latest = millis(saga::Policy::STANDARD.stuck_pause);
        let released = sqlx::query(RELEASE_ALL).bind(now).bind(latest).execute(db).await.map_err(value::error)?;
        Ok(released.rows_affected())
    }
}
