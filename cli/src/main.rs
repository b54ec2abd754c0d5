//! The binary `signup`: reads what it is told, puts the parts together, and runs them.

mod args;
mod banner;
mod config;
mod data_dir;
mod database;
mod key;
mod keys;
mod migrate;
mod operator;
mod secrets;
mod serve;
mod signals;
mod telemetry;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use args::{Args, Command};
use config::{Config, Flags};

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
        None => start(&args.flags),
        Some(Command::Serve(flags)) => start(&flags),
        Some(Command::Migrate(migrate)) => migrate.run(),
        Some(Command::Config(show)) => show.run(),
        Some(Command::Keys(keys)) => keys.run(),
        Some(Command::Saga(saga)) => saga.run(),
        Some(Command::Worker(worker)) => worker.run(),
        Some(Command::Operator(operator)) => operator.run(),
        Some(Command::Openapi) => write!(std::io::stdout(), "{}", api::openapi()).context("cannot write the document"),
    }
}

fn start(flags: &Flags) -> anyhow::Result<()> {
    let config = Config::load(flags)?;
    telemetry::start(&config.log, config.log_format);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let served = runtime.block_on(serve::serve(config));
    // A hash that is still going on would be waited for: nobody needs it any more.
    runtime.shutdown_background();
    served
}
