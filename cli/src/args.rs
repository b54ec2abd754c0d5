//! The command line.

use clap::{Parser, Subcommand};

use crate::config::{Flags, Show};
use crate::keys::Keys;
use crate::migrate::Migrate;
use crate::operator;

/// Sign-ups that are whole or not at all.
///
/// One call makes a user, their organization, their profile and their claims, or nothing. Without a command, this
/// serves everything from one process: API, workers, and an SQLite database in the data folder, or one on a PostgreSQL
/// server.
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
    /// See the processes that work on sagas
    #[command(subcommand)]
    Worker(operator::Worker),
    /// Say who may do this
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Print the OpenAPI document
    Openapi,
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
