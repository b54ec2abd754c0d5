//! How a sign-up goes, as its client sees it: no personal data, and nothing of how it is done.

use std::time::Duration;

use axum::http::HeaderValue;
use jiff::Timestamp;
use saga::store::View;
use saga::{Active, Code, End, SagaId, State, StepName};
use serde::Serialize;
use utoipa::ToSchema;

use crate::time::shown;

/// A sign-up, as its client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signup {
    pub(super) workflow: SagaId,
    pub(super) status: Status,
    steps_total: usize,
    accepted_at: Timestamp,
}

/// How a sign-up goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    /// Under way.
    Pending { steps_done: usize },
    /// Under way, and longer than it should be; it is being looked after.
    Delayed { steps_done: usize },
    /// The user can sign in.
    Completed { ended_at: Timestamp },
    /// Nothing is left of it.
    Failed { code: Code, ended_at: Timestamp },
}

/// From this age on a sign-up under way is delayed.
const DELAYED_AFTER: Duration = Duration::from_secs(30);

impl Signup {
    /// The sign-up behind what the store sees, whose steps are these.
    pub(super) fn new(view: &View, steps: &[StepName]) -> Self {
        // A store that keeps its word says when; otherwise it was before this reading at the latest.
        let ended_at =
            || view.ended_at.unwrap_or_else(|| view.accepted_at.saturating_add(view.age).unwrap_or_default());
        let status = match &view.state {
            State::Ended(End::Completed) => Status::Completed { ended_at: ended_at() },
            State::Ended(End::Failed(code)) => Status::Failed { code: code.clone(), ended_at: ended_at() },
            State::Active(active) => {
                let steps_done = steps_done(active, steps);
                if view.stuck_since.is_some() || view.age > DELAYED_AFTER {
                    Status::Delayed { steps_done }
                } else {
                    Status::Pending { steps_done }
                }
            }
        };
        Self { workflow: view.saga, status, steps_total: steps.len(), accepted_at: view.accepted_at }
    }

    /// Where its status is.
    pub(super) fn url(&self) -> String {
        format!("/v1/signups/{}", self.workflow)
    }

    /// Tells one state of this sign-up from another: whatever of its document can change is in it.
    pub(super) fn tag(&self) -> String {
        format!("{}{}-{}", self.word().tag(), self.steps_done(), self.steps_total)
    }

    /// Whether it has ended: then it never changes again.
    pub(super) fn has_ended(&self) -> bool {
        match self.status {
            Status::Pending { .. } | Status::Delayed { .. } => false,
            Status::Completed { .. } | Status::Failed { .. } => true,
        }
    }

    /// After how long to ask again, if there will be more to know.
    pub(super) fn retry_after(&self) -> Option<HeaderValue> {
        match self.status {
            Status::Pending { .. } | Status::Delayed { .. } => Some(HeaderValue::from_static("1")),
            Status::Completed { .. } | Status::Failed { .. } => None,
        }
    }

    /// The JSON document.
    pub(super) fn document(&self) -> Document {
        let (code, ended_at) = match &self.status {
            Status::Pending { .. } | Status::Delayed { .. } => (None, None),
            Status::Completed { ended_at } => (None, Some(shown(*ended_at))),
            Status::Failed { code, ended_at } => (Some(code.to_string()), Some(shown(*ended_at))),
        };
        Document {
            workflow_id: self.workflow.to_string(),
            status: self.word(),
            code,
            steps_done: self.steps_done(),
            steps_total: self.steps_total,
            accepted_at: shown(self.accepted_at),
            ended_at,
            status_url: self.url(),
        }
    }

    fn word(&self) -> Word {
        match self.status {
            Status::Pending { .. } => Word::Pending,
            Status::Delayed { .. } => Word::Delayed,
            Status::Completed { .. } => Word::Completed,
            Status::Failed { .. } => Word::Failed,
        }
    }

    fn steps_done(&self) -> usize {
        match self.status {
            Status::Pending { steps_done } | Status::Delayed { steps_done } => steps_done,
            Status::Completed { .. } => self.steps_total,
            Status::Failed { .. } => 0,
        }
    }
}

/// How many steps' effects stand, or may stand: those before a step that is to be executed; those before a step that
/// is to be undone, and that step too. None are known of a step that this program does not have.
fn steps_done(active: &Active, steps: &[StepName]) -> usize {
    let position = |name| steps.iter().position(|step| step == name);
    match active {
        Active::Running(step) => position(step).unwrap_or(0),
        Active::Compensating(step, _) => position(step).map_or(0, |before| before + 1),
    }
}

