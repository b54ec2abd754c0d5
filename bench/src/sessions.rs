//! What it takes to sign in and to be signed in, on one `signup serve`.

mod guesses;
mod storm;
mod sustained;
mod tokens;

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use signup::Cost;
use tests::Server;

use crate::load::Window;
use crate::users::make;

/// Sign-ins under way at a time with one e-mail. Of more than 30 the service would keep each waiting, as it does with
/// guesses.
const WITH_ONE_EMAIL: usize = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Wrong passwords for e-mails of each kind, known and unknown
    #[arg(long, default_value_t = 1000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=20_000))]
    answers: usize,
    /// Sign-ins at once
    #[arg(long, default_value_t = 500, value_parser = RangedU64ValueParser::<usize>::new().range(1..=900))]
    at_once: usize,
    /// Clients that sign in, or ask who they are, one request after the other
    #[arg(long, default_value_t = 16, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    clients: usize,
    /// Rounds of each kind
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Seconds in a round of sign-ins
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=30))]
    seconds: u64,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { answers, at_once, clients, rounds, seconds } = *arguments;
    let (folder, cost) = (tempfile::tempdir()?, Cost::default());
    let data = folder.path().join("data");
    let server = Server::start_in(&data, &[], &[("SIGNUP_ARGON2", &*cost.to_string())]).await?;
    let client = server.client();

    guesses::measure(&client, answers).await?.print();
    let users = make(&client, at_once.max(clients).div_ceil(WITH_ONE_EMAIL)).await?;
    storm::measure(&server, &users, at_once, rounds).await?.print();
    let window = Window { warm_up: Duration::from_millis(500), round: Duration::from_secs(seconds) };
    sustained::measure(&client, &users, &cost, clients, rounds, window).await?.print();
    tokens::measure(&client, &users, clients, rounds).await?.print();
    Ok(())
}
