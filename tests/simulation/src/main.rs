//! `simulation --seeds 1000000` plays so many histories; `simulation --seed 12345 --trace` plays one and tells it.

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use clap::Parser;
use simulation::{Report, Runs, Sight, play, sound};

/// Plays histories of sign-ups under faults, one for each seed, and holds everything that must hold after every move.
#[derive(Debug, Parser)]
struct Args {
    /// How many histories to play.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many at a time; as many as there are cores, unless told.
    #[arg(long)]
    threads: Option<usize>,
    /// Plays the history of this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "from", "threads"])]
    seed: Option<u64>,
    /// Prints every move of that history.
    #[arg(long, requires = "seed")]
    trace: bool,
}

/// How many moves a failure shows.
const LAST_MOVES: usize = 40;

/// How often progress is reported.
const PROGRESS: Duration = Duration::from_secs(2);

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    match args.seed {
        Some(seed) => replay(seed, args.trace),
        None => run(&args),
    }
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    let seeds = args.from..args.from.saturating_add(args.seeds);
    let (begun, told) = (Instant::now(), Mutex::new(Instant::now()));
    let report = Runs { seeds: seeds.clone(), threads, over: sound }.play(|report| {
        let due = told.lock().is_ok_and(|mut told| {
            let due = told.elapsed() >= PROGRESS;
            if due {
                *told = Instant::now();
            }
            due
        });
        if due {
            let _ = writeln!(stderr(), "{}", progress(report, begun.elapsed()));
        }
    })?;
    writeln!(stderr(), "{}", progress(&report, begun.elapsed()))?;
    write!(stdout(), "{}", report.sights)?;
    if let Some((seed, _)) = report.failure {
        return replay(seed, false);
    }
    let missing: Vec<_> = report.missing().into_iter().map(Sight::text).collect();
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(stdout(), "never seen: {}", missing.join(", "))?;
    Ok(ExitCode::FAILURE)
}

fn progress(report: &Report, elapsed: Duration) -> String {
    let rate = f64::from(u32::try_from(report.played).unwrap_or(u32::MAX)) / elapsed.as_secs_f64();
    let all = Sight::ALL.len();
    let seen = all - report.sights.missing().len();
    format!("{} seeds, {rate:.0} a second, {seen} of {all} sights", report.played)
}

fn replay(seed: u64, trace: bool) -> anyhow::Result<ExitCode> {
    let story = play(seed, true, sound)?;
    let shown = if trace { story.moves.len() } else { LAST_MOVES.min(story.moves.len()) };
    let mut out = stdout().lock();
    if trace || !story.broken.is_empty() {
        for line in story.moves.iter().skip(story.moves.len() - shown) {
            writeln!(out, "{line}")?;
        }
    }
    for what in &story.broken {
        writeln!(out, "seed {seed}: {what}")?;
    }
    if story.broken.is_empty() {
        writeln!(out, "seed {seed}: everything holds, after {} moves", story.moves.len())?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "replay it: cargo run -p simulation -- --seed {seed} --trace")?;
    Ok(ExitCode::FAILURE)
}
