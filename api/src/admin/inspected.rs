//! A saga as an operator sees it in full: its journal, what exists of it, and what can become of it.

use saga::store::{Event, Inspection, Made};
use saga::{SagaId, StepName};
use serde::Serialize;
use utoipa::ToSchema;

use super::outlook::{Choice, NextTry};
use super::saga::{self as listed, Document};
use crate::Api;
use crate::problem::Problem;
use crate::time::shown;

/// A saga, with its journal, what exists of it, and what can be done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectedSaga)]
pub(super) struct Inspected {
    #[serde(flatten)]
    saga: Document,
    /// How often it has been claimed or acted on.
    epoch: u64,
    /// The version of its list of steps.
    version: u32,
    /// When the step at hand was first claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    step_claimed_at: Option<String>,
    /// What happens next by itself.
    next_try: NextTry,
    /// What its steps have made that still exists, in their order.
    exists: Vec<Thing>,
    /// Its journal, from the first.
    events: Vec<Entry>,
    /// What an operator can do.
    actions: Vec<Choice>,
}

/// Something that a step has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Thing {
    /// What it is.
    #[schema(example = "organization")]
    what: String,
    /// Its id.
    #[schema(example = "019b7c8d-5a2e-7f30-90b1-c2d3e4f5a6b8")]
    id: String,
}

/// An entry of a saga's journal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SagaEvent)]
struct Entry {
    /// Its number, from 0.
    seq: u64,
    /// When.
    #[schema(format = "date-time")]
    at: String,
    /// What happened: `accepted`, `done`, `refused`, `failed`, `gave_up`, `undone`, `undo_failed`, `retried`,
    /// `rolled_back`, `resolved`.
    event: &'static str,
    /// To which step.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    step: Option<String>,
    /// In which attempt of it.
    attempt: u32,
    /// Under which claim, or action.
    epoch: u64,
    /// Which worker made the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    worker: Option<String>,
    /// How many milliseconds the attempt took.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    took_ms: Option<u64>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    /// Which operator did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    operator: Option<String>,
    /// Why they did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

impl Inspected {
    /// Reads a saga.
    pub(super) async fn read(api: &Api, saga: SagaId) -> Result<Self, Problem> {
        let inspection = api.store.inspect(saga).await.map_err(|error| Problem::unread(&error))?;
        let inspection = inspection.ok_or(Problem::SignupNotFound)?;
        let events = api.store.events(saga, 0).await.map_err(|error| Problem::unread(&error))?;
        Ok(Self::new(&inspection, events))
    }

    fn new(inspection: &Inspection, mut events: Vec<Event>) -> Self {
        let record = &inspection.record;
        // The journal was read later, and may have gone on.
        events.retain(|event| event.seq <= record.seq);
        Self {
            saga: Document::of(record),
            epoch: record.epoch,
            version: record.version,
            step_claimed_at: record.step_claimed_at.map(shown),
            next_try: NextTry::of(record),
            exists: inspection.made.iter().map(Thing::of).collect(),
            events: events.into_iter().map(Entry::of).collect(),
            actions: Choice::all(inspection),
        }
    }

    pub(super) fn example() -> Self {
        let record = listed::example();
        let inspection = Inspection { made: vec![example_made()], record };
        let (at, step) = (inspection.record.view.accepted_at, StepName::new("create_organization"));
        let accepted = Event {
            seq: 0,
            epoch: 0,
            kind: saga::plan::EventKind::Accepted,
            step: None,
            attempt: 0,
            worker: None,
            took: None,
            error: None,
            signature: None,
            at,
        };
        let failed = Event {
            seq: 13,
            epoch: 14,
            kind: saga::plan::EventKind::UndoFailed,
            step: Some(step),
            attempt: 5,
            worker: Some("embedded-5f1c0b7a9e24".to_owned()),
            took: Some(std::time::Duration::from_millis(2)),
            error: inspection.record.error.clone(),
            at: inspection.record.view.stuck_since.unwrap_or(at),
            ..accepted.clone()
        };
        Self::new(&inspection, vec![accepted, failed])
    }
}

impl Thing {
    pub(super) fn of(made: &Made) -> Self {
        Self { what: made.what.clone(), id: made.id.clone() }
    }

    pub(crate) fn example() -> Self {
        Self::of(&example_made())
    }
}

fn example_made() -> Made {
    Made { what: "organization".to_owned(), id: "019b7c8d-5a2e-7f30-90b1-c2d3e4f5a6b8".to_owned() }
}

impl Entry {
    fn of(event: Event) -> Self {
        let (operator, reason) = event.signature.map(|by| (by.operator, by.reason)).unzip();
        Self {
            seq: event.seq,
            at: shown(event.at),
            event: event.kind.word(),
            step: event.step.map(|step| step.to_string()),
            attempt: event.attempt,
            epoch: event.epoch,
            worker: event.worker,
            took_ms: event.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            error: event.error,
            operator,
            reason,
        }
    }
}
