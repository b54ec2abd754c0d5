//! What stands against a proposal that was not accepted.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use async_trait::async_trait;
use saga::SagaId;
use saga::store::Error;
use signup::{Mac, Proposal};
use sqlx::postgres::PgRow;

use super::connections::Connections;
use super::error::Failure;
use super::lane::Batch;
use super::value::{get, saga_id};

pub(super) const SQL: &[(&str, &str)] = &[("accept.classify", CLASSIFY)];

/// For each proposal the first of what stands against it, in the order in which it counts. Decoys stand against nobody,
/// but for the repetition of their own request.
const CLASSIFY: &str = "
SELECT i.n, a.* FROM unnest($1::uuid[], $2::bytea[], $3::text[]) WITH ORDINALITY AS i (id, idempotency_key, email_key, n)
 CROSS JOIN LATERAL (
    SELECT 1 AS rank, id AS saga, NULL::bytea AS body, NULL::text AS providers FROM sagas WHERE id = i.id
    UNION ALL
    SELECT 2, id, idempotency_body, NULL FROM sagas
     WHERE idempotency_key = i.idempotency_key AND email_key = i.email_key
    UNION ALL
    SELECT 3, NULL, NULL, (SELECT string_agg(provider, ',' ORDER BY provider) FROM identities WHERE user_id = u.id)
      FROM users u WHERE email_key = i.email_key AND status = 'active'
    UNION ALL
    SELECT 4, NULL, NULL, NULL FROM sagas WHERE email_key = i.email_key AND ended_at IS NULL AND NOT decoy
     ORDER BY rank LIMIT 1
 ) a";

/// What stands against a proposal.
#[derive(Debug)]
pub(super) enum Against {
    /// It is itself the one that was accepted.
    Itself(SagaId),
    /// A saga with its idempotency key, accepted for this body.
    SameKey(SagaId, Mac),
    /// A user who signs in with these.
    User(Vec<String>),
    /// A saga under way that is no decoy.
    Saga,
}

/// The statement that looks at many.
pub(super) struct ClassifyBatch(pub(super) Connections);

#[async_trait]
impl Batch for ClassifyBatch {
    type Member = Proposal;
    /// None if nothing stands against it any more.
    type Answer = Option<Against>;

    const EXCLUSIVE: bool = false;

    /// It locks nothing.
    fn order(_: &Proposal, _: &Proposal) -> Ordering {
        Ordering::Equal
    }

    async fn run(&self, proposals: &[Proposal]) -> Result<Vec<Option<Against>>, Failure> {
        let key = |of: &Proposal| of.idempotency.as_ref().map(|mark| mark.key.0.to_vec());
        let statement = sqlx::query(CLASSIFY)
            .bind(proposals.iter().map(|of| of.saga.uuid()).collect::<Vec<_>>())
            .bind(proposals.iter().map(key).collect::<Vec<_>>())
            .bind(proposals.iter().map(|of| of.applicant.email.key().to_owned()).collect::<Vec<_>>());
        let rows = self.0.try_fetch(statement).await?;
        let found = rows.iter().map(|row| Ok((get::<i64>(row, "n")?, against(row)?)));
        let mut found: BTreeMap<i64, Against> =
            found.collect::<Result<_, Error>>().map_err(|error| Failure::Unreadable(error.to_string()))?;
        Ok((1..).zip(proposals).map(|(n, _)| found.remove(&n)).collect())
    }
}

fn against(row: &PgRow) -> Result<Against, Error> {
    Ok(match get::<i32>(row, "rank")? {
        1 => Against::Itself(saga_id(row, "saga")?),
        2 => {
            let body = get::<Vec<u8>>(row, "body")?.try_into();
            let body = body.map_err(|_| Error::Unreadable("an idempotency hash is not of 32 bytes".into()))?;
            Against::SameKey(saga_id(row, "saga")?, Mac(body))
        }
        3 => {
            let providers = get::<Option<String>>(row, "providers")?.unwrap_or_default();
            Against::User(providers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
        }
        _ => Against::Saga,
    })
}
