//! (c) A crowd, each of whom signs up again as soon as they are through.

use std::time::Duration;

use figures::{quantile, rate};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::findings::Findings;
use crate::people::{ADA, sign_up, times};
use crate::stage::{Kind, Stage};

/// How many clients.
const CLIENTS: usize = 100;
/// For how long they go on.
const LENGTH: Duration = Duration::from_secs(30);
/// So many in a hundred must complete, and more.
const COMPLETED: usize = 99;
/// For 95 in a hundred.
const MOST: Duration = Duration::from_secs(2);

pub(crate) async fn measure(kind: Kind) -> anyhow::Result<Findings> {
    let stage = Stage::start(kind).await?;
    let (begun, mut clients, mut stories) = (Instant::now(), JoinSet::new(), Vec::new());
    for _ in 0..CLIENTS {
        let client = stage.client.clone();
        clients.spawn(async move {
            let mut stories = Vec::new();
            while begun.elapsed() < LENGTH {
                stories.push(sign_up(&client, ADA).await);
            }
            stories
        });
    }
    while let Some(one) = clients.join_next().await {
        stories.extend(one?);
    }
    let all = begun.elapsed();
    let (took, mut findings) = (times(&stories), Findings::default());
    let put_off = stories.iter().filter(|story| story.asked.status == Some(503)).count();
    findings.more_than("completed", took.len(), stories.len(), COMPLETED);
    findings.exactly("put off with 503", put_off, 0);
    findings.under("to completion, p95", quantile(95, took.clone()), MOST);
    findings.tell_times("to completion", &took);
    let answers: Vec<_> = stories.iter().map(|story| story.asked.took).collect();
    findings.tell_times("to the answer", &answers);
    findings.tell("completed in a second", format!("{:.1}", rate(took.len(), all)));
    Ok(findings)
}
