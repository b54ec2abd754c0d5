//! Accepting sign-ups.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use saga::store::{Accepted, Error, View};
use saga::{Active, Random, Saga, SagaId, State, Store};
use signup::{Conflict, Duplicates, FIRST_STEP, Known, Proposal, Replays, SignUp};

use super::Postgres;
use super::classify::Against;
use super::connections::Connections;
use super::error::Failure;
use super::lane::{Batch, Lane};
use super::value::{saga_id, time};

pub(super) const SQL: &[(&str, &str)] = &[("accept", ACCEPT), ("accept.decoyed", ACCEPT_DECOYED)];

/// Inserts sagas, with their sealed passwords and first events: of the proposals in `i` those that are let in.
macro_rules! accepting {
    (asks: $asks:literal, column: $column:literal, lets_in: $lets_in:literal) => {
        concat!(
            "
WITH i AS (
    SELECT i.*",
            $asks,
            "
      FROM unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[],
                  $10::text[], $11::text[], $12::bytea[], $13::bytea[], $14::bytea[], $15::boolean[])
        AS i (id, version, user_id, organization_id, profile_id, email, email_key, full_name, organization_name,
              idempotency_key, idempotency_body, sealed, told)
), s AS (
    INSERT INTO sagas (id, kind, version, state, step, due_at, sweep_at, accepted_at, user_id, organization_id, profile_id,
                       email, email_key, full_name, organization_name, idempotency_key, idempotency_body",
            $column,
            ")
    SELECT id, $1, version, 'running', $2, now(),
           now() + CASE WHEN told THEN interval '1 second' ELSE interval '0' END, now(), user_id, organization_id, profile_id,
           email, email_key, full_name, organization_name, idempotency_key, idempotency_body",
            $column,
            "
      FROM i",
            $lets_in,
            "
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
SELECT id, accepted_at FROM s"
        )
    };
}

/// Those that nothing stands against.
const ACCEPT: &str = accepting!(
    asks: "",
    column: "",
    lets_in: " WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.email_key = i.email_key)"
);

/// All of them, as a decoy where the e-mail is known or has a sign-up under way. Both are looked for whatever the other
/// tells: the time that the answer takes is not to tell it either. A sign-up that comes into the way of one that is no
/// decoy, of the same batch or of another, keeps it out: sent again, it is one.
const ACCEPT_DECOYED: &str = accepting!(
    asks: ",
           (SELECT count(*) FROM users u WHERE u.email_key = i.email_key)
           + (SELECT count(*) FROM sagas l WHERE l.email_key = i.email_key AND l.ended_at IS NULL AND NOT l.decoy) > 0
           AS decoy",
    column: ", decoy",
    lets_in: ""
);

/// How often a proposal is sent that nothing stands against any more when it is asked what did.
const SENDINGS: u32 = 3;

/// The statement that accepts many.
pub(super) struct AcceptBatch {
    connections: Connections,
    sql: &'static str,
}

/// A lane for each of the two.
#[derive(Debug, Clone)]
pub(super) struct Accepts {
    refusing: Lane<AcceptBatch>,
    decoying: Lane<AcceptBatch>,
}

impl Accepts {
    pub(super) fn open(connections: &Connections, random: &Arc<dyn Random>) -> Self {
        let lane = |sql| Lane::open(Arc::new(AcceptBatch { connections: connections.clone(), sql }), random);
        Self { refusing: lane(ACCEPT), decoying: lane(ACCEPT_DECOYED) }
    }

    async fn send(&self, proposal: &Proposal) -> Result<Option<Timestamp>, Error> {
        let lane = match proposal.duplicates {
            Duplicates::Refused => &self.refusing,
            Duplicates::Decoyed => &self.decoying,
        };
        lane.send(proposal.clone()).await
    }
}

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
        let statement = sqlx::query(self.sql)
            .bind(SignUp::KIND)
            .bind(FIRST_STEP.as_str())
            .bind(each(|of| of.saga.uuid()))
            .bind(proposals.iter().map(|of| i64::from(of.version)).collect::<Vec<_>>())
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
        let rows = self.connections.try_fetch(statement).await?;
        let accepted = rows.iter().map(|row| Ok((saga_id(row, "id")?, time(row, "accepted_at")?)));
        let accepted: BTreeMap<SagaId, Timestamp> =
            accepted.collect::<Result<_, Error>>().map_err(|error| Failure::Unreadable(error.to_string()))?;
        Ok(proposals.iter().map(|proposal| accepted.get(&proposal.saga).copied()).collect())
    }
}

#[async_trait]
impl Replays for Postgres {
    async fn known(&self, proposal: &Proposal) -> Result<Known, Error> {
        if proposal.idempotency.is_none() {
            return Ok(Known::Nothing);
        }
        Ok(match self.repetitions.send(proposal.clone()).await? {
            Some(Against::SameKey(_, body)) => Known::by(proposal, body),
            Some(Against::Itself(_) | Against::User(_) | Against::Saga) | None => Known::Nothing,
        })
    }
}

impl Postgres {
    pub(super) async fn accept_or_classify(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        for _ in 0..SENDINGS {
            if let Some(accepted_at) = self.accepts.send(proposal).await? {
                return Ok(Accepted::New(View {
                    saga: proposal.saga,
                    state: State::Active(Active::Running(FIRST_STEP)),
                    accepted_at,
                    age: Duration::ZERO,
                    stuck_since: None,
                    ended_at: None,
                }));
            }
            // What stood against it may be gone by now: then it is sent again. That it is not known what stands there
            // puts nothing in doubt: this sending wrote nothing.
            let against = self.classifies.send(proposal.clone()).await.map_err(|error| match error {
                Error::InDoubt(what) => Error::Unavailable(what),
                other @ (Error::Unavailable(_) | Error::Rejected(_) | Error::Unreadable(_)) => other,
            })?;
            match against {
                None => {}
                // It has come since, and the next sending is a decoy.
                Some(Against::User(_) | Against::Saga) if proposal.duplicates == Duplicates::Decoyed => {}
                Some(against) => return self.refused(proposal, against).await,
            }
        }
        Err(Error::Unavailable("what stands against it comes and goes".into()))
    }

    async fn refused(&self, proposal: &Proposal, against: Against) -> Result<Accepted<SignUp>, Error> {
        Ok(match against {
            Against::Itself(saga) => Accepted::New(self.found(saga).await?),
            Against::SameKey(saga, body) => match &proposal.idempotency {
                Some(mark) if mark.body == body => Accepted::Replay(self.found(saga).await?),
                Some(_) | None => Accepted::Conflict(Conflict::OtherBody),
            },
            Against::User(providers) => Accepted::Conflict(Conflict::EmailTaken { providers }),
            Against::Saga => Accepted::Conflict(Conflict::InProgress),
        })
    }

    async fn found(&self, saga: SagaId) -> Result<View, Error> {
        self.load(saga).await?.ok_or_else(|| Error::Unreadable("a saga has gone".into()))
    }
}
