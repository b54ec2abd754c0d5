//! Sagas that are kept for those who are told of them.

use saga::store::{Claim, Commit, HEARSAY};
use signup::Proposal;

use crate::world::{ORGANIZATION, TICK, USER, World, claim, done, failed};

#[tokio::test]
async fn what_workers_are_told_of_is_left_to_them_for_a_moment() {
    let w = World::in_postgres().await;
    let proposal = Proposal { told: true, ..w.proposal("ada") };
    w.store().accept(&proposal).await.unwrap();
    let these = Claim { only: Some(vec![proposal.saga]), ..claim(&USER, 1) };
    assert!(w.claim(&USER, 1).await.is_empty(), "a sweep");
    let told = w.store().claim(&these).await.unwrap().remove(0);
    w.commit(&Commit { told: true, ..done(&told) }).await;
    w.advance_almost(HEARSAY).await;
    assert!(w.claim(&ORGANIZATION, 1).await.is_empty(), "a sweep");
    w.advance(TICK).await;
    assert_eq!(w.claim_one(&ORGANIZATION).await.attempt, 1, "nobody told, or nobody heard");
}

#[tokio::test]
async fn what_is_due_later_or_handed_back_is_anyones() {
    let w = World::in_postgres().await;
    let proposal = Proposal { told: true, ..w.proposal("ada") };
    w.store().accept(&proposal).await.unwrap();
    let these = Claim { only: Some(vec![proposal.saga]), ..claim(&USER, 1) };
    let told = w.store().claim(&these).await.unwrap().remove(0);
    assert!(w.store().hand_back(&told.fence, TICK).await.unwrap());
    w.advance(TICK).await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&Commit { told: true, ..failed(&claimed, TICK) }).await;
    w.advance(TICK).await;
    assert_eq!(w.claim_one(&USER).await.attempt, 2);
}
