//! Committing a step: lock, effect, advance, event.
//!
//! Every statement holds the fence by itself. So all of them go together, except where the effect may be refused, which
//! decides what follows.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::{Commit, Committed, Error};
use saga::{End, State, Transition};
use signup::SignUp;

use super::effect;
use super::transaction::{Query, Transaction};
use super::value::{Millis, millis, stored};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[
    ("commit.lock", LOCK),
    ("commit.advance", ADVANCE),
    ("commit.again", AGAIN),
    ("commit.event", EVENT),
    ("commit.wipe", WIPE),
];

/// Holds the fence. The transaction is IMMEDIATE: nobody else writes until it ends.
const LOCK: &str = "
SELECT 1 FROM sagas WHERE id = $1 AND epoch = $2 AND seq = $3 AND state = $6 AND step = $7 AND code IS $8";

/// Whoever goes on with it has claimed the next step herewith: $18 and $19 are who and for how long.
const ADVANCE: &str = "
UPDATE sagas
   SET seq = seq + 1, state = $14, step = $15, code = $16, due_at = $4, ended_at = $17, stuck_since = NULL,
       epoch = epoch + ($19 IS NOT NULL), attempt = ($19 IS NOT NULL), lease_owner = $18, lease_until = $4 + $19,
       step_claimed_at = CASE WHEN $19 IS NOT NULL THEN $4 END
 WHERE id = $1 AND epoch = $2 AND seq = $3 AND state = $6 AND step = $7 AND code IS $8";

const AGAIN: &str = "
UPDATE sagas
   SET seq = seq + 1, due_at = $4 + $14, lease_owner = NULL, lease_until = NULL,
       stuck_since = CASE WHEN $15 THEN coalesce(stuck_since, $4) END
 WHERE id = $1 AND epoch = $2 AND seq = $3 AND state = $6 AND step = $7 AND code IS $8";

/// Goes with the advance: `changes()` is how many rows the statement before has written.
const EVENT: &str = "
INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, worker, took_ms, error, at)
SELECT $1, $3 + 1, $2, $9, $7, $10, $11, $12, $13, $4 WHERE changes() = 1";

/// Wipes the sealed password of a saga that has ended.
pub(super) const WIPE: &str = "
DELETE FROM sealed_passwords
 WHERE saga_id = $1 AND EXISTS (SELECT 1 FROM sagas WHERE id = $1 AND ended_at IS NOT NULL)";

pub(super) struct CommitStep(pub(super) Commit<SignUp>);

#[async_trait]
impl Write for CommitStep {
    type Output = Committed;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Committed, Error> {
        let Commit { effect, then, if_refused, .. } = &self.0;
        let effect = effect.as_ref().map(effect::statements).unwrap_or_default();
        let fence = self.fence(effect.argument, now)?;
        let mut statements = effect.then.to_vec();
        let mut follows = (then, self.0.claims(), Committed::Then);
        if let Some(first) = effect.first {
            let ran = db.run(&[LOCK, first], &fence).await?;
            let (held, applied) = (!ran[0].rows.is_empty(), ran[1].written > 0);
            match if_refused {
                _ if !held => return Ok(Committed::Fenced),
                _ if applied => {}
                None => return Err(Error::Rejected("the effect conflicts".into())),
                Some(refused) => {
                    statements.clear();
                    follows = (refused, None, Committed::Refused);
                }
            }
        }
        let (transition, claims, answer) = follows;
        let at = statements.len();
        statements.extend(writes(transition));
        let ran = db.finish(&statements, |query| self.advance(fence(query), transition, claims, now)).await?;
        Ok(if ran[at].written == 0 { Committed::Fenced } else { answer })
    }
}

/// The statements of a transition: the first tells whether the fence was held.
fn writes(transition: &Transition) -> &'static [&'static str] {
    match transition {
        Transition::Advance { to: State::Ended(End::Completed | End::Failed(_)), .. } => &[ADVANCE, EVENT, WIPE],
        Transition::Advance { to: State::Active(_), .. } => &[ADVANCE, EVENT],
        Transition::Again { .. } => &[AGAIN, EVENT],
    }
}

impl CommitStep {
    /// What every statement may need: $1 to $8.
    fn fence<'e>(
        &self,
        argument: Option<&'e str>,
        now: Millis,
    ) -> Result<impl Fn(Query) -> Query + use<'_, 'e>, Error> {
        let Commit { fence, from, .. } = &self.0;
        let (saga, epoch, seq) = (fence.saga.uuid(), stored(fence.epoch)?, stored(fence.seq)?);
        let from = State::Active(from.clone());
        Ok(move |query: Query| {
            query
                .bind(saga)
                .bind(epoch)
                .bind(seq)
                .bind(now)
                .bind(argument)
                .bind(from.word())
                .bind(from.step().map(saga::StepName::as_str))
                .bind(from.code().map(saga::Code::as_str))
        })
    }

    /// What the advance and its event need beside that: from $9 on.
    fn advance(&self, query: Query, transition: &Transition, claims: Option<Duration>, now: Millis) -> Query {
        let note = &self.0.note;
        let query = query
            .bind(transition.event().word())
            .bind(note.attempt)
            .bind(note.worker.to_string())
            .bind(millis(note.took))
            .bind(note.error.as_deref());
        match transition {
            Transition::Advance { to, .. } => query
                .bind(to.word())
                .bind(to.step().map(saga::StepName::as_str))
                .bind(to.code().map(saga::Code::as_str))
                .bind(matches!(to, State::Ended(_)).then_some(now))
                .bind(claims.map(|_| note.worker.to_string()))
                .bind(claims.map(millis)),
            Transition::Again { after, stuck, .. } => query.bind(millis(*after)).bind(*stuck),
        }
    }
}
