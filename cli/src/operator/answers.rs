//! The operators' API's documents, as far as people are shown them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) sagas: Vec<Saga>,
    pub(super) next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Saga {
    pub(super) workflow_id: String,
    pub(super) status: String,
    pub(super) step: Option<String>,
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) decoy: bool,
    pub(super) stuck_since: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) attempt: u32,
    pub(super) seq: u64,
    pub(super) accepted_at: Timestamp,
    pub(super) age_ms: u64,
    pub(super) ended_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Inspected {
    #[serde(flatten)]
    pub(super) saga: Saga,
    pub(super) epoch: u64,
    pub(super) version: u32,
    pub(super) next_try: NextTry,
    pub(super) exists: Vec<Thing>,
    pub(super) events: Vec<Event>,
    pub(super) actions: Vec<Choice>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NextTry {
    pub(super) what: String,
    pub(super) at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Thing {
    pub(super) what: String,
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    #[serde(rename = "event")]
    pub(super) kind: String,
    pub(super) step: Option<String>,
    pub(super) attempt: u32,
    pub(super) worker: Option<String>,
    pub(super) took_ms: Option<u64>,
    pub(super) error: Option<String>,
    pub(super) operator: Option<String>,
    pub(super) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) action: String,
    pub(super) possible: bool,
    pub(super) does: Option<String>,
    pub(super) why_not: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Workers {
    pub(super) workers: Vec<Worker>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) version: String,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) state: String,
    pub(super) seen_ago_ms: u64,
    pub(super) busy: BTreeMap<String, Busy>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Busy {
    pub(super) running: usize,
    pub(super) slots: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    title: String,
    detail: String,
    #[serde(default)]
    errors: Vec<FieldError>,
    #[serde(default)]
    left: Vec<Thing>,
    seq: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct FieldError {
    field: String,
    message: String,
}

impl Saga {
    /// The service's time when it answered: ages do not depend on this machine's clock.
    pub(super) fn now(&self) -> Timestamp {
        let age = jiff::SignedDuration::from_millis(i64::try_from(self.age_ms).unwrap_or(i64::MAX));
        self.accepted_at.saturating_add(age).unwrap_or(Timestamp::MAX)
    }
}

impl Problem {
    /// All of it in one line.
    pub(super) fn line(&self) -> String {
        let details = self.errors.iter().map(|error| format!("{} {}", error.field, error.message));
        let details = details.chain(self.left.iter().map(|thing| format!("{} {}", thing.what, thing.id)));
        let details: Vec<String> = details.chain(self.seq.map(|seq| format!("seq {seq}"))).collect();
        let Self { title, detail, .. } = self;
        if details.is_empty() {
            format!("{title}: {detail}")
        } else {
            format!("{title}: {detail} ({})", details.join("; "))
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Stats {
    pub(super) now: Now,
    pub(super) hour: Span,
    pub(super) day: Span,
}

#[derive(Debug, Deserialize)]
pub(super) struct Now {
    pub(super) stuck: u64,
    pub(super) waiting: BTreeMap<String, u64>,
    pub(super) longest_wait_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Span {
    pub(super) received: u64,
    pub(super) answers: BTreeMap<String, u64>,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) failures: Vec<TurnedBack>,
    pub(super) funnel: Vec<Stage>,
    pub(super) accepting: Option<Took>,
    pub(super) completing: Option<Took>,
    pub(super) classes: BTreeMap<String, OfClass>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TurnedBack {
    pub(super) step: String,
    pub(super) code: String,
    pub(super) count: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stage {
    pub(super) stage: String,
    pub(super) count: u64,
}

#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "in milliseconds, each of them")]
pub(super) struct Took {
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) p99_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct OfClass {
    pub(super) received: u64,
    pub(super) completed: u64,
}
