//! How far the workers are behind.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;
use saga::{Backlog, Census, Outline, Saga, StepName};
use signup::SignUp;

use super::Postgres;
use super::value::{between, count, get, time};

pub(super) const SQL: &[(&str, &str)] = &[("backlog.longest", LONGEST), ("backlog.census", CENSUS)];

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

/// Of each step how many are due and unclaimed, and how many are stuck in all: at most so many of each.
const CENSUS: &str = "
SELECT s.step, (SELECT count(*) FROM (
           SELECT 1 FROM sagas
            WHERE kind = $1 AND step = s.step AND ended_at IS NULL AND sweep_at <= now()
              AND lease_until IS NULL AND stuck_since IS NULL
            LIMIT $3) waiting) AS waiting,
       (SELECT count(*) FROM (SELECT 1 FROM sagas WHERE stuck_since IS NOT NULL LIMIT $3) stuck) AS stuck
  FROM unnest($2::text[]) AS s (step)";

#[async_trait]
impl Backlog for Postgres {
    async fn longest_wait(&self, outline: &Outline) -> Result<Duration, Error> {
        let steps: Vec<_> = outline.steps.iter().map(|step| step.as_str().to_owned()).collect();
        let statement = sqlx::query(LONGEST).bind(SignUp::KIND).bind(steps).bind(i64::from(outline.version));
        let row = self.back.fetch_optional(statement).await?;
        row.map_or(Ok(Duration::ZERO), |row| Ok(between(time(&row, "since")?, time(&row, "now")?)))
    }

    async fn census(&self, outline: &Outline) -> Result<Census, Error> {
        let steps: Vec<_> = outline.steps.iter().map(|step| step.as_str().to_owned()).collect();
        let statement = sqlx::query(CENSUS).bind(SignUp::KIND).bind(steps).bind(i64::from(Census::MOST));
        let mut census = Census::default();
        for row in self.back.fetch(statement).await? {
            census.stuck = count(&row, "stuck")?;
            census.waiting.insert(StepName::from(get::<String>(&row, "step")?), count(&row, "waiting")?);
        }
        Ok(census)
    }
}
