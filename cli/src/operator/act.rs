//! `signup saga retry`, `rollback` and `resolve`.

use std::io::Write;

use anyhow::Context;
use serde_json::json;

use super::answers::Inspected;
use super::failure::{Failure, Kind};
use super::show::whereabouts;
use super::table::clean;
use super::{Client, Server};

#[derive(Debug, clap::Args)]
pub(crate) struct Act {
    /// The saga: the workflow id of the sign-up
    #[arg(value_name = "ID")]
    id: saga::SagaId,

    /// Why: the saga's journal keeps it
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Only if this is the saga's latest event; otherwise the one that it has now
    #[arg(long, value_name = "N")]
    seq: Option<u64>,

    #[command(flatten)]
    server: Server,
}

/// What is done to the saga.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Retry,
    Rollback,
    Resolve,
}

impl Act {
    /// Looks at the saga, says what it is about to do, and does it to what it saw.
    pub(super) async fn run(self, action: Action) -> anyhow::Result<String> {
        let client = Client::new(&self.server)?;
        let path = format!("/v1/admin/sagas/{}", self.id);
        let seen: Inspected = client.get(&path, &[]).await?.read()?;
        let seq = self.seq.unwrap_or(seen.saga.seq);
        if seq == seen.saga.seq {
            let does = action.outlook(&seen)?;
            if !self.server.json {
                writeln!(std::io::stdout(), "{}: {}", self.id, clean(&does)).context("cannot write")?;
            }
        }
        let body = json!({ "reason": self.reason, "seq": seq });
        let answer = client.post(&format!("{path}/{}", action.word()), &body).await?;
        if self.server.json {
            return Ok(answer.raw());
        }
        let now: Inspected = answer.read()?;
        Ok(format!("done: it is {}, seq {}\n", clean(&whereabouts(&now.saga)), now.saga.seq))
    }
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Rollback => "rollback",
            Self::Resolve => "resolve",
        }
    }

    /// What it will do to a saga.
    fn outlook(self, seen: &Inspected) -> anyhow::Result<String> {
        let choice = seen.actions.iter().find(|choice| choice.action == self.word());
        let choice = choice.with_context(|| format!("the service knows no {}", self.word()))?;
        if choice.possible {
            return Ok(choice.does.clone().unwrap_or_default());
        }
        let why = choice.why_not.as_deref().unwrap_or("the service does not say why");
        let message = format!("{} is impossible for {}: {why}", self.word(), seen.saga.workflow_id);
        Err(Failure::new(Kind::Refused, clean(&message)).into())
    }
}
