//! How far the workers are behind.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;
use saga::{Backlog, Outline, Saga};
use signup::SignUp;

use super::Sqlite;
use super::value::{self, Millis, between};

pub(super) const SQL: &[(&str, &str)] = &[("backlog.longest", LONGEST)];

/// The saga of a step that has been due longest, which its queue has first but for those that are claimed or stuck.
const LONGEST: &str = "
SELECT due_at FROM sagas
 WHERE kind = $1 AND step = $2 AND version <= $3 AND ended_at IS NULL AND due_at <= $4
   AND lease_until IS NULL AND stuck_since IS NULL
 ORDER BY due_at LIMIT 1";

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
}
