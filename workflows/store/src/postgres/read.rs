//! Reading sagas and their journals.

use saga::plan::EventKind;
use saga::store::{Error, Event, View};
use saga::{SagaId, StepName};
use sqlx::postgres::PgRow;

use super::connections::Connections;
use super::value::{between, count, get, saga_id, signature, state, stored, time, time_if_any};

pub(super) const SQL: &[(&str, &str)] = &[("views", VIEWS), ("events", EVENTS)];

const VIEWS: &str = "
SELECT id, state, step, code, accepted_at, stuck_since, ended_at, now() AS now FROM sagas WHERE id = ANY($1)";

const EVENTS: &str = "
SELECT seq, epoch, kind, step, attempt, worker, took_ms, error, operator, reason, at FROM saga_events
 WHERE saga_id = $1 AND seq >= $2 ORDER BY seq";

pub(super) async fn views(connections: &Connections, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
    let ids: Vec<_> = sagas.iter().map(|saga| saga.uuid()).collect();
    let rows = connections.fetch(sqlx::query(VIEWS).bind(ids)).await?;
    rows.iter().map(view).collect()
}

/// What everybody may see of a saga, from a row that tells the time as `now`.
pub(super) fn view(row: &PgRow) -> Result<View, Error> {
    let accepted_at = time(row, "accepted_at")?;
    Ok(View {
        saga: saga_id(row, "id")?,
        state: state(row)?,
        accepted_at,
        age: between(accepted_at, time(row, "now")?),
        stuck_since: time_if_any(row, "stuck_since")?,
        ended_at: time_if_any(row, "ended_at")?,
    })
}

pub(super) async fn events(connections: &Connections, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
    let rows = connections.fetch(sqlx::query(EVENTS).bind(saga.uuid()).bind(stored(from)?)).await?;
    rows.iter().map(event).collect()
}

fn event(row: &PgRow) -> Result<Event, Error> {
    let kind: String = get(row, "kind")?;
    let took = get::<Option<i64>>(row, "took_ms")?.and_then(|took| u64::try_from(took).ok());
    Ok(Event {
        seq: count(row, "seq")?,
        epoch: count(row, "epoch")?,
        kind: EventKind::parse(&kind).ok_or_else(|| Error::Unreadable(format!("no event is called {kind:?}")))?,
        step: get::<Option<String>>(row, "step")?.map(StepName::from),
        attempt: count(row, "attempt")?,
        worker: get(row, "worker")?,
        took: took.map(std::time::Duration::from_millis),
        error: get(row, "error")?,
        signature: signature(row)?,
        at: time(row, "at")?,
    })
}
