//! What the journals tell of times, by the database's clock.

use sqlx::{Connection, PgConnection};
use tokio::time::Duration;

/// From one event of a sign-up to the next, without what the step itself took.
const HOPS: &str = "
SELECT greatest(0, extract(epoch FROM at - before)::float8 - coalesce(took_ms, 0) / 1000.0)::float8
  FROM (SELECT at, took_ms, lag(at) OVER (PARTITION BY saga_id ORDER BY seq) AS before FROM saga_events) e
 WHERE before IS NOT NULL ORDER BY 1";
const UNFINISHED: &str = "SELECT id::text FROM sagas WHERE ended_at IS NULL";
const ENDED: &str = "
SELECT (extract(epoch FROM ended_at) - $2)::float8 FROM sagas WHERE id = ANY($1::uuid[]) AND ended_at IS NOT NULL
 ORDER BY 1";

/// A look at a database that the processes do not know of.
pub(super) struct Journal(PgConnection);

impl Journal {
    pub(super) async fn of(url: &str) -> Self {
        Self(PgConnection::connect(url).await.unwrap())
    }

    /// How long sign-ups waited from step to step: the shortest first.
    pub(super) async fn hops(&mut self) -> Vec<Duration> {
        let hops = sqlx::query_scalar::<_, f64>(HOPS).fetch_all(&mut self.0).await.unwrap();
        hops.into_iter().map(Duration::from_secs_f64).collect()
    }

    pub(super) async fn longest_hop(&mut self) -> Duration {
        *self.hops().await.last().unwrap()
    }

    /// Seconds, as the database has them.
    pub(super) async fn now(&mut self) -> f64 {
        sqlx::query_scalar("SELECT extract(epoch FROM now())::float8").fetch_one(&mut self.0).await.unwrap()
    }

    /// The ids of those that are under way.
    pub(super) async fn unfinished(&mut self) -> Vec<String> {
        sqlx::query_scalar(UNFINISHED).fetch_all(&mut self.0).await.unwrap()
    }

    /// How long after that second these ended: those of them that have.
    pub(super) async fn ended(&mut self, ids: &[String], since: f64) -> Vec<Duration> {
        let ended = sqlx::query_scalar::<_, f64>(ENDED).bind(ids).bind(since);
        let ended = ended.fetch_all(&mut self.0).await.unwrap();
        ended.into_iter().map(|seconds| Duration::from_secs_f64(seconds.max(0.0))).collect()
    }

    /// A number that a query gives.
    pub(super) async fn count(&mut self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.0).await.unwrap()
    }
}
