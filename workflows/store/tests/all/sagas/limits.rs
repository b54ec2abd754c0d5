//! Limits of age, of attempts and of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use saga::testing::Fault;
use saga::{Active, Attempt, Code, Direction, End, Policy, Ran, State};
use signup::SignUp;
use tokio::time::timeout;

use super::{Process, in_peace};
use crate::world::{CODE, ORGANIZATION, TICK, USER, World, ended_failed};

const LEASE: Duration = Policy::STANDARD.lease;

pub(super) async fn what_nobody_started_in_time_expires(mut w: World) {
    let process = Process::start(&w, in_peace);
    let saga = w.accept("ada").await;
    w.advance(Policy::STANDARD.expiry).await;
    let facts = process.drive(&mut w).await.unwrap();
    assert_eq!(w.view(saga).await.state, ended_failed(Code::EXPIRED));
    assert_eq!(w.journal(saga).await, ["accepted", "gave_up create_user", "undone create_user"]);
    assert!(facts.users.is_empty() && facts.sealed.is_empty());
    // One that has got past its first step does not expire.
    let saga = w.accept("ada").await;
    process.run(&process.claim_one(&USER).await).await.unwrap();
    w.advance(Policy::STANDARD.expiry).await;
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.view(saga).await.state, State::Ended(End::Completed));
}

pub(super) async fn a_step_that_takes_its_worker_down_is_given_up_without_running_it(mut w: World) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let process = Process::start(&w, move |attempt: &Attempt<SignUp>, direction| {
        let counts = direction == Direction::Forward && attempt.step == ORGANIZATION;
        counted.fetch_add(usize::from(counts), Ordering::Relaxed);
        None
    });
    let saga = w.accept("ada").await;
    process.run(&process.claim_one(&USER).await).await.unwrap();
    for _ in 0..8 {
        drop(process.claim_one(&ORGANIZATION).await);
        w.advance(LEASE + TICK).await;
    }
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.view(saga).await.state, ended_failed(Code::STEP_FAILED));
    let journal = w.journal(saga).await;
    assert_eq!(journal[2..], ["gave_up create_organization", "undone create_organization", "undone create_user"]);
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

pub(super) async fn an_undo_that_takes_its_worker_down_is_marked_for_its_silence(mut w: World) {
    let refused = |attempt: &Attempt<SignUp>, direction| {
        (direction == Direction::Forward && attempt.step == ORGANIZATION).then_some(Fault::Refuse(CODE))
    };
    let process = Process::start(&w, refused);
    let saga = w.accept("ada").await;
    for step in [USER, ORGANIZATION] {
        process.run(&process.claim_one(&step).await).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(w.view(saga).await.stuck_since, None);
        drop(process.claim_one(&ORGANIZATION).await);
        let facts = w.check().await;
        process.pass_time(&w, &facts).await.unwrap();
    }
    let view = w.view(saga).await;
    assert_eq!(view.state, State::Active(Active::Compensating(ORGANIZATION, CODE)));
    assert!(view.stuck_since.is_some());
    process.drive(&mut w).await.unwrap();
    let view = w.view(saga).await;
    assert_eq!((view.state, view.stuck_since), (ended_failed(CODE), None));
}

pub(super) async fn a_job_that_waited_too_long_is_handed_back(mut w: World) {
    let process = Process::start(&w, in_peace);
    let saga = w.accept("ada").await;
    for _ in 0..10 {
        let job = process.claim_one(&USER).await;
        // What is left of the lease does not suffice for the step and its commit.
        w.advance(Duration::from_secs(9)).await;
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(process.run(&job).await.unwrap(), Ran::HandedBack);
        w.advance(Duration::from_millis(249)).await;
        assert!(process.claim(&USER).await.unwrap().is_empty());
        w.advance(Duration::from_millis(251)).await;
    }
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.view(saga).await.state, State::Ended(End::Completed));
    assert_eq!(w.journal(saga).await.len(), 5);
}

pub(super) async fn a_job_that_is_dropped_halfway_is_found_by_the_next_claim(mut w: World) {
    let process = Process::start(&w, |attempt: &Attempt<SignUp>, _| (attempt.number == 1).then_some(Fault::Hang));
    let saga = w.accept("ada").await;
    let job = process.claim_one(&USER).await;
    assert!(timeout(Duration::from_secs(1), process.run(&job)).await.is_err());
    w.check().await;
    assert!(process.claim(&USER).await.unwrap().is_empty());
    w.advance(LEASE + TICK).await;
    assert!(matches!(process.run(&process.claim_one(&USER).await).await, Ok(Ran::Committed(_))));
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.view(saga).await.state, State::Ended(End::Completed));
}
