//! The command line.

use clap::{Parser, Subcommand};

use crate::config::{Flags, Show};
use crate::health::Health;
use crate::keys::Keys;
use crate::migrate::Migrate;
use crate::operator;

/// Sign-ups that are whole or not at all.
///
/// One call makes a user, their organization, their profile and their claims, or nothing. Without a command, this
/// serves everything from one process: API, workers, and an SQLite database in the data folder, or one on a PostgreSQL
/// server. `api` and `worker` do so from many.
#[derive(Debug, Parser)]
#[command(name = "signup", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve API and workers from one process (the default)
    Serve(Flags),
    /// Take requests, beside others on one database (cluster mode)
    Api(Flags),
    /// Run the steps of sign-ups, beside others on one database (cluster mode); or see who does
    Worker(Worker),
    /// Bring the database up to date
    Migrate(Migrate),
    /// Print the effective settings and where each comes from
    Config(Show),
    /// Make keys
    #[command(subcommand)]
    Keys(Keys),
    /// Find sagas that need a person, and mend them
    #[command(subcommand)]
    Saga(operator::Saga),
    /// Tell how sign-ups go: now, in the last hour, in the last day
    Stats(operator::Stats),
    /// Say who may do this
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Ask a process whether it is ready, and exit with 0 if it is
    Health(Health),
    /// Print the OpenAPI document
    Openapi,
}

/// Run the steps of sign-ups, beside others on one database (cluster mode); or see who does
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Worker {
    #[command(subcommand)]
    pub(crate) command: Option<operator::Worker>,

    #[command(flatten)]
    pub(crate) flags: Flags,
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
