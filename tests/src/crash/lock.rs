//! Holding what is sent on the server, so that it is surely not written yet.

use anyhow::Context;
use saga::testing::crash::Act;
use servers::{Mode, Proxy, Redis};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::lane::Lane;
use super::schedule::{Fault, Schedule};
use crate::eventually;

/// Holds up what is written, once it is taken.
pub(super) enum Lock<'l> {
    /// At the server, by a lock on the table that every write is to.
    Database(PgConnection),
    /// On its way to the server, where whoever goes on shall not wait for it.
    Way(&'l Proxy),
    /// At the server.
    Redis(&'l Redis),
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
    pub(super) async fn at_hand(lane: &'l Lane, schedule: &Schedule) -> anyhow::Result<Self> {
        Ok(match schedule.fault {
            _ if is_of_redis(&schedule.point.act) => Self::Redis(&lane.redis),
            Fault::Stop => Self::Way(&lane.database_way),
            Fault::Kill | Fault::Cut | Fault::Terminate => Self::Database(PgConnection::connect(&lane.database).await?),
        })
    }

    pub(super) async fn take(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Database(connection) => {
                connection.execute("BEGIN; LOCK TABLE sagas IN SHARE MODE").await?;
            }
            Self::Way(way) => way.set(Mode::Hold)?,
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
            Self::Way(way) => {
                eventually("a statement is on its way", || async { (way.held() > 0).then_some(()) }).await
            }
            Self::Redis(redis) => {
                let blocked = || async {
                    let clients = redis.command(&["CLIENT", "LIST"]).ok()?;
                    clients.text()?.contains("flags=b").then_some(())
                };
                eventually("a write waits in Redis", blocked).await
            }
        }
    }

    /// Lets go of it: what it held up is carried out.
    pub(super) async fn release(self) -> anyhow::Result<()> {
        match self {
            Self::Way(way) => {
                way.set(Mode::Pass)?;
                eventually("the statement arrives", || async { (way.held() == 0).then_some(()) }).await?;
            }
            Self::Database(mut connection) => {
                connection.execute("ROLLBACK").await.context("the lock is not released")?;
            }
            Self::Redis(redis) => drop(redis.command(&["CLIENT", "UNPAUSE"])?),
        }
        Ok(())
    }
}
