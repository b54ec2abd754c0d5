//! What processes have counted.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;
use signup::statistics::{Counted, KEPT, Kind, Statistics};
use sqlx::postgres::PgRow;

use super::Postgres;
use super::value::{count, get, millis};

pub(super) const SQL: &[(&str, &str)] = &[("statistics.add", ADD), ("statistics.sums", SUMS)];

/// Rows in one order, so that no two processes wait for each other in a circle.
const ADD: &str = "
WITH forgotten AS (
    DELETE FROM statistics WHERE minute < now() - $5 * interval '1 millisecond'
)
INSERT INTO statistics AS s (minute, kind, word, class, count)
SELECT date_trunc('minute', now()), kind, word, class, count
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS n (kind, word, class, count)
 ORDER BY kind COLLATE \"C\", word COLLATE \"C\", class COLLATE \"C\"
    ON CONFLICT (minute, kind, word, class) DO UPDATE SET count = s.count + excluded.count";

const SUMS: &str = "
SELECT kind, word, class, sum(count)::bigint AS count FROM statistics
 WHERE minute > now() - $1 * interval '1 millisecond' GROUP BY kind, word, class";

#[async_trait]
impl Statistics for Postgres {
    async fn add(&self, counted: &[Counted]) -> Result<(), Error> {
        let words = |of: fn(&Counted) -> &str| counted.iter().map(|one| of(one).to_owned()).collect::<Vec<_>>();
        let counts: Vec<i64> = counted.iter().map(|one| i64::try_from(one.count).unwrap_or(i64::MAX)).collect();
        let statement = sqlx::query(ADD)
            .bind(words(|one| one.kind.word()))
            .bind(words(|one| &one.word))
            .bind(words(|one| &one.class))
            .bind(counts)
            .bind(millis(KEPT));
        self.back.execute(statement).await.map(drop)
    }

    async fn sums(&self, within: Duration) -> Result<Vec<Counted>, Error> {
        let rows = self.back.fetch(sqlx::query(SUMS).bind(millis(within))).await?;
        let counted: Vec<_> = rows.iter().map(counted).collect::<Result<_, _>>()?;
        Ok(counted.into_iter().flatten().collect())
    }
}

/// Nothing of what only a newer program counts.
fn counted(row: &PgRow) -> Result<Option<Counted>, Error> {
    let kind: String = get(row, "kind")?;
    let Some(kind) = Kind::parse(&kind) else { return Ok(None) };
    Ok(Some(Counted { kind, word: get(row, "word")?, class: get(row, "class")?, count: count(row, "count")? }))
}
