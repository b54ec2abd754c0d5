//! The crash matrix by hand: all of it, a part, or every pair of points.

#![expect(clippy::print_stdout, reason = "a command of one's own")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use tests::crash::{Findings, Schedule, run};

const USAGE: &str = "usage: crash-matrix [--pairs] [--only TEXT] [--tracks N]

Runs every crash point with every fault on every way that a sign-up can go, and says what does not hold.

  --pairs      every pair of points instead: whoever goes on is killed too
  --only TEXT  only those whose name has this in it, such as `do create_user, sent`
  --tracks N   so many at a time (12)";

struct Options {
    pairs: bool,
    only: String,
    tracks: usize,
}

fn options() -> anyhow::Result<Option<Options>> {
    let mut options = Options { pairs: false, only: String::new(), tracks: 12 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--pairs" => options.pairs = true,
            "--only" => options.only = words.next().context("--only what?")?,
            "--tracks" => options.tracks = words.next().context("--tracks how many?")?.parse().context("--tracks")?,
            "--help" | "-h" => return Ok(None),
            other => bail!("{other} is not known\n\n{USAGE}"),
        }
    }
    Ok(Some(options))
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Some(options) = options()? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let mut schedules = if options.pairs { Schedule::pairs() } else { Schedule::all() };
    schedules.retain(|schedule| schedule.to_string().contains(&options.only));
    if schedules.is_empty() {
        bail!("no schedule has {:?} in its name", options.only);
    }
    let (all, begun) = (schedules.len(), Instant::now());
    println!("{all} schedules, {} at a time", options.tracks);
    let tell = move |findings: &Findings| {
        if findings.ran().is_multiple_of(50) {
            println!("{:>4} s: {} of {all}, {} wrong", begun.elapsed().as_secs(), findings.ran(), findings.wrong.len());
        }
    };
    let findings = run(schedules, options.tracks, tell).await?;
    for wrong in &findings.wrong {
        println!("\nWRONG: {wrong}");
    }
    let (wrong, again, met) = (findings.wrong.len(), findings.tried_again, findings.met);
    println!("{all} run in {} s, {wrong} wrong, {again} tried again; {met:?}", begun.elapsed().as_secs());
    Ok(if findings.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
