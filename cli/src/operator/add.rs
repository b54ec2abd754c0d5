//! `signup operator add`: another operator, in the database itself.
//!
//! The service may be running: the database lets a second process write. It need not know of it: tokens are looked up
//! in the database at each request.

use std::fmt::Write;

use serde_json::json;
use signup::{Operator, OperatorName, OperatorRole};

use crate::config::{Config, Flags};
use crate::database::Database;

use super::failure::{Failure, Kind};
use super::first::{add, generate};

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// 1 to 64 of a-z, 0-9, `.`, `_` and `-`: what the journal knows them by
    #[arg(value_name = "NAME")]
    name: OperatorName,

    /// What they may do: a viewer sees everything, an operator acts on it as well
    #[arg(long, value_name = "ROLE", default_value_t = OperatorRole::Operator)]
    role: OperatorRole,

    #[command(flatten)]
    flags: Flags,

    /// Print name, role and token as one JSON document
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) async fn run(self) -> anyhow::Result<String> {
        let (operator, token) = (Operator { name: self.name, role: self.role }, generate()?);
        let add = async |_: &Config, database: &Database| add(&*database.operators, &operator, &token).await;
        if !Database::visited(&self.flags, add).await? {
            let message =
                format!("there is an operator called {} already, or was: names are given once", operator.name);
            return Err(Failure::new(Kind::Failed, message).into());
        }
        if self.json {
            return Ok(format!(
                "{}\n",
                json!({ "name": operator.name.as_str(), "role": operator.role.as_str(), "token": token.reveal() })
            ));
        }
        let mut text = String::new();
        let Operator { name, role } = operator;
        let what = match role {
            OperatorRole::Viewer => "see everything",
            OperatorRole::Operator => "see everything and act on it",
        };
        writeln!(text, "{name} can {what} now ({role}). Their token, which is not shown again:")?;
        writeln!(text, "\n  {}\n", token.reveal())?;
        Ok(text)
    }
}
