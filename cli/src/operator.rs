//! The operators' commands: `signup saga`, `signup worker`, `signup operator`.
//!
//! Sagas and workers are seen and mended through the operators' API, wherever the service runs. Operators are added in
//! the database itself, by whoever has it.

mod act;
mod add;
mod age;
mod answers;
mod client;
mod enlisted;
mod failure;
pub(crate) mod first;
mod list;
mod revoke;
mod show;
mod stats;
mod table;
mod token;
mod workers;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;

use act::{Act, Action};
use add::Add;
use client::Client;
use enlisted::Enlisted;
pub(crate) use failure::Failure;
use list::List;
use revoke::Revoke;
use show::Show;
pub(crate) use stats::Stats;

#[derive(Debug, Subcommand)]
pub(crate) enum Saga {
    /// List sagas, the newest first
    List(List),
    /// Show a saga: its journal, what exists of it, what happens next, what can be done
    Show(Show),
    /// Try the step at hand again now
    Retry(Act),
    /// Undo the step at hand and every step before it
    Rollback(Act),
    /// Declare a saga over of which nothing is left
    Resolve(Act),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Worker {
    /// List the processes that work on sagas
    List(Server),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Add an operator to the database, and print their token once
    Add(Add),
    /// List the operators, with what they may do
    List(Enlisted),
    /// Let an operator's token open nothing any more
    Revoke(Revoke),
}

/// Which service, who asks, and how to print the answer.
///
/// The token comes from `SIGNUP_OPERATOR_TOKEN`, from the file that `SIGNUP_OPERATOR_TOKEN_FILE` names, or from
/// `operator.token` in the data folder.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// Where the service is
    #[arg(long, env = "SIGNUP_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,

    /// Where to look for operator.token, if the environment has no token
    #[arg(long, env = "SIGNUP_DATA_DIR", value_name = "FOLDER", default_value = "./data")]
    data_dir: PathBuf,

    /// Print the service's answer as it is: one JSON document
    #[arg(long)]
    json: bool,
}

impl Saga {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => finish(list.run()),
            Self::Show(show) => finish(show.run()),
            Self::Retry(act) => finish(act.run(Action::Retry)),
            Self::Rollback(act) => finish(act.run(Action::Rollback)),
            Self::Resolve(act) => finish(act.run(Action::Resolve)),
        }
    }
}

impl Stats {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        finish(self.tell())
    }
}

impl Worker {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(server) => finish(workers::list(server)),
        }
    }
}

impl Operator {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => finish(add.run()),
            Self::List(list) => finish(list.run()),
            Self::Revoke(revoke) => finish(revoke.run()),
        }
    }
}

/// Runs a command to its end, and prints what it has to say.
pub(crate) fn finish(command: impl Future<Output = anyhow::Result<String>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let text = runtime.block_on(command)?;
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the answer")
}
