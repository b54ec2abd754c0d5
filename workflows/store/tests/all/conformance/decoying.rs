//! Decoys: what a known e-mail gets where nobody is to learn that it is known.

use std::collections::BTreeSet;

use auditor::facts::Facts;
use futures_util::future::join_all;
use saga::store::{Accepted, Filter};
use saga::{Action, Code, End, State};
use signup::{Conflict, Duplicates, Known, Proposal};

use crate::world::{
    ORGANIZATION, STEPS, USER, World, conflicts, done, ended_failed, is_new, is_replay_of, running, undone,
};

const MANY: usize = 24;

/// The same request, as a decoy where the e-mail is known.
fn decoyed(proposal: Proposal) -> Proposal {
    Proposal { duplicates: Duplicates::Decoyed, ..proposal }
}

/// How many decoys there are.
fn decoys(facts: &Facts) -> usize {
    facts.sagas.iter().filter(|saga| saga.decoy).count()
}

pub(super) async fn an_unknown_email_gets_no_decoy(mut w: World) {
    w.complete("eve").await;
    let proposal = w.decoyed("ada");
    let Accepted::New(view) = w.store().accept(&proposal).await.unwrap() else { panic!("not accepted") };
    assert_eq!((view.saga, &view.state), (proposal.saga, &running(&USER)));
    for step in &STEPS {
        let claimed = w.claim_one(step).await;
        assert!(!claimed.data.decoy);
        w.commit(&done(&claimed)).await;
    }
    assert_eq!(w.check().await.users.len(), 2);
}

pub(super) async fn a_known_email_gets_a_decoy_that_completes_and_makes_nothing(mut w: World) {
    let real = w.complete("ada").await;
    let before = w.check().await;
    let proposal = w.decoyed("Ada");
    let Accepted::New(view) = w.store().accept(&proposal).await.unwrap() else { panic!("not accepted") };
    assert_eq!((view.saga, &view.state), (proposal.saga, &running(&USER)));
    assert_eq!((view.age, view.stuck_since, view.ended_at), (std::time::Duration::ZERO, None, None));
    assert_eq!(w.view(proposal.saga).await, view);
    for step in &STEPS {
        let claimed = w.claim_one(step).await;
        assert!(claimed.data.decoy);
        w.commit(&done(&claimed)).await;
        assert_eq!(w.inspect(proposal.saga).await.made, []);
    }
    assert_eq!(w.journal(proposal.saga).await, w.journal(real).await);
    assert_eq!(w.view(proposal.saga).await.state, State::Ended(End::Completed));
    let after = w.check().await;
    assert_eq!((after.sagas.len(), after.sealed.len(), decoys(&after)), (2, 0, 1));
    assert_eq!((after.users, after.identities, after.claims), (before.users, before.identities, before.claims));
    assert_eq!((after.organizations, after.profiles), (before.organizations, before.profiles));
}

pub(super) async fn a_live_email_gets_a_decoy_beside_it(mut w: World) {
    // At its first step, and while its user exists, provisionally.
    let real = w.accept("ada").await;
    w.accept_decoy("ada").await;
    let claimed = w.claim(&USER, 2).await;
    w.commit(&done(claimed.iter().find(|claimed| claimed.fence.saga == real).unwrap())).await;
    w.accept_decoy("ADA").await;
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), decoys(&facts), facts.users.len()), (3, 2, 1));
}

pub(super) async fn a_decoy_stands_in_nobodys_way(mut w: World) {
    let real = w.accept("ada").await;
    w.accept_decoy("ada").await;
    w.act(real, Action::Resolve).await;
    // All that is under way is a decoy.
    let second = w.accept("ada").await;
    w.act(second, Action::Resolve).await;
    let third = w.decoyed("ada");
    assert!(is_new(&w.store().accept(&third).await.unwrap()));
    assert!(!w.inspect(third.saga).await.record.decoy);
    // Who is refused is refused for it.
    let answer = w.store().accept(&w.proposal("ada")).await.unwrap();
    assert!(conflicts(&Conflict::InProgress, &answer), "{answer:?}");
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), decoys(&facts)), (4, 1));
}

pub(super) async fn a_decoys_password_is_wiped_when_it_is_hashed(mut w: World) {
    w.complete("ada").await;
    w.accept_decoy("ada").await;
    assert_eq!(w.check().await.sealed.len(), 1);
    let claimed = w.claim_one(&USER).await;
    assert!(claimed.data.sealed.is_some());
    w.commit(&done(&claimed)).await;
    assert_eq!(w.check().await.sealed, []);
}

pub(super) async fn accepting_a_decoy_twice_finds_it_accepted(mut w: World) {
    w.complete("ada").await;
    let proposal = w.decoyed("ada");
    let first = w.store().accept(&proposal).await.unwrap();
    assert!(is_new(&first));
    assert_eq!(w.store().accept(&proposal).await.unwrap(), first);
    assert_eq!(w.check().await.sagas.len(), 2);
}

