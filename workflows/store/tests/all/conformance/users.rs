//! Users, as operators see them, and what operators do to them.

use std::time::Duration;

use accounts::{Membership, Refreshed, Role, User, UserAction, UserEvent, UserStatus};
use futures_util::future::{join, join_all};
use signup::{EmailAddress, UserId};
use uuid::Uuid;

use crate::world::{
    CLAIMS, STEPS, TICK, World, by_password, by_sign_up, done, first_hash, known, order, session, undone,
};

const MANY: usize = 24;

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// What operators have done to a user, the latest first.
async fn events(w: &World, user: UserId) -> Vec<UserEvent> {
    w.users().events(user).await.unwrap()
}

pub(super) async fn a_user_is_seen_by_their_id_and_by_their_email(w: World) {
    let saga = w.complete("ada").await;
    w.advance(TICK).await;
    w.complete("bea").await;
    let ada = w.user_of(saga).await;
    let account = w.accounts().account(ada).await.unwrap().unwrap();
    let seen = User {
        id: ada,
        saga,
        email: account.email,
        full_name: account.full_name,
        membership: Some(Membership {
            organization: account.organization,
            organization_name: account.organization_name,
            role: Role::Owner,
        }),
        status: UserStatus::Active,
        seq: 0,
        created_at: account.created_at,
    };
    let users = w.users();
    assert_eq!(users.by_id(ada).await.unwrap().as_ref(), Some(&seen));
    assert_eq!(users.by_email(&email("ADA@Example.com")).await.unwrap(), Some(seen));
    assert_eq!(users.by_id(UserId(Uuid::from_u128(1))).await.unwrap(), None);
    assert_eq!(users.by_email(&email("cyd@example.com")).await.unwrap(), None);
    assert!(events(&w, ada).await.is_empty());
}

pub(super) async fn a_user_is_seen_in_every_step_of_their_sign_up(w: World) {
    let saga = w.accept("ada").await;
    let by_email = async || w.users().by_email(&email("ada@example.com")).await.unwrap();
    assert_eq!(by_email().await, None);
    let mut seen = Vec::new();
    for step in &STEPS {
        let claimed = w.claim_one(step).await;
        w.commit(&done(&claimed)).await;
        let user = by_email().await.unwrap();
        assert_eq!(user.saga, saga);
        seen.push((user.status.word(), user.full_name.is_some(), user.membership.is_some()));
    }
    let provisional = "provisional";
    assert_eq!(
        seen,
        [(provisional, false, false), (provisional, false, false), (provisional, true, false), ("active", true, true)]
    );
    let failed = w.reach("bea", &CLAIMS).await;
    assert!(w.users().by_email(&email("bea@example.com")).await.unwrap().is_some());
    w.act(failed, saga::Action::RollBack).await;
    for step in STEPS.iter().rev() {
        let claimed = w.claim_one(step).await;
        w.commit(&undone(&claimed)).await;
    }
    assert_eq!(w.users().by_email(&email("bea@example.com")).await.unwrap(), None);
}

pub(super) async fn an_action_is_done_and_noted(w: World) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    let mut noted = Vec::new();
    for (seq, action) in (1..).zip([UserAction::SignOut, UserAction::Disable, UserAction::Enable, UserAction::Disable])
    {
        w.advance(TICK).await;
        assert!(w.order(ada, action).await, "{action}");
        let told = events(&w, ada).await.remove(0);
        let signature = order(ada, 0, action).signature;
        assert_eq!(told, UserEvent { seq, at: told.at, action, signature });
        let disabled = UserStatus::Disabled(told.at);
        let status = if action == UserAction::Disable { disabled } else { UserStatus::Active };
        assert_eq!((w.seen(ada).await.status, w.seen(ada).await.seq), (status, seq));
        let may_sign_in = status == UserStatus::Active;
        assert_eq!(w.accounts().credentials(&email("ada@example.com")).await.unwrap().is_some(), may_sign_in);
        noted.insert(0, told);
    }
    assert!(noted.is_sorted_by(|later, earlier| later.at > earlier.at));
    assert_eq!(events(&w, ada).await, noted);
    assert!(events(&w, bea).await.is_empty());
    assert_eq!((w.seen(bea).await.status, w.seen(bea).await.seq), (UserStatus::Active, 0));
    assert_eq!(w.accounts().credentials(&email("bea@example.com")).await.unwrap(), Some(known(bea)));
}

