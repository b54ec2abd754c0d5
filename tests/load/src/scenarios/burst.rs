//! (e) As many at once as there are connections.
//!
//! Where the time goes is told by other requests through the same connections, each of which takes the way of a sign-up
//! a part further: those for `/healthz` are HTTP and nothing else; those that one address asks for beyond its limit are
//! read, judged and sealed as well, and then refused; sign-ups while no worker runs reach the database as well.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use figures::{millis, quantile};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::findings::Findings;
use crate::people::{ADA, body, email};
use crate::stage::{Kind, Stage};
use crate::wire::{Connection, health, open, sign_up};

/// How many at once.
const COUNT: usize = 1000;
/// For half of them.
const HALF: Duration = Duration::from_millis(100);

/// What came of it.
struct Burst {
    /// From when it was sent to its whole answer, each.
    took: Vec<Duration>,
    /// Until all were sent.
    sent: Duration,
    statuses: Vec<u16>,
}

pub(crate) async fn measure(kind: Kind) -> anyhow::Result<Findings> {
    let (stage, mut findings) = (Stage::start(kind).await?, Findings::default());
    let mut connections = open(&stage.address, COUNT).await?;
    let bare = burst(&mut connections, |_| health()).await?;
    ensure!(bare.statuses.iter().all(|status| *status == 200), "unhealthy: {:?}", bare.statuses);
    let refused = burst(&mut connections, |_| sign_up(&body(&email(), ADA), Some("198.51.100.1"))).await?;
    let idle = match stage.worker() {
        Some(worker) => {
            worker.pause().await?;
            let idle = burst(&mut connections, |_| sign_up(&body(&email(), ADA), None)).await?;
            worker.resume().await?;
            Some(idle)
        }
        None => None,
    };
    let whole = burst(&mut connections, |_| sign_up(&body(&email(), ADA), None)).await?;

    let accepted = whole.statuses.iter().filter(|status| **status == 202).count();
    findings.exactly("1 000 at once: accepted", accepted, COUNT);
    findings.under("to the 202, p50", whole.at(50), HALF);
    findings.tell_times("to the 202", &whole.took);
    findings.tell("the client had sent them all after", millis(whole.sent));
    findings.tell_times("through HTTP alone (/healthz)", &bare.took);
    let limited = refused.statuses.iter().filter(|status| **status == 429).count();
    findings.tell_times(&format!("and read, judged, sealed ({limited} answered 429)"), &refused.took);
    let mut parts = vec![
        ("the clients' side and HTTP", bare.at(50)),
        ("reading, judging, sealing", refused.at(50).saturating_sub(bare.at(50))),
    ];
    let before = idle.as_ref().map_or(refused.at(50), |idle| idle.at(50));
    if let Some(idle) = &idle {
        findings.tell_times("and stored, while no worker runs", &idle.took);
        parts.push(("limits and the store", idle.at(50).saturating_sub(refused.at(50))));
    }
    let last = if idle.is_some() { "beside a worker that hashes" } else { "limits, the store and hashing" };
    parts.push((last, whole.at(50).saturating_sub(before)));
    for (what, took) in parts {
        findings.tell(&format!("of the p50: {what}"), millis(took));
    }
    Ok(findings)
}

/// Sends a request through each at once, and waits for all the answers.
async fn burst(connections: &mut Vec<Connection>, request: impl Fn(usize) -> String) -> anyhow::Result<Burst> {
    let (gate, mut asking) = (Arc::new(Barrier::new(connections.len() + 1)), JoinSet::new());
    for (number, mut connection) in connections.drain(..).enumerate() {
        let (gate, request) = (Arc::clone(&gate), request(number));
        asking.spawn(async move {
            gate.wait().await;
            let begun = Instant::now();
            let status = connection.ask(&request).await?;
            anyhow::Ok((begun, begun.elapsed(), status, connection))
        });
    }
    gate.wait().await;
    let open = Instant::now();
    let mut burst = Burst { took: Vec::new(), sent: Duration::ZERO, statuses: Vec::new() };
    while let Some(one) = asking.join_next().await {
        let (begun, took, status, connection) = one??;
        burst.took.push(took);
        burst.sent = burst.sent.max(begun.saturating_duration_since(open));
        burst.statuses.push(status);
        connections.push(connection);
    }
    Ok(burst)
}

impl Burst {
    fn at(&self, hundredths: usize) -> Duration {
        quantile(hundredths, self.took.clone())
    }
}
