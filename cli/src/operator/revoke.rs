//! `signup operator revoke`: an operator's token opens nothing any more.
//!
//! Tokens are looked up in the database at each request, so it holds at once, in every process.

use std::sync::Arc;

use anyhow::Context;
use saga::SystemClock;
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
        let config = Config::load(&self.flags)?;
        let database = Database::visit(&config, Arc::new(SystemClock)).await?;
        // Done twice, it is as good as done once.
        let revoked = outlast(async || database.operators.revoke(&self.name).await).await;
        database.close().await;
        if revoked.context("cannot revoke the operator")? {
            Ok(format!("The token of {} opens nothing any more.\n", self.name))
        } else {
            let message = format!("there is no operator called {}: `signup operator list` shows them", self.name);
            Err(Failure::new(Kind::Failed, message).into())
        }
    }
}
