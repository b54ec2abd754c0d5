//! What follows an attempt: a pure function of where the saga is and how the attempt went.
//!
//! The table, for step *i* of *n*:
//!
//! | attempt of step *i* | then |
//! |---|---|
//! | executed, done | run *i + 1*; after the last: completed |
//! | executed, unknown, attempts left | the same again, after a delay |
//! | executed, unknown, none left; or expired; or refused | compensate *i*: an attempt of it may have happened |
//! | compensated, done | compensate *i - 1*; before the first: failed |
//! | compensated, unknown | the same again, after a delay; out of attempts, stuck, and still again |
//!
//! A refusal says that this attempt did nothing. It cannot speak for an earlier one whose outcome is unknown, so the
//! refused step is compensated like one in doubt.
//!
//! `saga/tests/model/` explores it breadth-first over workers, crashes, zombies and duplicates.

use std::time::Duration;

use crate::{Active, Code, End, Retry, State, StepName};

/// What is planned for: an attempt, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempted {
    /// A step was executed.
    Executed {
        /// Which.
        step: StepName,
        /// Which attempt it was, from 1.
        number: u32,
        /// How it went.
        verdict: Verdict,
    },
    /// A step was compensated.
    Compensated {
        /// Which.
        step: StepName,
        /// Why the saga goes back.
        code: Code,
        /// Which attempt it was, from 1.
        number: u32,
        /// Whether it is undone; otherwise that is unknown.
        undone: bool,
    },
}

/// How the execution of a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may or may not have happened.
    Unknown,
    /// The saga is too old to go on; an earlier attempt may have happened.
    Expired,
    /// It did not happen and will not.
    Refused(Code),
    /// It happened.
    Done,
}

/// What is to be written of a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Go to another state, which is due at once. Attempts are counted anew.
    Advance {
        /// The new state.
        to: State,
        /// What the journal says of it.
        event: EventKind,
    },
    /// Stay, and try again.
    Again {
        /// After this delay.
        after: Duration,
        /// Whether an operator should look at it.
        stuck: bool,
        /// What the journal says of it.
        event: EventKind,
    },
}

/// What the journal says of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The saga was accepted.
    Accepted,
    /// The step's effect stands.
    Done,
    /// The step was refused.
    Refused,
    /// The attempt led to nothing that is known; it is repeated.
    Failed,
    /// Attempts or time ran out; the step in doubt is compensated.
    GaveUp,
    /// The step's effect is undone.
    Undone,
    /// The attempt to undo led to nothing that is known; it is repeated.
    UndoFailed,
    /// An operator had the step tried again.
    Retried,
    /// An operator had the saga rolled back.
    RolledBack,
    /// An operator declared the saga over.
    Resolved,
}

/// The steps of a saga as far as planning goes.
#[derive(Debug, Clone)]
pub struct Route {
    /// The steps in order.
    pub legs: Vec<Leg>,
    /// The retry policy of compensations.
    pub undo: Retry,
    /// The delay between attempts of a stuck compensation.
    pub stuck_pause: Duration,
}

/// One step as far as planning goes.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The step's name.
    pub name: StepName,
    /// Its retry policy.
    pub retry: Retry,
}

/// Plans what follows an attempt. `jitter` is in `0.0..1.0`, see [`Retry::delay`].
pub fn plan(route: &Route, attempted: &Attempted, jitter: f64) -> Transition {
    use Attempted::{Compensated, Executed};
    match attempted {
        Executed { step, verdict: Verdict::Done, .. } => advance(forward(route, step), EventKind::Done),
        Executed { step, verdict: Verdict::Refused(code), .. } => advance(back_from(step, code), EventKind::Refused),
        Executed { step, verdict: Verdict::Unknown, number } => match attempts_left(route, step, *number) {
            Some(retry) => again(retry.delay(*number, jitter), false, EventKind::Failed),
            None => advance(back_from(step, &Code::STEP_FAILED), EventKind::GaveUp),
        },
        Executed { step, verdict: Verdict::Expired, .. } => advance(back_from(step, &Code::EXPIRED), EventKind::GaveUp),
        Compensated { step, code, undone: true, .. } => advance(back_before(route, step, code), EventKind::Undone),
        Compensated { undone: false, number, .. } => {
            let stuck = *number >= route.undo.attempts;
            let after = if stuck { route.stuck_pause } else { route.undo.delay(*number, jitter) };
            again(after, stuck, EventKind::UndoFailed)
        }
    }
}

fn advance(to: State, event: EventKind) -> Transition {
    Transition::Advance { to, event }
}

fn again(after: Duration, stuck: bool, event: EventKind) -> Transition {
    Transition::Again { after, stuck, event }
}

/// A step that is not on the route leads nowhere: it is better run again than taken for the last.
fn forward(route: &Route, step: &StepName) -> State {
    match route.position(step).map(|at| route.legs.get(at + 1)) {
        Some(Some(next)) => State::Active(Active::Running(next.name.clone())),
        Some(None) => State::Ended(End::Completed),
        None => State::Active(Active::Running(step.clone())),
    }
}

fn back_from(step: &StepName, code: &Code) -> State {
    State::Active(Active::Compensating(step.clone(), code.clone()))
}

fn back_before(route: &Route, step: &StepName, code: &Code) -> State {
    match route.position(step).map(|at| at.checked_sub(1).and_then(|before| route.legs.get(before))) {
        Some(Some(previous)) => back_from(&previous.name, code),
        Some(None) => State::Ended(End::Failed(code.clone())),
        None => back_from(step, code),
    }
}

/// The step's retry policy, where it still has attempts. A step that is not on the route has none.
fn attempts_left<'r>(route: &'r Route, step: &StepName, number: u32) -> Option<&'r Retry> {
    let leg = route.legs.iter().find(|leg| leg.name == *step)?;
    (number < leg.retry.attempts).then_some(&leg.retry)
}

impl Route {
    fn position(&self, step: &StepName) -> Option<usize> {
        self.legs.iter().position(|leg| leg.name == *step)
    }
}

impl Transition {
    /// What the journal says of it.
    pub fn event(&self) -> EventKind {
        match self {
            Self::Advance { event, .. } | Self::Again { event, .. } => *event,
        }
    }
}

impl EventKind {
    const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Done,
        Self::Refused,
        Self::Failed,
        Self::GaveUp,
        Self::Undone,
        Self::UndoFailed,
        Self::Retried,
        Self::RolledBack,
        Self::Resolved,
    ];

    /// The stored word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::GaveUp => "gave_up",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
            Self::Retried => "retried",
            Self::RolledBack => "rolled_back",
            Self::Resolved => "resolved",
        }
    }

    /// The kind behind a stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
