//! Sagas per second without the hash, against the database alone doing the same statements.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use figures::{Table, cores, float, median, millis, percent, print, rate, verdict};
use servers::{Durability, Postgres};
use signup::{Cost, Hasher, Proposal};
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::Instant;

use crate::load::{Window, rate_of};
use crate::people::People;
use crate::serial::Serial;
use crate::service::{First, Service};

/// Of the database alone, at the best level.
const GOAL: f64 = 0.6;
/// For a saga alone.
const GOAL_ALONE: Duration = Duration::from_millis(5);
/// The cheapest hash there is.
pub(crate) const CHEAPEST: &str = "m=8,t=1,p=1";
/// Sagas in a statement where the database alone is given many at once, and on how many connections.
const TOGETHER: (usize, usize) = (32, 4);
/// Before a round counts.
const WARM_UP: Duration = Duration::from_millis(400);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds of each kind, one after the other
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Seconds in a round
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=30))]
    seconds: u64,
    /// Sagas under way at a time, one level after the other
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    levels: Vec<usize>,
    /// Leave out SQLite and the database alone: to look at the service with other tools
    #[arg(long)]
    postgres_only: bool,
}

/// The rates of one kind, a round each.
struct Rates {
    name: String,
    in_flight: Option<usize>,
    each: Vec<f64>,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, server) = (tempfile::tempdir()?, Postgres::start(Durability::Full)?);
    let cost: Cost = CHEAPEST.parse()?;
    let hasher = Arc::new(Hasher::new(cost, cores()));
    let people = Arc::new(Pool::new(People::new()?));
    // A database of its own, so that neither finds the other's sagas.
    let admin = server.url("postgres");
    PgConnection::connect(&admin).await?.execute("CREATE DATABASE alone").await?;
    let alone = server.url("alone");
    store::postgres::Database::new(&alone, 4)?.migrate().await?;
    let postgres = Arc::new(Service::postgres(&admin, &hasher, First::IsCheap).await?);
    let sqlite = Arc::new(Service::sqlite(folder.path(), &hasher, First::IsCheap).await?);
    let window = Window { warm_up: WARM_UP, round: Duration::from_secs(arguments.seconds) };

    let mut figures: Vec<Rates> = Vec::new();
    for _ in 0..arguments.rounds {
        let mut at = 0;
        let mut note = |name: &str, in_flight: Option<usize>, rate: f64| {
            if figures.len() == at {
                figures.push(Rates { name: name.to_owned(), in_flight, each: Vec::new() });
            }
            figures[at].each.push(rate);
            at += 1;
        };
        if !arguments.postgres_only {
            note("PostgreSQL alone, one at a time", None, one_at_a_time(&alone, &people, window).await?);
            note("PostgreSQL alone, many at a time", None, together(&alone, &people, window).await?);
        }
        for &in_flight in &arguments.levels {
            note("service on PostgreSQL", Some(in_flight), sagas(&postgres, &people, in_flight, window).await?);
        }
        for &in_flight in arguments.levels.iter().filter(|_| !arguments.postgres_only) {
            note("service on SQLite", Some(in_flight), sagas(&sqlite, &people, in_flight, window).await?);
        }
    }
    let alone = [latency(&sqlite, &people).await?, latency(&postgres, &people).await?];
    report(arguments, &figures);
    report_alone(alone);
    postgres.stop().await?;
    sqlite.stop().await
}

