//! Commits that claim what follows.

use std::time::Duration;

use futures_util::future::join_all;
use saga::store::{Claimed, Commit, Committed};
use saga::{Action, Active, End, Policy, State};
use signup::SignUp;

use crate::world::{
    CLAIMS, ORGANIZATION, STEPS, TICK, USER, World, done, failed, gave_up, held, holding, operation, undone,
};

/// Commits and claims what follows.
async fn hold(w: &World, claimed: &Claimed<SignUp>, commit: Commit<SignUp>) -> Claimed<SignUp> {
    let commit = holding(commit);
    assert_eq!(w.commit(&commit).await, Committed::Then);
    held(claimed, &commit)
}

pub(super) async fn a_commit_that_holds_claims_the_next_step_in_either_direction(mut w: World) {
    let saga = w.accept("ada").await;
    let mut claimed = w.claim_one(&USER).await;
    for step in &STEPS[1..] {
        claimed = hold(&w, &claimed, done(&claimed)).await;
        assert!(w.claim(step, 1).await.is_empty(), "{step} is held");
        let row = w.check().await.sagas.remove(0);
        assert_eq!((row.epoch, row.seq, row.attempt, row.leased), (claimed.fence.epoch, claimed.fence.seq, 1, true));
    }
    claimed = hold(&w, &claimed, gave_up(&claimed)).await;
    for _ in 0..3 {
        claimed = hold(&w, &claimed, undone(&claimed)).await;
        w.check().await;
    }
    assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
    assert!(matches!(w.view(saga).await.state, State::Ended(End::Failed(_))));
    w.check().await;
}

pub(super) async fn a_commit_that_holds_sent_twice_claims_once(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let next = hold(&w, &claimed, done(&claimed)).await;
    assert_eq!(w.commit(&holding(done(&claimed))).await, Committed::Fenced);
    assert_eq!(w.check().await.sagas[0].epoch, next.fence.epoch);
    assert_eq!(w.commit(&done(&next)).await, Committed::Then);
    assert_eq!(w.commit(&holding(done(&claimed))).await, Committed::Fenced);
    w.check().await;
}

pub(super) async fn a_hold_whose_lease_runs_out_is_taken_over(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.advance(Policy::STANDARD.lease / 2).await;
    let lost = hold(&w, &claimed, done(&claimed)).await;
    w.advance_almost(Policy::STANDARD.lease).await;
    assert!(w.claim(&ORGANIZATION, 1).await.is_empty());
    w.advance(TICK * 2).await;
    let other = w.claim_one(&ORGANIZATION).await;
    assert_eq!((other.fence.epoch, other.attempt, other.taken_over), (lost.fence.epoch + 1, 2, true));
    assert_eq!(w.commit(&done(&lost)).await, Committed::Fenced);
    assert_eq!(w.commit(&done(&other)).await, Committed::Then);
    w.check().await;
}

pub(super) async fn a_hold_that_is_handed_back_was_no_attempt(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let next = hold(&w, &claimed, done(&claimed)).await;
    assert!(w.store().hand_back(&next.fence, Duration::ZERO).await.unwrap());
    let again = w.claim_one(&ORGANIZATION).await;
    assert_eq!((again.attempt, again.taken_over), (1, false));
    assert_eq!(w.commit(&done(&next)).await, Committed::Fenced);
    w.check().await;
}

pub(super) async fn a_refusal_holds_nothing(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.plant_account("ada").await;
    assert_eq!(w.commit(&holding(done(&claimed))).await, Committed::Refused);
    let undoing = w.claim_one(&USER).await;
    assert_eq!((undoing.fence.epoch, undoing.attempt), (claimed.fence.epoch + 1, 1));
    w.check().await;
}

pub(super) async fn a_commit_after_which_nothing_follows_at_once_holds_nothing(mut w: World) {
    let saga = w.reach("ada", &CLAIMS).await;
    let claimed = w.claim_one(&CLAIMS).await;
    assert_eq!(w.commit(&holding(failed(&claimed, TICK))).await, Committed::Then);
    w.advance(TICK).await;
    let again = w.claim_one(&CLAIMS).await;
    assert_eq!((again.fence.epoch, again.attempt), (claimed.fence.epoch + 1, 2));
    assert_eq!(w.commit(&holding(done(&again))).await, Committed::Then);
    assert_eq!(w.view(saga).await.state, State::Ended(End::Completed));
    let row = w.check().await.sagas.remove(0);
    assert_eq!((row.epoch, row.leased), (again.fence.epoch, false));
}

pub(super) async fn silence_counts_from_the_hold(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.advance_almost(Policy::STANDARD.silence).await;
    hold(&w, &claimed, done(&claimed)).await;
    w.advance_almost(Policy::STANDARD.silence).await;
    assert!(w.store().housekeep(&Policy::STANDARD).await.unwrap().silent.is_empty());
    w.advance(TICK).await;
    assert_eq!(w.store().housekeep(&Policy::STANDARD).await.unwrap().silent, [claimed.fence.saga]);
    w.check().await;
}

pub(super) async fn an_action_fences_a_hold(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let next = hold(&w, &claimed, done(&claimed)).await;
    let action = operation(saga, next.fence.seq, Action::RollBack, Active::Running(ORGANIZATION));
    w.operate(&action).await;
    assert_eq!(w.commit(&done(&next)).await, Committed::Fenced);
    assert_eq!(w.claim_one(&ORGANIZATION).await.attempt, 1);
    w.check().await;
}

pub(super) async fn many_commits_at_once_hold_what_they_ask_for(mut w: World) {
    for name in 0..8 {
        w.accept(&format!("ada{name}")).await;
    }
    let claimed = w.claim(&USER, 8).await;
    let commits: Vec<_> =
        claimed.iter().enumerate().map(|(at, one)| if at % 2 == 0 { holding(done(one)) } else { done(one) }).collect();
    let store = w.store();
    let written = join_all(commits.iter().map(|commit| store.commit(commit))).await;
    assert!(written.into_iter().all(|written| written == Ok(Committed::Then)));
    let mut free: Vec<_> = w.claim(&ORGANIZATION, 8).await.iter().map(|one| one.fence.saga).collect();
    let mut expected: Vec<_> = claimed.iter().skip(1).step_by(2).map(|one| one.fence.saga).collect();
    free.sort();
    expected.sort();
    assert_eq!(free, expected);
    w.check().await;
}
