//! What a commit makes and takes away.

use saga::plan::EventKind;
use saga::store::{Claimed, Commit, Committed, Error};
use saga::{Active, State, StepName, Transition};
use signup::{EMAIL_TAKEN, Effect, OrganizationName, SignUp};

use crate::world::{
    CLAIMS, CODE, ORGANIZATION, PROFILE, STEPS, USER, World, commit, done, ended_failed, running, undone,
};

pub(super) async fn every_step_leaves_what_it_makes(mut w: World) {
    let proposal = w.proposal("ada");
    let (saga, who) = (proposal.saga, proposal.applicant.clone());
    w.store().accept(&proposal).await.unwrap();
    for step in &STEPS {
        let claimed = w.claim_one(step).await;
        assert_eq!(w.commit(&done(&claimed)).await, Committed::Then);
        let facts = w.check().await;
        let user = &facts.users[0];
        assert_eq!((user.saga, user.id, user.active), (saga, who.user, *step == CLAIMS));
        assert_eq!((user.email_key.as_str(), user.password_hash.as_str()), ("ada@example.com", "$argon2id$test"));
    }
    let facts = w.check().await;
    assert_eq!(facts.identities, [(saga, who.user, "email".to_owned())]);
    assert_eq!(facts.organizations, [(saga, who.organization)]);
    assert_eq!(facts.profiles, [(saga, who.user, who.organization)]);
    assert_eq!(facts.claims, [(saga, who.user, who.organization)]);
}

pub(super) async fn every_undo_takes_away_what_its_step_made(mut w: World) {
    let saga = w.reach("ada", &CLAIMS).await;
    let claimed = w.claim_one(&CLAIMS).await;
    let mut claimed = w.claim_after_giving_up(&claimed).await;
    for left in [3, 2, 1, 0] {
        assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
        let facts = w.check().await;
        let made = [facts.users.len(), facts.organizations.len(), facts.profiles.len(), facts.claims.len()];
        assert_eq!(made.iter().sum::<usize>(), left, "{made:?}");
        assert_eq!(facts.identities.len(), facts.users.len());
        if left > 0 {
            claimed = w.claim_one(&STEPS[left - 1]).await;
        }
    }
    assert_eq!(w.view(saga).await.state, ended_failed(CODE));
}

pub(super) async fn undoing_what_never_happened_is_done_too(mut w: World) {
    for (name, step) in ["ada", "bea", "cyd", "dot"].into_iter().zip(&STEPS) {
        w.reach(name, step).await;
        let claimed = w.claim_one(step).await;
        let claimed = w.claim_after_giving_up(&claimed).await;
        assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
        w.check().await;
        for earlier in STEPS.iter().take_while(|earlier| *earlier != step).collect::<Vec<_>>().into_iter().rev() {
            let claimed = w.claim_one(earlier).await;
            assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
        }
    }
    let facts = w.check().await;
    assert!(facts.users.is_empty() && facts.organizations.is_empty() && facts.profiles.is_empty());
}

pub(super) async fn an_email_lost_in_a_race_refuses_the_step(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.plant_account("ada").await;
    assert_eq!(w.commit(&done(&claimed)).await, Committed::Refused);
    assert_eq!(w.commit(&done(&claimed)).await, Committed::Fenced);
    w.check().await;
    // Undoing it leaves the other's user alone.
    let claimed = w.claim_one(&USER).await;
    assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
    assert_eq!(w.view(saga).await.state, ended_failed(EMAIL_TAKEN));
    assert_eq!(w.journal(saga).await, ["accepted", "refused create_user", "undone create_user"]);
    let facts = w.check().await;
    assert_eq!((facts.users.len(), facts.sealed.len()), (1, 0));
}

pub(super) async fn an_effect_that_conflicts_with_no_other_transition_is_rejected(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.plant_account("ada").await;
    let hopeless = Commit { if_refused: None, ..done(&claimed) };
    assert!(matches!(w.store().commit(&hopeless).await, Err(Error::Rejected(_))));
    assert_eq!(w.view(saga).await.state, running(&USER));
    assert_eq!(w.check().await.sealed.len(), 1);
    w.refuse(&claimed).await;
    w.check().await;
}

/// Records an effect without leaving the step: no plan does, which is why the store itself has to refuse it.
fn out_of_turn(claimed: &Claimed<SignUp>, effect: Effect, to: &StepName) -> Commit<SignUp> {
    let to = State::Active(Active::Running(to.clone()));
    commit(claimed, Some(effect), Transition::Advance { to, event: EventKind::Done })
}

