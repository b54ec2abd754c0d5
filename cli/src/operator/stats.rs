//! `signup stats`.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stdout};
use std::time::Duration;

use anyhow::Context;

use super::age::span;
use super::answers::{Span, Stats as Document, Took};
use super::table::Table;
use super::{Client, Server};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);
/// What a terminal takes for: begin at the top of an empty screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

#[derive(Debug, clap::Args)]
pub(crate) struct Stats {
    /// Go on telling, every five seconds, until it is interrupted
    #[arg(long)]
    watch: bool,

    #[command(flatten)]
    server: Server,
}

impl Stats {
    pub(super) async fn tell(self) -> anyhow::Result<String> {
        let client = Client::new(&self.server)?;
        if !self.watch {
            return self.look(&client).await;
        }
        loop {
            let text = self.look(&client).await?;
            let before = if self.server.json || !stdout().is_terminal() { "" } else { CLEAR };
            write!(stdout(), "{before}{text}").and_then(|()| stdout().flush()).context("cannot write")?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(&self, client: &Client) -> anyhow::Result<String> {
        let answer = client.get("/v1/admin/stats", &[]).await?;
        if self.server.json { Ok(answer.raw()) } else { Ok(text(&answer.read()?)) }
    }
}

fn text(stats: &Document) -> String {
    let Document { now, hour, day } = stats;
    let waiting: u64 = now.waiting.values().sum();
    let mut text = format!("now: {} stuck, {waiting} waiting", now.stuck);
    if waiting > 0 {
        let _ = write!(text, ", the longest for {}", span(now.longest_wait_ms));
    }
    let mut table = Table::new(["", "LAST HOUR", "LAST DAY"]);
    let mut row = |name: &str, of: &dyn Fn(&Span) -> String| table.row([name.to_owned(), of(hour), of(day)], None);
    row("received", &|span| span.received.to_string());
    row("completed", &|span| span.completed.to_string());
    row("failed", &|span| span.failed.to_string());
    for (place, stage) in day.funnel.iter().enumerate().skip(1) {
        let reached = |span: &Span| span.funnel.get(place).map_or(String::new(), |stage| stage.count.to_string());
        row(&format!("  got to {}", stage.stage), &reached);
    }
    row("accepted in", &|span| took(span.accepting.as_ref()));
    row("completed in", &|span| took(span.completing.as_ref()));
    let answers = day.answers.keys().filter(|answer| *answer != "accepted");
    for answer in answers {
        row(&format!("answered {answer}"), &|span| count(span.answers.get(answer)));
    }
    for failure in &day.failures {
        let same = |span: &Span| {
            let found = span.failures.iter().find(|one| one.step == failure.step && one.code == failure.code);
            count(found.map(|one| &one.count))
        };
        row(&format!("turned back: {} at {}", failure.code, failure.step), &same);
    }
    for class in day.classes.keys() {
        let share = |span: &Span| {
            span.classes.get(class).map_or(String::new(), |of| format!("{} of {}", of.completed, of.received))
        };
        row(&format!("completed, {class}"), &share);
    }
    format!("{text}\n{}", table.text())
}

fn count(count: Option<&u64>) -> String {
    count.copied().unwrap_or_default().to_string()
}

fn took(took: Option<&Took>) -> String {
    took.map_or_else(
        || "-".to_owned(),
        |Took { p50_ms, p95_ms, p99_ms }| format!("{p50_ms} / {p95_ms} / {p99_ms} ms (p50 / p95 / p99)"),
    )
}
