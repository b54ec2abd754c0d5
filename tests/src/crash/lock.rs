//! Holding what is sent on the server, so that it is surely not written yet.

use std::time::Duration;

use anyhow::{Context, ensure};
use saga::testing::crash::Act;
use servers::{Mode, Proxy, Redis};
use sqlx::{Connection, Executor, PgConnection};
use store::Postgres;
use tokio::time::{Instant, sleep};

use super::halts::NotReached;
use super::schedule::{Blow, Schedule};
use super::track::Track;
use crate::eventually;

/// Holds up what is written, once it is taken.
pub(super) enum Lock<'l> {
    /// At the server, by a lock on the table that every write is to; how much was written before.
    Database { connection: PgConnection, written: i64 },
    /// On its way to the server, where whoever goes on shall not wait for it.
    Way(&'l Proxy),
    /// At the server.
    Redis(&'l Redis),
}

/// Statements that wait for the table.
const WAITING: &str = "
SELECT query FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND relation = 'sagas'::regclass";
/// A number that changes with every write.
const WRITTEN: &str = "SELECT coalesce(sum(1 + epoch + seq), 0)::bigint FROM sagas";
/// How long it may take until something waits, and until something is written that nothing holds up any more.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether an act sends this statement, of which the server may tell the beginning only.
fn is_of(act: &Act, sql: &str) -> bool {
    let sends = match act {
        Act::Accept => "accept",
        Act::Claim => "claim",
        Act::Do(_) | Act::Undo(_) => "commit",
        Act::Operate => "operate",
        Act::Hint | Act::Acknowledge => return false,
    };
    let ours = Postgres::statements().filter(|(name, _)| name.split('.').next() == Some(sends));
    ours.map(|(_, ours)| ours).any(|ours| ours.starts_with(sql))
}

/// Where an act writes to.
pub(super) fn is_of_redis(act: &Act) -> bool {
    match act {
        Act::Hint | Act::Acknowledge => true,
        Act::Accept | Act::Claim | Act::Do(_) | Act::Undo(_) | Act::Operate => false,
    }
}

impl<'l> Lock<'l> {
    /// One that is at hand: whoever is to be held up does not wait for long.
    pub(super) async fn at_hand(track: &'l Track, schedule: &Schedule) -> anyhow::Result<Self> {
        Ok(match schedule.blow {
            _ if is_of_redis(&schedule.point.act) => Self::Redis(&track.redis),
            Blow::Stop => Self::Way(&track.database_way),
            Blow::Kill | Blow::Cut | Blow::Terminate => {
                Self::Database { connection: PgConnection::connect(&track.database).await?, written: 0 }
            }
        })
    }

    pub(super) async fn take(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Database { connection, written } => {
                connection.execute("BEGIN; LOCK TABLE sagas IN SHARE MODE").await?;
                *written = sqlx::query_scalar(WRITTEN).fetch_one(&mut *connection).await?;
            }
            Self::Way(way) => way.set(Mode::Hold)?,
            Self::Redis(redis) => drop(redis.command(&["CLIENT", "PAUSE", "60000", "WRITE"])?),
        }
        Ok(())
    }

    /// Waits until what an act sends waits for it.
    pub(super) async fn is_waited_for(&mut self, act: &Act) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.holds(act).await? {
            ensure!(begun.elapsed() < PATIENCE, NotReached("what it sends is held up"));
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn holds(&mut self, act: &Act) -> anyhow::Result<bool> {
        Ok(match self {
            Self::Database { connection, .. } => {
                let waiting: Vec<String> = sqlx::query_scalar(WAITING).fetch_all(&mut *connection).await?;
                waiting.iter().any(|sql| is_of(act, sql))
            }
            Self::Way(way) => way.held().iter().flatten().any(|sql| is_of(act, sql)),
            Self::Redis(redis) => {
                let clients = redis.command(&["CLIENT", "LIST"])?;
                let script = |client: &str| client.contains("flags=b") && client.contains("cmd=eval");
                clients.text().is_some_and(|clients| clients.lines().any(script))
            }
        })
    }

    /// Lets go of it. What it held up is carried out; waits until it is written, if it is to be.
    pub(super) async fn release(self, is_written: bool) -> anyhow::Result<()> {
        match self {
            Self::Way(way) => {
                way.set(Mode::Pass)?;
                eventually("the statement arrives", || async { way.held().is_empty().then_some(()) }).await?;
            }
            Self::Database { mut connection, written } => {
                connection.execute("ROLLBACK").await.context("the lock is not released")?;
                let begun = Instant::now();
                while is_written && written == sqlx::query_scalar::<_, i64>(WRITTEN).fetch_one(&mut connection).await? {
                    ensure!(begun.elapsed() < PATIENCE, NotReached("what had been sent is written"));
                    sleep(PAUSE).await;
                }
            }
            Self::Redis(redis) => drop(redis.command(&["CLIENT", "UNPAUSE"])?),
        }
        Ok(())
    }
}
