//! `signup saga list`.

use serde_json::{Value, json};

use super::age::{ago, span};
use super::answers::{Page, Saga};
use super::table::Table;
use super::{Client, Server};

/// The most sagas of a page.
const MOST: u32 = 200;

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only those that need a person
    #[arg(long)]
    stuck: bool,

    /// Only these: running, compensating, completed, failed
    #[arg(long, value_name = "STATUS", value_parser = ["running", "compensating", "completed", "failed"])]
    status: Option<String>,

    /// Only at this step
    #[arg(long, value_name = "STEP")]
    step: Option<String>,

    /// Only going back, or failed, for this reason
    #[arg(long, value_name = "CODE")]
    code: Option<String>,

    /// Only accepted at least so long ago: 90s, 5m, 2h, 1d
    #[arg(long, value_name = "AGE")]
    older_than: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,

    /// All of them, however many
    #[arg(long, conflicts_with = "limit")]
    all: bool,

    #[command(flatten)]
    server: Server,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<String> {
        let client = Client::new(&self.server)?;
        let (mut sagas, mut documents, mut cursor) = (Vec::new(), Vec::new(), None);
        loop {
            let answer = client.get("/v1/admin/sagas", &self.query(cursor.take())).await?;
            if self.server.json && !self.all {
                return Ok(answer.raw());
            }
            let document: Value = answer.read()?;
            documents.extend(document["sagas"].as_array().into_iter().flatten().cloned());
            let page: Page = answer.read()?;
            sagas.extend(page.sagas);
            cursor = page.next_cursor;
            if cursor.is_none() || !self.all {
                break;
            }
        }
        if self.server.json {
            return Ok(format!("{}\n", json!({ "sagas": documents })));
        }
        Ok(self.text(&sagas, cursor.is_some()))
    }

    fn query(&self, cursor: Option<String>) -> Vec<(&'static str, String)> {
        let limit = if self.all { MOST } else { self.limit };
        let stuck = self.stuck.then(|| "true".to_owned());
        let parameters = [
            ("stuck", stuck),
            ("status", self.status.clone()),
            ("step", self.step.clone()),
            ("code", self.code.clone()),
            ("older_than", self.older_than.clone()),
            ("cursor", cursor),
            ("limit", Some(limit.to_string())),
        ];
        parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn text(&self, sagas: &[Saga], more: bool) -> String {
        if sagas.is_empty() {
            return format!(
                "no {}sagas{}\n",
                if self.stuck { "stuck " } else { "" },
                if self.is_narrow() { " like this" } else { "" }
            );
        }
        let mut table = Table::new(["ID", "STATUS", "STEP", "ACCEPTED", "CODE"]);
        for saga in sagas {
            let cells = [
                saga.workflow_id.clone(),
                if saga.decoy { format!("{} (decoy)", saga.status) } else { saga.status.clone() },
                saga.step.clone().unwrap_or_default(),
                format!("{} ago", span(saga.age_ms)),
                saga.code.clone().unwrap_or_default(),
            ];
            table.row(cells, stuck(saga));
        }
        let rest = if more { "there are more: --all lists them\n" } else { "" };
        table.text() + rest
    }

    /// Whether more is asked for than being stuck.
    fn is_narrow(&self) -> bool {
        self.status.is_some() || self.step.is_some() || self.code.is_some() || self.older_than.is_some()
    }
}

/// Since when a saga is stuck, and why.
pub(super) fn stuck(saga: &Saga) -> Option<String> {
    let since = ago(saga.stuck_since?, saga.now());
    Some(format!("stuck since {since}: {}", saga.reason.as_deref().unwrap_or("no reason is known")))
}
