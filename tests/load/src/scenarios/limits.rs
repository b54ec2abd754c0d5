//! (b) More than an address may ask for.

use std::time::Duration;

use futures_util::future::join_all;
use tests::{Client, FORWARDED_FOR};
use tokio::time::interval;

use crate::findings::Findings;
use crate::people::{ADA, JSON, SIGN_UPS, body, email};
use crate::stage::{Kind, Stage};

/// How many an address may ask for in a minute.
const ALLOWED: usize = 5;
/// Between two of six requests, which come within 10 s.
const PACE: Duration = Duration::from_millis(1900);
/// Addresses that each ask so often at once.
const CROWD: (usize, usize) = (10, 10);

/// Somebody at this address asks.
async fn ask(client: &Client, address: &str) -> anyhow::Result<u16> {
    let headers = [JSON, (FORWARDED_FOR, address)];
    Ok(client.post(SIGN_UPS, &headers, body(&email(), ADA)).await?.status)
}

pub(crate) async fn measure(kind: Kind) -> anyhow::Result<Findings> {
    let (stage, mut findings) = (Stage::start(kind).await?, Findings::default());
    let (mut pace, mut answers) = (interval(PACE), Vec::new());
    for _ in 0..=ALLOWED {
        pace.tick().await;
        answers.push(ask(&stage.client, "198.51.100.1").await?);
    }
    let wanted = [[202; ALLOWED].as_slice(), &[429]].concat();
    let met = answers == wanted;
    findings.holds("one address, six within 10 s", format!("{answers:?}"), "five 202, then 429", met);

    let (addresses, each) = CROWD;
    let addresses: Vec<_> = (1..=addresses).map(|number| format!("203.0.113.{number}")).collect();
    let asking = addresses.iter().flat_map(|address| (0..each).map(|_| ask(&stage.client, address)));
    let answers = join_all(asking).await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    findings.exactly("ten addresses, ten each: accepted", count(202), addresses.len() * ALLOWED);
    findings.exactly("and refused with 429", count(429), addresses.len() * (each - ALLOWED));
    Ok(findings)
}
