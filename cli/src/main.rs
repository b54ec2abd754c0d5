//! The binary `signup`: reads what it is told, puts the parts together, and runs them.

mod args;
mod banner;
mod data_dir;
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

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, with its causes: what it was about first, what is wrong last.
            let _ = writeln!(std::io::stderr(), "signup: {error:#}");
            error.downcast_ref::<operator::Failure>().map_or(ExitCode::FAILURE, |failure| failure.code().into())
        }
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        None => start(args.serve),
        Some(Command::Serve(serve)) => start(serve),
        Some(Command::Saga(saga)) => saga.run(),
        Some(Command::Worker(worker)) => worker.run(),
        Some(Command::Operator(operator)) => operator.run(),
        Some(Command::Openapi) => write!(std::io::stdout(), "{}", api::openapi()).context("cannot write the document"),
    }
}

fn start(settings: args::Serve) -> anyhow::Result<()> {
    telemetry::start(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let served = runtime.block_on(serve::serve(settings));
    // A hash that is still going on would be waited for: nobody needs it any more.
    runtime.shutdown_background();
    served
}
