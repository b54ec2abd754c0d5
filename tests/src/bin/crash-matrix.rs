//! The crash matrix by hand: all of it, a part, or every pair of points.

#![expect(clippy::print_stdout, reason = "a command of one's own")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use clap::Parser;
use tests::crash::{Findings, Schedule, run};

/// Runs every crash point with every fault on every way that a sign-up can go, and says what does not hold.
#[derive(Debug, Parser)]
struct Args {
    /// Every pair of points instead: whoever goes on is killed too.
    #[arg(long)]
    pairs: bool,
    /// Only those whose name has this in it, such as `do create_user, sent`.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    only: String,
    /// So many at a time.
    #[arg(long, value_name = "N", default_value_t = 12)]
    tracks: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let mut schedules = if args.pairs { Schedule::pairs() } else { Schedule::all() };
    schedules.retain(|schedule| schedule.to_string().contains(&args.only));
    if schedules.is_empty() {
        bail!("no schedule has {:?} in its name", args.only);
    }
    let (all, begun) = (schedules.len(), Instant::now());
    println!("{all} schedules, {} at a time", args.tracks);
    let tell = move |findings: &Findings| {
        if findings.ran().is_multiple_of(50) {
            println!("{:>4} s: {} of {all}, {} wrong", begun.elapsed().as_secs(), findings.ran(), findings.wrong.len());
        }
    };
    let findings = run(schedules, args.tracks, tell).await?;
    for wrong in &findings.wrong {
        println!("\nWRONG: {wrong}");
    }
    let (wrong, again, met) = (findings.wrong.len(), findings.tried_again, findings.met);
    println!("{all} run in {} s, {wrong} wrong, {again} tried again; {met:?}", begun.elapsed().as_secs());
    Ok(if findings.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
