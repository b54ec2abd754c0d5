//! Reading sagas and their journals.

use saga::plan::EventKind;
use saga::store::{Error, Event, View};
use saga::{SagaId, StepName};
use sqlx::SqliteExecutor;
use sqlx::sqlite::SqliteRow;

use super::value::{self, Millis, between, count, get, stored, timestamp};

pub(super) const SQL: &[(&str, &str)] = &[("views", VIEWS), ("events", EVENTS)];

/// There are no arrays here: the ids come as JSON.
const VIEWS: &str = "
SELECT id, state, step, code, accepted_at, stuck_since, ended_at FROM sagas
 WHERE id IN (SELECT unhex(value) FROM json_each($1))";

const EVENTS: &str = "
SELECT seq, epoch, kind, step, attempt, worker, took_ms, error, operator, reason, at
  FROM saga_events WHERE saga_id = $1 AND seq >= $2 ORDER BY seq";

pub(super) async fn views(db: impl SqliteExecutor<'_>, sagas: &[SagaId], now: Millis) -> Result<Vec<View>, Error> {
    let ids: Vec<_> = sagas.iter().map(|saga| format!("\"{}\"", saga.uuid().simple())).collect();
    let ids = format!("[{}]", ids.join(","));
    let rows = sqlx::query(VIEWS).bind(ids).fetch_all(db).await.map_err(value::error)?;
    rows.iter().map(|row| view(row, now)).collect()
}

pub(super) fn view(row: &SqliteRow, now: Millis) -> Result<View, Error> {
    let accepted_at = get(row, "accepted_at")?;
    Ok(View {
        saga: value::saga_id(row, "id")?,
        state: value::state(row)?,
        accepted_at: timestamp(accepted_at)?,
        age: between(accepted_at, now),
        stuck_since: get::<Option<Millis>>(row, "stuck_since")?.map(timestamp).transpose()?,
        ended_at: get::<Option<Millis>>(row, "ended_at")?.map(timestamp).transpose()?,
    })
}

pub(super) async fn events(db: impl SqliteExecutor<'_>, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
    let rows = sqlx::query(EVENTS).bind(saga.uuid()).bind(stored(from)?).fetch_all(db).await.map_err(value::error)?;
    rows.iter().map(event).collect()
}

fn event(row: &SqliteRow) -> Result<Event, Error> {
    let kind: String = get(row, "kind")?;
    Ok(Event {
        seq: count(row, "seq")?,
        epoch: count(row, "epoch")?,
        kind: EventKind::parse(&kind).ok_or_else(|| Error::Unreadable(format!("no event is called {kind:?}")))?,
        step: get::<Option<String>>(row, "step")?.map(StepName::from),
        attempt: count(row, "attempt")?,
        worker: get(row, "worker")?,
        took: get::<Option<Millis>>(row, "took_ms")?.map(|took| between(0, took)),
        error: get(row, "error")?,
        signature: value::signature(row)?,
        at: timestamp(get(row, "at")?)?,
    })
}
