//! What happens though nobody asks for it.

use std::time::Duration;

use saga::Policy;
use saga::store::Housekept;
use signup::Conflict;

use crate::world::{ORGANIZATION, TICK, USER, World, conflicts, done, is_new, is_replay_of};

const SILENCE: Duration = Policy::STANDARD.silence;
const EXPIRY: Duration = Policy::STANDARD.expiry;
const REMEMBERED: Duration = Policy::STANDARD.idempotency;

async fn housekeep(w: &World) -> Housekept {
    w.store().housekeep(&Policy::STANDARD).await.unwrap()
}

pub(super) async fn silence_is_marked_once_and_leaves_the_due_time_alone(mut w: World) {
    let saga = w.accept("ada").await;
    w.claim_one(&USER).await;
    w.advance_almost(SILENCE).await;
    assert_eq!(housekeep(&w).await, Housekept::default());
    w.advance(TICK).await;
    let due = w.check().await.sagas[0].due_at;
    assert_eq!(housekeep(&w).await, Housekept { silent: vec![saga], ..Housekept::default() });
    assert_eq!(housekeep(&w).await, Housekept::default());
    let marked = w.check().await;
    assert_eq!(marked.sagas[0].due_at, due);
    assert!(w.view(saga).await.stuck_since.is_some());
    let claimed = w.claim_one(&USER).await;
    assert!(w.view(saga).await.stuck_since.is_some());
    w.commit(&done(&claimed)).await;
    assert_eq!(w.view(saga).await.stuck_since, None);
    w.check().await;
}

pub(super) async fn silence_counts_from_the_steps_first_claim(mut w: World) {
    let saga = w.accept("ada").await;
    w.advance(SILENCE).await;
    let claimed = w.claim_one(&USER).await;
    w.advance_almost(SILENCE).await;
    w.commit(&done(&claimed)).await;
    w.claim_one(&ORGANIZATION).await;
    w.advance_almost(SILENCE).await;
    assert_eq!(housekeep(&w).await.silent, []);
    w.claim_one(&ORGANIZATION).await;
    w.advance(TICK).await;
    assert_eq!(housekeep(&w).await.silent, [saga]);
    w.check().await;
}

pub(super) async fn silence_ends_with_the_hand_back_of_the_first_claim_alone(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.store().hand_back(&claimed.fence, Duration::ZERO).await.unwrap();
    w.advance(SILENCE).await;
    assert_eq!(housekeep(&w).await.silent, []);
    w.claim_one(&USER).await;
    w.advance_almost(SILENCE).await;
    let claimed = w.claim_one(&USER).await;
    w.store().hand_back(&claimed.fence, Duration::ZERO).await.unwrap();
    w.advance(TICK).await;
    assert_eq!(housekeep(&w).await.silent, [saga]);
    w.check().await;
}

pub(super) async fn silence_ends_with_a_release(mut w: World) {
    w.accept("ada").await;
    w.claim_one(&USER).await;
    w.advance_almost(SILENCE).await;
    w.store().release_leases().await.unwrap();
    w.advance(TICK).await;
    assert_eq!(housekeep(&w).await.silent, []);
    w.check().await;
}

pub(super) async fn who_was_never_claimed_is_not_silent(mut w: World) {
    w.complete("eve").await;
    w.accept("ada").await;
    w.advance(SILENCE * 2).await;
    assert_eq!(housekeep(&w).await, Housekept::default());
    w.check().await;
}

pub(super) async fn secrets_are_wiped_for_their_age(mut w: World) {
    w.accept("ada").await;
    w.advance(TICK).await;
    w.accept("eve").await;
    w.advance_almost(EXPIRY).await;
    assert_eq!(housekeep(&w).await.secrets, 1);
    assert_eq!(w.check().await.sealed.len(), 1);
    w.advance(TICK).await;
    assert_eq!(housekeep(&w).await.secrets, 1);
    assert_eq!(housekeep(&w).await.secrets, 0);
    assert!(w.check().await.sealed.is_empty());
}

pub(super) async fn a_wiped_secret_is_missing_from_the_claim(mut w: World) {
    w.accept("ada").await;
    w.advance(EXPIRY).await;
    housekeep(&w).await;
    let claimed = w.claim_one(&USER).await;
    assert!(claimed.data.sealed.is_none() && claimed.age >= EXPIRY);
    w.check().await;
}

pub(super) async fn idempotency_keys_are_forgotten_after_a_day_and_only_of_ended_sagas(mut w: World) {
    let (ended, live) = (w.marked("ada", 1, 1), w.marked("eve", 1, 1));
    w.store().accept(&ended).await.unwrap();
    let claimed = w.claim_one(&USER).await;
    w.refuse(&claimed).await;
    w.store().accept(&live).await.unwrap();
    w.advance_almost(REMEMBERED).await;
    assert_eq!(housekeep(&w).await.keys, 0);
    assert!(is_replay_of(ended.saga, &w.store().accept(&w.marked("ada", 1, 1)).await.unwrap()));
    w.advance(TICK).await;
    assert_eq!(housekeep(&w).await.keys, 1);
    assert_eq!(housekeep(&w).await.keys, 0);
    w.check().await;
    assert!(is_replay_of(live.saga, &w.store().accept(&w.marked("eve", 1, 1)).await.unwrap()));
    let claimed = w.claim_one(&USER).await;
    w.refuse(&claimed).await;
    assert_eq!(housekeep(&w).await.keys, 1);
    w.check().await;
}

pub(super) async fn a_forgotten_key_makes_a_new_sign_up(mut w: World) {
    let first = w.marked("ada", 1, 1);
    assert!(is_new(&w.store().accept(&first).await.unwrap()));
    let claimed = w.claim_one(&USER).await;
    w.refuse(&claimed).await;
    w.advance(REMEMBERED).await;
    housekeep(&w).await;
    assert!(is_new(&w.store().accept(&w.marked("ada", 1, 2)).await.unwrap()));
    w.check().await;
}

pub(super) async fn a_live_sign_up_keeps_its_key_however_old_it_is(mut w: World) {
    w.store().accept(&w.marked("ada", 1, 1)).await.unwrap();
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    w.advance(REMEMBERED * 2).await;
    assert_eq!(housekeep(&w).await.keys, 0);
    w.check().await;
    let answer = w.store().accept(&w.marked("ada", 1, 2)).await.unwrap();
    assert!(conflicts(&Conflict::OtherBody, &answer), "{answer:?}");
}
