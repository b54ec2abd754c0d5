//! How sessions end: by their user, with their user's password, with the user, and with time.

use std::time::Duration;

use accounts::{IDLE, LONGEST, Refreshed};
use futures_util::future::{join, join_all};
use signup::UserId;

use crate::world::{TICK, World, by_password, first_hash, hash, known, session};

const HOUR: Duration = Duration::from_hours(1);

/// Two users, with the sessions 1 to 3 and 4.
async fn two(w: &World) -> (UserId, UserId) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    for (number, user) in [(1, ada), (2, ada), (3, ada), (4, bea)] {
        w.sign_in(number, user).await;
    }
    (ada, bea)
}

pub(super) async fn a_session_is_ended_by_its_own_user_alone(w: World) {
    let (ada, bea) = two(&w).await;
    assert!(!w.sessions().revoke(bea, session(2)).await.unwrap());
    assert!(!w.sessions().revoke(ada, session(9)).await.unwrap());
    assert!(w.is_live(session(2)).await);
    assert!(w.sessions().revoke(ada, session(2)).await.unwrap());
    assert!(!w.sessions().revoke(ada, session(2)).await.unwrap());
    assert!(!w.is_live(session(2)).await);
    assert_eq!(w.refresh(session(2), 0).await, Refreshed::Over);
    assert_eq!((w.live(ada).await, w.live(bea).await), (vec![session(3), session(1)], vec![session(4)]));
}

pub(super) async fn all_of_a_users_sessions_end_at_once(w: World) {
    let (ada, bea) = two(&w).await;
    w.sessions().revoke_all(ada).await.unwrap();
    for number in 1..=3 {
        assert!(!w.is_live(session(number)).await);
        assert_eq!(w.refresh(session(number), 0).await, Refreshed::Over);
        assert!(!w.sessions().revoke(ada, session(number)).await.unwrap());
    }
    assert!(w.live(ada).await.is_empty());
    assert_eq!(w.live(bea).await, [session(4)]);
    w.sign_in(5, ada).await;
    assert_eq!(w.live(ada).await, [session(5)]);
}

pub(super) async fn a_change_of_the_password_ends_all_sessions_but_the_one_that_is_kept(w: World) {
    let (ada, bea) = two(&w).await;
    w.refresh(session(2), 0).await;
    assert!(w.accounts().change_password(&known(ada), &hash("new"), session(2)).await.unwrap());
    assert_eq!((w.live(ada).await, w.live(bea).await), (vec![session(2)], vec![session(4)]));
    assert!(matches!(w.refresh(session(2), 1).await, Refreshed::Live(..)));
    assert_eq!(w.refresh(session(1), 0).await, Refreshed::Over);
    assert!(w.begin(&by_password(5, ada, &hash("new"))).await.is_some());
    assert!(w.is_live(session(2)).await && w.is_live(session(5)).await);
}

pub(super) async fn a_session_that_was_over_or_is_somebody_elses_is_not_kept(w: World) {
    let (ada, bea) = two(&w).await;
    let change = async |from, to: &str, keep| {
        let known = accounts::Credentials { user: ada, hash: from };
        assert!(w.accounts().change_password(&known, &hash(to), session(keep)).await.unwrap());
    };
    w.sessions().revoke(ada, session(1)).await.unwrap();
    change(first_hash(), "second", 1).await;
    assert!(w.live(ada).await.is_empty());
    change(hash("second"), "third", 2).await;
    assert!(w.live(ada).await.is_empty(), "it ended with the change before");
    change(hash("third"), "fourth", 4).await;
    assert_eq!((w.live(ada).await, w.live(bea).await), (vec![], vec![session(4)]));
}

