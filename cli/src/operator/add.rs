//! `signup operator add`: another operator, in the database itself.
//!
//! The service may be running: the database lets a second process write. It need not know of it: tokens are looked up
//! in the
//! database at each request.

use std::fmt::Write;
use std::sync::Arc;

use anyhow::Context;
use saga::SystemClock;
use saga::store::Error;
use serde_json::json;
use signup::{OperatorName, OperatorToken, Operators};

use crate::config::{Config, Flags};
use crate::database::Database;

use super::failure::{Failure, Kind};
use super::first::generate;

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// 1 to 64 of a-z, 0-9, `.`, `_` and `-`: what the journal knows them by
    #[arg(value_name = "NAME")]
    name: OperatorName,

    #[command(flatten)]
    flags: Flags,

    /// Print name and token as one JSON document
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) async fn run(self) -> anyhow::Result<String> {
        let config = Config::load(&self.flags)?;
        let database = Database::visit(&config, Arc::new(SystemClock)).await?;
        let added = add(&*database.operators, &self.name).await;
        database.close().await;
        let token = added?;
        if self.json {
            return Ok(format!("{}\n", json!({ "name": self.name.as_str(), "token": token.reveal() })));
        }
        let mut text = String::new();
        writeln!(text, "Operator {} can use the service now. Their token, which is not shown again:", self.name)?;
        writeln!(text, "\n  {}\n", token.reveal())?;
        Ok(text)
    }
}

async fn add(operators: &dyn Operators, name: &OperatorName) -> anyhow::Result<OperatorToken> {
    let token = generate()?;
    let added = match operators.add(name, &token.hash()).await {
        // It may have been written: then the token is somebody's.
        Err(Error::InDoubt(_)) => operators.find(&token.hash()).await.map(|found| found.is_some()),
        answer => answer,
    };
    if added.context("cannot add the operator")? {
        Ok(token)
    } else {
        Err(Failure::new(Kind::Failed, format!("there is an operator called {name} already")).into())
    }
}
