//! How sessions begin: with a password, or with the sign-up itself.

use accounts::{GRACE, Holder, REDEEM, Refreshed, Role};
use futures_util::future::{join_all, join3};
use saga::SagaId;
use uuid::Uuid;

use crate::world::{CLAIMS, STEPS, TICK, World, by_password, by_sign_up, done, first_hash, hash, known, session};

const MANY: usize = 24;

pub(super) async fn a_session_begins_for_a_user_with_that_very_hash(w: World) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    let organization = w.facts().await.claims.iter().find(|(_, user, _)| *user == ada).unwrap().2;
    let holder = w.begin(&by_password(1, ada, &first_hash())).await.unwrap();
    let email = w.proposal("ada").applicant.email;
    assert_eq!(holder, Holder { session: session(1), user: ada, email, organization, role: Role::Owner });
    assert_eq!(w.sessions().holder(session(1)).await.unwrap(), Some(holder));
    assert_eq!(w.begin(&by_password(2, bea, &hash("guessed"))).await, None);
    assert_eq!(w.begin(&by_password(3, signup::UserId(Uuid::from_u128(1)), &first_hash())).await, None);
    assert!(!w.is_live(session(2)).await && w.live(bea).await.is_empty());
}

pub(super) async fn a_provisional_user_begins_no_session(w: World) {
    let saga = w.reach("ada", &CLAIMS).await;
    let user = w.user_of(saga).await;
    assert_eq!(w.begin(&by_password(1, user, &first_hash())).await, None);
    assert_eq!(w.begin(&by_sign_up(2, saga)).await, None);
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&done(&claimed)).await;
    assert!(w.begin(&by_password(1, user, &first_hash())).await.is_some());
    assert!(w.begin(&by_sign_up(2, saga)).await.is_some());
}

pub(super) async fn a_disabled_user_begins_no_session(w: World) {
    let saga = w.complete("ada").await;
    let user = w.user_of(saga).await;
    w.disable(user).await;
    assert_eq!(w.begin(&by_password(1, user, &first_hash())).await, None);
    assert_eq!(w.begin(&by_sign_up(2, saga)).await, None);
}

pub(super) async fn beginning_the_same_session_twice_finds_it_begun(w: World) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    let new = by_password(1, ada, &first_hash());
    let holder = w.begin(&new).await;
    assert!(holder.is_some());
    w.advance(GRACE.unsigned_abs()).await;
    assert_eq!(w.begin(&new).await, holder);
    assert_eq!(w.live(ada).await, [session(1)]);
    assert_eq!(w.begin(&by_password(1, bea, &first_hash())).await, None, "a session of somebody else");
    w.refresh(session(1), 0).await;
    assert_eq!(w.begin(&new).await, None, "of another generation than the first");
}

pub(super) async fn a_sign_up_is_redeemed_once(w: World) {
    let saga = w.complete("ada").await;
    let user = w.user_of(saga).await;
    let holder = w.begin(&by_sign_up(1, saga)).await.unwrap();
    assert_eq!((holder.session, holder.user), (session(1), user));
    w.advance_almost(GRACE.unsigned_abs()).await;
    assert_eq!(w.begin(&by_sign_up(2, saga)).await, Some(holder.clone()));
    assert_eq!(w.begin(&by_sign_up(1, saga)).await, Some(holder));
    w.advance(TICK).await;
    assert_eq!(w.begin(&by_sign_up(2, saga)).await, None);
    assert_eq!(w.live(user).await, [session(1)]);
}

pub(super) async fn a_repetition_does_not_find_a_session_that_has_gone_on_or_ended(w: World) {
    let (refreshed, revoked) = (w.complete("ada").await, w.complete("bea").await);
    w.begin(&by_sign_up(1, refreshed)).await.unwrap();
    w.begin(&by_sign_up(2, revoked)).await.unwrap();
    assert!(matches!(w.refresh(session(1), 0).await, Refreshed::Live(..)));
    assert!(w.sessions().revoke(w.user_of(revoked).await, session(2)).await.unwrap());
    for (number, saga) in [(1, refreshed), (2, revoked), (3, refreshed), (4, revoked)] {
        assert_eq!(w.begin(&by_sign_up(number, saga)).await, None, "{number}");
    }
}

