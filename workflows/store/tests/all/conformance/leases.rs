//! Ending a lease without a commit.

use std::time::Duration;

use saga::Policy;
use saga::store::{Committed, Fence};

use crate::world::{ORGANIZATION, TICK, USER, World, done, failed};

const LEASE: Duration = Policy::STANDARD.lease;
const SOON: Duration = Duration::from_millis(300);

pub(super) async fn a_hand_back_returns_the_attempt_and_keeps_the_seq(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    assert!(w.store().hand_back(&claimed.fence, Duration::ZERO).await.unwrap());
    assert_eq!(w.journal(saga).await, ["accepted"]);
    let again = w.claim_one(&USER).await;
    assert_eq!(again.fence, Fence { saga, epoch: 2, seq: 0 });
    assert_eq!((again.attempt, again.taken_over), (1, false));
    w.check().await;
}

pub(super) async fn a_hand_back_is_due_after_its_delay_and_not_before(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.advance(LEASE / 2).await;
    assert!(w.store().hand_back(&claimed.fence, SOON).await.unwrap());
    w.advance_almost(SOON).await;
    assert!(w.claim(&USER, 1).await.is_empty());
    w.advance(TICK).await;
    w.claim_one(&USER).await;
    w.check().await;
}

pub(super) async fn a_hand_back_after_the_leases_end_does_nothing(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.advance(LEASE + TICK).await;
    assert!(!w.store().hand_back(&claimed.fence, SOON).await.unwrap());
    let again = w.claim_one(&USER).await;
    assert_eq!((again.attempt, again.taken_over), (2, true));
    w.check().await;
}

pub(super) async fn a_second_hand_back_does_nothing(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    assert!(w.store().hand_back(&claimed.fence, Duration::ZERO).await.unwrap());
    assert!(!w.store().hand_back(&claimed.fence, SOON).await.unwrap());
    assert_eq!(w.claim_one(&USER).await.attempt, 1);
    w.check().await;
}

pub(super) async fn a_hand_back_by_a_lost_lease_does_nothing(mut w: World) {
    w.accept("ada").await;
    let lost = w.claim_one(&USER).await;
    w.advance(LEASE + TICK).await;
    let held = w.claim_one(&USER).await;
    assert!(!w.store().hand_back(&lost.fence, Duration::ZERO).await.unwrap());
    assert!(w.claim(&USER, 1).await.is_empty());
    assert_eq!(w.commit(&done(&held)).await, Committed::Then);
    w.check().await;
}

pub(super) async fn a_hand_back_after_the_commit_does_nothing(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    assert!(!w.store().hand_back(&claimed.fence, SOON).await.unwrap());
    let next = w.claim_one(&ORGANIZATION).await;
    assert!(!w.store().hand_back(&claimed.fence, SOON).await.unwrap());
    assert_eq!(w.commit(&done(&next)).await, Committed::Then);
    w.check().await;
}

pub(super) async fn released_leases_are_due_at_once(mut w: World) {
    let saga = w.accept("ada").await;
    w.accept("eve").await;
    assert_eq!(w.claim(&USER, 2).await.len(), 2);
    assert_eq!(w.store().release_leases().await.unwrap(), 2);
    let again = w.claim(&USER, 2).await;
    assert_eq!(again[0].fence, Fence { saga, epoch: 2, seq: 0 });
    assert_eq!(again.iter().map(|claimed| claimed.attempt).collect::<Vec<_>>(), [2, 2]);
    w.check().await;
}

pub(super) async fn a_release_leaves_the_unclaimed_and_the_ended_alone(mut w: World) {
    w.complete("ada").await;
    w.accept("eve").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&failed(&claimed, Duration::from_secs(1))).await;
    w.check().await;
    assert_eq!(w.store().release_leases().await.unwrap(), 0);
    assert!(w.claim(&USER, 1).await.is_empty());
    w.check().await;
}

pub(super) async fn a_release_makes_due_what_is_due_later_than_anything_can_be(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&failed(&claimed, Policy::STANDARD.stuck_pause + TICK)).await;
    assert_eq!(w.store().release_leases().await.unwrap(), 1);
    let claimed = w.claim_one(&USER).await;
    assert_eq!((claimed.fence.saga, claimed.attempt), (saga, 2));
    w.commit(&failed(&claimed, Policy::STANDARD.stuck_pause)).await;
    assert_eq!(w.store().release_leases().await.unwrap(), 0);
    w.check().await;
}
