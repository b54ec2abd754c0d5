//! Claiming sagas.

use saga::State;
use saga::store::{Claim, Claimed, Error, Fence};
use signup::{
    Applicant, Data, EmailAddress, FullName, OrganizationId, OrganizationName, ProfileId, SealedPassword, SignUp,
    UserId,
};
use sqlx::postgres::PgRow;
use tracing::error;

use super::connections::Connections;
use super::value::{between, count, get, millis, saga_id, state, time};

pub(super) const SQL: &[(&str, &str)] = &[("claim", CLAIM), ("claim.these", CLAIM_THESE)];

/// Claims the sagas of a step that are due and that nobody holds, in the order given. It waits for no other claimer,
/// nor for the disk: a claim that the server loses in a crash was never made, and of two that then bear the same epoch
/// the seq lets one commit. A commit is synced, and with it every claim before it.
macro_rules! claiming {
    ($which:literal, $order:literal) => {
        concat!(
            "
WITH c AS (
    SELECT id, lease_until IS NOT NULL AS taken_over FROM sagas
     WHERE ",
            $which,
            " AND kind = $1 AND step = $2 AND version BETWEEN $3 AND $4 AND ended_at IS NULL AND due_at <= now()
       AND (lease_until IS NULL OR lease_until < now())
     ORDER BY ",
            $order,
            " LIMIT (SELECT $5::bigint FROM set_config('synchronous_commit', 'off', true))
       FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sagas s
   SET epoch = epoch + 1, attempt = attempt + 1, lease_owner = $6, lease_until = now() + $7 * interval '1 millisecond',
       step_claimed_at = coalesce(step_claimed_at, now())
  FROM c WHERE s.id = c.id
RETURNING s.id, version, c.taken_over, epoch, seq, attempt, state, step, code, accepted_at, now() AS now,
          user_id, organization_id, profile_id, email, email_key, full_name, organization_name, decoy,
          (SELECT sealed FROM sealed_passwords p WHERE p.saga_id = s.id) AS sealed"
        )
    };
}

/// The longest due first, of those that are not kept for who is told of them.
const CLAIM: &str = claiming!("sweep_at <= now()", "sweep_at");

/// Those that somebody was told of.
const CLAIM_THESE: &str = claiming!("id = ANY($8::uuid[])", "id");

pub(super) async fn claim(connections: &Connections, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
    let statement = sqlx::query(if claim.only.is_some() { CLAIM_THESE } else { CLAIM })
        .bind(claim.kind)
        .bind(claim.step.as_str().to_owned())
        .bind(i64::from(*claim.versions.start()))
        .bind(i64::from(*claim.versions.end()))
        .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
        .bind(claim.worker.to_string())
        .bind(millis(claim.lease));
    let statement = match &claim.only {
        Some(sagas) => statement.bind(sagas.iter().map(|saga| saga.uuid()).collect::<Vec<_>>()),
        None => statement,
    };
    let rows = connections.fetch(statement).await?;
    let mut sagas = Vec::with_capacity(rows.len());
    for row in &rows {
        match claimed(row) {
            Ok(saga) => sagas.push(saga),
            // It stays claimed, so that it does not keep others from being claimed, and is stuck for its silence.
            Err(error) => error!(saga = ?saga_id(row, "id"), %error, "left alone: it cannot be read"),
        }
    }
    Ok(sagas)
}

fn claimed(row: &PgRow) -> Result<Claimed<SignUp>, Error> {
    let State::Active(state) = state(row)? else {
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
        fence: Fence { saga: saga_id(row, "id")?, epoch: count(row, "epoch")?, seq: count(row, "seq")? },
        version: count(row, "version")?,
        state,
        attempt: count(row, "attempt")?,
        age: between(time(row, "accepted_at")?, time(row, "now")?),
        taken_over: get(row, "taken_over")?,
        data: Data { applicant, sealed, decoy: get(row, "decoy")? },
    })
}
