//! Accepting sign-ups, and what stands against them.

use std::time::Duration;

use saga::store::Accepted;
use saga::{End, State};
use signup::{Conflict, Known};

use crate::world::{CODE, STEPS, USER, World, conflicts, done, ended_failed, is_new, is_replay_of, running};

pub(super) async fn an_accepted_sign_up_runs_its_first_step(mut w: World) {
    let proposal = w.proposal("ada");
    let Accepted::New(view) = w.store().accept(&proposal).await.unwrap() else { panic!("not accepted") };
    assert_eq!((view.saga, &view.state), (proposal.saga, &running(&USER)));
    assert_eq!((view.age, view.stuck_since, view.ended_at), (Duration::ZERO, None, None));
    assert_eq!(w.view(proposal.saga).await, view);
    assert_eq!(w.journal(proposal.saga).await, ["accepted"]);
    assert_eq!(w.check().await.sealed.len(), 1);
}

pub(super) async fn accepting_the_same_proposal_twice_finds_it_accepted(mut w: World) {
    let proposal = w.proposal("ada");
    let first = w.store().accept(&proposal).await.unwrap();
    assert_eq!(w.store().accept(&proposal).await.unwrap(), first);
    let claimed = w.claim_one(&USER).await;
    w.refuse(&claimed).await;
    let Accepted::New(view) = w.store().accept(&proposal).await.unwrap() else { panic!("not found") };
    assert_eq!(view.state, ended_failed(CODE));
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), facts.sealed.len()), (1, 0));
}

pub(super) async fn a_live_email_is_in_progress(mut w: World) {
    w.accept("ada").await;
    let answer = w.store().accept(&w.proposal("Ada")).await.unwrap();
    assert!(conflicts(&Conflict::InProgress, &answer), "{answer:?}");
    // Also while its user exists, provisionally.
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    let answer = w.store().accept(&w.proposal("ada")).await.unwrap();
    assert!(conflicts(&Conflict::InProgress, &answer), "{answer:?}");
    assert_eq!(w.check().await.sagas.len(), 1);
}

pub(super) async fn a_users_email_is_taken_with_its_providers(mut w: World) {
    w.complete("ada").await;
    let answer = w.store().accept(&w.proposal("ada")).await.unwrap();
    assert!(conflicts(&Conflict::EmailTaken { providers: vec!["email".to_owned()] }, &answer), "{answer:?}");
    assert_eq!(w.check().await.sagas.len(), 1);
}

pub(super) async fn the_email_of_a_failed_sign_up_is_free_at_once(mut w: World) {
    w.fail("ada").await;
    w.complete("ada").await;
    assert_eq!(w.check().await.users.len(), 1);
}

pub(super) async fn a_replay_finds_its_saga_also_after_the_end(mut w: World) {
    let first = w.marked("ada", 1, 1);
    assert_eq!(w.known(&first).await, Known::Nothing);
    assert!(is_new(&w.store().accept(&first).await.unwrap()));
    for step in &STEPS {
        let answer = w.store().accept(&w.marked("ada", 1, 1)).await.unwrap();
        assert!(is_replay_of(first.saga, &answer), "{answer:?}");
        assert_eq!(w.known(&w.marked("ada", 1, 1)).await, Known::Request);
        assert_eq!(w.known(&w.marked("ada", 1, 2)).await, Known::OtherBody);
        for other in [w.marked("ada", 2, 1), w.marked("eve", 1, 1), w.proposal("ada")] {
            assert_eq!(w.known(&other).await, Known::Nothing, "{other:?}");
        }
        let claimed = w.claim_one(step).await;
        w.commit(&done(&claimed)).await;
    }
    let Accepted::Replay(view) = w.store().accept(&w.marked("ada", 1, 1)).await.unwrap() else { panic!("no replay") };
    assert_eq!((view.saga, view.state), (first.saga, State::Ended(End::Completed)));
    assert_eq!(w.check().await.sagas.len(), 1);
}

pub(super) async fn another_body_under_the_same_key_is_refused(mut w: World) {
    w.store().accept(&w.marked("ada", 1, 1)).await.unwrap();
    let answer = w.store().accept(&w.marked("ada", 1, 2)).await.unwrap();
    assert!(conflicts(&Conflict::OtherBody, &answer), "{answer:?}");
    let claimed = w.claim_one(&USER).await;
    w.refuse(&claimed).await;
    let answer = w.store().accept(&w.marked("ada", 1, 2)).await.unwrap();
    assert!(conflicts(&Conflict::OtherBody, &answer), "{answer:?}");
    assert_eq!(w.check().await.sagas.len(), 1);
}

pub(super) async fn an_idempotency_key_counts_together_with_its_email(mut w: World) {
    assert!(is_new(&w.store().accept(&w.marked("ada", 1, 1)).await.unwrap()));
    assert!(is_new(&w.store().accept(&w.marked("eve", 1, 2)).await.unwrap()));
    assert_eq!(w.check().await.sagas.len(), 2);
}

pub(super) async fn a_repetition_under_another_key_is_in_progress(mut w: World) {
    w.store().accept(&w.marked("ada", 1, 1)).await.unwrap();
    for again in [w.marked("ada", 2, 1), w.proposal("ada")] {
        let answer = w.store().accept(&again).await.unwrap();
        assert!(conflicts(&Conflict::InProgress, &answer), "{answer:?}");
    }
    assert_eq!(w.check().await.sagas.len(), 1);
}
