//! The designs that hold.

use std::collections::HashSet;

use saga::plan::{Attempted, EventKind, Verdict};
use saga::state::{Active, End, State};
use saga::{Code, Transition};

use crate::design::{Design, Effects, Guards, REFUSAL, Resource, right, route};
use crate::explore::{Explored, explore};
use crate::sights::Sights;
use crate::world::Violation;

#[test]
fn no_schedule_leaves_a_half_done_saga() {
    for workers in 2..=4 {
        holds(&format!("effects inside, {workers} workers"), &Design { workers, ..Design::INSIDE });
    }
}

#[test]
fn no_schedule_leaves_a_half_done_saga_outside() {
    for workers in 2..=3 {
        holds(&format!("effects outside, {workers} workers"), &Design { workers, ..Design::OUTSIDE });
    }
}

#[test]
fn a_fence_alone_keeps_late_requests_out() {
    holds("effects outside, fence alone", &Design::INSIDE.behind(Resource::FENCED));
}

#[test]
fn tombstones_alone_keep_late_requests_out() {
    holds("effects outside, tombstones alone", &Design::INSIDE.behind(Resource::TOMBSTONED));
}

#[test]
fn the_check_of_the_place_is_implied_by_epoch_and_seq() {
    let without = Guards { place: false, ..Guards::ALL };
    for (name, design) in [("inside", Design::INSIDE), ("outside", Design::OUTSIDE)] {
        let forgetful = holds(&format!("effects {name}, place not checked"), &Design { commit: without, ..design });
        assert_eq!(forgetful.states(), explore(&design, |_| true).states());
    }
}

#[test]
fn what_is_forgotten_changes_nothing() {
    for (name, design) in [("inside, 2 workers", Design::INSIDE), ("outside, 2 workers", Design::OUTSIDE)] {
        let short = explore(&design, |_| true);
        let long = explore(&Design { forgets: false, ..design }, |_| true);
        println!("effects {name}: {} states, {} if nothing is forgotten", short.states(), long.states());
        assert!(short.found.is_none() && long.found.is_none());
        assert_eq!(short.sights, long.sights);
        assert_eq!(outlines(&short), outlines(&long));
    }
}

#[test]
fn the_code_of_a_refusal_reaches_the_end() {
    let route = route();
    for leg in &route.legs {
        let verdict = Verdict::Refused(REFUSAL);
        let mut planned = right(&route, &Attempted::Executed { step: leg.name.clone(), number: 1, verdict });
        assert_eq!(planned.event(), EventKind::Refused);
        while let Transition::Advance { to: State::Active(Active::Compensating(step, code)), .. } = planned {
            planned = right(&route, &Attempted::Compensated { step, code, number: 1, undone: true });
        }
        let Transition::Advance { to, .. } = planned else { panic!("an undo that was done is repeated") };
        assert_eq!(to, State::Ended(End::Failed(REFUSAL)), "refused at {}", leg.name);
    }
}

#[test]
fn a_step_given_up_fails_as_given_up_and_an_expired_one_as_expired() {
    let route = route();
    let step = route.legs[0].name.clone();
    for (verdict, code) in [(Verdict::Unknown, Code::STEP_FAILED), (Verdict::Expired, Code::EXPIRED)] {
        let given_up = Attempted::Executed { step: step.clone(), number: 2, verdict };
        let to = State::Active(Active::Compensating(step.clone(), code));
        assert_eq!(right(&route, &given_up), Transition::Advance { to, event: EventKind::GaveUp });
    }
}

/// Explores a design and finds nothing wrong in it, and nothing left out.
fn holds(name: &str, design: &Design) -> Explored {
    let explored = explore(design, |_: Violation| true);
    println!("{name}: {} states, {} moves", explored.states(), explored.moves);
    assert!(explored.found.is_none(), "{name}: {:#?}", explored.found);
    let outside: &[_] = if design.effects == Effects::Inside { &[] } else { &Sights::OUTSIDE };
    for sight in Sights::ANY.iter().chain(outside) {
        assert!(explored.sights.has(*sight), "{name}: never came across {sight:?}");
    }
    explored
}

/// The states as they are without the workers.
fn outlines(explored: &Explored) -> HashSet<u128> {
    explored.worlds.iter().map(|world| world.outline().key()).collect()
}