/// How a sign-up goes.
#[derive(Serialize, ToSchema)]
#[schema(as = Signup)]
pub(super) struct Document {
    /// The id of the sign-up.
    #[schema(pattern = "^wf_[0-9a-f]{32}$")]
    workflow_id: String,
    /// How it goes.
    status: Word,
    /// Why it failed: `email_taken`, `step_failed`, `expired`; more may come. Only of a failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<String>,
    /// How many steps are done. It goes back where a sign-up is rolled back.
    steps_done: usize,
    /// How many steps there are.
    steps_total: usize,
    /// When it was accepted.
    #[schema(format = "date-time")]
    accepted_at: String,
    /// When it ended. Only of a completed or failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    ended_at: Option<String>,
    /// Where to ask for it again.
    #[schema(format = "uri-reference")]
    status_url: String,
}

/// A sign-up is `pending` or `delayed` (longer under way than it should be, and looked after), until it is
/// `completed` (the user can sign in) or `failed` (nothing is left of it).
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignupStatus)]
enum Word {
    Pending,
    Delayed,
    Completed,
    Failed,
}

impl Word {
    fn tag(self) -> char {
        match self {
            Self::Pending => 'p',
            Self::Delayed => 'd',
            Self::Completed => 'c',
            Self::Failed => 'f',
        }
    }
}

/// Sign-ups for the OpenAPI document.
impl Signup {
    const ACCEPTED_AT: Timestamp = Timestamp::constant(1_767_323_045, 250_000_000);
    const ENDED_AT: Timestamp = Timestamp::constant(1_767_323_045, 410_000_000);

    pub(super) fn pending_example() -> Document {
        Self::example(Status::Pending { steps_done: 2 })
    }

    pub(super) fn completed_example() -> Document {
        Self::example(Status::Completed { ended_at: Self::ENDED_AT })
    }

    pub(super) fn failed_example() -> Document {
        Self::example(Status::Failed { code: signup::EMAIL_TAKEN, ended_at: Self::ENDED_AT })
    }

    fn example(status: Status) -> Document {
        Self { workflow: super::EXAMPLE, status, steps_total: 4, accepted_at: Self::ACCEPTED_AT }.document()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [StepName; 3] = [StepName::new("a"), StepName::new("b"), StepName::new("c")];

    fn view(state: State) -> View {
        let accepted_at = Signup::ACCEPTED_AT;
        let ended_at = matches!(state, State::Ended(_)).then_some(Signup::ENDED_AT);
        View { saga: super::super::EXAMPLE, state, accepted_at, age: Duration::ZERO, stuck_since: None, ended_at }
    }

    fn seen(state: State) -> (Status, usize) {
        let signup = Signup::new(&view(state), &STEPS);
        (signup.status.clone(), signup.steps_done())
    }

    #[test]
    fn steps_are_done_while_their_effects_stand() {
        let running = |step: &StepName| State::Active(Active::Running(step.clone()));
        let compensating = |step: &StepName| State::Active(Active::Compensating(step.clone(), Code::STEP_FAILED));
        for (at, step) in STEPS.iter().enumerate() {
            assert_eq!(seen(running(step)), (Status::Pending { steps_done: at }, at));
            assert_eq!(seen(compensating(step)), (Status::Pending { steps_done: at + 1 }, at + 1));
        }
        let ended_at = Signup::ENDED_AT;
        assert_eq!(seen(State::Ended(End::Completed)), (Status::Completed { ended_at }, 3));
        let code = Code::EXPIRED;
        assert_eq!(seen(State::Ended(End::Failed(code.clone()))), (Status::Failed { code, ended_at }, 0));
        assert_eq!(seen(running(&StepName::new("unheard_of"))), (Status::Pending { steps_done: 0 }, 0));
    }

    #[test]
    fn a_signup_that_is_stuck_or_old_is_delayed() {
        let active = State::Active(Active::Running(STEPS[1].clone()));
        let delayed = |view: &View| matches!(Signup::new(view, &STEPS).status, Status::Delayed { steps_done: 1 });
        let fresh = view(active);
        assert!(!delayed(&View { age: DELAYED_AFTER, ..fresh.clone() }));
        assert!(delayed(&View { age: DELAYED_AFTER + Duration::from_nanos(1), ..fresh.clone() }));
        assert!(delayed(&View { stuck_since: Some(Signup::ENDED_AT), ..fresh }));
        let ended = view(State::Ended(End::Completed));
        assert!(!delayed(&View { age: Duration::from_hours(1), ..ended }));
    }
}
