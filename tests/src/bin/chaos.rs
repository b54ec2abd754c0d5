//! Lets everything go wrong that can, from a seed, and holds what must hold:
//! `cargo run -p tests --bin chaos -- --seed 7 --minutes 10`.

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use rand::RngExt;
use tests::chaos::{Durability, Options, run};

/// Runs the whole product on servers of its own, while people sign up and two things go wrong every 2 to 6 s, and holds
/// what must hold.
///
/// What goes wrong and when is a function of the seed. Each line on the way tells the seconds, the sign-ups accepted and
/// ended, and what is wrong at the moment. The exit code is 1 if anything did not hold.
#[derive(Debug, Parser)]
struct Args {
    /// Decides everything that goes wrong; another one each time, unless told.
    #[arg(long)]
    seed: Option<u64>,
    /// How long things go wrong. From 10 minutes on, everything must have been seen that a run should see.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// How many people sign up all the time.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=200))]
    people: u16,
    /// Whether the database syncs what it commits.
    #[arg(long, value_enum, default_value = "none")]
    durability: Syncs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Syncs {
    /// As in production.
    Full,
    /// It does not: only processes die here, never the machine.
    None,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| rand::rng().random());
    let durability = match args.durability {
        Syncs::Full => Durability::Full,
        Syncs::None => Durability::None,
    };
    let length = Duration::from_mins(args.minutes);
    let options = Options { seed, length, people: args.people.into(), durability };
    let tell = |line: &str| drop(writeln!(stderr(), "{line}"));
    tell(&format!("seed {seed}, {} minutes", args.minutes));
    let report = run(options, tell).await?;
    write!(stdout(), "\n{report}")?;
    if report.violations.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(stdout(), "\nSomething does not hold. The same goes wrong again: {}", options.again())?;
    Ok(ExitCode::FAILURE)
}
