//! Facts as a database tells them: in one statement, and so of one moment, each as a kind of row and its columns in JSON.

use jiff::Timestamp;
use saga::operate::Signature;
use saga::plan::EventKind;
use saga::store::Error;
use saga::{SagaId, State, StepName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use signup::{OrganizationId, UserId};
use uuid::Uuid;

use super::{EventFact, Facts, SagaFact, UserFact};

/// Times are in microseconds, and what is so or not is 1 or 0: what every database can tell.
#[derive(Deserialize)]
struct Saga {
    id: Uuid,
    version: u32,
    state: String,
    step: Option<String>,
    code: Option<String>,
    epoch: u64,
    seq: u64,
    attempt: u32,
    leased: u8,
    due_at: i64,
    stuck_since: Option<i64>,
    email_key: Option<String>,
    user_id: Uuid,
    organization_id: Uuid,
    decoy: u8,
}

#[derive(Deserialize)]
struct Event {
    saga_id: Uuid,
    seq: u64,
    epoch: u64,
    kind: String,
    step: Option<String>,
    operator: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct User {
    saga_id: Uuid,
    id: Uuid,
    email_key: String,
    password_hash: String,
    active: u8,
}

#[derive(Deserialize)]
struct Sealed {
    saga_id: Uuid,
    sealed_at: i64,
}

#[derive(Deserialize)]
struct Identity {
    saga_id: Uuid,
    user_id: Uuid,
    provider: String,
}

#[derive(Deserialize)]
struct Organization {
    saga_id: Uuid,
    id: Uuid,
}

/// A profile, or claims.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are the columns' names")]
struct Membership {
    saga_id: Uuid,
    user_id: Uuid,
    organization_id: Uuid,
}

impl Facts {
    /// Facts of rows in any order, each with its kind: `saga`, `event`, `sealed`, `user`, `identity`, `organization`,
    /// `profile`, `claims`.
    ///
    /// # Errors
    /// [`Error::Unreadable`] names the row that cannot be read by its kind.
    pub fn read<'r>(
        taken_at: Option<Timestamp>,
        rows: impl Iterator<Item = (&'r str, &'r str)>,
    ) -> Result<Self, Error> {
        let mut facts = Self { taken_at, ..Self::default() };
        for (kind, row) in rows {
            facts.add(kind, row)?;
        }
        facts.sagas.sort_by_key(|saga| saga.id);
        facts.events.sort_by_key(|event| (event.saga, event.seq));
        Ok(facts)
    }

    fn add(&mut self, kind: &str, row: &str) -> Result<(), Error> {
        match kind {
            "saga" => self.sagas.push(saga(parse(kind, row)?)?),
            "event" => self.events.push(event(parse(kind, row)?)?),
            "sealed" => {
                let Sealed { saga_id, sealed_at } = parse(kind, row)?;
                self.sealed.push((SagaId::from_uuid(saga_id), time(sealed_at)?));
            }
            "user" => {
                let User { saga_id, id, email_key, password_hash, active } = parse(kind, row)?;
                let (saga, id, active) = (SagaId::from_uuid(saga_id), UserId(id), active != 0);
                self.users.push(UserFact { saga, id, email_key, password_hash, active });
            }
            "identity" => {
                let Identity { saga_id, user_id, provider } = parse(kind, row)?;
                self.identities.push((SagaId::from_uuid(saga_id), UserId(user_id), provider));
            }
            "organization" => {
                let Organization { saga_id, id } = parse(kind, row)?;
                self.organizations.push((SagaId::from_uuid(saga_id), OrganizationId(id)));
            }
            "profile" => self.profiles.push(parse::<Membership>(kind, row)?.fact()),
            "claims" => self.claims.push(parse::<Membership>(kind, row)?.fact()),
            other => return Err(Error::Unreadable(format!("no row is a {other}"))),
        }
        Ok(())
    }
}

impl Membership {
    fn fact(self) -> (SagaId, UserId, OrganizationId) {
        (SagaId::from_uuid(self.saga_id), UserId(self.user_id), OrganizationId(self.organization_id))
    }
}

/// What is wrong is told without the row: it may hold an e-mail.
fn parse<T: DeserializeOwned>(kind: &str, row: &str) -> Result<T, Error> {
    serde_json::from_str(row).map_err(|error| Error::Unreadable(format!("a {kind} at column {}", error.column())))
}

fn saga(row: Saga) -> Result<SagaFact, Error> {
    let state = State::parse(&row.state, row.step, row.code);
    Ok(SagaFact {
        id: SagaId::from_uuid(row.id),
        version: row.version,
        state: state.ok_or_else(|| Error::Unreadable(format!("no state is called {:?}", row.state)))?,
        epoch: row.epoch,
        seq: row.seq,
        attempt: row.attempt,
        leased: row.leased != 0,
        due_at: time(row.due_at)?,
        stuck_since: row.stuck_since.map(time).transpose()?,
        email_key: row.email_key,
        user: UserId(row.user_id),
        organization: OrganizationId(row.organization_id),
        decoy: row.decoy != 0,
    })
}

fn event(row: Event) -> Result<EventFact, Error> {
    let signature = row.operator.zip(row.reason).map(|(operator, reason)| Signature { operator, reason });
    Ok(EventFact {
        saga: SagaId::from_uuid(row.saga_id),
        seq: row.seq,
        epoch: row.epoch,
        kind: EventKind::parse(&row.kind).ok_or(Error::Unreadable(row.kind))?,
        step: row.step.map(StepName::from),
        signature,
    })
}

fn time(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond(micros).map_err(|error| Error::Unreadable(error.to_string()))
}
