//! Operators' actions: lock, check what is left, advance, event; one statement.

use saga::State;
use saga::store::{Error, Operated, Operation};

use super::connections::Connections;
use super::list::{self, made};
use super::value::{get, stored};

pub(super) const SQL: &[(&str, &str)] = &[("operate", OPERATE)];

/// `s` holds the saga where the operator saw it; no row of the result means that it is elsewhere. `m` is what exists
/// of it: only a commit changes that, and a commit changes the seq. The next epoch fences whoever is at the saga.
const OPERATE: &str = concat!(
    "
WITH s AS MATERIALIZED (
    SELECT id FROM sagas
     WHERE id = $1 AND seq = $2 AND state = $3 AND step = $4 AND code IS NOT DISTINCT FROM $5
       FOR NO KEY UPDATE
), m AS MATERIALIZED (
    SELECT id, ",
    made!(),
    " FROM s
), a AS (
    UPDATE sagas t
       SET epoch = t.epoch + 1, seq = t.seq + 1, state = $6, step = $7, code = $8, attempt = 0, due_at = now(), sweep_at = now(),
           ended_at = CASE WHEN $9 THEN now() END,
           lease_owner = NULL, lease_until = NULL, step_claimed_at = NULL, stuck_since = NULL
      FROM m WHERE t.id = m.id
       AND (NOT $9 OR coalesce(m.user, m.identity, m.organization, m.profile, m.claims) IS NULL)
    RETURNING t.id, t.epoch, t.seq
), e AS (
    INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, operator, reason, at)
    SELECT id, seq, epoch, $10, $4, 0, $11, $12, now() FROM a
), w AS (
    DELETE FROM sealed_passwords p USING a WHERE p.saga_id = a.id AND $9
)
SELECT m.*, a.id IS NOT NULL AS written FROM m LEFT JOIN a ON a.id = m.id"
);

pub(super) async fn operate(connections: &Connections, operation: &Operation) -> Result<Operated, Error> {
    let Operation { saga, seq, action, from, to, signature } = operation;
    let from = State::Active(from.clone());
    let text = |word: Option<&str>| word.map(str::to_owned);
    let statement = sqlx::query(OPERATE)
        .bind(saga.uuid())
        .bind(stored(*seq)?)
        .bind(from.word())
        .bind(text(from.step().map(saga::StepName::as_str)))
        .bind(text(from.code().map(saga::Code::as_str)))
        .bind(to.word())
        .bind(text(to.step().map(saga::StepName::as_str)))
        .bind(text(to.code().map(saga::Code::as_str)))
        .bind(matches!(to, State::Ended(_)))
        .bind(action.event().word())
        .bind(signature.operator.clone())
        .bind(signature.reason.clone());
    let Some(row) = connections.fetch_optional(statement).await? else { return Ok(Operated::Stale) };
    if get(&row, "written")? { Ok(Operated::Done) } else { Ok(Operated::Left(list::what_exists(&row)?)) }
}
