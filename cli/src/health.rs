//! `signup health`: whether a process is ready, for whatever can only run a command, such as a container's health check.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(crate) struct Health {
    /// Where it listens: `--listen`, or the `--health-listen` of a worker
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
}

impl Health {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
        let status = runtime.block_on(self.ask())?;
        writeln!(std::io::stdout(), "{status}").context("cannot write the answer")
    }

    /// Its status, if it is ready.
    async fn ask(&self) -> anyhow::Result<String> {
        let url = format!("{}/readyz", self.url.trim_end_matches('/'));
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().context("cannot connect")?;
        let answer = http.get(&url).send().await.map_err(reqwest::Error::without_url);
        let answer = answer.with_context(|| format!("no answer from {url}"))?;
        let is_ready = answer.status().is_success();
        let body: Value = answer.json().await.with_context(|| format!("{url} does not answer as this service does"))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        if !is_ready {
            bail!("not ready: {}: {}", text("component"), text("why"));
        }
        Ok(text("status"))
    }
}
