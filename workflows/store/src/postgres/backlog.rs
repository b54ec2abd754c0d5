//! How far the workers are behind.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;
use saga::{Backlog, Outline, Saga};
use signup::SignUp;

use super::Postgres;
use super::value::{between, time};

pub(super) const SQL: &[(&str, &str)] = &[("backlog.longest", LONGEST)];

/// For each step the saga that has been due longest, which its queue has first but for those that are claimed or stuck.
const LONGEST: &str = "
SELECT min(due.sweep_at) AS since, now() AS now FROM unnest($2::text[]) AS s (step)
 CROSS JOIN LATERAL (
    SELECT sweep_at FROM sagas
     WHERE kind = $1 AND step = s.step AND version <= $3 AND ended_at IS NULL AND sweep_at <= now()
       AND lease_until IS NULL AND stuck_since IS NULL
     ORDER BY sweep_at LIMIT 1
 ) due
HAVING count(*) > 0";

#[async_trait]
impl Backlog for Postgres {
    async fn longest_wait(&self, outline: &Outline) -> Result<Duration, Error> {
        let steps: Vec<_> = outline.steps.iter().map(|step| step.as_str().to_owned()).collect();
        let statement = sqlx::query(LONGEST).bind(SignUp::KIND).bind(steps).bind(i64::from(outline.version));
        let row = self.back.fetch_optional(statement).await?;
        row.map_or(Ok(Duration::ZERO), |row| Ok(between(time(&row, "since")?, time(&row, "now")?)))
    }
}
