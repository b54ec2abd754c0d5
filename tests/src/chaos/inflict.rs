//! Making something go wrong, and mending it.

use std::time::Duration;

use servers::{Mode, Pattern};
use tokio::time::{Instant, sleep, sleep_until};

use super::book::Book;
use super::fault::{Fault, Kind, Target};
use super::schedule::Planned;
use super::seat::Seat;
use super::world::World;
use super::{hints, operator};

/// What every commit of a step has in its text, and no other statement.
const COMMIT: &str = "INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, worker";
/// How much later everything comes on a slow way.
const SLOW: Duration = Duration::from_millis(150);
/// Between two commits to which something happens.
const NOW_AND_THEN: Duration = Duration::from_millis(300);
/// An hour, in seconds.
const HOUR: i64 = 3600;

/// Makes something go wrong for as long as it is planned to, and mends it.
pub(super) async fn inflict(world: &World, book: &Book, planned: Planned) -> anyhow::Result<()> {
    let Planned { fault: Fault { kind, target }, lasts, .. } = planned;
    match target {
        Target::Worker(number) => match world.workers.get(number) {
            Some(seat) => to_process(world, &mut *seat.lock().await, kind, lasts).await,
            None => Ok(()),
        },
        Target::Api(number) => match world.apis.get(number) {
            Some(seat) => to_process(world, &mut *seat.lock().await, kind, lasts).await,
            None => Ok(()),
        },
        Target::Database => to_database(world, kind, lasts).await,
        Target::ToDatabase => to_way(world, kind, lasts).await,
        Target::Redis => to_redis(world, kind, lasts).await,
        Target::ToRedis => {
            if kind == Kind::ResetRedis {
                world.to_redis.reset();
                return Ok(());
            }
            world.to_redis.set(Mode::BlackHole)?;
            sleep(lasts).await;
            world.to_redis.set(Mode::Pass)
        }
        Target::Hints => {
            hints::flood(world, book).await;
            Ok(())
        }
        Target::SignUps => {
            operator::act(world, book).await;
            Ok(())
        }
    }
}

async fn to_process(world: &World, seat: &mut Seat, kind: Kind, lasts: Duration) -> anyhow::Result<()> {
    let ahead = match kind {
        Kind::FastClock => HOUR,
        Kind::SlowClock => -HOUR,
        _ => 0,
    };
    if kind == Kind::StopWorker {
        seat.pause().await?;
        sleep(lasts).await;
        return seat.resume().await;
    }
    // Whatever becomes of the one, there is another afterwards.
    let gone =
        if matches!(kind, Kind::RestartWorker | Kind::RestartApi) { seat.stop().await } else { seat.kill().await };
    sleep(lasts).await;
    match (gone, seat.start(&world.cluster, ahead).await) {
        (Err(gone), Err(started)) => Err(gone.context(format!("and there is no other: {started:#}"))),
        (gone, started) => gone.and(started),
    }
}

async fn to_database(world: &World, kind: Kind, lasts: Duration) -> anyhow::Result<()> {
    let database = &world.database;
    match kind {
        Kind::KillDatabase => {
            database.tell(servers::Postgres::kill).await?;
            sleep(lasts).await;
            database.tell(servers::Postgres::revive).await
        }
        Kind::PauseDatabase => {
            database.tell(servers::Postgres::pause).await?;
            sleep(lasts).await;
            database.tell(servers::Postgres::resume).await
        }
        _ => database.tell(|database| database.ask("postgres", servers::Postgres::TURN_OUT).map(drop)).await,
    }
}

async fn to_way(world: &World, kind: Kind, lasts: Duration) -> anyhow::Result<()> {
    let (way, until) = (&world.to_database, Instant::now() + lasts);
    match kind {
        Kind::HalfCloseDatabase => way.half_close(),
        Kind::DelayDatabase => way.set(Mode::Delay(SLOW))?,
        Kind::LoseDatabase => way.set(Mode::BlackHole)?,
        Kind::SwallowReplies | Kind::CutCommits => {
            while Instant::now() < until {
                way.disarm();
                let commit = Pattern::statement(COMMIT);
                match kind {
                    Kind::CutCommits => way.cut_before(commit),
                    _ => way.swallow_reply(commit),
                }
                sleep(NOW_AND_THEN).await;
            }
        }
        _ => way.reset(),
    }
    sleep_until(until).await;
    way.disarm();
    way.set(Mode::Pass)
}

async fn to_redis(world: &World, kind: Kind, lasts: Duration) -> anyhow::Result<()> {
    let redis = &world.redis;
    match kind {
        Kind::KillRedis => {
            redis.tell(servers::Redis::kill).await?;
            sleep(lasts).await;
            redis.tell(servers::Redis::revive_empty).await
        }
        Kind::PauseRedis => {
            let milliseconds = lasts.as_millis().to_string();
            redis.tell(move |redis| redis.command(&["CLIENT", "PAUSE", &milliseconds]).map(drop)).await?;
            sleep(lasts).await;
            Ok(())
        }
        _ => redis.tell(|redis| redis.flush()).await,
    }
}
