//! What an operator may do to a saga: a pure function of where the saga is.
//!
//! | action | on | then |
//! |---|---|---|
//! | retry | a saga that has not ended | the same step again, at once, with its attempts counted anew |
//! | roll back | a running saga | compensate the step at hand, then the ones before it |
//! | resolve | a saga that has not ended, of which nothing is left | failed |
//!
//! An action is guarded by the seq that the operator saw: of two clicks one takes effect. It takes the next epoch, so
//! a worker that is at the saga meanwhile writes nothing.

use std::fmt;
use std::str::FromStr;

use crate::plan::EventKind;
use crate::{Active, Code, End, State};

/// What an operator does to a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Try the step at hand again now.
    Retry,
    /// Undo the step at hand and the ones before it.
    RollBack,
    /// Declare it over: nothing of it is left.
    Resolve,
}

/// Why an action makes no sense for a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// It has ended; an ended saga never changes.
    #[error("the saga has ended")]
    Ended,
    /// It is being compensated already.
    #[error("the saga is going back already")]
    GoingBack,
}

/// Who does it, and why: what the journal keeps of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The operator's name.
    pub operator: String,
    /// Their reason.
    pub reason: String,
}

/// Where an action leads.
///
/// # Errors
/// [`Impossible`] where it leads nowhere.
pub fn act(action: Action, from: &Active) -> Result<State, Impossible> {
    match (action, from) {
        (Action::Retry, from) => Ok(State::Active(from.clone())),
        (Action::RollBack, Active::Running(step)) => {
            Ok(State::Active(Active::Compensating(step.clone(), Code::ROLLED_BACK)))
        }
        (Action::RollBack, Active::Compensating(..)) => Err(Impossible::GoingBack),
        (Action::Resolve, Active::Running(_)) => Ok(State::Ended(End::Failed(Code::RESOLVED))),
        (Action::Resolve, Active::Compensating(_, code)) => Ok(State::Ended(End::Failed(code.clone()))),
    }
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Retry, Self::RollBack, Self::Resolve];

    /// What the journal says of it.
    pub fn event(self) -> EventKind {
        match self {
            Self::Retry => EventKind::Retried,
            Self::RollBack => EventKind::RolledBack,
            Self::Resolve => EventKind::Resolved,
        }
    }

    /// Its name in paths and commands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::RollBack => "rollback",
            Self::Resolve => "resolve",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The text names no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action: expected `retry`, `rollback` or `resolve`")]
pub struct UnknownAction;

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(word: &str) -> Result<Self, UnknownAction> {
        Self::ALL.into_iter().find(|action| action.word() == word).ok_or(UnknownAction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StepName;

    const STEP: StepName = StepName::new("step");
    const WHY: Code = Code::new("why");

    #[test]
    fn a_retry_stays_where_the_saga_is() {
        for from in [Active::Running(STEP), Active::Compensating(STEP, WHY)] {
            assert_eq!(act(Action::Retry, &from), Ok(State::Active(from)));
        }
    }

    #[test]
    fn a_roll_back_compensates_the_step_at_hand_and_keeps_an_earlier_reason() {
        let back = State::Active(Active::Compensating(STEP, Code::ROLLED_BACK));
        assert_eq!(act(Action::RollBack, &Active::Running(STEP)), Ok(back));
        assert_eq!(act(Action::RollBack, &Active::Compensating(STEP, WHY)), Err(Impossible::GoingBack));
    }

    #[test]
    fn what_is_resolved_has_failed() {
        let failed = |code| Ok(State::Ended(End::Failed(code)));
        assert_eq!(act(Action::Resolve, &Active::Running(STEP)), failed(Code::RESOLVED));
        assert_eq!(act(Action::Resolve, &Active::Compensating(STEP, WHY)), failed(WHY));
    }

    #[test]
    fn an_action_reads_back_from_its_word() {
        for action in Action::ALL {
            assert_eq!(action.word().parse(), Ok(action));
        }
        assert_eq!("delete".parse::<Action>(), Err(UnknownAction));
    }
}
