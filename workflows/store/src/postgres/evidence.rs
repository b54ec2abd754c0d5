//! What auditors read, and what they have found.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use auditor::{Evidence, Facts, Finding, Look, Place, Recorded};
use jiff::Timestamp;
use saga::store::Error;
use saga::{Policy, SagaId, WorkerName};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::Postgres;
use super::value::{count, get, millis, saga_id, time, time_if_any};

pub(super) const SQL: &[(&str, &str)] = &[
    ("evidence.turn", TURN),
    ("evidence.last_turn", LAST_TURN),
    ("evidence.place", PLACE),
    ("evidence.bound", BOUND),
    ("evidence.look", LOOK),
    ("evidence.next", NEXT),
    ("evidence.facts", FACTS_OF),
    ("evidence.suspects", SUSPECTS),
    ("evidence.record", RECORD),
    ("evidence.findings", FINDINGS),
    ("evidence.counts", COUNTS),
];

const TURN: &str = "
INSERT INTO audit_turn AS t (id, auditor, taken_at) VALUES (1, $1, now())
    ON CONFLICT (id) DO UPDATE SET auditor = excluded.auditor, taken_at = excluded.taken_at
 WHERE t.taken_at <= now() - $2 * interval '1 millisecond'
RETURNING looked, read";

const LAST_TURN: &str = "SELECT taken_at FROM audit_turn WHERE id = 1";

const PLACE: &str = "UPDATE audit_turn SET looked = $1, read = $2 WHERE id = 1";

/// How far so many sagas after the first argument reach, if there are more.
const BOUND: &str = "SELECT id FROM sagas WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1";

/// Everything that names a saga in this range, by saga: which of it should be read. Grouped, and not joined: of what a join
/// would meet the planner of a prepared statement knows no numbers.
///
/// What a whole sign-up has made names the same user, organization and e-mail in each of its rows; hashes of them are
/// quicker to compare.
const LOOK: &str = "
SELECT saga_id FROM (
    SELECT id AS saga_id, 1 AS kind, CASE WHEN decoy THEN 'failed' ELSE state END AS state,
           uuid_hash_extended(user_id, 0) AS user_id, uuid_hash_extended(organization_id, 0) AS organization_id,
           hashtextextended(email_key, 0) AS email_key
      FROM sagas WHERE id > $1 AND id <= $2
     UNION ALL
    SELECT saga_id, 2, status, uuid_hash_extended(id, 0), NULL, hashtextextended(email_key, 0)
      FROM users WHERE saga_id > $1 AND saga_id <= $2
     UNION ALL
    SELECT saga_id, 4, NULL, uuid_hash_extended(user_id, 0), NULL, NULL
      FROM identities WHERE saga_id > $1 AND saga_id <= $2
     UNION ALL
    SELECT saga_id, 8, NULL, NULL, uuid_hash_extended(id, 0), NULL
      FROM organizations WHERE saga_id > $1 AND saga_id <= $2
     UNION ALL
    SELECT saga_id, 16, NULL, uuid_hash_extended(user_id, 0), uuid_hash_extended(organization_id, 0), NULL
      FROM profiles WHERE saga_id > $1 AND saga_id <= $2
     UNION ALL
    SELECT saga_id, 32, NULL, uuid_hash_extended(user_id, 0), uuid_hash_extended(organization_id, 0), NULL
      FROM claims WHERE saga_id > $1 AND saga_id <= $2
     UNION ALL
    SELECT saga_id, 64, CASE WHEN sealed_at < now() - $3 * interval '1 millisecond' THEN 'late' END, NULL, NULL, NULL
      FROM sealed_passwords WHERE saga_id > $1 AND saga_id <= $2
) AS made
 GROUP BY saga_id
HAVING CASE
       WHEN bit_or(kind) & 1 = 0 THEN true
       WHEN bool_or(kind = 1 AND state = 'failed') THEN bit_or(kind) <> 1
       WHEN bool_or(kind = 1 AND state = 'completed') THEN
           bit_or(kind) <> 63 OR NOT bool_or(kind = 2 AND state = 'active') OR min(user_id) <> max(user_id)
           OR min(organization_id) <> max(organization_id) OR min(email_key) <> max(email_key)
       ELSE bool_or(kind = 2 AND state = 'active' OR kind = 64 AND state = 'late') END
 LIMIT 500";

const NEXT: &str = "SELECT id FROM sagas WHERE id > $1 ORDER BY id LIMIT $2";