pub(super) async fn a_sign_up_is_redeemed_within_a_day(w: World) {
    let (ada, bea) = (w.complete("ada").await, w.complete("bea").await);
    w.advance_almost(REDEEM.unsigned_abs()).await;
    assert!(w.begin(&by_sign_up(1, ada)).await.is_some());
    w.advance(TICK).await;
    assert_eq!(w.begin(&by_sign_up(2, bea)).await, None);
}

pub(super) async fn a_sign_up_is_redeemed_while_its_password_is_the_users(w: World) {
    let (changed, rehashed) = (w.complete("ada").await, w.complete("bea").await);
    let (ada, bea) = (w.user_of(changed).await, w.user_of(rehashed).await);
    assert!(w.accounts().change_password(&known(ada), &hash("new"), session(9)).await.unwrap());
    assert!(w.accounts().rehash(&known(bea), &hash("stronger")).await.unwrap());
    assert_eq!(w.begin(&by_sign_up(1, changed)).await, None);
    assert!(w.begin(&by_sign_up(2, rehashed)).await.is_some());
}

pub(super) async fn a_sign_up_is_not_redeemed_once_all_sessions_were_ended(w: World) {
    let (ended, other) = (w.complete("ada").await, w.complete("bea").await);
    w.sessions().revoke_all(w.user_of(ended).await).await.unwrap();
    assert_eq!(w.begin(&by_sign_up(1, ended)).await, None);
    assert!(w.begin(&by_sign_up(2, other)).await.is_some());
}

pub(super) async fn a_sign_up_that_has_not_completed_is_not_redeemed(w: World) {
    let (failed, running) = (w.fail("ada").await, w.accept("bea").await);
    let unknown = SagaId::from_uuid(Uuid::from_u128(1));
    for (number, saga) in (1..).zip([failed, running, unknown]) {
        assert_eq!(w.begin(&by_sign_up(number, saga)).await, None, "{number}");
    }
}

pub(super) async fn a_decoy_is_not_redeemed(w: World) {
    let user = w.user("ada").await;
    let decoy = w.accept_decoy("ada").await;
    for step in &STEPS {
        let claimed = w.claim_one(step).await;
        w.commit(&done(&claimed)).await;
    }
    assert_eq!(w.view(decoy).await.state, saga::State::Ended(saga::End::Completed));
    assert_eq!(w.begin(&by_sign_up(1, decoy)).await, None);
    assert!(w.live(user).await.is_empty());
}

pub(super) async fn of_many_who_redeem_a_sign_up_at_once_all_get_one_session(w: World) {
    let saga = w.complete("ada").await;
    let (sessions, news) = (w.sessions(), (0..MANY).map(|number| by_sign_up(number, saga)).collect::<Vec<_>>());
    let begun = join_all(news.iter().map(|new| sessions.begin(new))).await;
    let begun: Vec<_> = begun.into_iter().map(|holder| holder.unwrap().unwrap().session).collect();
    assert_eq!(begun, vec![begun[0]; MANY]);
    assert_eq!(w.live(w.user_of(saga).await).await, [begun[0]]);
}

pub(super) async fn a_change_of_the_password_ends_what_begins_with_the_old_one_at_the_same_time(w: World) {
    for round in 0..8 {
        let saga = w.complete(&format!("ada{round}")).await;
        let user = w.user_of(saga).await;
        let first = 100 * (round + 1);
        let kept = w.sign_in(first, user).await;
        let mut news: Vec<_> = (1..MANY).map(|number| by_password(first + number, user, &first_hash())).collect();
        news.push(by_sign_up(first + MANY, saga));
        let (sessions, accounts, known) = (w.sessions(), w.accounts(), known(user));
        let (early, late) = news.split_at(MANY / 2);
        let early = join_all(early.iter().map(|new| sessions.begin(new)));
        let late = join_all(late.iter().map(|new| sessions.begin(new)));
        let new = hash("new");
        let change = accounts.change_password(&known, &new, kept);
        let (early, changed, late) = join3(early, change, late).await;
        assert_eq!(changed, Ok(true));
        assert!(early.iter().chain(&late).all(Result::is_ok), "{early:?} {late:?}");
        assert_eq!(w.live(user).await, [kept]);
        assert_eq!(w.begin(&by_password(99, user, &first_hash())).await, None);
    }
}
