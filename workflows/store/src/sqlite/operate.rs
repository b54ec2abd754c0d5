//! Operators' actions: lock, check what is left, advance, event.

use async_trait::async_trait;
use saga::State;
use saga::store::{Error, Operated, Operation};
use sqlx::SqliteConnection;

use super::commit::WIPE;
use super::list;
use super::transaction::Transaction;
use super::value::{self, Millis, get, stored};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] =
    &[("operate.lock", LOCK), ("operate.advance", ADVANCE), ("operate.event", EVENT)];

/// The saga is where the operator saw it. The transaction is IMMEDIATE: nobody else writes until it ends.
const LOCK: &str = "SELECT 1 FROM sagas WHERE id = $1 AND seq = $2 AND state = $3 AND step = $4 AND code IS $5";

/// The next epoch fences whoever is at the saga.
const ADVANCE: &str = "
UPDATE sagas
   SET epoch = epoch + 1, seq = seq + 1, state = $3, step = $4, code = $5, attempt = 0, due_at = $6, ended_at = $7,
       lease_owner = NULL, lease_until = NULL, step_claimed_at = NULL, stuck_since = NULL
 WHERE id = $1 AND seq = $2
RETURNING epoch";

const EVENT: &str = "
INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, operator, reason, at)
VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8)";

pub(super) struct Operate(pub(super) Operation);

#[async_trait]
impl Write for Operate {
    type Output = Operated;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Operated, Error> {
        let db = db.connection().await?;
        let Operation { saga, to, .. } = &self.0;
        if !self.lock(db).await? {
            return Ok(Operated::Stale);
        }
        let ends = matches!(to, State::Ended(_));
        if ends {
            let left = list::left(&mut *db, *saga).await?;
            if !left.is_empty() {
                return Ok(Operated::Left(left));
            }
        }
        let epoch = self.advance(db, now).await?;
        self.event(db, epoch, now).await?;
        if ends {
            sqlx::query(WIPE).bind(saga.uuid()).execute(db).await.map_err(value::error)?;
        }
        Ok(Operated::Done)
    }
}

impl Operate {
    async fn lock(&self, db: &mut SqliteConnection) -> Result<bool, Error> {
        let Operation { saga, seq, from, .. } = &self.0;
        let from = State::Active(from.clone());
        let there = sqlx::query(LOCK)
            .bind(saga.uuid())
            .bind(stored(*seq)?)
            .bind(from.word())
            .bind(from.step().map(saga::StepName::as_str))
            .bind(from.code().map(saga::Code::as_str))
            .fetch_optional(db)
            .await
            .map_err(value::error)?;
        Ok(there.is_some())
    }

    /// Returns the new epoch.
    async fn advance(&self, db: &mut SqliteConnection, now: Millis) -> Result<i64, Error> {
        let Operation { saga, seq, to, .. } = &self.0;
        let row = sqlx::query(ADVANCE)
            .bind(saga.uuid())
            .bind(stored(*seq)?)
            .bind(to.word())
            .bind(to.step().map(saga::StepName::as_str))
            .bind(to.code().map(saga::Code::as_str))
            .bind(now)
            .bind(matches!(to, State::Ended(_)).then_some(now))
            .fetch_one(db)
            .await
            .map_err(value::error)?;
        get(&row, "epoch")
    }

    async fn event(&self, db: &mut SqliteConnection, epoch: i64, now: Millis) -> Result<(), Error> {
        let Operation { saga, seq, action, from, signature, .. } = &self.0;
        sqlx::query(EVENT)
            .bind(saga.uuid())
            .bind(stored(seq + 1)?)
            .bind(epoch)
            .bind(action.event().word())
            .bind(from.step().as_str())
            .bind(&signature.operator)
            .bind(&signature.reason)
            .bind(now)
            .execute(db)
            .await
            .map(drop)
            .map_err(value::error)
    }
}