pub(super) async fn a_replay_of_a_decoy_finds_it_also_after_the_end(mut w: World) {
    w.complete("ada").await;
    let again = || decoyed(w.marked("ada", 1, 1));
    let first = again();
    assert_eq!(w.known(&first).await, Known::Nothing);
    assert!(is_new(&w.store().accept(&first).await.unwrap()));
    for step in &STEPS {
        assert_eq!(w.known(&again()).await, Known::Request);
        let answer = w.store().accept(&again()).await.unwrap();
        assert!(is_replay_of(first.saga, &answer), "{answer:?}");
        let claimed = w.claim_one(step).await;
        w.commit(&done(&claimed)).await;
    }
    let Accepted::Replay(view) = w.store().accept(&again()).await.unwrap() else { panic!("no replay") };
    assert_eq!((view.saga, view.state), (first.saga, State::Ended(End::Completed)));
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), decoys(&facts)), (2, 1));
}

pub(super) async fn another_body_under_the_key_of_a_decoy_is_refused(mut w: World) {
    w.complete("ada").await;
    assert!(is_new(&w.store().accept(&decoyed(w.marked("ada", 1, 1))).await.unwrap()));
    for step in &STEPS {
        let answer = w.store().accept(&decoyed(w.marked("ada", 1, 2))).await.unwrap();
        assert!(conflicts(&Conflict::OtherBody, &answer), "{answer:?}");
        let claimed = w.claim_one(step).await;
        w.commit(&done(&claimed)).await;
    }
    assert_eq!(w.check().await.sagas.len(), 2);
}

pub(super) async fn a_decoy_goes_back_as_one(mut w: World) {
    w.complete("ada").await;
    let decoy = w.accept_decoy("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    let before = w.check().await;
    w.act(decoy, Action::RollBack).await;
    for step in [ORGANIZATION, USER] {
        let claimed = w.claim_one(&step).await;
        assert!(claimed.data.decoy);
        w.commit(&undone(&claimed)).await;
    }
    assert_eq!(w.view(decoy).await.state, ended_failed(Code::ROLLED_BACK));
    assert_eq!(w.check().await.users, before.users);
}

pub(super) async fn operators_see_which_is_a_decoy(w: World) {
    let real = w.complete("ada").await;
    let decoy = w.accept_decoy("ada").await;
    let listed = w.list(&Filter { limit: 10, ..Filter::default() }).await;
    let listed: Vec<_> = listed.iter().map(|record| (record.view.saga, record.decoy)).collect();
    assert_eq!(listed, [(decoy, true), (real, false)]);
    assert!(!w.inspect(real).await.record.decoy);
}

/// Sends them all at once. All must be accepted.
async fn accept_all(w: &World, proposals: &[Proposal]) {
    let store = w.store();
    for answer in join_all(proposals.iter().map(|proposal| store.accept(proposal))).await {
        assert!(is_new(answer.as_ref().unwrap()), "{answer:?}");
    }
}

pub(super) async fn of_many_at_once_with_an_unknown_email_all_but_one_are_decoys(mut w: World) {
    let proposals: Vec<_> = (0..MANY).map(|_| w.decoyed("ada")).collect();
    accept_all(&w, &proposals).await;
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), facts.sealed.len(), decoys(&facts)), (MANY, MANY, MANY - 1));
}

pub(super) async fn of_many_at_once_with_a_known_email_all_are_decoys(mut w: World) {
    w.complete("ada").await;
    let proposals: Vec<_> = (0..MANY).map(|_| w.decoyed("ada")).collect();
    accept_all(&w, &proposals).await;
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), decoys(&facts)), (MANY + 1, MANY));
}

pub(super) async fn of_many_at_once_under_one_key_all_find_one_decoy(mut w: World) {
    w.complete("ada").await;
    let store = w.store();
    let proposals: Vec<_> = (0..MANY).map(|_| decoyed(w.marked("ada", 1, 1))).collect();
    let answers = join_all(proposals.iter().map(|proposal| store.accept(proposal))).await;
    let sagas = answers.iter().map(|answer| match answer.as_ref().unwrap() {
        Accepted::New(view) | Accepted::Replay(view) => view.saga,
        Accepted::Conflict(conflict) => panic!("{conflict:?}"),
    });
    assert_eq!(sagas.collect::<BTreeSet<_>>().len(), 1);
    let facts = w.check().await;
    assert_eq!((facts.sagas.len(), decoys(&facts)), (2, 1));
}

pub(super) async fn of_refused_and_decoyed_ones_at_once_one_is_real(mut w: World) {
    let store = w.store();
    let proposals: Vec<_> = (0..MANY).flat_map(|_| [w.proposal("ada"), w.decoyed("ada")]).collect();
    let answers = join_all(proposals.iter().map(|proposal| store.accept(proposal))).await;
    for (proposal, answer) in proposals.iter().zip(answers) {
        let answer = answer.unwrap();
        let refused = proposal.duplicates == Duplicates::Refused && conflicts(&Conflict::InProgress, &answer);
        assert!(is_new(&answer) || refused, "{answer:?}");
    }
    let facts = w.check().await;
    assert_eq!(facts.sagas.len() - decoys(&facts), 1);
}
