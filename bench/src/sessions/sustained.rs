//! Sign-ins a second, against what the machine hashes alone.

use std::sync::Arc;

use figures::{Table, cores, median, percent, verdict};
use signup::{Cost, Hasher};
use tests::Client;

use crate::hashing::{hashes, row};
use crate::load::{Window, rate_of};
use crate::turns::Turns;
use crate::users::sign_in;

/// Of what the machine hashes alone: as for whole sign-ups.
const GOAL: f64 = 0.85;

/// Has so many clients sign in, one user after the other, and hashes alone before each round of that.
pub(super) async fn measure(
    client: &Client,
    users: &[String],
    cost: &Cost,
    clients: usize,
    rounds: u32,
    window: Window,
) -> anyhow::Result<Table> {
    let (hasher, users) = (Arc::new(Hasher::new(cost.clone(), cores())), Arc::new(Turns::of(users.to_vec())));
    let (mut alone, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone.push(hashes(&hasher, window).await?);
        rates.push(sign_ins(client, &users, clients, window).await?);
    }

    let seconds = window.round.as_secs();
    let title = format!("sign-ins with {cost}, {clients} clients: medians of {rounds} rounds of {seconds} s, in turn");
    let mut table = Table::new(title, &["", "a second", "lowest", "highest", "of hashing", "goal", ""]);
    table.row(row("hashing alone", &alone));
    let mut cells = row("sign-ins", &rates);
    let ratio = median(rates) / median(alone);
    cells.extend([percent(ratio), format!("at least {}", percent(GOAL)), verdict(ratio >= GOAL)]);
    table.row(cells);
    Ok(table)
}

async fn sign_ins(client: &Client, users: &Arc<Turns<String>>, clients: usize, window: Window) -> anyhow::Result<f64> {
    let (client, users) = (client.clone(), Arc::clone(users));
    let work = move || {
        let (client, users) = (client.clone(), Arc::clone(&users));
        async move { sign_in(&client, users.take()?).await.map(|_| 1) }
    };
    rate_of(clients, window, work).await
}