/// Everything, or everything of some sagas, in one statement: it is all of one moment. Of a hash no more than what kind of
/// hash it is.
macro_rules! facts {
    ($sagas:literal, $rows:literal, $hash:literal) => {
        concat!(
            "
SELECT now() AS now, 'saga' AS kind, jsonb_build_object('id', id, 'version', version, 'state', state, 'step', step,
       'code', code, 'epoch', epoch, 'seq', seq, 'attempt', attempt, 'leased', (lease_until IS NOT NULL)::int,
       'due_at', (extract(epoch FROM due_at) * 1000000)::bigint,
       'stuck_since', (extract(epoch FROM stuck_since) * 1000000)::bigint, 'email_key', email_key, 'user_id', user_id,
       'organization_id', organization_id, 'decoy', decoy::int)::text AS row
  FROM sagas",
            $sagas,
            "
 UNION ALL
SELECT now(), 'event', jsonb_build_object('saga_id', saga_id, 'seq', seq, 'epoch', epoch, 'kind', kind, 'step', step,
       'operator', operator, 'reason', reason)::text
  FROM saga_events",
            $rows,
            "
 UNION ALL
SELECT now(), 'sealed', jsonb_build_object('saga_id', saga_id,
       'sealed_at', (extract(epoch FROM sealed_at) * 1000000)::bigint)::text
  FROM sealed_passwords",
            $rows,
            "
 UNION ALL
SELECT now(), 'user', jsonb_build_object('saga_id', saga_id, 'id', id, 'email_key', email_key,
       'password_hash', ",
            $hash,
            ", 'active', (status = 'active')::int)::text
  FROM users",
            $rows,
            "
 UNION ALL
SELECT now(), 'identity', jsonb_build_object('saga_id', saga_id, 'user_id', user_id, 'provider', provider)::text
  FROM identities",
            $rows,
            "
 UNION ALL
SELECT now(), 'organization', jsonb_build_object('saga_id', saga_id, 'id', id)::text
  FROM organizations",
            $rows,
            "
 UNION ALL
SELECT now(), 'profile', jsonb_build_object('saga_id', saga_id, 'user_id', user_id,
       'organization_id', organization_id)::text
  FROM profiles",
            $rows,
            "
 UNION ALL
SELECT now(), 'claims', jsonb_build_object('saga_id', saga_id, 'user_id', user_id,
       'organization_id', organization_id)::text
  FROM claims",
            $rows
        )
    };
}

const FACTS_OF: &str = facts!(" WHERE id = ANY($1)", " WHERE saga_id = ANY($1)", "left(password_hash, 10)");

const SUSPECTS: &str = "SELECT DISTINCT saga_id FROM findings WHERE over_at IS NULL ORDER BY saga_id LIMIT $1";

const RECORD: &str = "
WITH found AS (
    SELECT * FROM unnest($2::text[], $3::uuid[], $4::text[]) AS f (invariant, saga_id, what)
), new AS (
    SELECT count(*) AS new FROM found n
     WHERE NOT EXISTS (SELECT FROM findings f
                        WHERE f.over_at IS NULL AND f.saga_id = n.saga_id AND f.invariant = n.invariant)
), over AS (
    UPDATE findings f SET over_at = now()
     WHERE over_at IS NULL AND saga_id = ANY($1)
       AND NOT EXISTS (SELECT FROM found n WHERE n.invariant = f.invariant AND n.saga_id = f.saga_id)
), kept AS (
    INSERT INTO findings (invariant, saga_id, what, found_at, seen_at)
    SELECT invariant, saga_id, what, now(), now() FROM found ORDER BY saga_id, invariant
        ON CONFLICT (saga_id, invariant) WHERE over_at IS NULL
        DO UPDATE SET seen_at = excluded.seen_at, what = excluded.what
)
SELECT new FROM new";

const FINDINGS: &str = "
SELECT id, invariant, saga_id, what, found_at, seen_at, over_at FROM findings
 WHERE over_at IS NULL OR $1 ORDER BY id DESC LIMIT $2";

const COUNTS: &str = "SELECT invariant, count(*) AS open FROM findings WHERE over_at IS NULL GROUP BY invariant";

#[async_trait]
impl Evidence for Postgres {
    async fn take_turn(&self, auditor: &WorkerName, every: Duration) -> Result<Option<Place>, Error> {
        let statement = sqlx::query(TURN).bind(auditor.as_str().to_owned()).bind(millis(every));
        let row = self.back.fetch_optional(statement).await?;
        row.map(|row| Ok(Place { looked: id_if_any(&row, "looked")?, read: id_if_any(&row, "read")? })).transpose()
    }

    async fn last_turn(&self) -> Result<Option<Timestamp>, Error> {
        let row = self.back.fetch_optional(sqlx::query(LAST_TURN)).await?;
        row.map(|row| time(&row, "taken_at")).transpose()
    }

    async fn keep_place(&self, place: &Place) -> Result<(), Error> {
        let statement = sqlx::query(PLACE).bind(place.looked.map(SagaId::uuid)).bind(place.read.map(SagaId::uuid));
        self.back.execute(statement).await.map(drop)
    }

    async fn look(&self, after: Option<SagaId>, limit: u32) -> Result<Look, Error> {
        let (after, late) = (beginning(after), Policy::STANDARD.expiry + Duration::from_mins(1));
        let bound = sqlx::query(BOUND).bind(after).bind(i64::from(limit) - 1);
        let upto = self.back.fetch_optional(bound).await?.map(|row| saga_id(&row, "id")).transpose()?;
        let last = upto.map_or(Uuid::max(), SagaId::uuid);
        let rows = self.back.fetch(sqlx::query(LOOK).bind(after).bind(last).bind(millis(late))).await?;
        let suspects = rows.iter().map(|row| saga_id(row, "saga_id")).collect::<Result<_, _>>()?;
        Ok(Look { suspects, upto })
    }

    async fn next(&self, after: Option<SagaId>, limit: u32) -> Result<Vec<SagaId>, Error> {
        let statement = sqlx::query(NEXT).bind(beginning(after)).bind(i64::from(limit));
        self.back.fetch(statement).await?.iter().map(|row| saga_id(row, "id")).collect()
    }

    async fn facts_of(&self, sagas: &[SagaId]) -> Result<Facts, Error> {
        let rows = self.back.fetch(sqlx::query(FACTS_OF).bind(uuids(sagas.iter().copied()))).await?;
        facts(&rows)
    }

    async fn suspects(&self, limit: u32) -> Result<Vec<SagaId>, Error> {
        let rows = self.back.fetch(sqlx::query(SUSPECTS).bind(i64::from(limit))).await?;
        rows.iter().map(|row| saga_id(row, "saga_id")).collect()
    }

    async fn record(&self, checked: &[SagaId], found: &[Finding]) -> Result<u64, Error> {
        let texts = |of: fn(&Finding) -> String| found.iter().map(of).collect::<Vec<_>>();
        let statement = sqlx::query(RECORD)
            .bind(uuids(checked.iter().copied()))
            .bind(texts(|finding| finding.invariant.to_owned()))
            .bind(uuids(found.iter().map(|finding| finding.saga)))
            .bind(texts(|finding| finding.what.clone()));
        self.back.fetch_optional(statement).await?.map_or(Ok(0), |row| count(&row, "new"))
    }

    async fn findings(&self, also_over: bool, limit: u32) -> Result<Vec<Recorded>, Error> {
        let statement = sqlx::query(FINDINGS).bind(also_over).bind(i64::from(limit));
        self.back.fetch(statement).await?.iter().map(recorded).collect()
    }

    async fn counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let rows = self.back.fetch(sqlx::query(COUNTS)).await?;
        rows.iter().map(|row| Ok((get(row, "invariant")?, count(row, "open")?))).collect()
    }
}

