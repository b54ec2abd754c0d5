//! The binary `signup`: reads what it is told, puts the parts together, and runs them.

mod args;
mod config;
mod data_dir;
mod database;
mod health;
mod key;
mod keys;
mod metrics;
mod migrate;
mod operator;
#[cfg(test)]
mod page;
mod patience;
mod roles;
mod secrets;
mod signals;
mod telemetry;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use args::{Args, Command};
use roles::Role;

/// The exit code for a wrong command line or configuration: trying again does not help.
const MISCONFIGURED: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, with its causes: what it was about first, what is wrong last.
            let _ = writeln!(std::io::stderr(), "signup: {error:#}");
            exit_code(&error)
        }
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<config::Error>() {
        return ExitCode::from(MISCONFIGURED);
    }
    error.downcast_ref::<operator::Failure>().map_or(ExitCode::FAILURE, |failure| failure.code().into())
}

fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        None => Role::Serve.run(&args.flags),
        Some(Command::Serve(flags)) => Role::Serve.run(&flags),
        Some(Command::Api(flags)) => Role::Api.run(&flags),
        Some(Command::Migrate(migrate)) => migrate.run(),
        Some(Command::Config(show)) => show.run(),
        Some(Command::Keys(keys)) => keys.run(),
        Some(Command::Saga(saga)) => saga.run(),
        Some(Command::Worker(worker)) => match worker.command {
            None => Role::Worker.run(&worker.flags),
            Some(command) => command.run(),
        },
        Some(Command::Stats(stats)) => stats.run(),
        Some(Command::Health(health)) => health.run(),
        Some(Command::Operator(operator)) => operator.run(),
        Some(Command::Openapi) => write!(std::io::stdout(), "{}", api::openapi()).context("cannot write the document"),
    }
}
