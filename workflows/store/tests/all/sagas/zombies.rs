//! Workers that have lost their lease and do not know it.

use std::time::Duration;

use saga::testing::Fault;
use saga::{Active, Attempt, Direction, Policy, Ran, State};
use signup::SignUp;

use super::Process;
use super::process::{drive_to, steps_at_hand};
use crate::world::{CLAIMS, CODE, ORGANIZATION, PROFILE, STEPS, TICK, USER, World, ended_failed};

/// Goes through every step and every undo.
fn refused_at_the_last_step(attempt: &Attempt<SignUp>, direction: Direction) -> Option<Fault> {
    (direction == Direction::Forward && attempt.step == CLAIMS).then_some(Fault::Refuse(CODE))
}

/// Every state that such a sign-up goes through.
fn states() -> impl Iterator<Item = Active> {
    let back = [CLAIMS, PROFILE, ORGANIZATION, USER].map(|step| Active::Compensating(step, CODE));
    STEPS.iter().cloned().map(Active::Running).chain(back)
}

/// When the worker that has lost its lease comes back, as seen by the one that took over.
#[derive(Debug, Clone, Copy)]
enum Return {
    BeforeItsCommit,
    AfterItsCommit,
    AfterTheEnd,
}

pub(super) async fn of_two_holders_of_one_step_the_later_claim_writes(w: World) {
    for (number, state) in states().enumerate() {
        for back in [Return::BeforeItsCommit, Return::AfterItsCommit, Return::AfterTheEnd] {
            let mut w = w.another().await;
            let (lost, held) =
                (Process::start(&w, refused_at_the_last_step), Process::start(&w, refused_at_the_last_step));
            let saga = w.accept("ada").await;
            drive_to(&mut w, &lost, saga, &state).await;
            let zombie = lost.claim_one(state.step()).await;
            w.advance(Policy::STANDARD.lease + TICK).await;
            let job = held.claim_one(state.step()).await;
            if matches!(back, Return::BeforeItsCommit) {
                assert_eq!(lost.run(&zombie).await.unwrap(), Ran::Fenced, "{state:?}");
                w.check().await;
            }
            assert!(matches!(held.run(&job).await.unwrap(), Ran::Committed(_)));
            if matches!(back, Return::AfterTheEnd) {
                held.drive(&mut w).await.unwrap();
            }
            w.check().await;
            assert_eq!(lost.run(&zombie).await.unwrap(), Ran::Fenced, "{state:?}");
            held.drive(&mut w).await.unwrap();
            assert_eq!(w.view(saga).await.state, ended_failed(CODE));
            assert_eq!(w.journal(saga).await.len(), 1 + STEPS.len() * 2, "{number}");
        }
    }
}

pub(super) async fn a_late_worker_whom_nobody_replaced_still_writes(w: World) {
    for state in states() {
        let mut w = w.another().await;
        let process = Process::start(&w, refused_at_the_last_step);
        let saga = w.accept("ada").await;
        drive_to(&mut w, &process, saga, &state).await;
        let late = process.claim_one(state.step()).await;
        w.advance(Policy::STANDARD.lease * 2).await;
        assert!(matches!(process.run(&late).await.unwrap(), Ran::Committed(_)));
        process.drive(&mut w).await.unwrap();
        assert_eq!(w.journal(saga).await.len(), 1 + STEPS.len() * 2);
    }
}

pub(super) async fn a_job_handed_back_and_run_all_the_same_writes_at_most_once(mut w: World) {
    let process = Process::start(&w, refused_at_the_last_step);
    let saga = w.accept("ada").await;
    loop {
        let steps = steps_at_hand(&w.check().await);
        let Some(step) = steps.first() else { break };
        let early = process.claim_one(step).await;
        process.hand_back(&early, Duration::ZERO).await;
        let held = process.claim_one(step).await;
        assert_eq!(process.run(&early).await.unwrap(), Ran::Fenced);
        w.check().await;
        assert!(matches!(process.run(&held).await.unwrap(), Ran::Committed(_)));
        process.hand_back(&held, Duration::from_mins(1)).await;
    }
    assert!(matches!(w.view(saga).await.state, State::Ended(_)));
    assert_eq!(w.journal(saga).await.len(), 1 + STEPS.len() * 2);
    w.check().await;
}
