//! What can become of a saga: what happens next by itself, and what an operator can do.

use jiff::Timestamp;
use saga::operate::act;
use saga::store::{Inspection, Made, Record};
use saga::{Action, Active, End, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::time::shown;

/// What happens next by itself, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NextTry {
    /// In words.
    #[schema(example = "it is due, and taken by the next worker that is free")]
    what: String,
    /// When; left out where nothing happens any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    at: Option<String>,
}

/// What an operator can do, or why they cannot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Choice {
    /// The action: the last part of its path.
    action: Word,
    /// Whether it is possible now.
    possible: bool,
    /// What it does. Only of one that is possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    does: Option<String>,
    /// Why it is not possible. Only of one that is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why_not: Option<String>,
}

/// What an operator does to a saga.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Action)]
enum Word {
    Retry,
    Rollback,
    Resolve,
}

impl NextTry {
    pub(super) fn of(record: &Record) -> Self {
        let now = record.view.accepted_at.saturating_add(record.view.age).unwrap_or(Timestamp::MAX);
        let State::Active(active) = &record.view.state else {
            return Self { what: "nothing: it has ended".to_owned(), at: None };
        };
        let (what, at) = match &record.lease {
            Some(lease) if lease.until > now => {
                let doing = doing(active);
                (format!("{} {doing}, and holds it until then if it does not end before", lease.worker), lease.until)
            }
            Some(lease) => (format!("{} has lost its hold; a worker takes it over", lease.worker), lease.until),
            None if record.due_at > now => (format!("a worker {}", doing(active)), record.due_at),
            None => (format!("a worker {}, as soon as one is free", doing(active)), record.due_at),
        };
        Self { what, at: Some(shown(at)) }
    }
}

fn doing(active: &Active) -> String {
    match active {
        Active::Running(step) => format!("tries {step}"),
        Active::Compensating(step, _) => format!("tries to undo {step}"),
    }
}

impl Choice {
    /// Every action.
    pub(super) fn all(inspection: &Inspection) -> Vec<Self> {
        Action::ALL.into_iter().map(|action| Self::of(action, inspection)).collect()
    }

    fn of(action: Action, inspection: &Inspection) -> Self {
        let (does, why_not) = match outlook(action, &inspection.record.view.state, &inspection.made) {
            Ok(does) => (Some(does), None),
            Err(why_not) => (None, Some(why_not)),
        };
        Self { action: Word::of(action), possible: does.is_some(), does, why_not }
    }
}

/// What the action does, or why it is impossible.
fn outlook(action: Action, state: &State, made: &[Made]) -> Result<String, String> {
    let State::Active(from) = state else {
        return Err(saga::operate::Impossible::Ended.to_string());
    };
    let to = act(action, from).map_err(|impossible| impossible.to_string())?;
    match to {
        State::Active(Active::Running(step)) => Ok(format!("tries {step} again at once")),
        State::Active(Active::Compensating(step, _)) if action == Action::Retry => {
            Ok(format!("tries to undo {step} again at once"))
        }
        State::Active(Active::Compensating(step, code)) => {
            Ok(format!("undoes {step} and every step before it; the saga then ends as failed ({code})"))
        }
        State::Ended(_) if !made.is_empty() => {
            let left: Vec<&str> = made.iter().map(|thing| &*thing.what).collect();
            Err(format!("something is left of the saga: {}", left.join(", ")))
        }
        State::Ended(End::Failed(code)) => Ok(format!("ends the saga as failed ({code}): nothing is left of it")),
        State::Ended(End::Completed) => Ok("ends the saga as completed".to_owned()),
    }
}

impl Word {
    fn of(action: Action) -> Self {
        match action {
            Action::Retry => Self::Retry,
            Action::RollBack => Self::Rollback,
            Action::Resolve => Self::Resolve,
        }
    }
}
