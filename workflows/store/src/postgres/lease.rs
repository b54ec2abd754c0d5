//! Ending leases without a commit.

use std::time::Duration;

use saga::store::{Error, Fence};

use super::connections::Connections;
use super::value::{millis, stored};

pub(super) const SQL: &[(&str, &str)] = &[("hand_back", HAND_BACK), ("release_leases", RELEASE_ALL)];

const HAND_BACK: &str = "
UPDATE sagas
   SET lease_owner = NULL, lease_until = NULL, attempt = attempt - 1, due_at = now() + $4 * interval '1 millisecond',
       sweep_at = now() + $4 * interval '1 millisecond',
       step_claimed_at = CASE WHEN attempt > 1 THEN step_claimed_at END
 WHERE id = $1 AND epoch = $2 AND seq = $3 AND lease_until >= now()";

/// Due at once: whoever held them is gone, and the time since is nobody's silence. So is whatever is due later than
/// anything can be: the clock was ahead when that was written.
const RELEASE_ALL: &str = "
UPDATE sagas SET lease_owner = NULL, lease_until = NULL, due_at = now(), sweep_at = now(), step_claimed_at = NULL
 WHERE ended_at IS NULL AND (lease_until IS NOT NULL OR due_at > now() + $1 * interval '1 millisecond')";

pub(super) async fn hand_back(connections: &Connections, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
    let statement = sqlx::query(HAND_BACK)
        .bind(fence.saga.uuid())
        .bind(stored(fence.epoch)?)
        .bind(stored(fence.seq)?)
        .bind(millis(due_in));
    Ok(connections.execute(statement).await? > 0)
}

pub(super) async fn release_all(connections: &Connections) -> Result<u64, Error> {
    connections.execute(sqlx::query(RELEASE_ALL).bind(millis(saga::Policy::STANDARD.stuck_pause))).await
}
