//! The service as processes on PostgreSQL and Redis, all on this machine, the client too.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use figures::{Table, cores, median, millis, percent, verdict};
use servers::{Durability, Postgres, Redis, RedisOptions};
use signup::{Cost, Hasher};

use crate::hashing::hashes;
use crate::load::{Window, rate_of};
use crate::people::People;
use crate::processes::Processes;
use crate::sagas::{CHEAPEST, Pool, one_at_a_time};

/// Sagas a second, of PostgreSQL alone.
const GOAL: f64 = 0.5;
/// For a saga alone.
const GOAL_ALONE: Duration = Duration::from_millis(6);
/// Whole sign-ups a second, of hashing alone.
const GOAL_HASHING: f64 = 0.85;
/// Sagas of which the time of one alone is the median.
const ALONE: usize = 200;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds of each kind, one after the other
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Seconds in a round
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=30))]
    seconds: u64,
    /// Sagas under way at a time, where passwords cost next to nothing
    #[arg(long, default_value_t = 64, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    sagas: usize,
    /// Sign-ups under way at a time, where passwords are hashed at full cost
    #[arg(long, default_value_t = 16, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    sign_ups: usize,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, server) = (tempfile::tempdir()?, Postgres::start(Durability::Full)?);
    for database in ["alone", "cheap", "dear"] {
        server.ask("postgres", &format!("CREATE DATABASE {database}"))?;
    }
    let window = Window { warm_up: Duration::from_secs(1), round: Duration::from_secs(arguments.seconds) };
    let start = async |database: &str, cost: &str| {
        let (redis, logs) = (Redis::start(&RedisOptions::default())?, folder.path().join(database));
        std::fs::create_dir(&logs)?;
        Processes::start(&server.url(database), redis, cost, &logs).await.map(Arc::new)
    };

    let (alone, people) = (server.url("alone"), Pool::new(People::new()?));
    store::postgres::Database::new(&alone, 4)?.migrate().await?;
    let cheap = start("cheap", CHEAPEST).await?;
    let (mut serial, mut sagas) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        serial.push(one_at_a_time(&alone, &people, window).await?);
        sagas.push(sign_ups(&cheap, arguments.sagas, window).await?);
    }
    for _ in 0..ALONE {
        cheap.sign_up().await?;
    }
    let took = median(cheap.took(ALONE).await?);
    drop(cheap);

    let cost = Cost::default();
    let hasher = Arc::new(Hasher::new(cost.clone(), cores()));
    let dear = start("dear", &cost.to_string()).await?;
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        bare.push(hashes(&hasher, window).await?);
        whole.push(sign_ups(&dear, arguments.sign_ups, window).await?);
    }

    let title = format!(
        "client, signup api, signup worker, PostgreSQL and Redis on these cores: medians of {} rounds of {} s, taken in turn",
        arguments.rounds, arguments.seconds
    );
    let mut table = Table::new(title, &["", "at a time", "a second", "against", "ratio", "goal", ""]);
    for (name, at_once, rates, (alone, alone_rates), goal) in [
        ("sagas without the hash", arguments.sagas, sagas, ("PostgreSQL, one at a time", serial), GOAL),
        ("whole sign-ups", arguments.sign_ups, whole, ("hashing alone", bare), GOAL_HASHING),
    ] {
        let (rate, alone_rate) = (median(rates), median(alone_rates));
        let ratio = rate / alone_rate;
        table.row([
            name.to_owned(),
            at_once.to_string(),
            format!("{rate:.1}"),
            format!("{alone}: {alone_rate:.1}"),
            percent(ratio),
            format!("at least {}", percent(goal)),
            verdict(ratio >= goal),
        ]);
    }
    table.print();
    let mut table =
        Table::new(format!("a saga alone: median of {ALONE}, by the database's clock"), &["takes", "goal", ""]);
    table.row([millis(took), format!("at most {}", millis(GOAL_ALONE)), verdict(took <= GOAL_ALONE)]);
    table.print();
    Ok(())
}

async fn sign_ups(processes: &Arc<Processes>, at_once: usize, window: Window) -> anyhow::Result<f64> {
    let processes = Arc::clone(processes);
    let work = move || {
        let processes = Arc::clone(&processes);
        async move { processes.sign_up().await.map(|()| 1).map_err(|error| anyhow!("{error:#}")) }
    };
    rate_of(at_once, window, work).await
}
