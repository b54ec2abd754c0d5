//! Plans that are wrong in one respect, each made of the right one.

use saga::operate::{Impossible, act};
use saga::plan::{Attempted, EventKind, Route};
use saga::state::{Active, End, State};
use saga::{Action, Transition};

use crate::plans::{right, route};

/// Completes with the last step still to do.
pub(crate) fn leaves_out_the_last_step(route: &Route, attempted: &Attempted) -> Transition {
    match right(route, attempted) {
        Transition::Advance { to: State::Active(Active::Running(step)), event }
            if route.legs.last().is_some_and(|leg| leg.name == step) =>
        {
            Transition::Advance { to: State::Ended(End::Completed), event }
        }
        planned => planned,
    }
}

/// After a refusal, undoes the steps before it only.
pub(crate) fn spares_the_refused_step(route: &Route, attempted: &Attempted) -> Transition {
    skipping_one(route, attempted, EventKind::Refused)
}

/// After giving a step up, undoes the steps before it only.
pub(crate) fn spares_the_step_given_up(route: &Route, attempted: &Attempted) -> Transition {
    skipping_one(route, attempted, EventKind::GaveUp)
}

/// Undoes every other step.
pub(crate) fn skips_a_step_while_undoing(route: &Route, attempted: &Attempted) -> Transition {
    skipping_one(route, attempted, EventKind::Undone)
}

/// Undoes all steps, first to last.
pub(crate) fn undoes_in_the_order_of_doing(route: &Route, attempted: &Attempted) -> Transition {
    let mut planned = right(route, attempted);
    if let Transition::Advance { to, event } = &mut planned
        && let Some(code) = to.code().cloned()
    {
        let next = match attempted {
            Attempted::Compensated { step, .. } if *event == EventKind::Undone => {
                route.legs.iter().skip_while(|leg| leg.name != *step).nth(1)
            }
            Attempted::Compensated { .. } | Attempted::Executed { .. } => route.legs.first(),
        };
        *to = match next {
            Some(leg) => State::Active(Active::Compensating(leg.name.clone(), code)),
            None => State::Ended(End::Failed(code)),
        };
    }
    planned
}

/// Takes an undo that failed for done.
pub(crate) fn takes_a_failed_undo_for_done(route: &Route, attempted: &Attempted) -> Transition {
    let mut attempted = attempted.clone();
    if let Attempted::Compensated { undone, .. } = &mut attempted {
        *undone = true;
    }
    right(route, &attempted)
}

/// With this event, the saga is where it would be once it had undone the step that it is to undo next.
fn skipping_one(route: &Route, attempted: &Attempted, with: EventKind) -> Transition {
    let mut planned = right(route, attempted);
    if let Transition::Advance { to, event } = &mut planned
        && *event == with
        && let State::Active(Active::Compensating(step, code)) = to.clone()
        && let Transition::Advance { to: further, .. } =
            right(route, &Attempted::Compensated { step, code, number: 1, undone: true })
    {
        *to = further;
    }
    planned
}

/// An operator's roll-back undoes the steps before the one at hand only.
pub(crate) fn rolls_back_from_the_step_before(action: Action, from: &Active) -> Result<State, Impossible> {
    let to = act(action, from)?;
    let (Action::RollBack, State::Active(Active::Compensating(step, code))) = (action, &to) else { return Ok(to) };
    let legs = route().legs;
    let before = legs.iter().zip(legs.iter().skip(1)).find(|(_, leg)| leg.name == *step);
    Ok(match before {
        Some((before, _)) => State::Active(Active::Compensating(before.name.clone(), code.clone())),
        None => State::Ended(End::Failed(code.clone())),
    })
}
