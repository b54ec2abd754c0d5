//! Who may work on a saga.

use std::time::Duration;

use saga::store::{Claim, Fence};
use saga::{Active, OsRandom, Policy, SagaId, SystemClock};
use signup::Proposal;

use crate::world::{
    CLAIMS, CODE, ORGANIZATION, PROFILE, STEPS, TICK, USER, World, claim, done, failed, gave_up, is_new,
};

const LEASE: Duration = Policy::STANDARD.lease;

pub(super) async fn a_claim_carries_what_was_accepted(mut w: World) {
    let proposal = w.proposal("ada");
    w.store().accept(&proposal).await.unwrap();
    w.advance(Duration::from_secs(3)).await;
    let claimed = w.claim_one(&USER).await;
    assert_eq!(claimed.fence, Fence { saga: proposal.saga, epoch: 1, seq: 0 });
    assert_eq!(claimed.state, Active::Running(USER));
    assert_eq!((claimed.attempt, claimed.age, claimed.taken_over), (1, Duration::from_secs(3), false));
    assert_eq!(claimed.data.applicant, proposal.applicant);
    assert_eq!(claimed.data.sealed, Some(proposal.sealed));
    w.check().await;
}

pub(super) async fn a_held_lease_is_not_claimed(mut w: World) {
    w.accept("ada").await;
    w.claim_one(&USER).await;
    assert!(w.claim(&USER, 1).await.is_empty());
    w.advance(LEASE).await;
    assert!(w.claim(&USER, 1).await.is_empty());
    w.check().await;
}

pub(super) async fn an_expired_lease_is_taken_over_with_the_next_epoch(mut w: World) {
    let saga = w.accept("ada").await;
    w.claim_one(&USER).await;
    w.advance(LEASE + TICK).await;
    let claimed = w.claim_one(&USER).await;
    assert_eq!(claimed.fence, Fence { saga, epoch: 2, seq: 0 });
    assert_eq!((claimed.attempt, claimed.taken_over), (2, true));
    assert!(claimed.data.sealed.is_some());
    assert!(w.claim(&USER, 1).await.is_empty());
    w.check().await;
}

pub(super) async fn a_saga_of_another_version_is_left_alone(w: World) {
    w.accept("ada").await;
    for versions in [0..=0, 2..=9] {
        let other = Claim { versions, ..claim(&USER, 10) };
        assert!(w.store().claim(&other).await.unwrap().is_empty());
    }
    let claimed = w.store().claim(&Claim { versions: 1..=2, ..claim(&USER, 10) }).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.version).collect::<Vec<_>>(), [1]);
    let newer = Proposal { version: 2, ..w.proposal("grace") };
    assert!(is_new(&w.store().accept(&newer).await.unwrap()));
    let claimed = w.store().claim(&Claim { versions: 1..=2, ..claim(&USER, 10) }).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.version).collect::<Vec<_>>(), [2]);
}

pub(super) async fn a_saga_of_another_kind_is_left_alone(w: World) {
    w.accept("ada").await;
    let other = Claim { kind: "other", ..claim(&USER, 10) };
    assert!(w.store().claim(&other).await.unwrap().is_empty());
    w.claim_one(&USER).await;
}

pub(super) async fn a_claim_takes_its_own_step_alone_in_either_direction(mut w: World) {
    let forward = w.reach("ada", &PROFILE).await;
    let back = w.reach("eve", &ORGANIZATION).await;
    let claimed = w.claim_one(&ORGANIZATION).await;
    w.commit(&gave_up(&claimed)).await;
    assert!(w.claim(&USER, 10).await.is_empty());
    assert!(w.claim(&CLAIMS, 10).await.is_empty());
    let claimed = w.claim_one(&PROFILE).await;
    assert_eq!((claimed.fence.saga, claimed.state), (forward, Active::Running(PROFILE)));
    let claimed = w.claim_one(&ORGANIZATION).await;
    assert_eq!((claimed.fence.saga, claimed.state), (back, Active::Compensating(ORGANIZATION, CODE)));
    w.check().await;
}

pub(super) async fn a_claim_takes_the_longest_due_first_and_no_more_than_its_limit(mut w: World) {
    let ada = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&failed(&claimed, Duration::from_secs(10))).await;
    let mut later = Vec::new();
    for name in ["bea", "cyd", "dot"] {
        w.advance(Duration::from_secs(4)).await;
        later.push(w.accept(name).await);
    }
    let first: Vec<_> = w.claim(&USER, 3).await.iter().map(|claimed| claimed.fence.saga).collect();
    assert_eq!(first, [later[0], later[1], ada]);
    assert_eq!(w.claim_one(&USER).await.fence.saga, later[2]);
    w.check().await;
}

pub(super) async fn a_claim_for_none_takes_none(w: World) {
    w.accept("ada").await;
    assert!(w.claim(&USER, 0).await.is_empty());
    assert_eq!(w.claim(&USER, usize::MAX).await.len(), 1);
}

pub(super) async fn an_ended_saga_is_not_claimed(mut w: World) {
    w.complete("ada").await;
    w.fail("eve").await;
    w.advance(Duration::from_hours(1)).await;
    for step in &STEPS {
        assert!(w.claim(step, 10).await.is_empty());
    }
    w.check().await;
}

pub(super) async fn a_claim_of_named_sagas_takes_those_that_are_due_and_free(mut w: World) {
    let mut sagas = Vec::new();
    for name in ["ada", "bob", "cyd", "dan", "eve"] {
        sagas.push(w.accept(name).await);
    }
    let of = |only: &[SagaId]| Claim { only: Some(only.to_vec()), ..claim(&USER, 10) };
    let store = w.store();
    assert!(store.claim(&of(&[])).await.unwrap().is_empty());
    let held = store.claim(&of(&sagas[..1])).await.unwrap().remove(0);
    assert_eq!((held.fence.saga, held.attempt), (sagas[0], 1));
    let moved = store.claim(&of(&sagas[1..2])).await.unwrap().remove(0);
    w.commit(&done(&moved)).await;
    // Of the others, one is held, one is elsewhere, and one is nobody's.
    let unknown = SagaId::new(&SystemClock, &OsRandom);
    let asked = [sagas[0], sagas[1], sagas[2], sagas[3], unknown];
    let mut claimed: Vec<_> = store.claim(&of(&asked)).await.unwrap().iter().map(|one| one.fence.saga).collect();
    claimed.sort();
    assert_eq!(claimed, [sagas[2], sagas[3]]);
    assert!(store.claim(&of(&asked)).await.unwrap().is_empty());
    assert_eq!(w.claim_one(&USER).await.fence.saga, sagas[4]);
    w.check().await;
}
