//! A saga as an operator sees it in a list: no personal data.

use jiff::Timestamp;
use saga::State;
use saga::store::{self, Record};
use serde::Serialize;
use utoipa::ToSchema;

use crate::time::shown;

/// What is said of a saga that is stuck and whose last attempt did not go wrong.
const SILENT: &str = "its step has been under way for long, and no attempt has ended in an error";

/// A saga, as an operator sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Saga)]
pub(super) struct Document {
    /// The id of the sign-up.
    #[schema(pattern = "^wf_[0-9a-f]{32}$")]
    pub(super) workflow_id: String,
    #[serde(flatten)]
    pub(super) whereabouts: Whereabouts,
    /// It is a decoy: it goes through its steps like any other, and makes nothing. Its e-mail was known, and nobody is
    /// to learn that. Only of one that is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(super) decoy: bool,
    /// Since when it has been stuck. Only of a stuck one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    pub(super) stuck_since: Option<String>,
    /// Why it is stuck. Only of a stuck one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) reason: Option<String>,
    /// How often the step at hand has been claimed.
    pub(super) attempt: u32,
    /// The number of its latest event. An action names the one that its operator saw.
    pub(super) seq: u64,
    /// When it was accepted.
    #[schema(format = "date-time")]
    pub(super) accepted_at: String,
    /// How many milliseconds ago that was.
    pub(super) age_ms: u64,
    /// From when its step may be claimed. Only of one that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    pub(super) due_at: Option<String>,
    /// Who has it in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) lease: Option<Lease>,
    /// When it ended. Only of one that has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    pub(super) ended_at: Option<String>,
}

/// Where a saga is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SagaState)]
pub(crate) struct Whereabouts {
    /// How it goes.
    status: Status,
    /// The step at hand. Only of one that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "create_profile")]
    step: Option<String>,
    /// Why it goes back, or has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "step_failed")]
    code: Option<String>,
}

/// A saga is `running` its steps or `compensating` them, until it is `completed` (every step's effect stands) or
/// `failed` (none does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SagaStatus)]
enum Status {
    Running,
    Compensating,
    Completed,
    Failed,
}

/// A worker's hold on a saga.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SagaLease)]
pub(super) struct Lease {
    /// The name of the worker's process.
    worker: String,
    /// Until when, if it does not end before.
    #[schema(format = "date-time")]
    until: String,
}

impl Document {
    pub(super) fn of(record: &Record) -> Self {
        let view = &record.view;
        let stuck = view.stuck_since.is_some();
        let active = matches!(view.state, State::Active(_));
        Self {
            workflow_id: view.saga.to_string(),
            whereabouts: Whereabouts::of(&view.state),
            decoy: record.decoy,
            stuck_since: view.stuck_since.map(shown),
            reason: stuck.then(|| record.error.clone().unwrap_or_else(|| SILENT.to_owned())),
            attempt: record.attempt,
            seq: record.seq,
            accepted_at: shown(view.accepted_at),
            age_ms: u64::try_from(view.age.as_millis()).unwrap_or(u64::MAX),
            due_at: active.then(|| shown(record.due_at)),
            lease: record.lease.as_ref().map(Lease::of),
            ended_at: view.ended_at.map(shown),
        }
    }
}

impl Whereabouts {
    pub(super) fn of(state: &State) -> Self {
        let status = match state {
            State::Active(saga::Active::Running(_)) => Status::Running,
            State::Active(saga::Active::Compensating(..)) => Status::Compensating,
            State::Ended(saga::End::Completed) => Status::Completed,
            State::Ended(saga::End::Failed(_)) => Status::Failed,
        };
        Self { status, step: state.step().map(ToString::to_string), code: state.code().map(ToString::to_string) }
    }

    pub(crate) fn example() -> Self {
        Self::of(&example().view.state)
    }
}

impl Lease {
    fn of(lease: &store::Lease) -> Self {
        Self { worker: lease.worker.clone(), until: shown(lease.until) }
    }
}

/// The saga in the examples of the OpenAPI document: its undo keeps failing.
pub(super) fn example() -> Record {
    const ACCEPTED_AT: Timestamp = Timestamp::constant(1_767_323_045, 250_000_000);
    const STUCK_SINCE: Timestamp = Timestamp::constant(1_767_323_048, 410_000_000);
    const DUE_AT: Timestamp = Timestamp::constant(1_767_323_348, 410_000_000);
    let step = saga::StepName::new("create_organization");
    Record {
        view: store::View {
            saga: crate::signups::EXAMPLE,
            state: State::Active(saga::Active::Compensating(step, saga::Code::STEP_FAILED)),
            accepted_at: ACCEPTED_AT,
            age: std::time::Duration::from_millis(123_456),
            stuck_since: Some(STUCK_SINCE),
            ended_at: None,
        },
        version: 1,
        epoch: 14,
        seq: 13,
        attempt: 5,
        due_at: DUE_AT,
        lease: None,
        step_claimed_at: Some(Timestamp::constant(1_767_323_046, 0)),
        error: Some("the store refuses: organizations are not to be deleted".to_owned()),
        decoy: false,
    }
}
