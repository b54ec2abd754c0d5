//! How far the workers are behind.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;
use saga::{Backlog, Census, Outline, Saga};
use signup::SignUp;

use super::Sqlite;
use super::value::{self, Millis, between};

pub(super) const SQL: &[(&str, &str)] =
    &[("backlog.longest", LONGEST), ("backlog.waiting", WAITING), ("backlog.stuck", STUCK)];

/// The saga of a step that has been due longest, which its queue has first but for those that are claimed or stuck.
const LONGEST: &str = "
SELECT due_at FROM sagas
 WHERE kind = $1 AND step = $2 AND version <= $3 AND ended_at IS NULL AND due_at <= $4
   AND lease_until IS NULL AND stuck_since IS NULL
 ORDER BY due_at LIMIT 1";

/// How many of a step are due and unclaimed, at most so many.
const WAITING: &str = "
SELECT count(*) FROM (
    SELECT 1 FROM sagas
     WHERE kind = $1 AND step = $2 AND ended_at IS NULL AND due_at <= $3 AND lease_until IS NULL AND stuck_since IS NULL
     LIMIT $4)";

/// How many are stuck, at most so many.
const STUCK: &str = "SELECT count(*) FROM (SELECT 1 FROM sagas WHERE stuck_since IS NOT NULL LIMIT $1)";

#[async_trait]
impl Backlog for Sqlite {
    async fn longest_wait(&self, outline: &Outline) -> Result<Duration, Error> {
        let (now, mut longest) = (value::now(&*self.clock), Duration::ZERO);
        for step in &outline.steps {
            let query = sqlx::query_scalar::<_, Millis>(LONGEST).bind(SignUp::KIND).bind(step.as_str());
            let query = query.bind(outline.version).bind(now);
            let since = query.fetch_optional(&self.readers).await.map_err(value::error)?;
            longest = longest.max(since.map_or(Duration::ZERO, |since| between(since, now)));
        }
        Ok(longest)
    }

    async fn census(&self, outline: &Outline) -> Result<Census, Error> {
        let (now, mut census) = (value::now(&*self.clock), Census::default());
        for step in &outline.steps {
            let query = sqlx::query_scalar::<_, i64>(WAITING).bind(SignUp::KIND).bind(step.as_str());
            let waiting = query.bind(now).bind(Census::MOST).fetch_one(&self.readers).await.map_err(value::error)?;
            census.waiting.insert(step.clone(), waiting.unsigned_abs());
        }
        let stuck = sqlx::query_scalar::<_, i64>(STUCK).bind(Census::MOST);
        census.stuck = stuck.fetch_one(&self.readers).await.map_err(value::error)?.unsigned_abs();
        Ok(census)
    }
}
