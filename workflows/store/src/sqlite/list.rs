//! What operators see: lists of sagas, and one of them with what exists of it.

use saga::store::{Error, Filter, Inspection, Lease, Made, Record, Status};
use saga::{Code, Saga, SagaId, StepName};
use signup::SignUp;
use sqlx::SqliteExecutor;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::read;
use super::value::{self, Millis, count, get, millis, timestamp};

pub(super) const SQL: &[(&str, &str)] = &[
    ("list.stuck", STUCK),
    ("list.active", ACTIVE),
    ("list.coded", CODED),
    ("list.all", ALL),
    ("inspect", INSPECT),
    ("inspect.made", MADE),
];

/// A saga's row, with what went wrong last.
macro_rules! record {
    () => {
        "
SELECT id, version, state, step, code, epoch, seq, attempt, due_at, lease_owner, lease_until, step_claimed_at,
       stuck_since, accepted_at, ended_at, decoy,
       (SELECT error FROM saga_events e WHERE e.saga_id = sagas.id AND e.seq = sagas.seq) AS error"
    };
}

/// What a saga has made, at most one of each.
macro_rules! made {
    ($saga:literal) => {
        concat!(
            "(SELECT id FROM users WHERE saga_id = ",
            $saga,
            ") AS user,
       (SELECT user_id FROM identities WHERE saga_id = ",
            $saga,
            ") AS identity,
       (SELECT id FROM organizations WHERE saga_id = ",
            $saga,
            ") AS organization,
       (SELECT id FROM profiles WHERE saga_id = ",
            $saga,
            ") AS profile,
       (SELECT user_id FROM claims WHERE saga_id = ",
            $saga,
            ") AS claims"
        )
    };
}

/// A page of the sagas to which everything that is given applies. There is a statement for each index by which they
/// can be found; the rest is asked of each row.
macro_rules! page {
    ($from:literal) => {
        concat!(
            record!(),
            $from,
            "
   AND kind = $1 AND id < $2 AND accepted_at <= $3
   AND ($4 IS NULL OR state = $4) AND ($5 IS NULL OR step = $5) AND ($6 IS NULL OR code = $6)
   AND (NOT $7 OR stuck_since IS NOT NULL)
 ORDER BY id DESC LIMIT $8"
        )
    };
}

const STUCK: &str = page!("\n  FROM sagas INDEXED BY sagas_stuck WHERE stuck_since IS NOT NULL");
/// By the queues of the steps, which all active sagas are in, and then sorted: there are never many.
const ACTIVE: &str = page!("\n  FROM sagas INDEXED BY sagas_due WHERE ended_at IS NULL");
const CODED: &str = page!("\n  FROM sagas INDEXED BY sagas_coded WHERE code IS NOT NULL");
const ALL: &str = page!("\n  FROM sagas WHERE TRUE");

const INSPECT: &str = concat!(record!(), ",\n       ", made!("sagas.id"), "\n  FROM sagas WHERE id = $1");

/// What is left of a saga.
pub(super) const MADE: &str = concat!("SELECT ", made!("$1"));

pub(super) async fn list(db: impl SqliteExecutor<'_>, filter: &Filter, now: Millis) -> Result<Vec<Record>, Error> {
    // Where nothing is asked of the age, a saga counts also if it was accepted under a clock that was ahead.
    let accepted_until = match filter.older_than {
        age if age.is_zero() => Millis::MAX,
        age => now.saturating_sub(millis(age)),
    };
    let rows = sqlx::query(statement(filter))
        .bind(SignUp::KIND)
        .bind(filter.before.map_or(Uuid::max(), SagaId::uuid))
        .bind(accepted_until)
        .bind(filter.status.map(Status::word))
        .bind(filter.step.as_ref().map(StepName::as_str))
        .bind(filter.code.as_ref().map(Code::as_str))
        .bind(filter.stuck)
        .bind(i64::try_from(filter.limit).unwrap_or(i64::MAX))
        .fetch_all(db)
        .await
        .map_err(value::error)?;
    rows.iter().map(|row| record(row, now)).collect()
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

pub(super) async fn inspect(
    db: impl SqliteExecutor<'_>,
    saga: SagaId,
    now: Millis,
) -> Result<Option<Inspection>, Error> {
    let row = sqlx::query(INSPECT).bind(saga.uuid()).fetch_optional(db).await.map_err(value::error)?;
    row.map(|row| Ok(Inspection { record: record(&row, now)?, made: made(&row)? })).transpose()
}

/// What exists of a saga, in the order of its steps.
pub(super) async fn left(db: impl SqliteExecutor<'_>, saga: SagaId) -> Result<Vec<Made>, Error> {
    made(&sqlx::query(MADE).bind(saga.uuid()).fetch_one(db).await.map_err(value::error)?)
}

fn record(row: &SqliteRow, now: Millis) -> Result<Record, Error> {
    let lease = get::<Option<String>>(row, "lease_owner")?.zip(get::<Option<Millis>>(row, "lease_until")?);
    Ok(Record {
        view: read::view(row, now)?,
        version: count(row, "version")?,
        epoch: count(row, "epoch")?,
        seq: count(row, "seq")?,
        attempt: count(row, "attempt")?,
        due_at: timestamp(get(row, "due_at")?)?,
        lease: lease.map(|(worker, until)| Ok::<_, Error>(Lease { worker, until: timestamp(until)? })).transpose()?,
        step_claimed_at: get::<Option<Millis>>(row, "step_claimed_at")?.map(timestamp).transpose()?,
        error: get(row, "error")?,
        decoy: get(row, "decoy")?,
    })
}

fn made(row: &SqliteRow) -> Result<Vec<Made>, Error> {
    let mut made = Vec::new();
    for what in ["user", "identity", "organization", "profile", "claims"] {
        let id = get::<Option<Uuid>>(row, what)?;
        made.extend(id.map(|id| Made { what: what.to_owned(), id: id.to_string() }));
    }
    Ok(made)
}
