//! The fence: who may write, and how often.

use saga::store::{Commit, Committed, Fence};
use saga::{Active, Policy};

use crate::world::{
    CLAIMS, CODE, ORGANIZATION, STEPS, TICK, USER, World, done, failed, gave_up, refused, running, undone,
};

pub(super) async fn a_lost_lease_cannot_write(mut w: World) {
    let saga = w.accept("ada").await;
    let lost = w.claim_one(&USER).await;
    w.advance(Policy::STANDARD.lease + TICK).await;
    let held = w.claim_one(&USER).await;
    for write in [done(&lost), refused(&lost), gave_up(&lost), failed(&lost, TICK)] {
        assert_eq!(w.commit(&write).await, Committed::Fenced);
    }
    let facts = w.check().await;
    assert!(facts.users.is_empty() && facts.sealed.len() == 1);
    assert_eq!(w.view(saga).await.state, running(&USER));
    assert_eq!(w.commit(&done(&held)).await, Committed::Then);
    assert_eq!(w.commit(&done(&lost)).await, Committed::Fenced);
    assert_eq!(w.journal(saga).await, ["accepted", "done create_user"]);
    w.check().await;
}

pub(super) async fn a_commit_after_the_leases_end_counts_until_another_claim(mut w: World) {
    w.accept("ada").await;
    let late = w.claim_one(&USER).await;
    w.advance(Policy::STANDARD.lease * 2).await;
    assert_eq!(w.commit(&done(&late)).await, Committed::Then);
    w.check().await;
}

pub(super) async fn the_same_commit_twice_writes_once(mut w: World) {
    let saga = w.accept("ada").await;
    for step in &STEPS {
        let claimed = w.claim_one(step).await;
        let again = failed(&claimed, TICK);
        assert_eq!(w.commit(&again).await, Committed::Then);
        assert_eq!(w.commit(&again).await, Committed::Fenced);
        w.advance(TICK).await;
        let claimed = w.claim_one(step).await;
        assert_eq!(w.commit(&done(&claimed)).await, Committed::Then);
        assert_eq!(w.commit(&done(&claimed)).await, Committed::Fenced);
        w.check().await;
    }
    assert_eq!(w.journal(saga).await.len(), 9);
}

pub(super) async fn a_commit_from_another_state_is_fenced(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    for from in [Active::Running(ORGANIZATION), Active::Compensating(USER, CODE)] {
        let elsewhere = Commit { from, ..done(&claimed) };
        assert_eq!(w.commit(&elsewhere).await, Committed::Fenced);
    }
    assert!(w.check().await.users.is_empty());
    let claimed = w.claim_after_giving_up(&claimed).await;
    let other_reason = Commit { from: Active::Compensating(USER, saga::Code::EXPIRED), ..undone(&claimed) };
    assert_eq!(w.commit(&other_reason).await, Committed::Fenced);
    assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
    w.check().await;
}

pub(super) async fn a_commit_of_another_epoch_or_seq_is_fenced(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let Fence { saga, epoch, seq } = claimed.fence;
    for fence in [Fence { saga, epoch: epoch + 1, seq }, Fence { saga, epoch: epoch - 1, seq }] {
        assert_eq!(w.commit(&Commit { fence, ..done(&claimed) }).await, Committed::Fenced);
    }
    let fence = Fence { saga, epoch, seq: seq + 1 };
    assert_eq!(w.commit(&Commit { fence, ..done(&claimed) }).await, Committed::Fenced);
    assert_eq!(w.check().await.events.len(), 1);
}

pub(super) async fn a_commit_after_the_end_is_fenced(mut w: World) {
    let saga = w.reach("ada", &CLAIMS).await;
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&done(&claimed)).await;
    w.check().await;
    let seq = claimed.fence.seq + 1;
    let after = Commit { fence: Fence { seq, ..claimed.fence }, ..gave_up(&claimed) };
    for write in [gave_up(&claimed), after] {
        assert_eq!(w.commit(&write).await, Committed::Fenced);
    }
    assert_eq!(w.journal(saga).await.len(), 5);
    w.check().await;
}

pub(super) async fn a_commit_frees_the_saga_for_the_next_step_at_once(mut w: World) {
    let saga = w.accept("ada").await;
    for (epoch, step) in (1..).zip(&STEPS) {
        let claimed = w.claim_one(step).await;
        assert_eq!(claimed.fence, Fence { saga, epoch, seq: epoch - 1 });
        assert!(!claimed.taken_over);
        w.commit(&done(&claimed)).await;
        w.check().await;
    }
}

pub(super) async fn attempts_are_counted_anew_after_an_advance(mut w: World) {
    w.accept("ada").await;
    for step in &STEPS {
        for attempt in 1..=2 {
            let claimed = w.claim_one(step).await;
            assert_eq!(claimed.attempt, attempt);
            w.commit(&failed(&claimed, TICK)).await;
            w.advance(TICK).await;
        }
        let claimed = w.claim_one(step).await;
        assert_eq!(claimed.attempt, 3);
        w.commit(&if *step == CLAIMS { gave_up(&claimed) } else { done(&claimed) }).await;
    }
    assert_eq!(w.claim_one(&CLAIMS).await.attempt, 1);
    w.check().await;
}
