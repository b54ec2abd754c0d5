//! Access tokens a second: verified by one thread that does nothing else, and shown to a service that tells who one is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::{Holder, Issuer, Keyring, MasterKey, Role, SessionId, SigningKey, StoredKey};
use anyhow::ensure;
use figures::{Table, rate};
use saga::{Clock, OsRandom, SystemClock};
use tests::Client;
use tokio::task::block_in_place;

use crate::hashing::row;
use crate::load::{Window, rate_of};
use crate::people::People;
use crate::turns::Turns;
use crate::users::sign_in;

/// A round of either kind.
const WINDOW: Window = Window { warm_up: Duration::from_millis(500), round: Duration::from_secs(3) };

/// Verifies tokens here, and has so many clients ask who they are, in turn.
pub(super) async fn measure(client: &Client, users: &[String], clients: usize, rounds: u32) -> anyhow::Result<Table> {
    let (verify, mut shown) = (verifier()?, Vec::new());
    for email in users.iter().cycle().take(clients) {
        shown.push(format!("Bearer {}", sign_in(client, email).await?));
    }
    let shown = Arc::new(Turns::of(shown));
    let (mut alone, mut told) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        block_in_place(|| in_a_second(WINDOW.warm_up, &verify))?;
        alone.push(block_in_place(|| in_a_second(WINDOW.round, &verify))?);
        told.push(answers(client, &shown, clients).await?);
    }

    let seconds = WINDOW.round.as_secs();
    let title = format!("access tokens: medians of {rounds} rounds of {seconds} s, taken in turn");
    let mut table = Table::new(title, &["", "a second", "lowest", "highest"]);
    table.row(row("verified by one thread", &alone));
    table.row(row(&format!("GET /v1/me, {clients} clients"), &told));
    Ok(table)
}

/// Verifies one token, which is issued and signed as the service does.
fn verifier() -> anyhow::Result<impl Fn() -> anyhow::Result<()>> {
    let (now, key) = (SystemClock.now(), SigningKey::generate()?);
    let stored = StoredKey::seal(Keyring::default().successor(now), &key, &MasterKey::new([7; 32]), now);
    let issuer = Issuer { issuer: "https://signup.example".to_owned(), audience: "https://api.example".to_owned() };
    let applicant = People::new()?.proposal()?.applicant;
    let holder = Holder {
        session: SessionId::new(&SystemClock, &OsRandom),
        user: applicant.user,
        email: applicant.email,
        organization: applicant.organization,
        role: Role::Owner,
    };
    let (token, keyring) = (issuer.issue(&key, &holder, now, &OsRandom)?, Keyring::new(vec![stored]));
    Ok(move || -> anyhow::Result<()> {
        let access = issuer.verify(&keyring, token.reveal(), now)?;
        ensure!(access.session == holder.session, "another session: {}", access.session);
        Ok(())
    })
}

/// How often this is done in a second, one time after the other, for so long.
fn in_a_second(length: Duration, work: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < length {
        work()?;
        count += 1;
    }
    Ok(rate(count, begun.elapsed()))
}

async fn answers(client: &Client, shown: &Arc<Turns<String>>, clients: usize) -> anyhow::Result<f64> {
    let (client, shown) = (client.clone(), Arc::clone(shown));
    let work = move || {
        let (client, shown) = (client.clone(), Arc::clone(&shown));
        async move {
            let answer = client.get_with("/v1/me", &[("authorization", shown.take()?.as_str())]).await?;
            ensure!(answer.status == 200, "not told: {answer:?}");
            anyhow::Ok(1)
        }
    };
    rate_of(clients, WINDOW, work).await
}
