//! What the engine counts: see the list in the binary's `metrics.rs`.

use std::time::Duration;

use metrics::{counter, histogram};

use crate::plan::EventKind;
use crate::store::Operation;
use crate::{Active, Code, Direction, Ran, State, StepName};

/// How sagas come to a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// It looked for what is due.
    Look,
    /// It was told of them.
    Hint,
    /// It has just committed the step before.
    Commit,
}

pub(crate) fn claimed(step: &StepName, by: By, sagas: usize) {
    let by = match by {
        By::Look => "look",
        By::Hint => "hint",
        By::Commit => "commit",
    };
    if sagas > 0 {
        counter!("signup_saga_claims_total", "step" => step.to_string(), "by" => by).increment(sagas as u64);
    }
}

pub(crate) fn taken_over(step: &StepName) {
    counter!("signup_saga_takeovers_total", "step" => step.to_string()).increment(1);
}

pub(crate) fn attempted(step: &StepName, direction: Direction, event: EventKind, took: Duration) {
    counter!("signup_saga_attempts_total", "step" => step.to_string(), "outcome" => event.word()).increment(1);
    let direction = match direction {
        Direction::Forward => "forward",
        Direction::Backward => "backward",
    };
    histogram!("signup_saga_attempt_duration_seconds", "step" => step.to_string(), "direction" => direction)
        .record(took);
}

/// A saga has ended, so long after it was accepted.
pub(crate) fn ended(end: &State, class: &'static str, age: Duration) {
    count_end(end, class);
    histogram!("signup_saga_duration_seconds", "outcome" => end.word()).record(age);
}

fn count_end(end: &State, class: &'static str) {
    let code = end.code().map(ToString::to_string).unwrap_or_default();
    counter!("signup_saga_ended_total", "outcome" => end.word(), "code" => code, "class" => class).increment(1);
}

/// A saga goes back from this step.
pub(crate) fn turned_back(step: &StepName, code: &Code) {
    counter!("signup_saga_turned_back_total", "step" => step.to_string(), "code" => code.to_string()).increment(1);
}

/// Counts what an operator's action has led to: whose saga it is is not known then.
pub fn operated(operation: &Operation) {
    match (&operation.from, &operation.to) {
        (Active::Running(step), State::Active(Active::Compensating(_, code))) => turned_back(step, code),
        (Active::Running(_) | Active::Compensating(..), to @ State::Ended(_)) => count_end(to, "unknown"),
        (Active::Running(_) | Active::Compensating(..), State::Active(_)) => {}
    }
}

pub(crate) fn ran(step: &StepName, ran: &Ran) {
    let outcome = match ran {
        Ran::Committed(_) => "committed",
        Ran::Fenced => "fenced",
        Ran::HandedBack => "handed_back",
        Ran::Abandoned => "abandoned",
    };
    counter!("signup_saga_jobs_total", "step" => step.to_string(), "outcome" => outcome).increment(1);
}

/// A commit without an answer has become known to be written, or not to be.
pub(crate) fn cleared(written: bool) {
    let found = if written { "written" } else { "absent" };
    counter!("signup_saga_in_doubt_total", "found" => found).increment(1);
}
