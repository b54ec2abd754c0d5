//! Whether the time of an answer tells whose e-mail is known, where nobody is to learn that.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::builder::RangedU64ValueParser;
use figures::{Table, float, median, percent};
use servers::{Durability, Postgres};
use tests::{Client, Server};

use crate::users::{email, make};

/// Of each three requests that are timed, one after the other. The last shows what is chance.
const KINDS: [&str; 3] = ["known", "unknown", "unknown too"];
/// What the others are held against.
const UNKNOWN: usize = 1;
/// Each order of the three, in turn: what comes first is not to be slower for that.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]];
/// Rounds of three before any counts.
const WARM_UP: usize = 30;
/// How long a sign-up may take, in seconds.
const PATIENCE: u32 = 30;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Requests of each kind on each database whose answer is timed
    #[arg(long, default_value_t = 2000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=20_000))]
    answers: usize,
    /// Requests of each kind on each database that wait for the end
    #[arg(long, default_value_t = 500, value_parser = RangedU64ValueParser::<usize>::new().range(1..=20_000))]
    ends: usize,
}

/// How long each request of a kind took, in the order of the rounds.
type Times = [Vec<Duration>; 3];

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, server) = (tempfile::tempdir()?, Postgres::start(Durability::Full)?);
    let url = server.url("postgres");
    let private = ("SIGNUP_DUPLICATE_EMAIL", "private");
    for (name, variables) in [("SQLite", vec![private]), ("PostgreSQL", vec![private, ("DATABASE_URL", &*url)])] {
        let service = Server::start_in(&folder.path().join(name), &[], &variables).await?;
        let known = 2 * WARM_UP + arguments.answers + arguments.ends;
        let mut people = People { client: service.client(), known: make(&service.client(), known).await? };
        let answers = people.rounds(arguments.answers, 0).await?;
        table(&format!("{name}: POST, answered at once, {} of each", arguments.answers), &answers).print();
        let ends = people.rounds(arguments.ends, PATIENCE).await?;
        table(&format!("{name}: POST that waits for the end, {} of each", arguments.ends), &ends).print();
    }
    Ok(())
}

/// Who signs up.
struct People {
    client: Client,
    /// E-mails that belong to users, each to be asked for once.
    known: Vec<String>,
}

impl People {
    /// So many rounds of one request of each kind, each of which waits for so many seconds.
    async fn rounds(&mut self, count: usize, wait: u32) -> anyhow::Result<Times> {
        let mut times = Times::default();
        for (round, order) in (0..WARM_UP + count).zip(ORDERS.into_iter().cycle()) {
            for kind in order {
                let took = self.timed(kind, wait).await?;
                if round >= WARM_UP {
                    times[kind].push(took);
                }
            }
        }
        Ok(times)
    }

    /// One request. Its sign-up has ended when this returns: it is not in the way of the next.
    async fn timed(&mut self, kind: usize, wait: u32) -> anyhow::Result<Duration> {
        let email = if kind == 0 { self.known.pop().context("nobody is left who is known")? } else { email() };
        let begun = Instant::now();
        let answer = self.client.sign_up(&email, "Ada Lovelace", wait).await?;
        let took = begun.elapsed();
        ensure!(answer.status == if wait == 0 { 202 } else { 201 }, "neither accepted nor completed: {answer:?}");
        let path = format!("/v1/signups/{}", answer.text("workflow_id"));
        let ended = self.client.get_with(&path, &[("prefer", &format!("wait={PATIENCE}"))]).await?;
        ensure!(ended.text("status") == "completed", "not completed: {ended:?}");
        Ok(took)
    }
}

fn micros(duration: Duration) -> String {
    format!("{:.1} µs", duration.as_secs_f64() * 1e6)
}

/// A difference that means something is many times that of the unknown to each other, and a share far from one half.
fn table(title: &str, times: &Times) -> Table {
    let mut table = Table::new(title, &["", "median", "minimum", "less the unknown's", "slower than it"]);
    let unknown = &times[UNKNOWN];
    for (kind, own) in KINDS.iter().zip(times) {
        let least = own.iter().min().copied().unwrap_or_default();
        let mut cells = vec![(*kind).to_owned(), micros(median(own.clone())), micros(least)];
        if *kind != KINDS[UNKNOWN] {
            let less = median(own.clone()).as_secs_f64() - median(unknown.clone()).as_secs_f64();
            let slower = own.iter().zip(unknown).filter(|(own, unknown)| own > unknown).count();
            cells.extend([format!("{:+.1} µs", less * 1e6), percent(float(slower) / float(own.len()))]);
        }
        table.row(cells);
    }
    table
}
