//! Everything in the database, for the invariants.

use async_trait::async_trait;
use saga::plan::EventKind;
use saga::store::Error;
use saga::{SagaId, StepName};
use signup::{OrganizationId, UserId};
use sqlx::postgres::PgRow;
use sqlx::{Executor, PgConnection};

use super::Postgres;
use super::error::failure;
use super::value::{self, count, get, saga_id, time, time_if_any};
use crate::facts::{EventFact, Facts, SagaFact, Snapshot, UserFact};

#[async_trait]
impl Snapshot for Postgres {
    async fn facts(&self) -> Result<Facts, Error> {
        let error = |error| Error::from(failure(error));
        let mut lent = self.back.lend().await?;
        let db = &mut lent.connection;
        // One read transaction sees one state of the database.
        db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(error)?;
        let facts = facts(db).await;
        db.execute("ROLLBACK").await.map_err(error)?;
        facts
    }
}

async fn facts(db: &mut PgConnection) -> Result<Facts, Error> {
    Ok(Facts {
        taken_at: all(db, "SELECT now() AS now", |row| time(row, "now")).await?.pop(),
        sagas: all(db, "SELECT * FROM sagas ORDER BY id", saga).await?,
        events: all(db, "SELECT * FROM saga_events ORDER BY saga_id, seq", event).await?,
        sealed: all(db, "SELECT * FROM sealed_passwords", |row| {
            Ok((saga_id(row, "saga_id")?, time(row, "sealed_at")?))
        })
        .await?,
        users: all(db, "SELECT * FROM users", user).await?,
        identities: all(db, "SELECT * FROM identities", |row| {
            Ok((saga_id(row, "saga_id")?, UserId(get(row, "user_id")?), get(row, "provider")?))
        })
        .await?,
        organizations: all(db, "SELECT * FROM organizations", |row| {
            Ok((saga_id(row, "saga_id")?, OrganizationId(get(row, "id")?)))
        })
        .await?,
        profiles: all(db, "SELECT * FROM profiles", membership).await?,
        claims: all(db, "SELECT * FROM claims", membership).await?,
    })
}

async fn all<T>(
    db: &mut PgConnection,
    sql: &'static str,
    read: impl Fn(&PgRow) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    sqlx::query(sql).fetch_all(db).await.map_err(|error| Error::from(failure(error)))?.iter().map(read).collect()
}

fn saga(row: &PgRow) -> Result<SagaFact, Error> {
    Ok(SagaFact {
        id: saga_id(row, "id")?,
        version: count(row, "version")?,
        state: value::state(row)?,
        epoch: count(row, "epoch")?,
        seq: count(row, "seq")?,
        attempt: count(row, "attempt")?,
        leased: time_if_any(row, "lease_until")?.is_some(),
        due_at: time(row, "due_at")?,
        stuck_since: time_if_any(row, "stuck_since")?,
        email_key: get(row, "email_key")?,
        user: UserId(get(row, "user_id")?),
        organization: OrganizationId(get(row, "organization_id")?),
        decoy: get(row, "decoy")?,
    })
}

fn event(row: &PgRow) -> Result<EventFact, Error> {
    let kind: String = get(row, "kind")?;
    Ok(EventFact {
        saga: saga_id(row, "saga_id")?,
        seq: count(row, "seq")?,
        epoch: count(row, "epoch")?,
        kind: EventKind::parse(&kind).ok_or(Error::Unreadable(kind))?,
        step: get::<Option<String>>(row, "step")?.map(StepName::from),
        signature: value::signature(row)?,
    })
}

fn user(row: &PgRow) -> Result<UserFact, Error> {
    Ok(UserFact {
        saga: saga_id(row, "saga_id")?,
        id: UserId(get(row, "id")?),
        email_key: get(row, "email_key")?,
        password_hash: get(row, "password_hash")?,
        active: get::<String>(row, "status")? == "active",
    })
}

fn membership(row: &PgRow) -> Result<(SagaId, UserId, OrganizationId), Error> {
    Ok((saga_id(row, "saga_id")?, UserId(get(row, "user_id")?), OrganizationId(get(row, "organization_id")?)))
}
