//! Whether the service keeps its promises under load: see README.md.
//!
//! What is measured is held against a target, and the exit code is 1 if one is missed.

mod findings;
mod metrics;
mod people;
mod report;
mod scenarios;
mod stage;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use figures::{Machine, print};

use crate::findings::Findings;
use crate::report::Report;
use crate::scenarios::Scenario;
use crate::stage::Kind;

/// Loads the service on servers of its own, and holds what it does against its targets. Uses the loopback interface and
/// temporary folders alone.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to do; all of it, unless told
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// One process on SQLite, instead of an API, a worker, PostgreSQL and Redis
    #[arg(long)]
    embedded: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let kind = if arguments.embedded { Kind::Embedded } else { Kind::Cluster };
    Machine::look()?.print();
    let mut report = Report::new(kind);
    for scenario in scenarios::chosen(&arguments.scenarios) {
        print(&format!("{}: {}\n", scenario.letter(), scenario.story()));
        // What does not come to its end is no reason to leave out the others.
        let findings = scenario.measure(kind).await.unwrap_or_else(|error| Findings::failed(&error));
        report.add(scenario, findings);
    }
    report.print();
    Ok(if report.is_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
