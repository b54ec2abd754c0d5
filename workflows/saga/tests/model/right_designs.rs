//! The designs that hold.

use std::collections::HashSet;

use saga::plan::{Attempted, EventKind, Verdict};
use saga::state::{Active, End, State, StepName};
use saga::{Code, Transition};

use crate::design::{Design, Effects};
use crate::explore::{Explored, explore};
use crate::plans::{REFUSAL, right, route};
use crate::turn::Sight;
use crate::world::World;

#[test]
fn no_schedule_leaves_a_half_done_saga() {
    for workers in 2..=4 {
        holds(&format!("inside, {workers} workers"), &Design { workers, ..Design::INSIDE });
    }
}

/// With a refusal that is true of one request alone, and with a record that is refused after its effect outside.
#[test]
fn no_schedule_leaves_a_half_done_saga_outside() {
    for workers in 2..=3 {
        holds(&format!("behind a fence, {workers} workers"), &Design { workers, ..Design::FENCED });
        holds(&format!("behind tombstones, {workers} workers"), &Design { workers, ..Design::TOMBSTONED });
    }
}

#[test]
fn what_is_forgotten_changes_nothing() {
    forgetting_changes_nothing("inside", &Design::INSIDE);
}

/// Without operators, who would make the states too many; what they do to a worker in flight is the same everywhere.
#[test]
fn what_is_forgotten_behind_a_fence_changes_nothing() {
    forgetting_changes_nothing("behind a fence", &Design { acting: None, ..Design::FENCED });
}

/// Without operators, as behind a fence.
#[test]
fn what_is_forgotten_behind_tombstones_changes_nothing() {
    forgetting_changes_nothing("behind tombstones", &Design { acting: None, ..Design::TOMBSTONED });
}

/// The model knows no codes.
#[test]
fn the_code_reaches_the_end() {
    let route = route();
    for leg in &route.legs {
        for (verdict, why, event) in [
            (Verdict::Refused(REFUSAL), REFUSAL, EventKind::Refused),
            (Verdict::Unknown, Code::STEP_FAILED, EventKind::GaveUp),
            (Verdict::Expired, Code::EXPIRED, EventKind::GaveUp),
        ] {
            let mut planned = right(&route, &Attempted::Executed { step: leg.name.clone(), number: 2, verdict });
            assert_eq!(planned.event(), event);
            while let Transition::Advance { to: State::Active(Active::Compensating(step, code)), .. } = planned {
                planned = right(&route, &Attempted::Compensated { step, code, number: 1, undone: true });
            }
            let end = State::Ended(End::Failed(why));
            assert_eq!(planned, Transition::Advance { to: end, event: EventKind::Undone }, "from {}", leg.name);
        }
    }
}

/// Nor does it know of other routes.
#[test]
fn a_step_that_is_not_on_the_route_is_not_left() {
    let step = StepName::new("elsewhere");
    let executed = [Verdict::Done, Verdict::Unknown, Verdict::Expired, Verdict::Refused(REFUSAL)]
        .map(|verdict| Attempted::Executed { step: step.clone(), number: 1, verdict });
    let undone = Attempted::Compensated { step: step.clone(), code: REFUSAL, number: 1, undone: true };
    for attempted in executed.into_iter().chain([undone]) {
        let Transition::Advance { to, .. } = right(&route(), &attempted) else { panic!("{attempted:?} is repeated") };
        assert_eq!(to.step(), Some(&step), "{attempted:?}");
    }
}

fn forgetting_changes_nothing(name: &str, design: &Design) {
    let short = explore(design, |_| true);
    let long = holds(&format!("{name}, 2 workers, nothing forgotten"), &Design { forgets: false, ..*design });
    let outlines = |explored: &Explored| explored.worlds.iter().map(World::outline).collect::<HashSet<_>>();
    assert_eq!(outlines(&short), outlines(&long));
}

/// Explores a design and finds nothing wrong in it, and nothing left out.
fn holds(name: &str, design: &Design) -> Explored {
    let explored = explore(design, |_| true);
    println!("{name}: {} states, {} moves", explored.worlds.len(), explored.moves);
    assert!(explored.found.is_none(), "{name}: {:#?}", explored.found);
    assert_eq!(explored.machine.plans.unasked(), [], "{name}: never happened");
    let outside: &[_] = if design.effects == Effects::Inside { &[] } else { &Sight::OUTSIDE };
    let operated = design.acting.map(|_| Sight::OperatedOnInFlight);
    for sight in Sight::ANYWHERE.iter().chain(outside).chain(&operated) {
        assert!(explored.machine.has_seen(*sight), "{name}: never came across {sight:?}");
    }
    explored
}
