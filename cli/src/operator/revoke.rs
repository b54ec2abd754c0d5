//! `signup operator revoke`: an operator's token opens nothing any more.
//!
//! Tokens are looked up in the database at each request, so it holds at once, in every process.

use anyhow::Context;
use signup::OperatorName;

use crate::config::{Config, Flags};
use crate::database::Database;
use crate::patience::outlast;

use super::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    /// Whose token
    #[arg(value_name = "NAME")]
    name: OperatorName,

    #[command(flatten)]
    flags: Flags,
}

impl Revoke {
    pub(super) async fn run(self) -> anyhow::Result<String> {
        let revoke = async |_: &Config, database: &Database| {
            // Done twice, it is as good as done once.
            outlast(async || database.operators.revoke(&self.name).await).await.context("cannot revoke the operator")
        };
        if Database::visited(&self.flags, revoke).await? {
            Ok(format!("The token of {} opens nothing any more.\n", self.name))
        } else {
            let message = format!("there is no operator called {}: `signup operator list` shows them", self.name);
            Err(Failure::new(Kind::Failed, message).into())
        }
    }
}
