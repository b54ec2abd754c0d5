//! Staying in a state and trying again.

use std::time::Duration;

use saga::SagaId;

use crate::world::{ORGANIZATION, TICK, USER, World, failed, undo_failed, undone};

const PAUSE: Duration = Duration::from_mins(5);

pub(super) async fn a_retry_is_due_after_its_delay_and_not_before(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&failed(&claimed, Duration::from_secs(2))).await;
    w.advance_almost(Duration::from_secs(2)).await;
    assert!(w.claim(&USER, 1).await.is_empty());
    w.advance(TICK).await;
    w.claim_one(&USER).await;
    assert_eq!(w.journal(saga).await, ["accepted", "failed create_user"]);
    w.check().await;
}

pub(super) async fn a_retry_keeps_the_count_of_attempts(mut w: World) {
    w.accept("ada").await;
    for attempt in 1..=8 {
        let claimed = w.claim_one(&USER).await;
        assert_eq!((claimed.attempt, claimed.taken_over), (attempt, false));
        assert!(claimed.data.sealed.is_some());
        w.commit(&failed(&claimed, TICK)).await;
        w.advance(TICK).await;
    }
    w.check().await;
}

/// How long after its acceptance a saga was marked stuck: a duration, so that it stands still if rows are moved back.
async fn stuck_at(w: &World, saga: SagaId) -> Option<Duration> {
    let view = w.view(saga).await;
    view.stuck_since.map(|since| since.duration_since(view.accepted_at).try_into().unwrap())
}

pub(super) async fn a_stuck_mark_keeps_its_first_time_and_goes_with_the_next_advance(mut w: World) {
    let saga = w.reach("ada", &ORGANIZATION).await;
    let claimed = w.claim_one(&ORGANIZATION).await;
    let mut claimed = w.claim_after_giving_up(&claimed).await;
    w.advance(TICK).await;
    for _ in 0..3 {
        w.commit(&undo_failed(&claimed, PAUSE, true)).await;
        assert_eq!(stuck_at(&w, saga).await, Some(TICK));
        w.check().await;
        w.advance(PAUSE).await;
        claimed = w.claim_one(&ORGANIZATION).await;
        assert_eq!(stuck_at(&w, saga).await, Some(TICK));
    }
    w.commit(&undone(&claimed)).await;
    assert_eq!(stuck_at(&w, saga).await, None);
    let claimed = w.claim_one(&USER).await;
    w.commit(&undone(&claimed)).await;
    assert_eq!(stuck_at(&w, saga).await, None);
    w.check().await;
}

pub(super) async fn a_stuck_mark_goes_with_the_next_attempt_that_is_not_stuck(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let claimed = w.claim_after_giving_up(&claimed).await;
    w.commit(&undo_failed(&claimed, PAUSE, true)).await;
    w.advance(PAUSE).await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&undo_failed(&claimed, PAUSE, false)).await;
    assert_eq!(stuck_at(&w, saga).await, None);
    w.check().await;
}
