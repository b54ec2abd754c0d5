//! (d) A step that is slow, and a database that stands still.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::iter;
use tests::Client;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, interval, sleep};

use crate::findings::Findings;
use crate::people::{ADA, Asked, Story, ask, follow, times};
use crate::stage::{Kind, Stage};

/// The third step of whoever is called so is 10 s late: two attempts hang for their 5 s.
const SLOW: &str = "sabotage create_profile:hang2";
/// For how long people come to whom that happens, and how far apart.
const COMING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_millis(200));
/// For how long the database stands still, and for how long people sign up before that and after it.
const FROZEN: Duration = Duration::from_secs(10);
const AROUND: Duration = Duration::from_secs(5);
/// How many sign up all the while, and how long each waits after an answer: no more come than are hashed.
const PEOPLE: (usize, Duration) = (4, Duration::from_millis(200));
/// The longest that anybody waits for an answer.
const LONGEST: Duration = Duration::from_secs(6);
/// How many are followed at a time, afterwards.
const FOLLOWED: usize = 64;

pub(crate) async fn measure(kind: Kind) -> anyhow::Result<Findings> {
    let (mut stage, mut findings) = (Stage::start(kind).await?, Findings::default());
    let asked = with_a_slow_step(&stage.client).await?;
    report("a step 10 s late for 20 s", &asked, &all(&stage.client, &asked).await, &mut findings);
    if stage.postgres().is_none() {
        findings.skip("a database that stands still for 10 s", "SQLite has no process of its own");
        return Ok(findings);
    }
    let (asked, meanwhile) = with_a_frozen_database(&mut stage).await?;
    let what = "the database frozen for 10 s";
    findings.tell(&format!("{what}: asked meanwhile"), meanwhile.to_string());
    report(what, &asked, &all(&stage.client, &asked).await, &mut findings);
    Ok(findings)
}

async fn with_a_slow_step(client: &Client) -> anyhow::Result<Vec<Asked>> {
    let (length, pace) = COMING;
    let (begun, mut pace, mut asking) = (Instant::now(), interval(pace), JoinSet::new());
    while begun.elapsed() < length {
        pace.tick().await;
        let client = client.clone();
        asking.spawn(async move { ask(&client, SLOW).await });
    }
    let mut asked = Vec::new();
    while let Some(one) = asking.join_next().await {
        asked.push(one?);
    }
    Ok(asked)
}

/// All who asked, and how many of them did while it stood still.
async fn with_a_frozen_database(stage: &mut Stage) -> anyhow::Result<(Vec<Asked>, usize)> {
    let (client, begun) = (stage.client.clone(), Instant::now());
    let (people, pause) = PEOPLE;
    let people = tokio::spawn(join_all((0..people).map(move |_| {
        let client = client.clone();
        async move {
            let mut asked = Vec::new();
            while begun.elapsed() < AROUND + FROZEN + AROUND {
                asked.push(ask(&client, ADA).await);
                sleep(pause).await;
            }
            asked
        }
    })));
    sleep(AROUND).await;
    if let Some(postgres) = stage.postgres() {
        block_in_place(|| postgres.pause())?;
    }
    let frozen = Instant::now();
    sleep(FROZEN).await;
    let ends = Instant::now();
    if let Some(postgres) = stage.postgres() {
        block_in_place(|| postgres.resume())?;
    }
    let asked = people.await?.concat();
    let meanwhile = asked.iter().filter(|asked| (frozen..ends).contains(&asked.begun)).count();
    Ok((asked, meanwhile))
}

/// Follows them all.
async fn all(client: &Client, asked: &[Asked]) -> Vec<Story> {
    iter(asked.to_vec()).map(|asked| follow(client, asked)).buffer_unordered(FOLLOWED).collect().await
}

fn report(what: &str, asked: &[Asked], stories: &[Story], findings: &mut Findings) {
    let accepted = asked.iter().filter(|asked| asked.is_accepted()).count();
    let answered = asked.iter().filter(|asked| asked.is_answered()).count();
    let slowest = asked.iter().map(|asked| asked.took).max().unwrap_or_default();
    let took = times(stories);
    findings.tell(&format!("{what}: accepted, put off"), format!("{accepted}, {}", answered - accepted));
    findings.exactly(&format!("{what}: answered with 202 or 503"), answered, asked.len());
    findings.under(&format!("{what}: the slowest answer"), slowest, LONGEST);
    findings.exactly(&format!("{what}: completed in the end"), took.len(), accepted);
    findings.tell_times(&format!("{what}: to completion"), &took);
}
