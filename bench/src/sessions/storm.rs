//! Many who sign in at once: what they are answered, in how much memory, and whether the process answers others.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use figures::{Memory, Table, median, millis, quantile, verdict};
use tests::{Answer, Client, PASSWORD, Server};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::users::try_password;

/// For 99 of 100 who ask meanwhile whether the process is alive.
const GOAL: Duration = Duration::from_millis(100);
/// Between two who ask that.
const PULSE: Duration = Duration::from_millis(5);

/// What came of one round.
struct Storm {
    answers: Answers,
    /// Until the last answer.
    took: Duration,
    /// How long whoever asked meanwhile waited to hear that the process is alive.
    pulse: Vec<Duration>,
}

/// How many were answered what.
#[derive(Debug, Default)]
struct Answers {
    signed_in: usize,
    /// They are told when to come back.
    put_off: usize,
    /// Or not answered at all.
    otherwise: usize,
}

/// Has so many sign in at once with their right passwords, in each round through connections of their own.
pub(super) async fn measure(server: &Server, users: &[String], at_once: usize, rounds: u32) -> anyhow::Result<Table> {
    let pid = server.pid().context("it has ended")?;
    let (before, mut storms) = (Memory::of(pid)?, Vec::new());
    for _ in 0..rounds {
        storms.push(storm(server, users, at_once).await?);
    }
    let after = Memory::of(pid)?;

    let title = format!("{at_once} sign-ins at once with right passwords: medians of {rounds} rounds");
    let mut table = Table::new(title, &["", "measured", "goal", ""]);
    let count = |of: fn(&Answers) -> usize| median(storms.iter().map(|storm| of(&storm.answers)).collect()).to_string();
    table.row(["answered 201".to_owned(), count(|answers| answers.signed_in)]);
    table.row(["429 or 503, with Retry-After".to_owned(), count(|answers| answers.put_off)]);
    let otherwise: usize = storms.iter().map(|storm| storm.answers.otherwise).sum();
    let told = [otherwise.to_string(), "none".to_owned(), verdict(otherwise == 0)];
    table.row(std::iter::once("otherwise, or not at all, in all rounds".to_owned()).chain(told));
    let took = median(storms.iter().map(|storm| storm.took).collect());
    table.row(["until the last answer".to_owned(), millis(took)]);
    for (when, bytes) in [
        ("memory before (VmRSS)", before.resident),
        ("most until then (VmHWM)", before.peak),
        ("most at the end (VmHWM)", after.peak),
    ] {
        table.row([when.to_owned(), format!("{} MB", bytes >> 20)]);
    }
    let pulse = |part| median(storms.iter().map(|storm| quantile(part, storm.pulse.clone())).collect());
    table.row(["GET /healthz meanwhile, p50".to_owned(), millis(pulse(50))]);
    let told = [millis(pulse(99)), format!("less than {}", millis(GOAL)), verdict(pulse(99) < GOAL)];
    table.row(std::iter::once("GET /healthz meanwhile, p99".to_owned()).chain(told));
    Ok(table)
}

async fn storm(server: &Server, users: &[String], at_once: usize) -> anyhow::Result<Storm> {
    let (client, bystander) = (server.client(), server.client());
    is_alive(&bystander).await?;
    let (gate, mut signing_in) = (Arc::new(Barrier::new(at_once + 1)), JoinSet::new());
    for email in users.iter().cycle().take(at_once) {
        let (client, email, gate) = (client.clone(), email.clone(), Arc::clone(&gate));
        signing_in.spawn(async move {
            gate.wait().await;
            try_password(&client, &email, PASSWORD).await
        });
    }
    let over = CancellationToken::new();
    gate.wait().await;
    let begun = Instant::now();
    let pulse = tokio::spawn(pulse(bystander, over.clone()));
    let mut answers = Answers::default();
    while let Some(answer) = signing_in.join_next().await {
        answers.count(answer?.as_ref().ok());
    }
    let took = begun.elapsed();
    over.cancel();
    Ok(Storm { answers, took, pulse: pulse.await?? })
}

/// Asks whether the process is alive until it is over: how long each waited. Whoever is due while the one before them
/// still waits, waits from then on.
async fn pulse(client: Client, over: CancellationToken) -> anyhow::Result<Vec<Duration>> {
    let (mut due, mut waited) = (interval(PULSE), Vec::new());
    while !over.is_cancelled() {
        let begun = due.tick().await;
        is_alive(&client).await?;
        waited.push(begun.elapsed());
    }
    Ok(waited)
}

async fn is_alive(client: &Client) -> anyhow::Result<()> {
    let answer = client.get("/healthz").await?;
    ensure!(answer.status == 200, "not alive: {answer:?}");
    Ok(())
}

impl Answers {
    fn count(&mut self, answer: Option<&Answer>) {
        let of_its_kind = match answer {
            Some(answer) if answer.status == 201 => &mut self.signed_in,
            Some(answer) if [429, 503].contains(&answer.status) && !answer.header("retry-after").is_empty() => {
                &mut self.put_off
            }
            Some(_) | None => &mut self.otherwise,
        };
        *of_its_kind += 1;
    }
}