/// What every id comes after, if none is named.
fn beginning(after: Option<SagaId>) -> Uuid {
    after.map_or(Uuid::nil(), SagaId::uuid)
}

fn uuids(sagas: impl Iterator<Item = SagaId>) -> Vec<Uuid> {
    sagas.map(SagaId::uuid).collect()
}

fn facts(rows: &[PgRow]) -> Result<Facts, Error> {
    let taken_at = rows.first().map(|row| time(row, "now")).transpose()?;
    let rows = rows.iter().map(|row| Ok((get::<&str>(row, "kind")?, get::<&str>(row, "row")?)));
    Facts::read(taken_at, rows.collect::<Result<Vec<_>, Error>>()?.into_iter())
}

fn id_if_any(row: &PgRow, column: &'static str) -> Result<Option<SagaId>, Error> {
    Ok(get::<Option<Uuid>>(row, column)?.map(SagaId::from_uuid))
}

fn recorded(row: &PgRow) -> Result<Recorded, Error> {
    Ok(Recorded {
        id: count(row, "id")?,
        invariant: get(row, "invariant")?,
        saga: saga_id(row, "saga_id")?,
        what: get(row, "what")?,
        found_at: time(row, "found_at")?,
        seen_at: time(row, "seen_at")?,
        over_at: time_if_any(row, "over_at")?,
    })
}

/// Everything, for tests.
#[cfg(feature = "testing")]
#[async_trait]
impl auditor::facts::Snapshot for Postgres {
    async fn facts(&self) -> Result<Facts, Error> {
        facts(&self.back.fetch(sqlx::query(facts!("", "", "password_hash"))).await?)
    }
}