pub(super) async fn every_action_ends_all_sessions_for_good(w: World) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    let hers = w.sign_in(99, bea).await;
    for (number, action) in (1..).zip([UserAction::SignOut, UserAction::Disable, UserAction::Enable]) {
        // Who is disabled has none, and does not get back the one of before.
        let session = session(number);
        let begun = w.begin(&by_password(number, ada, &first_hash())).await.is_some();
        assert_eq!(begun, action != UserAction::Enable);
        assert!(w.order(ada, action).await, "{action}");
        assert!(!w.is_live(session).await && w.live(ada).await.is_empty(), "{action}");
        assert_eq!(w.refresh(session, 0).await, Refreshed::Over, "{action}");
    }
    let anew = w.sign_in(4, ada).await;
    assert_eq!((w.live(ada).await, w.live(bea).await), (vec![anew], vec![hers]));
}

pub(super) async fn a_sign_up_is_not_redeemed_after_an_action(w: World) {
    let saga = w.complete("ada").await;
    let user = w.user_of(saga).await;
    for action in [UserAction::Disable, UserAction::Enable] {
        assert!(w.order(user, action).await);
        assert_eq!(w.begin(&by_sign_up(1, saga)).await, None, "{action}");
    }
}

pub(super) async fn an_action_on_what_the_operator_did_not_see_writes_nothing(w: World) {
    let ada = w.user("ada").await;
    let kept = w.sign_in(1, ada).await;
    let (users, unknown) = (w.users(), UserId(Uuid::from_u128(1)));
    for (user, seq) in [(ada, 1), (unknown, 0)] {
        assert!(!users.act(&order(user, seq, UserAction::SignOut)).await.unwrap());
    }
    assert!(w.is_live(kept).await && events(&w, ada).await.is_empty() && events(&w, unknown).await.is_empty());
    assert!(users.act(&order(ada, 0, UserAction::SignOut)).await.unwrap());
    let seen = w.seen(ada).await;
    assert!(!users.act(&order(ada, 0, UserAction::Disable)).await.unwrap());
    assert_eq!((w.seen(ada).await, events(&w, ada).await.len()), (seen, 1));
}

pub(super) async fn an_action_on_whose_sign_up_has_not_completed_writes_nothing(mut w: World) {
    let saga = w.reach("ada", &CLAIMS).await;
    let user = w.user_of(saga).await;
    for action in UserAction::ALL {
        assert!(!w.order(user, action).await, "{action}");
    }
    assert!(events(&w, user).await.is_empty());
    assert_eq!((w.seen(user).await.status, w.seen(user).await.seq), (UserStatus::Provisional, 0));
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&done(&claimed)).await;
    assert_eq!(w.seen(user).await.status, UserStatus::Active);
    w.check().await;
}

pub(super) async fn of_many_actions_at_once_one_counts(w: World) {
    let ada = w.user("ada").await;
    let (users, actions) = (w.users(), [UserAction::Disable, UserAction::SignOut]);
    let orders: Vec<_> = actions.into_iter().cycle().take(MANY).map(|action| order(ada, 0, action)).collect();
    let done = join_all(orders.iter().map(|order| users.act(order))).await;
    let done: Vec<_> = orders.iter().zip(done).filter(|(_, done)| *done.as_ref().unwrap()).collect();
    let told = events(&w, ada).await;
    assert_eq!((done.len(), told.len()), (1, 1), "{done:?}");
    assert_eq!((told[0].seq, told[0].action), (1, done[0].0.action));
    assert_eq!(matches!(w.seen(ada).await.status, UserStatus::Disabled(_)), told[0].action.disables());
}

pub(super) async fn of_an_action_and_sign_ins_at_once_no_session_stays(w: World) {
    for round in 0..8 {
        let user = w.user(&format!("ada{round}")).await;
        let news: Vec<_> = (1..=MANY).map(|number| by_password(100 * round + number, user, &first_hash())).collect();
        let (sessions, users, disable) = (w.sessions(), w.users(), order(user, 0, UserAction::Disable));
        let begun = join_all(news.iter().map(|new| sessions.begin(new)));
        let (begun, done) = join(begun, users.act(&disable)).await;
        assert!(done.unwrap() && begun.iter().all(Result::is_ok), "{begun:?}");
        assert!(w.order(user, UserAction::Enable).await);
        assert!(w.live(user).await.is_empty());
    }
}

pub(super) async fn the_latest_hundred_events_are_told(w: World) {
    let ada = w.user("ada").await;
    for _ in 0..102 {
        w.advance(Duration::from_secs(1)).await;
        assert!(w.order(ada, UserAction::SignOut).await);
    }
    let told: Vec<_> = events(&w, ada).await.iter().map(|event| event.seq).collect();
    assert_eq!(told, (3..=102).rev().collect::<Vec<_>>());
}
