//! What becomes of a backlog when an outage ends: how soon workers are at their best again, and whether they stay so.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use figures::{Table, float, percent, print, rate, verdict};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use saga::Store;
use saga::store::Accepted;
use servers::{Durability, Postgres, Redis, RedisOptions};
use signup::SignUp;
use sqlx::{Connection, PgConnection};
use store::postgres::Database;
use tests::{Cluster, Member};
use tokio::time::sleep;

use crate::people::People;
use crate::sagas::CHEAPEST;

/// Of the best, and how soon.
const GOAL: (f64, usize) = (0.8, 10);
/// Seconds over which a rate is taken.
const WINDOW: usize = 5;
/// Before the outage, as a measure of what the workers can do.
const BEFORE: usize = 5_000;
/// Proposals on their way to the database.
const AT_ONCE: usize = 256;
/// Workers among whose sagas none ends for so long end none any more.
const STILL: Duration = Duration::from_mins(2);
/// Opens what [`People`] seal: their private key in Base64.
const PRIVATE_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const LEFT: &str = "SELECT count(*) FROM sagas WHERE ended_at IS NULL";
/// Those that a process has in hand.
const CLAIMED: &str = "SELECT count(*) FROM sagas WHERE lease_until > now()";
/// How many ended in each second from then on.
const SECONDS: &str = "
SELECT floor(extract(epoch FROM ended_at) - $1)::bigint AS second, count(*) FROM sagas
 WHERE ended_at >= to_timestamp($1) GROUP BY 1 ORDER BY 1";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Sagas that are due when the outage ends
    #[arg(long, default_value_t = 50_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(100..=1_000_000))]
    sagas: usize,
    /// Worker processes
    #[arg(long, default_value_t = 2, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16))]
    workers: usize,
    /// What a password's hash costs
    #[arg(long, default_value = CHEAPEST)]
    argon2: String,
}

/// A backlog that has been worked off.
struct Drained {
    took: Duration,
    /// How many ended, second by second.
    seconds: Vec<usize>,
    /// Most at a time that were claimed.
    in_hand: i64,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let (mut server, redis) = (Postgres::start(Durability::Full)?, Redis::start(&RedisOptions::default())?);
    let url = server.url("postgres");
    let told = [("SIGNUP_SEAL_PRIVATE_KEY", PRIVATE_KEY), ("SIGNUP_ARGON2", &*arguments.argon2)];
    let cluster = Cluster::with_redis(&url, &redis.url()).await?.telling(&told);
    cluster.migrate().await?;
    let mut workers = Vec::new();
    for number in 0..arguments.workers {
        workers.push(cluster.start("worker", &format!("worker-{number}")).await?);
    }
    let before = outage(&mut server, &workers, BEFORE.min(arguments.sagas)).await?;
    let backlog = outage(&mut server, &workers, arguments.sagas).await?;
    report(arguments, &before, &backlog);
    for worker in &workers {
        let log = worker.log()?;
        ensure!(!log.contains("took over"), "a lease ran out: {log}");
    }
    Ok(())
}

/// The workers stand still while sagas come in, and the database is killed and comes back: then they find all that at once.
async fn outage(server: &mut Postgres, workers: &[Member], sagas: usize) -> anyhow::Result<Drained> {
    for worker in workers {
        worker.pause().await?;
    }
    let url = server.url("postgres");
    accept(&url, sagas).await?;
    server.kill()?;
    server.revive()?;
    let mut database = PgConnection::connect(&url).await?;
    let from: f64 = sqlx::query_scalar("SELECT extract(epoch FROM now())::float8").fetch_one(&mut database).await?;
    let begun = Instant::now();
    for worker in workers {
        worker.resume().await?;
    }
    let (mut left, mut in_hand, mut last) = (i64::MAX, 0, begun);
    while left > 0 {
        sleep(Duration::from_millis(500)).await;
        let before = left;
        left = sqlx::query_scalar(LEFT).fetch_one(&mut database).await?;
        in_hand = in_hand.max(sqlx::query_scalar(CLAIMED).fetch_one(&mut database).await?);
        if left < before {
            last = Instant::now();
        }
        ensure!(last.elapsed() < STILL, "{left} sagas are left, and none has ended for {STILL:?}");
    }
    let took = begun.elapsed();
    let counts: Vec<(i64, i64)> = sqlx::query_as(SECONDS).bind(from).fetch_all(&mut database).await?;
    let last = counts.last().context("nothing has ended")?.0;
    let mut seconds = vec![0; usize::try_from(last)? + 1];
    for (second, count) in counts {
        *seconds.get_mut(usize::try_from(second)?).context("a second before the first")? = usize::try_from(count)?;
    }
    Ok(Drained { took, seconds, in_hand })
}

async fn accept(url: &str, sagas: usize) -> anyhow::Result<()> {
    let (store, people) = (Database::new(url, 8)?.open().await?, People::new()?);
    let accepted = iter(0..sagas).map(async |_| store.accept(&people.proposal()?).await.map_err(anyhow::Error::from));
    accepted.buffer_unordered(AT_ONCE).try_for_each(is_new).await?;
    store.close().await;
    Ok(())
}

async fn is_new(answer: Accepted<SignUp>) -> anyhow::Result<()> {
    ensure!(matches!(answer, Accepted::New(_)), "not accepted: {answer:?}");
    Ok(())
}

/// The rates of all windows, by their first second. The last second is not a whole one.
fn windows(seconds: &[usize]) -> Vec<f64> {
    let whole = seconds.get(..seconds.len().saturating_sub(1)).unwrap_or_default();
    whole.windows(WINDOW).map(|window| float(window.iter().sum()) / float(WINDOW)).collect()
}

fn report(arguments: &Arguments, before: &Drained, backlog: &Drained) {
    let title = format!("sagas that are due at once when the database is back: {} workers", arguments.workers);
    let mut table = Table::new(title, &["", "took", "a second", "best", "in hand at most"]);
    let best = |drained: &Drained| windows(&drained.seconds).into_iter().fold(0.0, f64::max);
    for (sagas, drained) in [(BEFORE.min(arguments.sagas), before), (arguments.sagas, backlog)] {
        table.row([
            sagas.to_string(),
            format!("{:.1} s", drained.took.as_secs_f64()),
            format!("{:.0}", rate(sagas, drained.took)),
            format!("{:.0}", best(drained)),
            drained.in_hand.to_string(),
        ]);
    }
    table.print();
    let (goal, within) = GOAL;
    let peak = best(before).max(best(backlog));
    let of_peak = windows(&backlog.seconds);
    // A window counts when it has ended.
    let there = of_peak.iter().position(|rate| *rate >= goal * peak).map(|first| first + WINDOW);
    let worst = of_peak.iter().skip(within).copied().fold(f64::INFINITY, f64::min);
    print(&format!("second by second: {:?}\n\n", backlog.seconds));
    let first = there.map_or_else(|| "never".to_owned(), |second| format!("{second} s"));
    print(&format!(
        "{} of the best over {WINDOW} s ({peak:.0}/s): first seen after {first}, goal at most {within} s: {}\n",
        percent(goal),
        verdict(there.is_some_and(|second| second <= within))
    ));
    if worst.is_finite() {
        print(&format!("the worst {WINDOW} s from then on: {worst:.0}/s, {} of the best\n\n", percent(worst / peak)));
    }
}
