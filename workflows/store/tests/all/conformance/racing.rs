//! Many callers at once.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use saga::store::{Accepted, Committed, Error};
use signup::Conflict;

use crate::world::{ORGANIZATION, PROFILE, TICK, USER, World, claim, conflicts, done, is_new, refused, undone};

const MANY: usize = 24;

pub(super) async fn concurrent_claims_share_no_saga(mut w: World) {
    for number in 0..MANY {
        w.accept(&format!("ada{number}")).await;
    }
    let (store, three) = (w.store(), claim(&USER, 3));
    let claims = join_all((0..MANY).map(|_| store.claim(&three))).await;
    let sagas: Vec<_> = claims.iter().flatten().flatten().map(|claimed| claimed.fence.saga).collect();
    assert_eq!(sagas.len(), MANY);
    assert_eq!(sagas.iter().collect::<BTreeSet<_>>().len(), MANY);
    w.check().await;
}

pub(super) async fn of_many_concurrent_proposals_for_one_email_one_is_accepted(mut w: World) {
    let (store, proposals) = (w.store(), (0..MANY).map(|_| w.proposal("ada")).collect::<Vec<_>>());
    let answers = join_all(proposals.iter().map(|proposal| store.accept(proposal))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| is_new(answer)).count(), 1);
    assert_eq!(answers.iter().filter(|answer| conflicts(&Conflict::InProgress, answer)).count(), MANY - 1);
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), facts.sealed.len(), facts.events.len()), (1, 1, 1));
}

pub(super) async fn of_many_concurrent_proposals_under_one_key_all_find_one_saga(mut w: World) {
    let (store, proposals) = (w.store(), (0..MANY).map(|_| w.marked("ada", 1, 1)).collect::<Vec<_>>());
    let answers = join_all(proposals.iter().map(|proposal| store.accept(proposal))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let sagas = answers.iter().map(|answer| match answer {
        Accepted::New(view) | Accepted::Replay(view) => view.saga,
        Accepted::Conflict(conflict) => panic!("{conflict:?}"),
    });
    assert_eq!(sagas.collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(answers.iter().filter(|answer| is_new(answer)).count(), 1);
    assert_eq!(w.check().await.sagas.len(), 1);
}

pub(super) async fn of_many_concurrent_sendings_of_one_commit_one_writes(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let (store, commit) = (w.store(), done(&claimed));
    let answers = join_all((0..MANY).map(|_| store.commit(&commit))).await;
    let written = answers.iter().filter(|answer| **answer == Ok(Committed::Then)).count();
    let fenced = answers.iter().filter(|answer| **answer == Ok(Committed::Fenced)).count();
    assert_eq!((written, fenced), (1, MANY - 1));
    assert_eq!(w.journal(saga).await, ["accepted", "done create_user"]);
    w.check().await;
}

pub(super) async fn a_rejected_member_of_a_batch_leaves_the_others_alone(mut w: World) {
    for name in ["ada", "bea", "cyd", "dot"] {
        w.reach(name, &ORGANIZATION).await;
        let claimed = w.claim_one(&ORGANIZATION).await;
        w.commit(&done(&claimed)).await;
    }
    let claimed = w.claim(&PROFILE, 4).await;
    assert_eq!(claimed.len(), 4);
    w.commit(&refused(&claimed[1])).await;
    let undo = w.claim_one(&PROFILE).await;
    w.commit(&undone(&undo)).await;
    let undo = w.claim_one(&ORGANIZATION).await;
    w.refuse_deletes("organizations", true).await;
    let (store, writes) = (w.store(), [&claimed[0], &undo, &claimed[2], &claimed[3]]);
    let writes = writes.map(|claimed| if claimed.fence == undo.fence { undone(claimed) } else { done(claimed) });
    let answers = join_all(writes.iter().map(|write| store.commit(write))).await;
    assert!(matches!(answers[1], Err(Error::Rejected(_))), "{answers:?}");
    for other in [0, 2, 3] {
        assert_eq!(answers[other], Ok(Committed::Then));
    }
    let facts = w.check().await;
    assert_eq!((facts.profiles.len(), facts.organizations.len()), (3, 4));
    w.refuse_deletes("organizations", false).await;
    assert_eq!(w.commit(&undone(&undo)).await, Committed::Then);
    w.check().await;
}

pub(super) async fn a_commit_and_a_claim_at_once_leave_one_holder(mut w: World) {
    for number in 0..MANY {
        let saga = w.accept(&format!("ada{number}")).await;
        let late = w.claim_one(&USER).await;
        w.advance(saga::Policy::STANDARD.lease + TICK).await;
        let (store, write, one) = (w.store(), done(&late), claim(&USER, 1));
        let (written, taken) = if number % 2 == 0 {
            join(store.commit(&write), store.claim(&one)).await
        } else {
            let (taken, written) = join(store.claim(&one), store.commit(&write)).await;
            (written, taken)
        };
        let journal = w.journal(saga).await;
        match (written.unwrap(), taken.unwrap().as_slice()) {
            (Committed::Then, []) => assert_eq!(journal, ["accepted", "done create_user"]),
            (Committed::Fenced, [taken]) => {
                assert_eq!(journal, ["accepted"]);
                assert_eq!(w.commit(&done(taken)).await, Committed::Then);
            }
            both => panic!("{both:?}"),
        }
        w.check().await;
    }
}
