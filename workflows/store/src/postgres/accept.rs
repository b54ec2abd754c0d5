//! Accepting sign-ups.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use saga::store::{Accepted, Error, View};
use saga::{Active, Saga, SagaId, State};
use signup::{Conflict, FIRST_STEP, Mac, Proposal, SignUp};
use sqlx::postgres::PgRow;

use super::Postgres;
use super::connections::Connections;
use super::error::Failure;
use super::lane::Batch;
use super::value::{get, saga_id, time};

pub(super) const SQL: &[(&str, &str)] = &[("accept", ACCEPT), ("accept.classify", CLASSIFY)];

/// Inserts the sagas that nothing stands against, with their sealed passwords and first events.
const ACCEPT: &str = "
WITH i AS (
    SELECT * FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[],
                         $11::text[], $12::bytea[], $13::bytea[], $14::bytea[], $15::boolean[])
        AS i (id, user_id, organization_id, profile_id, email, email_key, full_name, organization_name,
              idempotency_key, idempotency_body, sealed, told)
), s AS (
    INSERT INTO sagas (id, kind, version, state, step, due_at, sweep_at, accepted_at, user_id, organization_id, profile_id,
                       email, email_key, full_name, organization_name, idempotency_key, idempotency_body)
    SELECT id, $1, $2, 'running', $3, now(),
           now() + CASE WHEN told THEN interval '1 second' ELSE interval '0' END, now(), user_id, organization_id, profile_id,
           email, email_key, full_name, organization_name, idempotency_key, idempotency_body
      FROM i WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.email_key = i.email_key)
     ORDER BY email_key
        ON CONFLICT DO NOTHING
    RETURNING id, accepted_at
), p AS (
    INSERT INTO sealed_passwords (saga_id, sealed, sealed_at)
    SELECT s.id, i.sealed, s.accepted_at FROM s JOIN i ON i.id = s.id
), e AS (
    INSERT INTO saga_events (saga_id, seq, epoch, kind, attempt, at)
    SELECT id, 0, 0, 'accepted', 0, accepted_at FROM s
)
SELECT id, accepted_at FROM s";

/// What stands against one, in the order in which it counts.
const CLASSIFY: &str = "
SELECT 1 AS rank, id AS saga, NULL::bytea AS body, NULL::text AS providers FROM sagas WHERE id = $1
UNION ALL
SELECT 2, id, idempotency_body, NULL FROM sagas WHERE idempotency_key = $2 AND email_key = $3
UNION ALL
SELECT 3, NULL, NULL, (SELECT string_agg(provider, ',' ORDER BY provider) FROM identities WHERE user_id = u.id)
  FROM users u WHERE email_key = $3 AND status = 'active'
UNION ALL
SELECT 4, NULL, NULL, NULL FROM sagas WHERE email_key = $3 AND ended_at IS NULL
 ORDER BY rank LIMIT 1";

/// How often a proposal is sent that nothing stands against any more when it is asked what did.
const SENDINGS: u32 = 3;

/// The statement that accepts many.
pub(super) struct AcceptBatch(pub(super) Connections);

#[async_trait]
impl Batch for AcceptBatch {
    type Member = Proposal;
    /// When it was accepted; none if something stands against it.
    type Answer = Option<Timestamp>;

    const EXCLUSIVE: bool = false;

    fn order(one: &Proposal, other: &Proposal) -> Ordering {
        one.applicant.email.key().cmp(other.applicant.email.key())
    }

