//! What outlives the process, and what does not.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use saga::store::{Accepted, Committed, Error};
use saga::{Policy, Store};
use store::Sqlite;

use crate::world::{ManualClock, ORGANIZATION, USER, World, claim, done, failed, is_new, is_replay_of, running};

async fn another_opening(w: &World) -> Sqlite {
    Sqlite::open(&w.file(), Arc::new(ManualClock::new())).await.unwrap()
}

#[tokio::test]
async fn what_was_accepted_survives_a_reopen() {
    let mut w = World::in_a_file().await;
    let proposal = w.marked("ada", 1, 1);
    w.store().accept(&proposal).await.unwrap();
    let (before, view) = (w.check().await, w.view(proposal.saga).await);
    w.reopen().await;
    let after = w.check().await;
    assert_eq!((after.sagas, after.events, after.sealed), (before.sagas, before.events, before.sealed));
    assert_eq!(w.view(proposal.saga).await, view);
    assert!(is_replay_of(proposal.saga, &w.store().accept(&w.marked("ada", 1, 1)).await.unwrap()));
    let claimed = w.claim_one(&USER).await;
    assert_eq!(claimed.data.sealed, Some(proposal.sealed));
    assert_eq!(claimed.data.applicant, proposal.applicant);
}

#[tokio::test]
async fn leases_and_delays_survive_a_reopen() {
    let mut w = World::in_a_file().await;
    w.reach("ada", &ORGANIZATION).await;
    let held = w.claim_one(&ORGANIZATION).await;
    w.accept("eve").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&failed(&claimed, Duration::from_secs(5))).await;
    w.reopen().await;
    assert!(w.claim(&ORGANIZATION, 1).await.is_empty());
    assert!(w.claim(&USER, 1).await.is_empty());
    w.advance(Duration::from_secs(5)).await;
    assert_eq!(w.claim_one(&USER).await.attempt, 2);
    assert_eq!(w.commit(&done(&held)).await, Committed::Then);
    w.check().await;
}

#[tokio::test]
async fn closing_writes_what_is_queued() {
    let mut w = World::in_a_file().await;
    let (store, proposals) = (w.store(), [w.proposal("ada"), w.proposal("eve")]);
    for proposal in &proposals {
        assert!(store.accept(proposal).now_or_never().is_none());
    }
    w.reopen().await;
    for proposal in &proposals {
        assert_eq!(w.view(proposal.saga).await.state, running(&USER));
    }
    w.check().await;
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let mut w = World::in_a_file().await;
    let (closed, proposal) = (w.store(), w.proposal("ada"));
    w.reopen().await;
    assert!(matches!(closed.accept(&proposal).await, Err(Error::Unavailable(_))));
    assert!(matches!(closed.claim(&claim(&USER, 1)).await, Err(Error::Unavailable(_))));
    assert!(matches!(closed.load(proposal.saga).await, Err(Error::Unavailable(_))));
    assert!(matches!(closed.housekeep(&Policy::STANDARD).await, Err(Error::Unavailable(_))));
    assert!(is_new(&w.store().accept(&proposal).await.unwrap()));
}

#[tokio::test]
async fn two_openings_of_one_file_hold_one_truth() {
    let mut w = World::in_a_file().await;
    let other = another_opening(&w).await;
    let saga = w.accept("ada").await;
    let Accepted::Conflict(_) = other.accept(&w.proposal("ada")).await.unwrap() else { panic!("accepted twice") };
    let claimed = w.claim_one(&USER).await;
    assert!(other.claim(&claim(&USER, 1)).await.unwrap().is_empty());
    assert_eq!(other.commit(&done(&claimed)).await.unwrap(), Committed::Then);
    assert_eq!(w.commit(&done(&claimed)).await, Committed::Fenced);
    assert_eq!(w.view(saga).await.state, running(&ORGANIZATION));
    other.close().await;
    w.check().await;
}
