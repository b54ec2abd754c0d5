//! What operators see: lists of sagas, and one of them with what exists of it.

use std::time::Duration;

use saga::store::{Error, Filter, Inspection, Lease, Made, Record, Status};
use saga::{Code, Saga, SagaId, StepName};
use signup::SignUp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::connections::Connections;
use super::read;
use super::value::{count, get, millis, time, time_if_any};

pub(super) const SQL: &[(&str, &str)] =
    &[("list.stuck", STUCK), ("list.active", ACTIVE), ("list.coded", CODED), ("list.all", ALL), ("inspect", INSPECT)];

/// A saga's row, with what went wrong last.
macro_rules! record {
    () => {
        "
SELECT s.id, version, state, step, code, epoch, seq, attempt, due_at, lease_owner, lease_until, step_claimed_at,
       stuck_since, accepted_at, ended_at, decoy, now() AS now,
       (SELECT error FROM saga_events e WHERE e.saga_id = s.id AND e.seq = s.seq) AS error"
    };
}

/// What a saga has made, at most one of each. The saga is `s`.
macro_rules! made {
    () => {
        "(SELECT id FROM users WHERE saga_id = s.id) AS user,
       (SELECT user_id FROM identities WHERE saga_id = s.id) AS identity,
       (SELECT id FROM organizations WHERE saga_id = s.id) AS organization,
       (SELECT id FROM profiles WHERE saga_id = s.id) AS profile,
       (SELECT user_id FROM claims WHERE saga_id = s.id) AS claims"
    };
}
pub(super) use made;

/// A page of the sagas to which everything that is given applies. There is a statement for each index by which they
/// can be found; the rest is asked of each row.
macro_rules! page {
    ($from:literal) => {
        concat!(
            record!(),
            $from,
            "
   AND kind = $1 AND s.id < $2 AND ($3::bigint = 0 OR accepted_at <= now() - $3 * interval '1 millisecond')
   AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR step = $5) AND ($6::text IS NULL OR code = $6)
   AND (NOT $7 OR stuck_since IS NOT NULL)
 ORDER BY s.id DESC LIMIT $8"
        )
    };
}

const STUCK: &str = page!("\n  FROM sagas s WHERE stuck_since IS NOT NULL");
/// By the queues of the steps, which all active sagas are in, and then sorted: there are never many. They are found
/// first, lest all sagas be read in their order; and not joined again, lest a planner that knows no figures yet compare
/// each with each.
const ACTIVE: &str = concat!(
    "
WITH active AS MATERIALIZED (SELECT * FROM sagas WHERE kind = $1 AND ended_at IS NULL)",
    page!("\n  FROM active s WHERE ended_at IS NULL")
);
const CODED: &str = page!("\n  FROM sagas s WHERE code IS NOT NULL");
const ALL: &str = page!("\n  FROM sagas s WHERE true");

const INSPECT: &str = concat!(record!(), ",\n       ", made!(), "\n  FROM sagas s WHERE id = $1");

/// No saga is older; a time that is further away than PostgreSQL can count is no error.
const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

pub(super) async fn list(connections: &Connections, filter: &Filter) -> Result<Vec<Record>, Error> {
    let statement = sqlx::query(statement(filter))
        .bind(SignUp::KIND)
        .bind(filter.before.map_or(Uuid::max(), SagaId::uuid))
        .bind(millis(filter.older_than.min(CENTURY)))
        .bind(filter.status.map(Status::word))
        .bind(filter.step.as_ref().map(StepName::as_str).map(str::to_owned))
        .bind(filter.code.as_ref().map(Code::as_str).map(str::to_owned))
        .bind(filter.stuck)
        .bind(i64::try_from(filter.limit).unwrap_or(i64::MAX));
    connections.fetch(statement).await?.iter().map(record).collect()
}

/// The statement whose index leaves the fewest rows to ask.
fn statement(filter: &Filter) -> &'static str {
    match filter {
        Filter { stuck: true, .. } => STUCK,
        Filter { status: Some(Status::Running | Status::Compensating), .. } | Filter { step: Some(_), .. } => ACTIVE,
        Filter { status: Some(Status::Failed), .. } | Filter { code: Some(_), .. } => CODED,
        Filter { status: Some(Status::Completed) | None, .. } => ALL,
    }
}

pub(super) async fn inspect(connections: &Connections, saga: SagaId) -> Result<Option<Inspection>, Error> {
    let row = connections.fetch_optional(sqlx::query(INSPECT).bind(saga.uuid())).await?;
    row.map(|row| Ok(Inspection { record: record(&row)?, made: what_exists(&row)? })).transpose()
}

fn record(row: &PgRow) -> Result<Record, Error> {
    let lease = get::<Option<String>>(row, "lease_owner")?.zip(time_if_any(row, "lease_until")?);
    Ok(Record {
        view: read::view(row)?,
        version: count(row, "version")?,
        epoch: count(row, "epoch")?,
        seq: count(row, "seq")?,
        attempt: count(row, "attempt")?,
        due_at: time(row, "due_at")?,
        lease: lease.map(|(worker, until)| Lease { worker, until }),
        step_claimed_at: time_if_any(row, "step_claimed_at")?,
        error: get(row, "error")?,
        decoy: get(row, "decoy")?,
    })
}

/// What exists of a saga, in the order of its steps, from a row with the columns of `made`.
pub(super) fn what_exists(row: &PgRow) -> Result<Vec<Made>, Error> {
    let mut made = Vec::new();
    for what in ["user", "identity", "organization", "profile", "claims"] {
        let id = get::<Option<Uuid>>(row, what)?;
        made.extend(id.map(|id| Made { what: what.to_owned(), id: id.to_string() }));
    }
    Ok(made)
}