    async fn run(&self, proposals: &[Proposal]) -> Result<Vec<Option<Timestamp>>, Failure> {
        let each = |part: fn(&Proposal) -> uuid::Uuid| proposals.iter().map(part).collect::<Vec<_>>();
        let text = |part: fn(&Proposal) -> Option<String>| proposals.iter().map(part).collect::<Vec<_>>();
        let bytes = |part: fn(&Proposal) -> Option<Vec<u8>>| proposals.iter().map(part).collect::<Vec<_>>();
        let statement = sqlx::query(ACCEPT)
            .bind(SignUp::KIND)
            .bind(i64::from(SignUp::VERSION))
            .bind(FIRST_STEP.as_str())
            .bind(each(|of| of.saga.uuid()))
            .bind(each(|of| of.applicant.user.0))
            .bind(each(|of| of.applicant.organization.0))
            .bind(each(|of| of.applicant.profile.0))
            .bind(text(|of| Some(of.applicant.email.as_written().to_owned())))
            .bind(text(|of| Some(of.applicant.email.key().to_owned())))
            .bind(text(|of| of.applicant.full_name.as_ref().map(|name| name.as_str().to_owned())))
            .bind(text(|of| of.applicant.organization_name.as_ref().map(|name| name.as_str().to_owned())))
            .bind(bytes(|of| of.idempotency.as_ref().map(|mark| mark.key.0.to_vec())))
            .bind(bytes(|of| of.idempotency.as_ref().map(|mark| mark.body.0.to_vec())))
            .bind(bytes(|of| Some(of.sealed.as_bytes().to_vec())))
            .bind(proposals.iter().map(|of| of.told).collect::<Vec<_>>());
        let rows = self.0.try_fetch(statement).await?;
        let accepted = rows.iter().map(|row| Ok((saga_id(row, "id")?, time(row, "accepted_at")?)));
        let accepted: BTreeMap<SagaId, Timestamp> =
            accepted.collect::<Result<_, Error>>().map_err(|error| Failure::Unreadable(error.to_string()))?;
        Ok(proposals.iter().map(|proposal| accepted.get(&proposal.saga).copied()).collect())
    }
}

impl Postgres {
    pub(super) async fn accept_or_classify(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        for _ in 0..SENDINGS {
            if let Some(accepted_at) = self.accepts.send(proposal.clone()).await? {
                return Ok(Accepted::New(View {
                    saga: proposal.saga,
                    state: State::Active(Active::Running(FIRST_STEP)),
                    accepted_at,
                    age: Duration::ZERO,
                    stuck_since: None,
                    ended_at: None,
                }));
            }
            // What stood against it may be gone by now: then it is sent again.
            if let Some(answer) = self.classify(proposal).await? {
                return Ok(answer);
            }
        }
        Err(Error::Unavailable("what stands against it comes and goes".into()))
    }

    async fn classify(&self, proposal: &Proposal) -> Result<Option<Accepted<SignUp>>, Error> {
        let mark = proposal.idempotency.as_ref();
        let statement = sqlx::query(CLASSIFY)
            .bind(proposal.saga.uuid())
            .bind(mark.map(|mark| mark.key.0.to_vec()))
            .bind(proposal.applicant.email.key().to_owned());
        let Some(row) = self.front.fetch_optional(statement).await? else { return Ok(None) };
        let answer = match get::<i32>(&row, "rank")? {
            1 => Accepted::New(self.found(&row).await?),
            2 => {
                let body: [u8; 32] = get::<Vec<u8>>(&row, "body")?
                    .try_into()
                    .map_err(|_| Error::Unreadable("an idempotency hash is not of 32 bytes".into()))?;
                match mark {
                    Some(mark) if mark.body == Mac(body) => Accepted::Replay(self.found(&row).await?),
                    Some(_) | None => Accepted::Conflict(Conflict::OtherBody),
                }
            }
            3 => {
                let providers = get::<Option<String>>(&row, "providers")?.unwrap_or_default();
                let providers = providers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
                Accepted::Conflict(Conflict::EmailTaken { providers })
            }
            _ => Accepted::Conflict(Conflict::InProgress),
        };
        Ok(Some(answer))
    }

    async fn found(&self, row: &PgRow) -> Result<View, Error> {
        let saga = saga_id(row, "saga")?;
        super::read::load(&self.front, saga).await?.ok_or_else(|| Error::Unreadable("a saga has gone".into()))
    }
}
