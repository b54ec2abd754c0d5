//! One sign-up at a time: what it takes beside its hash, and where that goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use figures::{Table, cores, median, millis, verdict};
use servers::{Durability, Postgres};
use signup::{Cost, Hasher};

use crate::people::People;
use crate::service::{First, Service};

/// Beside the hash.
const GOAL: Duration = Duration::from_millis(8);
/// Sign-ups before any counts.
const WARM_UP: u32 = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Sign-ups on each database
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=5000))]
    sign_ups: u32,
}

/// How long something took, by name, for each sign-up; in the order of a sign-up.
type Parts = Vec<(String, Vec<Duration>)>;

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, server) = (tempfile::tempdir()?, Postgres::start(Durability::Full)?);
    let hasher = Arc::new(Hasher::new(Cost::default(), cores()));
    let people = People::new()?;
    let services = [
        ("SQLite", Service::sqlite(folder.path(), &hasher, First::Hashes).await?),
        ("PostgreSQL", Service::postgres(&server.url("postgres"), &hasher, First::Hashes).await?),
    ];
    let (mut alone, mut wholes, mut parts) = (Vec::new(), [Vec::new(), Vec::new()], [Parts::new(), Parts::new()]);
    for number in 0..WARM_UP + arguments.sign_ups {
        for (index, (_, service)) in services.iter().enumerate() {
            let hash = hasher.trial().await.map_err(|error| anyhow!(error))?;
            let proposal = people.proposal()?;
            service.timed().take();
            let begun = Instant::now();
            let whole = service.sign_up(&proposal).await?;
            let told = Instant::now();
            if number >= WARM_UP {
                alone.push(hash);
                wholes[index].push(whole);
                split(service, begun, told, &mut parts[index]);
            }
        }
    }
    let hash = median(alone);
    let title = format!("one sign-up at a time: medians of {}, taken in turn", arguments.sign_ups);
    let mut table = Table::new(title, &["", "whole", "one hash", "beside it", "goal", ""]);
    for ((name, _), whole) in services.iter().zip(&wholes) {
        let whole = median(whole.clone());
        let beside = whole.saturating_sub(hash);
        let goal = format!("at most {}", millis(GOAL));
        table.row([(*name).to_owned(), millis(whole), millis(hash), millis(beside), goal, verdict(beside <= GOAL)]);
    }
    table.print();
    breakdown(&parts).print();
    for (_, service) in services {
        service.stop().await?;
    }
    Ok(())
}

/// Splits a sign-up by what its store was asked. One that took another way than the first, as on a busy machine, is
/// left out.
fn split(service: &Service, begun: Instant, told: Instant, parts: &mut Parts) {
    let (mut last, mut split) = (begun, Vec::new());
    for call in service.timed().take() {
        let before = match call.name.split_once(' ') {
            Some(("claim", step)) => format!("wake {step}"),
            Some((_, step)) => format!("run {step}"),
            None => "begin".to_owned(),
        };
        split.push((before, call.begun.saturating_duration_since(last)));
        split.push((call.name, call.ended - call.begun));
        last = call.ended;
    }
    split.push(("tell".to_owned(), told.saturating_duration_since(last)));
    if parts.is_empty() {
        parts.extend(split.iter().map(|(name, _)| (name.clone(), Vec::new())));
    }
    if parts.iter().map(|(name, _)| name).eq(split.iter().map(|(name, _)| name)) {
        for ((_, times), (_, time)) in parts.iter_mut().zip(split) {
            times.push(time);
        }
    }
}

fn breakdown(parts: &[Parts; 2]) -> Table {
    let title = "where it goes: medians; a wake is from one answer to the next claim, a run is the step";
    let mut table = Table::new(title, &["", "SQLite", "PostgreSQL"]);
    for ((name, sqlite), (_, postgres)) in parts[0].iter().zip(&parts[1]) {
        table.row([name.clone(), millis(median(sqlite.clone())), millis(median(postgres.clone()))]);
    }
    table
}
