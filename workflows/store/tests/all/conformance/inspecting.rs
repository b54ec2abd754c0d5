//! One saga, and what exists of it.

use saga::store::{Filter, Made};

use crate::world::{STEPS, World, done, undone};

pub(super) async fn what_the_steps_have_made_is_told_in_their_order(mut w: World) {
    // What is somebody else's is not told.
    w.complete("eve").await;
    let proposal = w.proposal("ada");
    let (saga, who) = (proposal.saga, proposal.applicant.clone());
    w.store().accept(&proposal).await.unwrap();
    let made = |what: &str, id: uuid::Uuid| Made { what: what.to_owned(), id: id.to_string() };
    let all = [
        made("user", who.user.0),
        made("identity", who.user.0),
        made("organization", who.organization.0),
        made("profile", who.profile.0),
        made("claims", who.user.0),
    ];
    assert_eq!(w.inspect(saga).await.made, []);
    for (step, many) in STEPS.iter().zip([2, 3, 4, 5]) {
        let claimed = w.claim_one(step).await;
        w.commit(&done(&claimed)).await;
        assert_eq!(w.inspect(saga).await.made, all[..many]);
    }
    w.check().await;
    let saga = w.reach("bea", &STEPS[3]).await;
    w.act(saga, saga::Action::RollBack).await;
    for (step, many) in STEPS.iter().rev().zip([4, 3, 2, 0]) {
        let claimed = w.claim_one(step).await;
        w.commit(&undone(&claimed)).await;
        assert_eq!(w.inspect(saga).await.made.len(), many);
    }
    w.check().await;
}

pub(super) async fn an_inspection_tells_what_the_list_tells(mut w: World) {
    let sagas = [w.stick("ada", 2).await, w.complete("bea").await, w.fail("cyd").await, w.accept("dot").await];
    w.claim_one(&STEPS[0]).await;
    let listed = w.list(&Filter { limit: 10, ..Filter::default() }).await;
    for (saga, record) in sagas.into_iter().rev().zip(listed) {
        assert_eq!(w.inspect(saga).await.record, record);
        assert_eq!(w.view(saga).await, record.view);
    }
    w.check().await;
}

pub(super) async fn an_unknown_saga_is_not_inspected(w: World) {
    w.accept("ada").await;
    assert_eq!(w.store().inspect(w.proposal("eve").saga).await.unwrap(), None);
}
