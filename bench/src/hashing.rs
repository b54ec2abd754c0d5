//! Whole sign-ups at full hashing cost, against what the machine hashes alone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use figures::{Table, cores, median, percent, verdict};
use servers::{Durability, Postgres};
use signup::{Cost, Hasher};

use crate::load::{Window, rate_of};
use crate::people::People;
use crate::service::{First, Service};

/// Of what the machine hashes alone.
const GOAL: f64 = 0.85;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds of each kind, one after the other
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Seconds in a round
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=30))]
    seconds: u64,
    /// Sign-ups under way at a time
    #[arg(long, default_value_t = 16, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    in_flight: usize,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let (cost, folder, server) = (Cost::default(), tempfile::tempdir()?, Postgres::start(Durability::Full)?);
    let hasher = Arc::new(Hasher::new(cost.clone(), cores()));
    let people = Arc::new(People::new()?);
    let services = [
        ("SQLite", Arc::new(Service::sqlite(folder.path(), &hasher, First::Hashes).await?)),
        ("PostgreSQL", Arc::new(Service::postgres(&server.url("postgres"), &hasher, First::Hashes).await?)),
    ];
    let window = Window { warm_up: Duration::from_millis(500), round: Duration::from_secs(arguments.seconds) };
    let (mut alone, mut rates) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..arguments.rounds {
        for ((_, service), rates) in services.iter().zip(&mut rates) {
            alone.push(hashes(&hasher, window).await?);
            rates.push(sign_ups(service, &people, arguments.in_flight, window).await?);
        }
    }

    let title = format!(
        "whole sign-ups with {cost}, {} at a time: medians of {} rounds of {} s, taken in turn",
        arguments.in_flight, arguments.rounds, arguments.seconds
    );
    let mut table = Table::new(title, &["", "a second", "lowest", "highest", "of hashing", "goal", ""]);
    let bare = median(alone.clone());
    table.row(row("hashing alone", &alone));
    for ((name, _), rates) in services.iter().zip(&rates) {
        let ratio = median(rates.clone()) / bare;
        let mut cells = row(&format!("sign-ups on {name}"), rates);
        cells.extend([percent(ratio), format!("at least {}", percent(GOAL)), verdict(ratio >= GOAL)]);
        table.row(cells);
    }
    table.print();
    for (_, service) in services {
        service.stop().await?;
    }
    Ok(())
}

/// The median of these, and the least and the most.
pub(crate) fn row(name: &str, rates: &[f64]) -> Vec<String> {
    let bound = |pick: fn(f64, f64) -> f64| rates.iter().copied().reduce(pick).unwrap_or_default();
    let rates = [median(rates.to_vec()), bound(f64::min), bound(f64::max)];
    std::iter::once(name.to_owned()).chain(rates.map(|rate| format!("{rate:.1}"))).collect()
}

/// As many hashes at a time as there are cores.
pub(crate) async fn hashes(hasher: &Arc<Hasher>, window: Window) -> anyhow::Result<f64> {
    let hasher = Arc::clone(hasher);
    let work = move || {
        let hasher = Arc::clone(&hasher);
        async move { hasher.trial().await.map(|_| 1).map_err(|error| anyhow!(error)) }
    };
    rate_of(cores(), window, work).await
}

async fn sign_ups(
    service: &Arc<Service>,
    people: &Arc<People>,
    in_flight: usize,
    window: Window,
) -> anyhow::Result<f64> {
    let (service, people) = (Arc::clone(service), Arc::clone(people));
    let work = move || {
        let (service, people) = (Arc::clone(&service), Arc::clone(&people));
        async move { service.sign_up(&people.proposal()?).await.map(|_| 1) }
    };
    rate_of(in_flight, window, work).await
}
