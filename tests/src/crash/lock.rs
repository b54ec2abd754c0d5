//! Holding what is sent on the server, so that it is surely not written yet.

use anyhow::Context;
use saga::testing::crash::Act;
use servers::Redis;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::eventually;

/// Holds up what is written, once it is taken.
pub(super) enum Lock<'r> {
    Database(PgConnection),
    Redis(&'r Redis),
}

/// Where an act writes to.
pub(super) fn is_of_redis(act: &Act) -> bool {
    match act {
        Act::Hint | Act::Acknowledge => true,
        Act::Accept | Act::Claim | Act::Do(_) | Act::Undo(_) | Act::Operate => false,
    }
}

impl<'r> Lock<'r> {
    /// One that is at hand: whoever is to be held up does not wait for long.
    pub(super) async fn at_hand(act: &Act, database: &str, redis: &'r Redis) -> anyhow::Result<Self> {
        let lock =
            if is_of_redis(act) { Self::Redis(redis) } else { Self::Database(PgConnection::connect(database).await?) };
        Ok(lock)
    }

    pub(super) async fn take(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Database(connection) => drop(connection.execute("BEGIN; LOCK TABLE sagas IN SHARE MODE").await?),
            Self::Redis(redis) => drop(redis.command(&["CLIENT", "PAUSE", "60000", "WRITE"])?),
        }
        Ok(())
    }

    /// Waits until somebody waits for it.
    pub(super) async fn is_waited_for(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Database(connection) => loop {
                let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'sagas'::regclass";
                let waiting: i64 = sqlx::query_scalar(AssertSqlSafe(waiting)).fetch_one(&mut *connection).await?;
                if waiting > 0 {
                    return Ok(());
                }
            },
            Self::Redis(redis) => {
                let blocked = || async {
                    let clients = redis.command(&["CLIENT", "LIST"]).ok()?;
                    clients.text()?.contains("flags=b").then_some(())
                };
                eventually("a write waits in Redis", blocked).await
            }
        }
    }

    pub(super) async fn release(self) -> anyhow::Result<()> {
        match self {
            Self::Database(mut connection) => {
                connection.execute("ROLLBACK").await.context("the lock is not released")?;
            }
            Self::Redis(redis) => drop(redis.command(&["CLIENT", "UNPAUSE"])?),
        }
        Ok(())
    }
}
