//! Whether the time in which a wrong password is refused tells whose e-mail is known.

use std::time::{Duration, Instant};

use anyhow::ensure;
use figures::{Table, median, millis, verdict};
use tests::Client;

use crate::users::{email, make, try_password};

/// Of each two requests that are timed, one after the other.
const KINDS: [&str; 2] = ["known e-mail", "unknown e-mail"];
/// Each order of the two, in turn: what comes first is not to be slower for that.
const ORDERS: [[usize; 2]; 2] = [[0, 1], [1, 0]];
/// Between the minima: what else the machine does only ever adds to a time, so these are what an attacker gets at.
const GOAL: Duration = Duration::from_millis(1);
/// Rounds of two before any counts.
const WARM_UP: usize = 50;
/// Guesses at one e-mail. From the 31st within a quarter of an hour on the service would keep each waiting.
const AT_ONE_EMAIL: usize = 25;
/// Nobody's password.
const WRONG: &str = "canary-7f3a9c-battery-stable";

/// Guesses at so many known e-mails and as many unknown ones, one at a time.
pub(super) async fn measure(client: &Client, answers: usize) -> anyhow::Result<Table> {
    let rounds = WARM_UP + answers;
    let emails = rounds.div_ceil(AT_ONE_EMAIL);
    let emails = [make(client, emails).await?, (0..emails).map(|_| email()).collect()];
    let mut times = [Vec::new(), Vec::new()];
    for (round, order) in (0..rounds).zip(ORDERS.into_iter().cycle()) {
        for kind in order {
            let email = &emails[kind][round % emails[kind].len()];
            let begun = Instant::now();
            let answer = try_password(client, email, WRONG).await?;
            let took = begun.elapsed();
            ensure!(answer.status == 401, "not refused: {answer:?}");
            if round >= WARM_UP {
                times[kind].push(took);
            }
        }
    }
    Ok(table(answers, &times))
}

fn table(answers: usize, times: &[Vec<Duration>; 2]) -> Table {
    let title = format!("wrong passwords, {answers} for e-mails of each kind, one at a time, in turn");
    let mut table = Table::new(title, &["", "median", "minimum", "goal for the minima", ""]);
    let told = times.each_ref().map(|own| (median(own.clone()), own.iter().min().copied().unwrap_or_default()));
    for (kind, (median, least)) in KINDS.iter().zip(told) {
        table.row([(*kind).to_owned(), millis(median), millis(least)]);
    }
    let [(median, least), (other_median, other_least)] = told;
    let apart = least.abs_diff(other_least);
    table.row([
        "apart".to_owned(),
        millis(median.abs_diff(other_median)),
        millis(apart),
        format!("less than {}", millis(GOAL)),
        verdict(apart < GOAL),
    ]);
    table
}
