//! The designs that fall, each wrong in one respect. A model that did not find them would prove nothing.

use crate::design::{Design, Guards, Planner, Refusals, Resend, Resource};
use crate::explore::explore;
use crate::world::Violation;
use crate::wrong_plans as plans;

#[test]
fn effects_outside_without_fence_and_tombstone_are_caught() {
    let open = Design::INSIDE.behind(Resource::OPEN);
    is_caught("no fence, no tombstone", &open, Violation::FailedSagaLeftAnEffect);
}

/// Even behind a fence and tombstones: the attempt before may still come through.
#[test]
fn a_refusal_that_is_true_of_one_request_alone_is_caught() {
    let resource = Resource { refusals: Refusals::AreMomentary, ..Resource::GUARDED };
    is_caught("momentary refusals", &Design::INSIDE.behind(resource), Violation::FailedSagaLeftAnEffect);
}

/// What a step that reaches outside wants to record must not have a refusal.
#[test]
fn a_record_that_is_refused_after_its_effect_outside_is_caught() {
    let resource = Resource { refusals: Refusals::ComeAfterTheEffectToo, ..Resource::GUARDED };
    is_caught("refused after the effect", &Design::INSIDE.behind(resource), Violation::FailedSagaLeftAnEffect);
}

#[test]
fn a_commit_without_guards_is_caught() {
    for (name, design) in [("blind commit, inside", Design::INSIDE), ("blind commit, outside", Design::OUTSIDE)] {
        let blind = Design { commit: Guards::NONE, ..design };
        is_caught(name, &blind, Violation::TwoEventsOfOneSeq);
        does_harm(name, &blind);
    }
}

/// It writes while somebody else holds the saga. That alone does no harm to effects in our own database; outside, a
/// refusal can be written while the next attempt succeeds.
#[test]
fn a_commit_that_forgets_the_epoch_is_caught() {
    let forgetful = |design| Design { commit: Guards { epoch: false, ..Guards::ALL }, ..design };
    is_caught("forgets the epoch, inside", &forgetful(Design::INSIDE), Violation::WrittenUnderAnOldClaim);
    does_no_harm("forgets the epoch, inside", &forgetful(Design::INSIDE));
    let fenced = Design::INSIDE.behind(Resource::FENCED);
    does_harm("forgets the epoch, outside", &forgetful(fenced));
}

#[test]
fn a_commit_that_forgets_the_seq_is_caught() {
    let forgetful = Design { commit: Guards { seq: false, ..Guards::ALL }, ..Design::INSIDE };
    is_caught("forgets the seq", &forgetful, Violation::TwoEventsOfOneSeq);
}

/// Sent again, it finds its own effect in the way, and is refused.
#[test]
fn a_commit_that_forgets_the_seq_and_the_place_is_caught() {
    let forgetful = Design { commit: Guards { seq: false, place: false, ..Guards::ALL }, ..Design::INSIDE };
    is_caught("forgets the seq and the place", &forgetful, Violation::TwoEventsOfOneSeq);
    does_harm("forgets the seq and the place", &forgetful);
    falls("forgets the seq and the place", &forgetful, |violation| violation == Violation::EndedSagaChanged);
}

#[test]
fn a_resent_commit_that_is_taken_for_fenced_is_caught() {
    let hasty = Design { resend: Resend::TakesItForFenced, ..Design::INSIDE };
    is_caught("takes it for fenced", &hasty, Violation::FalseReport);
}

#[test]
fn a_resent_commit_that_is_taken_for_written_is_caught() {
    let hasty = Design { resend: Resend::TakesItForWritten, ..Design::INSIDE };
    is_caught("takes it for written", &hasty, Violation::FalseReport);
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
    plan_is_caught("leaves out the last step", plans::leaves_out_the_last_step);
}

/// For effects in our own database it is only an illegal journal: in doubt, none of them stands.
#[test]
fn a_plan_that_spares_the_step_in_doubt_is_caught() {
    let sparing = |design| Design { planner: plans::spares_the_step_in_doubt, ..design };
    is_caught("spares the doubt, inside", &sparing(Design::INSIDE), Violation::RowDiffersFromTheJournal);
    does_no_harm("spares the doubt, inside", &sparing(Design::INSIDE));
    does_harm("spares the doubt, outside", &sparing(Design::OUTSIDE));
}

#[test]
fn a_plan_that_skips_a_step_after_a_refusal_is_caught() {
    plan_is_caught("skips a step after a refusal", plans::skips_a_step_after_a_refusal);
}

#[test]
fn a_plan_that_skips_a_step_while_undoing_is_caught() {
    plan_is_caught("skips a step while undoing", plans::skips_a_step_while_undoing);
}

/// In the end nothing is left, but on the way the effects are not those of any step.
#[test]
fn a_plan_that_undoes_in_the_order_of_doing_is_caught() {
    let forward = Design { planner: plans::undoes_in_the_order_of_doing, ..Design::INSIDE };
    is_caught("undoes in the order of doing", &forward, Violation::RowDiffersFromTheJournal);
}

#[test]
fn a_plan_that_takes_a_failed_undo_for_done_is_caught() {
    plan_is_caught("takes a failed undo for done", plans::takes_a_failed_undo_for_done);
}

/// Wherever the effects are, a wrong plan leaves a half-done saga.
fn plan_is_caught(name: &str, planner: Planner) {
    does_harm(&format!("{name}, inside"), &Design { planner, ..Design::INSIDE });
    does_harm(&format!("{name}, outside"), &Design { planner, ..Design::OUTSIDE });
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
    let states = explored.states();
    let Some(found) = explored.found else {
        println!("{name}: no harm in {states} states");
        return None;
    };
    println!("{name}: {:?} after {} moves", found.violation, found.trace.len());
    found.trace.iter().for_each(|line| println!("    {line}"));
    Some(found.violation)
}
