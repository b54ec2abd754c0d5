//! What auditors read, and what they have found.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use auditor::{Evidence, Facts, Finding, Look, Place, Recorded};
use jiff::Timestamp;
use saga::store::Error;
use saga::{Policy, SagaId, WorkerName};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::Sqlite;
use super::transaction::Transaction;
use super::value::{self, Millis, count, get, millis, saga_id, timestamp};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[
    ("evidence.turn", TURN),
    ("evidence.last_turn", LAST_TURN),
    ("evidence.place", PLACE),
    ("evidence.bound", BOUND),
    ("evidence.look", LOOK),
    ("evidence.next", NEXT),
    ("evidence.facts", FACTS_OF),
    ("evidence.suspects", SUSPECTS),
    ("evidence.new", NEW),
    ("evidence.over", OVER),
    ("evidence.record", RECORD),
    ("evidence.findings", FINDINGS),
    ("evidence.counts", COUNTS),
];

const TURN: &str = "
INSERT INTO audit_turn AS t (id, auditor, taken_at) VALUES (1, $1, $2)
    ON CONFLICT (id) DO UPDATE SET auditor = excluded.auditor, taken_at = excluded.taken_at
 WHERE t.taken_at <= $2 - $3
RETURNING looked, read";

const LAST_TURN: &str = "SELECT taken_at FROM audit_turn WHERE id = 1";

const PLACE: &str = "UPDATE audit_turn SET looked = $1, read = $2 WHERE id = 1";

/// How far so many sagas after the first argument reach, if there are more.
const BOUND: &str = "SELECT id FROM sagas WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";

/// Everything that names a saga in this range: which of it should be read.
const LOOK: &str = "
SELECT s.id AS saga_id FROM sagas s
  LEFT JOIN users u ON u.saga_id = s.id
  LEFT JOIN organizations o ON o.saga_id = s.id
  LEFT JOIN profiles p ON p.saga_id = s.id
  LEFT JOIN claims c ON c.saga_id = s.id
 WHERE s.id > $1 AND s.id <= $2 AND CASE
       WHEN s.decoy OR s.state = 'failed' THEN
           u.id IS NOT NULL OR o.id IS NOT NULL OR p.id IS NOT NULL OR c.user_id IS NOT NULL
           OR EXISTS (SELECT 1 FROM identities i WHERE i.saga_id = s.id)
       WHEN s.state = 'completed' THEN
           u.id IS NOT s.user_id OR u.email_key IS NOT s.email_key OR u.status IS NOT 'active'
           OR o.id IS NOT s.organization_id
           OR p.user_id IS NOT s.user_id OR p.organization_id IS NOT s.organization_id
           OR c.user_id IS NOT s.user_id OR c.organization_id IS NOT s.organization_id
           OR NOT EXISTS (SELECT 1 FROM identities i WHERE i.saga_id = s.id AND i.user_id = s.user_id)
       ELSE u.status = 'active' END
 UNION
SELECT saga_id FROM users WHERE saga_id > $1 AND saga_id <= $2 AND saga_id NOT IN (SELECT id FROM sagas)
 UNION
SELECT saga_id FROM identities WHERE saga_id > $1 AND saga_id <= $2 AND saga_id NOT IN (SELECT id FROM sagas)
 UNION
SELECT saga_id FROM organizations WHERE saga_id > $1 AND saga_id <= $2 AND saga_id NOT IN (SELECT id FROM sagas)
 UNION
SELECT saga_id FROM profiles WHERE saga_id > $1 AND saga_id <= $2 AND saga_id NOT IN (SELECT id FROM sagas)
 UNION
SELECT saga_id FROM claims WHERE saga_id > $1 AND saga_id <= $2 AND saga_id NOT IN (SELECT id FROM sagas)
 UNION
SELECT w.saga_id FROM sealed_passwords w LEFT JOIN sagas s ON s.id = w.saga_id
 WHERE w.saga_id > $1 AND w.saga_id <= $2 AND (s.id IS NULL OR s.ended_at IS NOT NULL OR w.sealed_at < $3)
 LIMIT 500";

const NEXT: &str = "SELECT id FROM sagas WHERE id > $1 ORDER BY id LIMIT $2";

