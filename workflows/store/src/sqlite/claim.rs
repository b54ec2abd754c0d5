//! Claiming sagas.

use async_trait::async_trait;
use saga::State;
use saga::store::{Claim, Claimed, Error, Fence};
use signup::{
    Applicant, Data, EmailAddress, FullName, OrganizationId, OrganizationName, ProfileId, SealedPassword, SignUp,
    UserId,
};
use sqlx::sqlite::SqliteRow;
use tracing::error;
use uuid::Uuid;

use super::transaction::{Query, Transaction};
use super::value::{self, Millis, between, count, get, millis};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[("claim.due", DUE), ("claim.this", THIS), ("claim", CLAIM)];

/// The sagas of a step that are due and that nobody holds, the longest due first.
const DUE: &str = "
SELECT id, lease_until IS NOT NULL AS taken_over FROM sagas
 WHERE kind = $1 AND step = $2 AND version BETWEEN $3 AND $4 AND ended_at IS NULL AND due_at <= $5
   AND (lease_until IS NULL OR lease_until < $5)
 ORDER BY due_at LIMIT $6";

/// One that somebody was told of. In a file's one process nobody has to be told, so none is kept from anyone.
const THIS: &str = "
SELECT id, lease_until IS NOT NULL AS taken_over FROM sagas
 WHERE id = $6 AND kind = $1 AND step = $2 AND version BETWEEN $3 AND $4 AND ended_at IS NULL
   AND due_at <= $5 AND (lease_until IS NULL OR lease_until < $5)";

/// One of them. RETURNING shows the row after the update, so whether a lease had run out is read before.
const CLAIM: &str = "
UPDATE sagas
   SET epoch = epoch + 1, attempt = attempt + 1, lease_owner = $2, lease_until = $3 + $4,
       step_claimed_at = coalesce(step_claimed_at, $3)
 WHERE id = $1
RETURNING id, version, epoch, seq, attempt, state, step, code, accepted_at, user_id, organization_id, profile_id,
          email, email_key, full_name, organization_name, decoy,
          (SELECT sealed FROM sealed_passwords p WHERE p.saga_id = sagas.id) AS sealed";

pub(super) struct ClaimDue(pub(super) Claim);

#[async_trait]
impl Write for ClaimDue {
    type Output = Vec<Claimed<SignUp>>;

    /// A claim that is lost with the power was never made: nobody is left who holds it.
    const LASTS: bool = false;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Vec<Claimed<SignUp>>, Error> {
        let claim = &self.0;
        let due = self.due(db, now).await?;
        let mut sagas = Vec::with_capacity(due.len());
        for (index, row) in due.iter().enumerate() {
            let id = get::<Uuid>(row, "id")?;
            let bind = |query: Query| query.bind(id).bind(claim.worker.to_string()).bind(now).bind(millis(claim.lease));
            let ran =
                if index + 1 == due.len() { db.finish(&[CLAIM], bind).await? } else { db.run(&[CLAIM], bind).await? };
            let row_after = ran[0].rows.first().ok_or_else(|| Error::Unreadable("a saga has gone".into()))?;
            match claimed(row_after, get(row, "taken_over")?, now) {
                Ok(saga) => sagas.push(saga),
                // It stays claimed, so that it does not keep others from being claimed, and is stuck for its silence.
                Err(error) => error!(saga = ?value::saga_id(row_after, "id"), %error, "left alone: it cannot be read"),
            }
        }
        Ok(sagas)
    }
}

impl ClaimDue {
    async fn due(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Vec<SqliteRow>, Error> {
        let claim = &self.0;
        let (oldest, newest) = (*claim.versions.start(), *claim.versions.end());
        let of = |query: Query| query.bind(claim.kind).bind(claim.step.as_str()).bind(oldest).bind(newest).bind(now);
        let Some(only) = &claim.only else {
            let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
            let ran = db.run(&[DUE], |query| of(query).bind(limit)).await?;
            return Ok(ran.into_iter().flat_map(|ran| ran.rows).collect());
        };
        let mut due = Vec::new();
        for saga in only.iter().take(claim.limit) {
            let ran = db.run(&[THIS], |query| of(query).bind(saga.uuid())).await?;
            due.extend(ran.into_iter().flat_map(|ran| ran.rows));
        }
        Ok(due)
    }
}

fn claimed(row: &SqliteRow, taken_over: bool, now: Millis) -> Result<Claimed<SignUp>, Error> {
    let State::Active(state) = value::state(row)? else {
        return Err(Error::Unreadable("an ended saga has a step".into()));
    };
    let applicant = Applicant {
        user: UserId(get(row, "user_id")?),
        organization: OrganizationId(get(row, "organization_id")?),
        profile: ProfileId(get(row, "profile_id")?),
        email: EmailAddress::from_stored(get(row, "email")?, get(row, "email_key")?),
        full_name: get::<Option<String>>(row, "full_name")?.map(FullName::from_stored),
        organization_name: get::<Option<String>>(row, "organization_name")?.map(OrganizationName::from_stored),
    };
    let sealed = get::<Option<Vec<u8>>>(row, "sealed")?.map(SealedPassword::from_bytes);
    Ok(Claimed {
        fence: Fence { saga: value::saga_id(row, "id")?, epoch: count(row, "epoch")?, seq: count(row, "seq")? },
        version: count(row, "version")?,
        state,
        attempt: count(row, "attempt")?,
        age: between(get(row, "accepted_at")?, now),
        taken_over,
        data: Data { applicant, sealed, decoy: get(row, "decoy")? },
    })
}