pub(super) async fn a_refresh_and_a_change_of_the_password_at_once_leave_the_kept_session_alone(w: World) {
    let ada = w.user("ada").await;
    let mut hash_now = first_hash();
    for round in 0..8_u32 {
        let first = usize::try_from(2 * round + 1).unwrap();
        for number in [first, first + 1] {
            assert!(w.begin(&by_password(number, ada, &hash_now)).await.is_some());
        }
        let (sessions, accounts) = (w.sessions(), w.accounts());
        let known = accounts::Credentials { user: ada, hash: hash_now };
        hash_now = hash(&round.to_string());
        let both = [session(first), session(first + 1)];
        let sent = join_all(both.map(|session| sessions.refresh(session, accounts::Generation(0))));
        let (changed, refreshed) = join(accounts.change_password(&known, &hash_now, session(first)), sent).await;
        assert_eq!(changed, Ok(true));
        assert!(matches!(refreshed[0], Ok(Refreshed::Live(..))), "{refreshed:?}");
        assert_eq!(w.live(ada).await, [session(first)]);
    }
}

pub(super) async fn a_user_who_is_disabled_has_no_session(w: World) {
    let (ada, bea) = two(&w).await;
    w.disable(ada).await;
    assert!(w.live(ada).await.is_empty());
    for number in 1..=3 {
        assert!(!w.is_live(session(number)).await);
        assert_eq!(w.refresh(session(number), 0).await, Refreshed::Over);
        assert!(!w.sessions().revoke(ada, session(number)).await.unwrap());
    }
    assert_eq!(w.live(bea).await, [session(4)]);
}

pub(super) async fn sessions_are_told_the_last_used_first(w: World) {
    let ada = w.user("ada").await;
    for number in [2, 3, 1] {
        w.sign_in(number, ada).await;
        w.advance(HOUR).await;
    }
    assert_eq!(w.live(ada).await, [1, 3, 2].map(session));
    w.refresh(session(3), 0).await;
    assert_eq!(w.live(ada).await, [3, 1, 2].map(session));
    w.sign_in(4, ada).await;
    assert_eq!(w.live(ada).await, [4, 3, 1, 2].map(session), "of two at once the later id first");
    let told = w.sessions().list(ada).await.unwrap();
    assert_eq!(told[1].device.as_deref(), Some("browser 3"));
    assert_eq!((told[1].user, told[1].address_class.as_deref()), (ada, Some("here")));
    assert_eq!(told[1].used_at, told[1].began_at + 2 * HOUR);
    assert_eq!(told[3].used_at, told[3].began_at);
    assert_eq!(told[3].expires_at, told[3].began_at + IDLE);
}

pub(super) async fn no_more_than_a_hundred_sessions_are_told(w: World) {
    let ada = w.user("ada").await;
    for number in 1..=103 {
        w.sign_in(number, ada).await;
    }
    w.sessions().revoke(ada, session(103)).await.unwrap();
    let latest: Vec<_> = (3..=102).rev().map(session).collect();
    assert_eq!(w.live(ada).await, latest);
}

pub(super) async fn sessions_are_forgotten_three_months_after_they_began(w: World) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    w.sign_in(1, ada).await;
    w.sign_in(2, bea).await;
    w.advance(TICK).await;
    w.sign_in(3, ada).await;
    w.advance_almost(IDLE.unsigned_abs()).await;
    w.refresh(session(3), 0).await;
    assert_eq!(w.sessions().sweep().await.unwrap(), 0, "those that are over may be reused still, and are noticed");
    w.advance_almost((LONGEST - IDLE).unsigned_abs()).await;
    w.sign_in(4, ada).await;
    assert_eq!(w.sessions().sweep().await.unwrap(), 0);
    w.advance(TICK).await;
    assert_eq!(w.sessions().sweep().await.unwrap(), 2);
    assert_eq!(w.sessions().sweep().await.unwrap(), 0);
    w.advance(TICK).await;
    assert_eq!(w.sessions().sweep().await.unwrap(), 1);
    assert_eq!(w.live(ada).await, [session(4)]);
}
