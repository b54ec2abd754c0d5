//! `signup saga show`.

use std::fmt::Write;

use super::age::ago;
use super::answers::{Choice, Event, Inspected, Saga};
use super::list::stuck;
use super::table::{Table, clean};
use super::{Client, Server};

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The saga: the workflow id of the sign-up
    #[arg(value_name = "ID")]
    id: saga::SagaId,

    #[command(flatten)]
    server: Server,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<String> {
        let answer = Client::new(&self.server)?.get(&format!("/v1/admin/sagas/{}", self.id), &[]).await?;
        if self.server.json {
            return Ok(answer.raw());
        }
        text(&answer.read()?)
    }
}

fn text(inspected: &Inspected) -> anyhow::Result<String> {
    let Inspected { saga, epoch, version, next_try, exists, events, actions } = inspected;
    let (mut text, now) = (String::new(), saga.now());
    writeln!(text, "{}", clean(&saga.workflow_id))?;
    writeln!(text)?;
    let mut line = |name: &str, value: &str| writeln!(text, "  {name:<9} {}", clean(value));
    line("is", &whereabouts(saga))?;
    if saga.decoy {
        line("decoy", "its e-mail was known, so it makes nothing")?;
    }
    line("accepted", &ago(saga.accepted_at, now))?;
    if let Some(ended_at) = saga.ended_at {
        line("ended", &ago(ended_at, now))?;
    }
    line(
        "next",
        &match next_try.at {
            Some(at) => format!("{} ({})", next_try.what, ago(at, now)),
            None => next_try.what.clone(),
        },
    )?;
    line("fence", &format!("seq {}, epoch {epoch}, version {version}", saga.seq))?;
    let things: Vec<String> = exists.iter().map(|thing| format!("{} {}", thing.what, thing.id)).collect();
    line("exists", if things.is_empty() { "nothing" } else { &things[0] })?;
    for thing in things.iter().skip(1) {
        line("", thing)?;
    }
    if let Some(stuck) = stuck(saga) {
        writeln!(text, "\n  {}", clean(&stuck))?;
    }
    writeln!(text, "\n{}", journal(events, saga))?;
    for choice in actions {
        writeln!(text, "{}", clean(&choice_line(choice)))?;
    }
    Ok(text)
}

/// Where a saga is, in words.
pub(super) fn whereabouts(saga: &Saga) -> String {
    let step = saga.step.as_ref().map(|step| format!(" {step}, attempt {}", saga.attempt)).unwrap_or_default();
    let code = saga.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    format!("{}{step}{code}", saga.status)
}

fn journal(events: &[Event], saga: &Saga) -> String {
    let mut table = Table::new(["SEQ", "WHEN", "EVENT", "STEP", "ATTEMPT", "TOOK", "BY"]);
    for event in events {
        let attempt = if event.attempt == 0 { String::new() } else { event.attempt.to_string() };
        let cells = [
            event.seq.to_string(),
            ago(event.at, saga.now()),
            event.kind.clone(),
            event.step.clone().unwrap_or_default(),
            attempt,
            event.took_ms.map(|took| format!("{took} ms")).unwrap_or_default(),
            event.operator.clone().or_else(|| event.worker.clone()).unwrap_or_default(),
        ];
        table.row(cells, event.error.clone().into_iter().chain(event.reason.clone()));
    }
    table.text()
}

fn choice_line(choice: &Choice) -> String {
    let Choice { action, possible, does, why_not } = choice;
    let why = if *possible { does } else { why_not };
    let mark = if *possible { "" } else { "impossible: " };
    format!("{action:<9} {mark}{}", why.as_deref().unwrap_or_default())
}