fn report(arguments: &Arguments, figures: &[Rates]) {
    let title = format!(
        "sagas a second without the hash: medians of {} rounds of {} s, taken in turn",
        arguments.rounds, arguments.seconds
    );
    let mut table = Table::new(title, &["", "at a time", "a second", "of one at a time", "of many"]);
    let of = |index: usize| figures.get(index).filter(|of| of.in_flight.is_none()).map(|of| median(of.each.clone()));
    let (serial, many) = (of(0), of(1));
    let mut best = 0.0_f64;
    for Rates { name, in_flight, each } in figures {
        let rate = median(each.clone());
        let ratio = |to: Option<f64>| to.map_or_else(String::new, |to| percent(rate / to));
        table.row([
            name.clone(),
            in_flight.map_or_else(String::new, |count| count.to_string()),
            format!("{rate:.0}"),
            ratio(serial),
            ratio(many),
        ]);
        if name == "service on PostgreSQL" {
            best = best.max(rate);
        }
    }
    table.print();
    if let Some(serial) = serial {
        let (ratio, goal) = (best / serial, percent(GOAL));
        let met = verdict(ratio >= GOAL);
        print(&format!(
            "best level on PostgreSQL: {} of PostgreSQL alone, goal at least {goal}: {met}\n",
            percent(ratio)
        ));
    }
    if let Some(many) = many {
        let (together, connections) = TOGETHER;
        print(&format!(
            "                          {} of it with {together} sagas in each statement on {connections} connections\n\n",
            percent(best / many)
        ));
    }
}

fn report_alone([sqlite, postgres]: [Duration; 2]) {
    let mut table = Table::new("a saga alone: medians", &["", "takes", "goal", ""]);
    for (name, took) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        let goal = format!("at most {}", millis(GOAL_ALONE));
        table.row([name.to_owned(), millis(took), goal, verdict(took <= GOAL_ALONE)]);
    }
    table.print();
}

async fn sagas(service: &Arc<Service>, people: &Arc<Pool>, in_flight: usize, window: Window) -> anyhow::Result<f64> {
    people.fill(window)?;
    let (service, people) = (Arc::clone(service), Arc::clone(people));
    let work = move || {
        let (service, people) = (Arc::clone(&service), Arc::clone(&people));
        async move { service.sign_up(&people.take()?).await.map(|_| 1) }
    };
    rate_of(in_flight, window, work).await
}

/// A saga when there is no other.
async fn latency(service: &Service, people: &Pool) -> anyhow::Result<Duration> {
    let mut took = Vec::new();
    for _ in 0..200 {
        took.push(service.sign_up(&people.take()?).await?);
    }
    Ok(median(took))
}

pub(crate) async fn one_at_a_time(url: &str, people: &Pool, window: Window) -> anyhow::Result<f64> {
    people.fill(window)?;
    alone(url, people, 1, window).await
}

async fn together(url: &str, people: &Arc<Pool>, window: Window) -> anyhow::Result<f64> {
    people.fill(window)?;
    let (batch, connections) = TOGETHER;
    let loops = (0..connections).map(|_| {
        let (url, people) = (url.to_owned(), Arc::clone(people));
        tokio::spawn(async move { alone(&url, &people, batch, window).await })
    });
    let mut rate = 0.0;
    for running in loops.collect::<Vec<_>>() {
        rate += running.await??;
    }
    Ok(rate)
}

async fn alone(url: &str, people: &Pool, batch: usize, window: Window) -> anyhow::Result<f64> {
    let mut serial = Serial::connect(url).await?;
    let from = Instant::now() + window.warm_up;
    let until = from + window.round;
    let mut count = 0;
    while Instant::now() < until {
        let proposals = (0..batch).map(|_| people.take()).collect::<Result<Vec<_>, _>>()?;
        let completed = serial.run(&proposals).await?;
        if (from..until).contains(&Instant::now()) {
            count += completed;
        }
    }
    Ok(rate(count, window.round))
}

/// Proposals that are made before they are needed: sealing passwords is the API's work.
pub(crate) struct Pool {
    people: People,
    made: Mutex<Vec<Proposal>>,
}

impl Pool {
    pub(crate) fn new(people: People) -> Self {
        Self { people, made: Mutex::default() }
    }

    /// Enough for most windows.
    fn fill(&self, window: Window) -> anyhow::Result<()> {
        let wanted = (window.warm_up + window.round).as_secs_f64() * 2000.0;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        while float(made.len()) < wanted {
            made.push(self.people.proposal()?);
        }
        Ok(())
    }

    fn take(&self) -> anyhow::Result<Proposal> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).pop();
        made.map_or_else(|| self.people.proposal().context("no proposal"), Ok)
    }
}