pub(super) async fn an_effect_twice_is_rejected_and_changes_nothing(w: World) {
    let saga = w.reach("ada", &ORGANIZATION).await;
    let organization = Effect::CreateOrganization { name: OrganizationName::of(None) };
    for (effect, step, next) in [(organization, ORGANIZATION, PROFILE), (Effect::CreateProfile, PROFILE, CLAIMS)] {
        let claimed = w.claim_one(&step).await;
        assert_eq!(w.commit(&out_of_turn(&claimed, effect.clone(), &step)).await, Committed::Then);
        let claimed = w.claim_one(&step).await;
        let before = w.facts().await;
        let again = w.store().commit(&out_of_turn(&claimed, effect, &next)).await;
        assert!(matches!(again, Err(Error::Rejected(_))), "{again:?}");
        assert_eq!((w.facts().await.sagas, w.journal(saga).await.len()), (before.sagas, before.events.len()));
        w.commit(&commit(&claimed, None, done(&claimed).then)).await;
    }
    let facts = w.facts().await;
    assert_eq!((facts.organizations.len(), facts.profiles.len()), (1, 1));
}

pub(super) async fn an_effect_without_what_it_refers_to_is_rejected(w: World) {
    let saga = w.accept("ada").await;
    for effect in [Effect::CreateProfile, Effect::WriteClaims] {
        let claimed = w.claim_one(&USER).await;
        let answer = w.store().commit(&out_of_turn(&claimed, effect, &USER)).await;
        assert!(matches!(answer, Err(Error::Rejected(_))), "{answer:?}");
        assert_eq!(w.journal(saga).await, ["accepted"]);
        w.store().hand_back(&claimed.fence, std::time::Duration::ZERO).await.unwrap();
    }
    let facts = w.facts().await;
    assert!(facts.profiles.is_empty() && facts.claims.is_empty());
}

pub(super) async fn a_user_with_a_profile_cannot_be_deleted(w: World) {
    w.reach("ada", &CLAIMS).await;
    let claimed = w.claim_one(&CLAIMS).await;
    for effect in [Effect::DeleteUser, Effect::DeleteOrganization] {
        let answer = w.store().commit(&out_of_turn(&claimed, effect, &CLAIMS)).await;
        assert!(matches!(answer, Err(Error::Rejected(_))), "{answer:?}");
    }
    let facts = w.facts().await;
    assert_eq!((facts.users.len(), facts.identities.len(), facts.organizations.len()), (1, 1, 1));
}

pub(super) async fn a_refused_delete_is_rejected_and_changes_nothing(mut w: World) {
    w.reach("ada", &CLAIMS).await;
    let claimed = w.claim_one(&CLAIMS).await;
    let claimed = w.claim_after_giving_up(&claimed).await;
    assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
    for (table, step) in [("profiles", PROFILE), ("organizations", ORGANIZATION), ("users", USER)] {
        let claimed = w.claim_one(&step).await;
        w.refuse_deletes(table, true).await;
        let before = w.check().await;
        let answer = w.store().commit(&undone(&claimed)).await;
        assert!(matches!(answer, Err(Error::Rejected(_))), "{answer:?}");
        let after = w.check().await;
        assert_eq!((after.sagas, after.events, after.users), (before.sagas, before.events, before.users));
        assert_eq!((after.profiles, after.organizations), (before.profiles, before.organizations));
        w.refuse_deletes(table, false).await;
        assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
    }
    w.check().await;
}

pub(super) async fn the_hash_wipes_the_sealed_password(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    assert_eq!(w.check().await.sealed.len(), 1);
    w.commit(&done(&claimed)).await;
    assert!(w.check().await.sealed.is_empty());
    assert_eq!(w.claim_one(&ORGANIZATION).await.data.sealed, None);
}

pub(super) async fn an_end_wipes_the_sealed_password(mut w: World) {
    w.fail("ada").await;
    assert!(w.check().await.sealed.is_empty());
    w.accept("eve").await;
    let claimed = w.claim_one(&USER).await;
    let claimed = w.claim_after_giving_up(&claimed).await;
    assert_eq!(w.check().await.sealed.len(), 1);
    w.commit(&undone(&claimed)).await;
    assert!(w.check().await.sealed.is_empty());
}

pub(super) async fn a_refused_hash_keeps_no_sealed_password_past_the_end(mut w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.plant_account("ada").await;
    assert_eq!(w.check().await.sealed.len(), 1);
    assert_eq!(w.commit(&done(&claimed)).await, Committed::Refused);
    w.check().await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&undone(&claimed)).await;
    assert!(w.check().await.sealed.is_empty());
}
