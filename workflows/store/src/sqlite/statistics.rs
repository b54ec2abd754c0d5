//! What processes have counted.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;
use signup::statistics::{Counted, KEPT, Kind, Statistics};
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::transaction::Transaction;
use super::value::{self, Millis, count, get, millis};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] =
    &[("statistics.forget", FORGET), ("statistics.add", ADD), ("statistics.sums", SUMS)];

const FORGET: &str = "DELETE FROM statistics WHERE minute < $1 - $3";

/// There are no arrays here: what is added comes as JSON.
const ADD: &str = "
INSERT INTO statistics AS s (minute, kind, word, class, count)
SELECT $1 - $1 % 60000, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($2) WHERE true
    ON CONFLICT (minute, kind, word, class) DO UPDATE SET count = s.count + excluded.count";

const SUMS: &str = "
SELECT kind, word, class, sum(count) AS count FROM statistics WHERE minute > $1 GROUP BY kind, word, class";

struct Add(String);

#[async_trait]
impl Write for Add {
    type Output = ();
    const LASTS: bool = false;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<(), Error> {
        let counted = self.0.clone();
        db.finish(&[FORGET, ADD], |query| query.bind(now).bind(counted).bind(millis(KEPT))).await.map(drop)
    }
}

#[async_trait]
impl Statistics for Sqlite {
    async fn add(&self, counted: &[Counted]) -> Result<(), Error> {
        let rows: Vec<_> = counted.iter().map(|one| (one.kind.word(), &one.word, &one.class, one.count)).collect();
        let rows = serde_json::to_string(&rows).map_err(|error| Error::Unreadable(error.to_string()))?;
        self.writer.write(Add(rows)).await
    }

    async fn sums(&self, within: Duration) -> Result<Vec<Counted>, Error> {
        let since = value::now(&*self.clock) - millis(within);
        let rows = sqlx::query(SUMS).bind(since).fetch_all(&self.readers).await.map_err(value::error)?;
        let counted: Vec<_> = rows.iter().map(counted).collect::<Result<_, _>>()?;
        Ok(counted.into_iter().flatten().collect())
    }
}

/// Nothing of what only a newer program counts.
fn counted(row: &SqliteRow) -> Result<Option<Counted>, Error> {
    let kind: String = get(row, "kind")?;
    let Some(kind) = Kind::parse(&kind) else { return Ok(None) };
    Ok(Some(Counted { kind, word: get(row, "word")?, class: get(row, "class")?, count: count(row, "count")? }))
}