/// Everything, or everything of some sagas, in one statement: it is all of one moment. Of a hash no more than what kind of
/// hash it is.
macro_rules! facts {
    ($sagas:literal, $rows:literal, $hash:literal) => {
        concat!(
            "
SELECT 'saga' AS kind, json_object('id', hex(id), 'version', version, 'state', state, 'step', step, 'code', code,
       'epoch', epoch, 'seq', seq, 'attempt', attempt, 'leased', lease_until IS NOT NULL, 'due_at', due_at * 1000,
       'stuck_since', stuck_since * 1000, 'email_key', email_key, 'user_id', hex(user_id),
       'organization_id', hex(organization_id), 'decoy', decoy) AS row
  FROM sagas",
            $sagas,
            "
 UNION ALL
SELECT 'event', json_object('saga_id', hex(saga_id), 'seq', seq, 'epoch', epoch, 'kind', kind, 'step', step,
       'operator', operator, 'reason', reason)
  FROM saga_events",
            $rows,
            "
 UNION ALL
SELECT 'sealed', json_object('saga_id', hex(saga_id), 'sealed_at', sealed_at * 1000) FROM sealed_passwords",
            $rows,
            "
 UNION ALL
SELECT 'user', json_object('saga_id', hex(saga_id), 'id', hex(id), 'email_key', email_key,
       'password_hash', ",
            $hash,
            ", 'active', status = 'active')
  FROM users",
            $rows,
            "
 UNION ALL
SELECT 'identity', json_object('saga_id', hex(saga_id), 'user_id', hex(user_id), 'provider', provider) FROM identities",
            $rows,
            "
 UNION ALL
SELECT 'organization', json_object('saga_id', hex(saga_id), 'id', hex(id)) FROM organizations",
            $rows,
            "
 UNION ALL
SELECT 'profile', json_object('saga_id', hex(saga_id), 'user_id', hex(user_id), 'organization_id', hex(organization_id))
  FROM profiles",
            $rows,
            "
 UNION ALL
SELECT 'claims', json_object('saga_id', hex(saga_id), 'user_id', hex(user_id), 'organization_id', hex(organization_id))
  FROM claims",
            $rows
        )
    };
}

/// There are no arrays here: the ids come as JSON.
const FACTS_OF: &str = facts!(
    " WHERE id IN (SELECT unhex(value) FROM json_each($1))",
    " WHERE saga_id IN (SELECT unhex(value) FROM json_each($1))",
    "substr(password_hash, 1, 10)"
);

const SUSPECTS: &str = "SELECT DISTINCT saga_id FROM findings WHERE over_at IS NULL ORDER BY saga_id LIMIT $1";

/// What was found, and is not known yet.
const NEW: &str = "
SELECT count(*) AS new FROM json_each($3) n
 WHERE NOT EXISTS (SELECT 1 FROM findings
                    WHERE over_at IS NULL AND saga_id = unhex(n.value ->> 1) AND invariant = n.value ->> 0)";

/// Of these sagas, what was not found again is over.
const OVER: &str = "
UPDATE findings SET over_at = $1
 WHERE over_at IS NULL AND saga_id IN (SELECT unhex(value) FROM json_each($2))
   AND NOT EXISTS (SELECT 1 FROM json_each($3) f WHERE f.value ->> 0 = invariant AND unhex(f.value ->> 1) = saga_id)";

const RECORD: &str = "
INSERT INTO findings (invariant, saga_id, what, found_at, seen_at)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, $1, $1 FROM json_each($3) WHERE true
    ON CONFLICT (saga_id, invariant) WHERE over_at IS NULL DO UPDATE SET seen_at = excluded.seen_at, what = excluded.what";

const FINDINGS: &str = "
SELECT id, invariant, saga_id, what, found_at, seen_at, over_at FROM findings
 WHERE over_at IS NULL OR $1 ORDER BY id DESC LIMIT $2";

const COUNTS: &str = "SELECT invariant, count(*) AS open FROM findings WHERE over_at IS NULL GROUP BY invariant";

struct TakeTurn {
    auditor: WorkerName,
    every: Duration,
}

#[async_trait]
impl Write for TakeTurn {
    type Output = Option<Place>;
    const LASTS: bool = false;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Option<Place>, Error> {
        let (auditor, every) = (self.auditor.as_str().to_owned(), millis(self.every));
        let ran = db.finish(&[TURN], |query| query.bind(auditor).bind(now).bind(every)).await?;
        let row = ran.into_iter().next().and_then(|ran| ran.rows.into_iter().next());
        row.map(|row| Ok(Place { looked: id_if_any(&row, "looked")?, read: id_if_any(&row, "read")? })).transpose()
    }
}

struct KeepPlace(Place);

#[async_trait]
impl Write for KeepPlace {
    type Output = ();
    const LASTS: bool = false;

    async fn apply(&self, db: &mut Transaction<'_>, _: Millis) -> Result<(), Error> {
        let Place { looked, read } = self.0;
        let (looked, read) = (looked.map(SagaId::uuid), read.map(SagaId::uuid));
        db.finish(&[PLACE], |query| query.bind(looked).bind(read)).await.map(drop)
    }
}

/// What was checked and what was found, as JSON.
struct Record {
    checked: String,
    found: String,
}

#[async_trait]
impl Write for Record {
    type Output = u64;
    const LASTS: bool = false;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<u64, Error> {
        let (checked, found) = (self.checked.clone(), self.found.clone());
        let ran = db.finish(&[NEW, OVER, RECORD], |query| query.bind(now).bind(checked).bind(found)).await?;
        let new = ran.first().and_then(|ran| ran.rows.first());
        new.map_or(Ok(0), |row| count(row, "new"))
    }
}

#[async_trait]
impl Evidence for Sqlite {
    async fn take_turn(&self, auditor: &WorkerName, every: Duration) -> Result<Option<Place>, Error> {
        self.writer.write(TakeTurn { auditor: auditor.clone(), every }).await
    }

    async fn last_turn(&self) -> Result<Option<Timestamp>, Error> {
        let at = sqlx::query_scalar::<_, Millis>(LAST_TURN).fetch_optional(&self.readers).await;
        at.map_err(value::error)?.map(timestamp).transpose()
    }

    async fn keep_place(&self, place: &Place) -> Result<(), Error> {
        self.writer.write(KeepPlace(*place)).await
    }

    async fn look(&self, after: Option<SagaId>, limit: u32) -> Result<Look, Error> {
        let (after, late) = (beginning(after), Policy::STANDARD.expiry + Duration::from_mins(1));
        let bound = sqlx::query_scalar::<_, Uuid>(BOUND).bind(after).bind(i64::from(limit) - 1);
        let upto = bound.fetch_optional(&self.readers).await.map_err(value::error)?;
        let late = value::now(&*self.clock) - millis(late);
        let look = sqlx::query(LOOK).bind(after).bind(upto.unwrap_or(Uuid::max())).bind(late);
        let rows = look.fetch_all(&self.readers).await.map_err(value::error)?;
        let suspects = rows.iter().map(|row| saga_id(row, "saga_id")).collect::<Result<_, _>>()?;
        Ok(Look { suspects, upto: upto.map(SagaId::from_uuid) })
    }

    async fn next(&self, after: Option<SagaId>, limit: u32) -> Result<Vec<SagaId>, Error> {
        let rows = sqlx::query(NEXT).bind(beginning(after)).bind(limit).fetch_all(&self.readers).await;
        rows.map_err(value::error)?.iter().map(|row| saga_id(row, "id")).collect()
    }

    async fn facts_of(&self, sagas: &[SagaId]) -> Result<Facts, Error> {
        let rows = sqlx::query(FACTS_OF).bind(ids(sagas)).fetch_all(&self.readers).await;
        self.facts(&rows.map_err(value::error)?)
    }

    async fn suspects(&self, limit: u32) -> Result<Vec<SagaId>, Error> {
        let rows = sqlx::query(SUSPECTS).bind(limit).fetch_all(&self.readers).await;
        rows.map_err(value::error)?.iter().map(|row| saga_id(row, "saga_id")).collect()
    }

    async fn record(&self, checked: &[SagaId], found: &[Finding]) -> Result<u64, Error> {
        let found: Vec<_> = found
            .iter()
            .map(|one| [one.invariant, &one.saga.uuid().simple().to_string(), &one.what].map(str::to_owned))
            .collect();
        let found = serde_json::to_string(&found).map_err(|error| Error::Unreadable(error.to_string()))?;
        self.writer.write(Record { checked: ids(checked), found }).await
    }

    async fn findings(&self, also_over: bool, limit: u32) -> Result<Vec<Recorded>, Error> {
        let rows = sqlx::query(FINDINGS).bind(also_over).bind(limit).fetch_all(&self.readers).await;
        rows.map_err(value::error)?.iter().map(recorded).collect()
    }

    async fn counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let rows = sqlx::query(COUNTS).fetch_all(&self.readers).await.map_err(value::error)?;
        rows.iter().map(|row| Ok((get(row, "invariant")?, count(row, "open")?))).collect()
    }
}

