//! Plans that are wrong in one respect, each made of the right one.

use saga::Transition;
use saga::plan::{Attempted, Route, Verdict};
use saga::state::{Active, Code, End, State, StepName};

use crate::design::{REFUSAL, right};

/// Completes with the last step still to do.
pub(crate) fn leaves_out_the_last_step(route: &Route, attempted: &Attempted) -> Transition {
    match right(route, attempted) {
        Transition::Advance { to: State::Active(Active::Running(step)), event } if is_last(route, &step) => {
            Transition::Advance { to: State::Ended(End::Completed), event }
        }
        planned => planned,
    }
}

/// Gives a step up as if it had been refused: undoes the steps before it only.
pub(crate) fn spares_the_step_in_doubt(route: &Route, attempted: &Attempted) -> Transition {
    match (right(route, attempted), attempted) {
        (
            Transition::Advance { event, .. },
            Attempted::Executed { step, number, verdict: Verdict::Unknown | Verdict::Expired },
        ) => {
            let refused =
                Attempted::Executed { step: step.clone(), number: *number, verdict: Verdict::Refused(REFUSAL) };
            go_as(right(route, &refused), event)
        }
        (planned, _) => planned,
    }
}

/// After a refusal, begins to undo one step too early.
pub(crate) fn skips_a_step_after_a_refusal(route: &Route, attempted: &Attempted) -> Transition {
    match attempted {
        Attempted::Executed { verdict: Verdict::Refused(_), .. } => one_further_back(route, attempted),
        Attempted::Executed { .. } | Attempted::Compensated { .. } => right(route, attempted),
    }
}

/// Undoes every other step.
pub(crate) fn skips_a_step_while_undoing(route: &Route, attempted: &Attempted) -> Transition {
    match attempted {
        Attempted::Compensated { undone: true, .. } => one_further_back(route, attempted),
        Attempted::Executed { .. } | Attempted::Compensated { .. } => right(route, attempted),
    }
}

/// Undoes all steps, first to last.
pub(crate) fn undoes_in_the_order_of_doing(route: &Route, attempted: &Attempted) -> Transition {
    let legs = &route.legs;
    match (right(route, attempted), attempted) {
        (Transition::Advance { event, .. }, Attempted::Compensated { step, code, .. }) => {
            let next = legs.iter().skip_while(|leg| leg.name != *step).nth(1);
            let to = next.map_or(State::Ended(End::Failed(code.clone())), |leg| undoing(&leg.name, code));
            Transition::Advance { to, event }
        }
        (Transition::Advance { to: State::Active(Active::Compensating(step, code)), event }, _) => {
            Transition::Advance { to: undoing(legs.first().map_or(&step, |leg| &leg.name), &code), event }
        }
        (planned, _) => planned,
    }
}

/// Takes an undo that failed for done.
pub(crate) fn takes_a_failed_undo_for_done(route: &Route, attempted: &Attempted) -> Transition {
    match attempted {
        Attempted::Compensated { step, code, number, .. } => {
            let (step, code) = (step.clone(), code.clone());
            right(route, &Attempted::Compensated { step, code, number: *number, undone: true })
        }
        Attempted::Executed { .. } => right(route, attempted),
    }
}

fn is_last(route: &Route, step: &StepName) -> bool {
    route.legs.last().is_some_and(|leg| leg.name == *step)
}

fn undoing(step: &StepName, code: &Code) -> State {
    State::Active(Active::Compensating(step.clone(), code.clone()))
}

/// The planned state under another event.
fn go_as(planned: Transition, event: saga::plan::EventKind) -> Transition {
    match planned {
        Transition::Advance { to, .. } => Transition::Advance { to, event },
        again @ Transition::Again { .. } => again,
    }
}

/// Where the saga would be once it had undone the step that it is to undo next.
fn one_further_back(route: &Route, attempted: &Attempted) -> Transition {
    let planned = right(route, attempted);
    match &planned {
        Transition::Advance { to: State::Active(Active::Compensating(step, code)), event } => {
            let (step, code) = (step.clone(), code.clone());
            go_as(right(route, &Attempted::Compensated { step, code, number: 1, undone: true }), *event)
        }
        Transition::Advance { .. } | Transition::Again { .. } => planned,
    }
}
