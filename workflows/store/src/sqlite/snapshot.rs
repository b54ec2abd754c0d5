//! Everything in the file, for the invariants.

use async_trait::async_trait;
use saga::plan::EventKind;
use saga::store::Error;
use saga::{SagaId, StepName};
use signup::{OrganizationId, UserId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, SqliteConnection};

use super::Sqlite;
use super::value::{self, Millis, count, get, saga_id, timestamp};
use crate::facts::{EventFact, Facts, SagaFact, Snapshot, UserFact};

#[async_trait]
impl Snapshot for Sqlite {
    async fn facts(&self) -> Result<Facts, Error> {
        let mut db = self.readers.acquire().await.map_err(value::error)?;
        // One read transaction sees one state of the file.
        db.execute("BEGIN").await.map_err(value::error)?;
        let facts = facts(&mut db).await;
        db.execute("ROLLBACK").await.map_err(value::error)?;
        let taken_at = Some(timestamp(value::now(&*self.clock))?);
        facts.map(|facts| Facts { taken_at, ..facts })
    }
}

async fn facts(db: &mut SqliteConnection) -> Result<Facts, Error> {
    Ok(Facts {
        taken_at: None,
        sagas: all(db, "SELECT * FROM sagas ORDER BY id", saga).await?,
        events: all(db, "SELECT * FROM saga_events ORDER BY saga_id, seq", event).await?,
        sealed: all(db, "SELECT * FROM sealed_passwords", |row| {
            Ok((saga_id(row, "saga_id")?, timestamp(get(row, "sealed_at")?)?))
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
    db: &mut SqliteConnection,
    sql: &'static str,
    read: impl Fn(&SqliteRow) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    sqlx::query(sql).fetch_all(db).await.map_err(value::error)?.iter().map(read).collect()
}

fn saga(row: &SqliteRow) -> Result<SagaFact, Error> {
    Ok(SagaFact {
        id: saga_id(row, "id")?,
        version: count(row, "version")?,
        state: value::state(row)?,
        epoch: count(row, "epoch")?,
        seq: count(row, "seq")?,
        attempt: count(row, "attempt")?,
        leased: get::<Option<Millis>>(row, "lease_until")?.is_some(),
        due_at: timestamp(get(row, "due_at")?)?,
        stuck_since: get::<Option<Millis>>(row, "stuck_since")?.map(timestamp).transpose()?,
        email_key: get(row, "email_key")?,
        user: UserId(get(row, "user_id")?),
        organization: OrganizationId(get(row, "organization_id")?),
        decoy: get(row, "decoy")?,
    })
}

fn event(row: &SqliteRow) -> Result<EventFact, Error> {
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

fn user(row: &SqliteRow) -> Result<UserFact, Error> {
    Ok(UserFact {
        saga: saga_id(row, "saga_id")?,
        id: UserId(get(row, "id")?),
        email_key: get(row, "email_key")?,
        password_hash: get(row, "password_hash")?,
        active: get::<String>(row, "status")? == "active",
    })
}

fn membership(row: &SqliteRow) -> Result<(SagaId, UserId, OrganizationId), Error> {
    Ok((saga_id(row, "saga_id")?, UserId(get(row, "user_id")?), OrganizationId(get(row, "organization_id")?)))
}
