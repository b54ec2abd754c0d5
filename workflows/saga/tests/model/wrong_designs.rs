//! The designs that fall, each wrong in one respect. A model that did not find them would prove nothing.

use crate::design::{Design, Effects, Guards, Hold, Refusals, Resend, Resource};
use crate::explore::explore;
use crate::plans::Planner;
use crate::world::Violation;
use crate::wrong_plans as plans;

/// Wherever the effects are.
const EVERYWHERE: [Design; 3] = [Design::INSIDE, Design::FENCED, Design::TOMBSTONED];

#[test]
fn effects_outside_without_fence_and_tombstone_are_caught() {
    let open = Design::INSIDE.behind(Resource::OPEN);
    is_caught("no fence, no tombstone", &open, Violation::FailedSagaLeftAnEffect);
}

#[test]
fn a_commit_without_guards_is_caught() {
    for design in EVERYWHERE {
        let blind = Design { commit: Guards::NONE, ..design };
        is_caught("blind commit", &blind, Violation::WrittenUnderAnOldClaim);
        does_harm("blind commit", &blind);
    }
}

/// It writes while somebody else holds the saga. That alone does no harm: what it writes is true.
#[test]
fn a_commit_that_forgets_the_epoch_is_caught() {
    for design in EVERYWHERE {
        let forgetful = Design { commit: Guards { epoch: false, ..Guards::ALL }, ..design };
        is_caught("forgets the epoch", &forgetful, Violation::WrittenUnderAnOldClaim);
        does_no_harm("forgets the epoch", &forgetful);
    }
}

/// Sent again, it finds its own effect in the way and is refused: an ended saga turns back.
#[test]
fn a_commit_that_forgets_the_seq_is_caught() {
    for design in EVERYWHERE {
        let forgetful = Design { commit: Guards { seq: false, ..Guards::ALL }, ..design };
        is_caught("forgets the seq", &forgetful, Violation::TwoEventsOfOneSeq);
        does_harm("forgets the seq", &forgetful);
    }
}

/// A request of the step before, which comes late, is let in as if it were the undo's own.
#[test]
fn a_hold_without_an_epoch_of_its_own_is_caught() {
    let forgetful = Design { hold: Hold::KeepsItsOwn, ..Design::FENCED };
    is_caught("hold without an epoch", &forgetful, Violation::FailedSagaLeftAnEffect);
}

#[test]
fn a_resent_commit_that_does_not_look_in_the_journal_is_caught() {
    for (name, resend) in
        [("takes it for fenced", Resend::TakesItForFenced), ("takes it for written", Resend::TakesItForWritten)]
    {
        is_caught(name, &Design { resend, ..Design::INSIDE }, Violation::FalseReport);
    }
}

#[test]
fn a_hand_back_that_forgets_the_lease_is_caught() {
    let forgetful = Design { hand_back_needs_lease: false, ..Design::INSIDE };
    is_caught("hand-back forgets the lease", &forgetful, Violation::AttemptReturnedByAnother);
}

#[test]
fn a_lease_that_never_runs_out_is_caught() {
    let endless = Design { leases_run_out: false, ..Design::INSIDE };
    is_caught("endless lease", &endless, Violation::NoWayToAnEnd);
}

#[test]
fn a_plan_that_leaves_out_the_last_step_is_caught() {
    plan_does_harm("leaves out the last step", plans::leaves_out_the_last_step);
}

/// An attempt before the refused one may have happened, or may yet; and so may the one whose record is refused.
#[test]
fn a_plan_that_spares_the_refused_step_is_caught() {
    let (name, sparing) = is_illegal_inside("spares the refused step", plans::spares_the_refused_step);
    for guarded in [Resource::FENCED, Resource::TOMBSTONED] {
        let requests = Resource { refuses: Refusals::WhereNothingStands, record_refused: false, ..guarded };
        let records = Resource { refuses: Refusals::Nowhere, ..guarded };
        does_harm(&format!("{name}, requests"), &sparing.behind(requests));
        does_harm(&format!("{name}, records"), &sparing.behind(records));
    }
}

/// The same of a step that is given up.
#[test]
fn a_plan_that_spares_the_step_given_up_is_caught() {
    let (name, sparing) = is_illegal_inside("spares the step given up", plans::spares_the_step_given_up);
    for guarded in [Resource::FENCED, Resource::TOMBSTONED] {
        let refuses_nothing = Resource { refuses: Refusals::Nowhere, record_refused: false, ..guarded };
        does_harm(name, &sparing.behind(refuses_nothing));
    }
}

#[test]
fn a_plan_that_skips_a_step_while_undoing_is_caught() {
    plan_does_harm("skips a step while undoing", plans::skips_a_step_while_undoing);
}

/// In the end nothing is left, but on the way the effects are not those of any step.
#[test]
fn a_plan_that_undoes_in_the_order_of_doing_is_caught() {
    for design in EVERYWHERE {
        let forward = Design { planner: plans::undoes_in_the_order_of_doing, ..design };
        is_caught("undoes in the order of doing", &forward, Violation::RowDiffersFromTheJournal);
    }
}

#[test]
fn a_plan_that_takes_a_failed_undo_for_done_is_caught() {
    plan_does_harm("takes a failed undo for done", plans::takes_a_failed_undo_for_done);
}

/// An attempt of it may have happened, or may yet.
#[test]
fn a_roll_back_that_spares_the_step_at_hand_is_caught() {
    let sparing = |design| Design { acting: Some(plans::rolls_back_from_the_step_before), ..design };
    let (name, inside) = ("rolls back from the step before", sparing(Design::INSIDE));
    is_caught(name, &inside, Violation::RowDiffersFromTheJournal);
    does_no_harm(name, &inside);
    does_harm(name, &sparing(Design::FENCED));
    does_harm(name, &sparing(Design::TOMBSTONED));
}

/// Wherever the effects are, the plan leaves a half-done saga.
fn plan_does_harm(name: &str, planner: Planner) {
    for design in EVERYWHERE {
        does_harm(name, &Design { planner, ..design });
    }
}

/// For effects in our own database the plan only makes an illegal journal: in doubt, none of them stands.
fn is_illegal_inside(name: &str, planner: Planner) -> (&str, Design) {
    let inside = Design { planner, ..Design::INSIDE };
    is_caught(name, &inside, Violation::RowDiffersFromTheJournal);
    does_no_harm(name, &inside);
    (name, inside)
}

/// The first thing that is wrong with the design is this.
fn is_caught(name: &str, design: &Design, violation: Violation) {
    assert_eq!(falls(name, design, |_| true), Some(violation), "{name}");
}

/// The design leaves a half-done saga.
fn does_harm(name: &str, design: &Design) {
    assert!(falls(name, design, Violation::is_harm).is_some(), "{name}");
}

/// The design is wrong, but does not leave a half-done saga.
fn does_no_harm(name: &str, design: &Design) {
    assert_eq!(falls(name, design, Violation::is_harm), None, "{name}");
}

fn falls(name: &str, design: &Design, counts: fn(Violation) -> bool) -> Option<Violation> {
    let explored = explore(design, counts);
    let place = if design.effects == Effects::Inside { "inside" } else { "outside" };
    let Some(found) = explored.found else {
        println!("{name}, {place}: no harm in {} states", explored.worlds.len());
        return None;
    };
    println!("{name}, {place}: {:?} after {} moves", found.violation, found.trace.len());
    found.trace.iter().for_each(|line| println!("    {line}"));
    Some(found.violation)
}
