//! What a halted process meets.

use anyhow::Context;
use saga::testing::crash::Moment;
use servers::Postgres;
use sqlx::{Connection, Executor, PgConnection};

use super::halts::Halted;
use super::lock::{Lock, is_of_redis};
use super::schedule::{Blow, Schedule};
use super::track::Track;
use crate::Member;

/// What is left of a halted process, and of what it had sent.
pub(super) struct Left<'l> {
    pub(super) victim: Option<Member>,
    /// Where it is stopped: it has yet to go on.
    pub(super) halted: Option<Halted>,
    /// What it had sent has yet to arrive.
    pub(super) lock: Option<Lock<'l>>,
}

/// Does to a halted process what the schedule says. What was held on the server is let go where the fault has happened:
/// a process that is gone may yet have written.
pub(super) async fn strike<'l>(
    track: &Track,
    schedule: &Schedule,
    victim: Member,
    halted: Halted,
    lock: Option<Lock<'l>>,
) -> anyhow::Result<Left<'l>> {
    let act = &schedule.point.act;
    match schedule.blow {
        Blow::Kill => {
            victim.kill().await?;
            release(lock, true).await?;
            Ok(Left { victim: None, halted: None, lock: None })
        }
        Blow::Stop => {
            victim.pause().await?;
            Ok(Left { victim: Some(victim), halted: Some(halted), lock })
        }
        Blow::Cut => {
            let way = if is_of_redis(act) { &track.redis_way } else { &track.database_way };
            way.reset();
            release(lock, true).await?;
            match schedule.point.moment {
                Moment::Written => halted.lose().await,
                Moment::Before | Moment::Sent | Moment::Answered => halted.go().await,
            }
            Ok(Left { victim: Some(victim), halted: None, lock: None })
        }
        Blow::Terminate => {
            if is_of_redis(act) {
                track.redis.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])?;
            } else {
                turn_out(&track.database).await.context("the connections are not ended")?;
            }
            release(lock, false).await?;
            halted.go().await;
            Ok(Left { victim: Some(victim), halted: None, lock: None })
        }
    }
}

pub(super) async fn release(lock: Option<Lock<'_>>, is_written: bool) -> anyhow::Result<()> {
    match lock {
        Some(lock) => lock.release(is_written).await,
        None => Ok(()),
    }
}

async fn turn_out(database: &str) -> anyhow::Result<()> {
    PgConnection::connect(database).await?.execute(Postgres::TURN_OUT).await?;
    Ok(())
}
