//! Committing a step: lock, effect, advance, event.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::{Commit, Committed, Error};
use saga::{End, State, Transition};
use signup::SignUp;
use sqlx::SqliteConnection;

use super::effect::{self, WIPE};
use super::value::{self, Millis, millis, stored};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] =
    &[("commit.lock", LOCK), ("commit.advance", ADVANCE), ("commit.again", AGAIN), ("commit.event", EVENT)];

/// Holds the fence. The transaction is IMMEDIATE: nobody else writes until it ends.
const LOCK: &str = "
SELECT 1 FROM sagas WHERE id = ?1 AND epoch = ?2 AND seq = ?3 AND state = ?4 AND step = ?5 AND code IS ?6";

/// Whoever goes on with it has claimed the next step herewith: ?9 and ?10 are who and for how long.
const ADVANCE: &str = "
UPDATE sagas
   SET seq = seq + 1, state = ?4, step = ?5, code = ?6, due_at = ?7, ended_at = ?8, stuck_since = NULL,
       epoch = epoch + (?10 IS NOT NULL), attempt = (?10 IS NOT NULL), lease_owner = ?9, lease_until = ?7 + ?10,
       step_claimed_at = CASE WHEN ?10 IS NOT NULL THEN ?7 END
 WHERE id = ?1 AND epoch = ?2 AND seq = ?3";

const AGAIN: &str = "
UPDATE sagas
   SET seq = seq + 1, due_at = ?4 + ?5, lease_owner = NULL, lease_until = NULL,
       stuck_since = CASE WHEN ?6 THEN coalesce(stuck_since, ?4) END
 WHERE id = ?1 AND epoch = ?2 AND seq = ?3";

const EVENT: &str = "
INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, worker, took_ms, error, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(super) struct CommitStep(pub(super) Commit<SignUp>);

#[async_trait]
impl Write for CommitStep {
    type Output = Committed;

    async fn apply(&self, db: &mut SqliteConnection, now: Millis) -> Result<Committed, Error> {
        let commit = &self.0;
        if !self.lock(db).await? {
            return Ok(Committed::Fenced);
        }
        let applied = match &commit.effect {
            Some(effect) => effect::apply(db, commit.fence.saga, effect, now).await?,
            None => true,
        };
        let (transition, claims, answer) = match (applied, &commit.if_refused) {
            (true, _) => (&commit.then, commit.claims(), Committed::Then),
            (false, Some(refused)) => (refused, None, Committed::Refused),
            (false, None) => return Err(Error::Rejected("the effect conflicts".into())),
        };
        self.advance(db, transition, claims, now).await?;
        self.event(db, transition, now).await?;
        Ok(answer)
    }
}

impl CommitStep {
    async fn lock(&self, db: &mut SqliteConnection) -> Result<bool, Error> {
        let Commit { fence, from, .. } = &self.0;
        let from = State::Active(from.clone());
        let held = sqlx::query(LOCK)
            .bind(fence.saga.uuid())
            .bind(stored(fence.epoch)?)
            .bind(stored(fence.seq)?)
            .bind(from.word())
            .bind(from.step().map(saga::StepName::as_str))
            .bind(from.code().map(saga::Code::as_str))
            .fetch_optional(db)
            .await
            .map_err(value::error)?;
        Ok(held.is_some())
    }

    async fn advance(
        &self,
        db: &mut SqliteConnection,
        transition: &Transition,
        claims: Option<Duration>,
        now: Millis,
    ) -> Result<(), Error> {
        let Commit { fence, note, .. } = &self.0;
        let (saga, epoch, seq) = (fence.saga.uuid(), stored(fence.epoch)?, stored(fence.seq)?);
        let update = match transition {
            Transition::Advance { to, .. } => sqlx::query(ADVANCE)
                .bind(saga)
                .bind(epoch)
                .bind(seq)
                .bind(to.word())
                .bind(to.step().map(saga::StepName::as_str))
                .bind(to.code().map(saga::Code::as_str))
                .bind(now)
                .bind(matches!(to, State::Ended(_)).then_some(now))
                .bind(claims.map(|_| note.worker.to_string()))
                .bind(claims.map(millis)),
            Transition::Again { after, stuck, .. } => {
                sqlx::query(AGAIN).bind(saga).bind(epoch).bind(seq).bind(now).bind(millis(*after)).bind(stuck)
            }
        };
        update.execute(&mut *db).await.map_err(value::error)?;
        if let Transition::Advance { to: State::Ended(End::Completed | End::Failed(_)), .. } = transition {
            sqlx::query(WIPE).bind(saga).execute(db).await.map_err(value::error)?;
        }
        Ok(())
    }

    async fn event(&self, db: &mut SqliteConnection, transition: &Transition, now: Millis) -> Result<(), Error> {
        let Commit { fence, from, note, .. } = &self.0;
        sqlx::query(EVENT)
            .bind(fence.saga.uuid())
            .bind(stored(fence.seq + 1)?)
            .bind(stored(fence.epoch)?)
            .bind(transition.event().word())
            .bind(from.step().as_str())
            .bind(note.attempt)
            .bind(note.worker.to_string())
            .bind(millis(note.took))
            .bind(note.error.as_deref())
            .bind(now)
            .execute(db)
            .await
            .map(drop)
            .map_err(value::error)
    }
}
