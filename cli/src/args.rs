//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use signup::Cost;

use crate::operator;

/// Sign-ups that are whole or not at all.
///
/// One call makes a user, their organization, their profile and their claims, or nothing. Without a command, this
/// serves everything from one process: API, workers and an SQLite database in the data folder.
#[derive(Debug, Parser)]
#[command(name = "signup", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve API and workers from one process (the default)
    Serve(Serve),
    /// Find sagas that need a person, and mend them
    #[command(subcommand)]
    Saga(operator::Saga),
    /// See the processes that work on sagas
    #[command(subcommand)]
    Worker(operator::Worker),
    /// Say who may do this
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, env = "SIGNUP_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Where the database and the secrets are kept; made if missing
    #[arg(long, env = "SIGNUP_DATA_DIR", value_name = "FOLDER", default_value = "./data")]
    pub(crate) data_dir: PathBuf,

    /// What to log: a level (error, warn, info, debug, trace), or directives such as `info,saga=debug`
    #[arg(long, env = "SIGNUP_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,

    /// What one password hash costs (Argon2id): KiB of memory, passes, lanes
    #[arg(long, env = "SIGNUP_ARGON2", value_name = "m=KIB,t=N,p=N", default_value_t = Cost::default())]
    pub(crate) argon2: Cost,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