impl Sqlite {
    fn facts(&self, rows: &[SqliteRow]) -> Result<Facts, Error> {
        let taken_at = timestamp(value::now(&*self.clock))?;
        let rows = rows.iter().map(|row| Ok((get::<&str>(row, "kind")?, get::<&str>(row, "row")?)));
        Facts::read(Some(taken_at), rows.collect::<Result<Vec<_>, Error>>()?.into_iter())
    }
}

/// What every id comes after, if none is named.
fn beginning(after: Option<SagaId>) -> Uuid {
    after.map_or(Uuid::nil(), SagaId::uuid)
}

fn ids(sagas: &[SagaId]) -> String {
    let ids: Vec<_> = sagas.iter().map(|saga| format!("\"{}\"", saga.uuid().simple())).collect();
    format!("[{}]", ids.join(","))
}

fn id_if_any(row: &SqliteRow, column: &'static str) -> Result<Option<SagaId>, Error> {
    Ok(get::<Option<Uuid>>(row, column)?.map(SagaId::from_uuid))
}

fn recorded(row: &SqliteRow) -> Result<Recorded, Error> {
    Ok(Recorded {
        id: count(row, "id")?,
        invariant: get(row, "invariant")?,
        saga: saga_id(row, "saga_id")?,
        what: get(row, "what")?,
        found_at: timestamp(get(row, "found_at")?)?,
        seen_at: timestamp(get(row, "seen_at")?)?,
        over_at: get::<Option<Millis>>(row, "over_at")?.map(timestamp).transpose()?,
    })
}

/// Everything, for tests.
#[cfg(feature = "testing")]
#[async_trait]
impl auditor::facts::Snapshot for Sqlite {
    async fn facts(&self) -> Result<Facts, Error> {
        let rows = sqlx::query(facts!("", "", "password_hash")).fetch_all(&self.readers).await;
        self.facts(&rows.map_err(value::error)?)
    }
}
