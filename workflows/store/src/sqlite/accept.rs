//! Accepting a sign-up.

use async_trait::async_trait;
use saga::store::{Accepted, Error, View};
use saga::{Active, Saga, State};
use signup::{Conflict, Duplicates, FIRST_STEP, Known, Mac, Proposal, Replays, SignUp};
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::read;
use super::transaction::{Query, Transaction};
use super::value::{self, Millis, get};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[
    ("accept", INSERT),
    ("accept.decoyed", INSERT_DECOYED),
    ("accept.seal", SEAL),
    ("accept.event", EVENT),
    ("accept.classify", CLASSIFY),
    ("accept.replay", REPLAY),
];

/// Inserts the saga, unless something stands against it.
const INSERT: &str = "
INSERT INTO sagas (id, kind, version, state, step, due_at, accepted_at, user_id, organization_id, profile_id,
                   email, email_key, full_name, organization_name, idempotency_key, idempotency_body)
SELECT $1, $2, $3, 'running', $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
 WHERE NOT EXISTS (SELECT 1 FROM users WHERE email_key = $10)
    ON CONFLICT DO NOTHING
RETURNING id";

/// Inserts the saga, as a decoy where its e-mail is known or has a sign-up under way. Both are looked for whatever the
/// other tells: the time that the answer takes is not to tell it either.
const INSERT_DECOYED: &str = "
INSERT INTO sagas (id, kind, version, state, step, due_at, accepted_at, user_id, organization_id, profile_id,
                   email, email_key, full_name, organization_name, idempotency_key, idempotency_body, decoy)
SELECT $1, $2, $3, 'running', $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
       (SELECT count(*) FROM users WHERE email_key = $10)
       + (SELECT count(*) FROM sagas WHERE email_key = $10 AND ended_at IS NULL AND NOT decoy) > 0
 WHERE TRUE
    ON CONFLICT DO NOTHING
RETURNING id";

/// Goes with the saga: `changes()` is how many rows the statement before has written.
const SEAL: &str = "
INSERT INTO sealed_passwords (saga_id, sealed, sealed_at) SELECT $1, $15, $5 WHERE changes() = 1";

/// The same.
const EVENT: &str = "
INSERT INTO saga_events (saga_id, seq, epoch, kind, attempt, at)
SELECT $1, 0, 0, 'accepted', 0, $5 WHERE changes() = 1";

/// What stands against it, in the order in which it counts. Decoys stand against nobody, but for the repetition of
/// their own request.
const CLASSIFY: &str = "
SELECT 1 AS rank, id AS saga, NULL AS body, NULL AS providers FROM sagas WHERE id = $1
UNION ALL
SELECT 2, id, idempotency_body, NULL FROM sagas WHERE idempotency_key = $13 AND email_key = $10
UNION ALL
SELECT 3, NULL, NULL, (SELECT group_concat(provider, ',' ORDER BY provider) FROM identities WHERE user_id = u.id)
  FROM users u WHERE email_key = $10 AND status = 'active'
UNION ALL
SELECT 4, NULL, NULL, NULL FROM sagas WHERE email_key = $10 AND ended_at IS NULL AND NOT decoy
 ORDER BY rank LIMIT 1";

/// Whether there is one of this very request.
const REPLAY: &str = "
SELECT idempotency_body FROM sagas WHERE idempotency_key = $1 AND email_key = $2";

#[async_trait]
impl Replays for Sqlite {
    async fn known(&self, proposal: &Proposal) -> Result<Known, Error> {
        let Some(mark) = &proposal.idempotency else { return Ok(Known::Nothing) };
        let query = sqlx::query(REPLAY).bind(&mark.key.0[..]).bind(proposal.applicant.email.key());
        let row = query.fetch_optional(&self.readers).await.map_err(value::error)?;
        row.map_or(Ok(Known::Nothing), |row| Ok(Known::by(proposal, body(&row, "idempotency_body")?)))
    }
}

pub(super) struct Accept(pub(super) Proposal);

#[async_trait]
impl Write for Accept {
    type Output = Accepted<SignUp>;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Accepted<SignUp>, Error> {
        let proposal = &self.0;
        let insert = match proposal.duplicates {
            Duplicates::Refused => INSERT,
            Duplicates::Decoyed => INSERT_DECOYED,
        };
        let ran = db.finish(&[insert, SEAL, EVENT, CLASSIFY], |query| self.bind(query, now)).await?;
        if ran[0].written == 0 {
            // All are in one transaction: what kept the row out was still there.
            let row =
                ran[3].rows.first().ok_or_else(|| Error::Unavailable("what stands against it has gone".into()))?;
            return classify(db, proposal, row, now).await;
        }
        Ok(Accepted::New(View {
            saga: proposal.saga,
            state: State::Active(Active::Running(FIRST_STEP)),
            accepted_at: value::timestamp(now)?,
            age: std::time::Duration::ZERO,
            stuck_since: None,
            ended_at: None,
        }))
    }
}

impl Accept {
    fn bind(&self, query: Query, now: Millis) -> Query {
        let proposal = &self.0;
        let (who, mark) = (&proposal.applicant, proposal.idempotency.as_ref());
        query
            .bind(proposal.saga.uuid())
            .bind(SignUp::KIND)
            .bind(proposal.version)
            .bind(FIRST_STEP.as_str())
            .bind(now)
            .bind(who.user.0)
            .bind(who.organization.0)
            .bind(who.profile.0)
            .bind(who.email.as_written())
            .bind(who.email.key())
            .bind(who.full_name.as_ref().map(signup::FullName::as_str))
            .bind(who.organization_name.as_ref().map(signup::OrganizationName::as_str))
            .bind(mark.map(|mark| &mark.key.0[..]))
            .bind(mark.map(|mark| &mark.body.0[..]))
            .bind(proposal.sealed.as_bytes())
    }
}

/// What stands against it.
async fn classify(
    db: &mut Transaction<'_>,
    proposal: &Proposal,
    row: &SqliteRow,
    now: Millis,
) -> Result<Accepted<SignUp>, Error> {
    match get::<i64>(row, "rank")? {
        1 => view(db, row, now).await.map(Accepted::New),
        2 => match Known::by(proposal, body(row, "body")?) {
            Known::Request => view(db, row, now).await.map(Accepted::Replay),
            Known::OtherBody | Known::Nothing => Ok(Accepted::Conflict(Conflict::OtherBody)),
        },
        3 => {
            let providers = get::<Option<String>>(row, "providers")?.unwrap_or_default();
            let providers = providers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Ok(Accepted::Conflict(Conflict::EmailTaken { providers }))
        }
        _ => Ok(Accepted::Conflict(Conflict::InProgress)),
    }
}

/// The keyed hash of a request's body.
fn body(row: &SqliteRow, column: &'static str) -> Result<Mac, Error> {
    let bytes = get::<Vec<u8>>(row, column)?.try_into();
    bytes.map(Mac).map_err(|_| Error::Unreadable("an idempotency hash is not of 32 bytes".into()))
}

async fn view(db: &mut Transaction<'_>, row: &SqliteRow, now: Millis) -> Result<View, Error> {
    let saga = value::saga_id(row, "saga")?;
    let view = read::views(db.connection().await?, &[saga], now).await?.pop();
    view.ok_or_else(|| Error::Unreadable("a saga has gone".into()))
}
