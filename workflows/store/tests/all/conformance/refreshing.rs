//! What a refresh token that is presented does to its session.

use std::time::Duration;

use accounts::{GRACE, Generation, Holder, IDLE, LONGEST, Refreshed};
use futures_util::future::join_all;

use crate::world::{TICK, World, session};

const MANY: usize = 50;
const DAY: Duration = Duration::from_hours(24);

/// It goes on with this generation.
fn live(holder: &Holder, generation: u32) -> Refreshed {
    Refreshed::Live(holder.clone(), Generation(generation))
}

/// A session, live, of the first generation.
async fn begun(w: &World) -> Holder {
    let user = w.user("ada").await;
    let session = w.sign_in(1, user).await;
    w.sessions().holder(session).await.unwrap().unwrap()
}

pub(super) async fn a_session_goes_on_with_the_next_generation(w: World) {
    let holder = begun(&w).await;
    let before = w.sessions().list(holder.user).await.unwrap().remove(0);
    assert_eq!(before.expires_at.duration_since(before.began_at), IDLE);
    for generation in 0..3 {
        w.advance(DAY).await;
        assert_eq!(w.refresh(holder.session, generation).await, live(&holder, generation + 1));
    }
    let after = w.sessions().list(holder.user).await.unwrap().remove(0);
    assert_eq!((before.used_at, after.began_at), (before.began_at, before.began_at));
    assert_eq!(after.used_at, before.began_at + 3 * DAY);
    assert_eq!(after.expires_at, after.used_at + IDLE);
    assert_eq!(w.sessions().holder(holder.session).await.unwrap(), Some(holder));
}

pub(super) async fn the_token_before_yields_the_same_again_within_the_grace(w: World) {
    let holder = begun(&w).await;
    assert_eq!(w.refresh(holder.session, 0).await, live(&holder, 1));
    let refreshed = w.sessions().list(holder.user).await.unwrap();
    w.advance_almost(GRACE.unsigned_abs()).await;
    assert_eq!(w.refresh(holder.session, 0).await, live(&holder, 1));
    assert_eq!(w.sessions().list(holder.user).await.unwrap(), refreshed, "a repetition changes nothing");
    assert_eq!(w.refresh(holder.session, 1).await, live(&holder, 2));
    assert_eq!(w.refresh(holder.session, 1).await, live(&holder, 2));
}

pub(super) async fn a_token_that_was_used_up_ends_the_session(w: World) {
    let holder = begun(&w).await;
    w.refresh(holder.session, 0).await;
    w.advance(GRACE.unsigned_abs()).await;
    assert_eq!(w.refresh(holder.session, 0).await, Refreshed::Reused);
    for generation in 0..3 {
        assert_eq!(w.refresh(holder.session, generation).await, Refreshed::Over);
    }
    assert!(!w.is_live(holder.session).await && w.live(holder.user).await.is_empty());
}

pub(super) async fn a_token_before_the_last_but_one_ends_the_session_however_soon(w: World) {
    let holder = begun(&w).await;
    w.refresh(holder.session, 0).await;
    w.refresh(holder.session, 1).await;
    assert_eq!(w.refresh(holder.session, 0).await, Refreshed::Reused);
    assert!(!w.is_live(holder.session).await);
}

pub(super) async fn of_many_refreshes_with_one_token_all_get_one_generation(w: World) {
    let (holder, sessions) = (begun(&w).await, w.sessions());
    for generation in 0..3 {
        let sent = (0..MANY).map(|_| sessions.refresh(holder.session, Generation(generation)));
        let answers: Vec<_> = join_all(sent).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, vec![live(&holder, generation + 1); MANY]);
    }
    assert_eq!(w.live(holder.user).await, [holder.session]);
}

pub(super) async fn of_many_refreshes_with_a_token_that_was_used_up_one_is_told(w: World) {
    let (holder, sessions) = (begun(&w).await, w.sessions());
    w.refresh(holder.session, 0).await;
    w.advance(GRACE.unsigned_abs()).await;
    let answers = join_all((0..MANY).map(|_| sessions.refresh(holder.session, Generation(0)))).await;
    let told = |what: &Refreshed| answers.iter().filter(|answer| answer.as_ref() == Ok(what)).count();
    assert_eq!((told(&Refreshed::Reused), told(&Refreshed::Over)), (1, MANY - 1), "{answers:?}");
}

pub(super) async fn of_a_refresh_and_a_reuse_at_once_none_leaves_the_session_live(w: World) {
    let user = w.user("ada").await;
    for number in 1..=8 {
        let session = w.sign_in(number, user).await;
        w.refresh(session, 0).await;
        w.refresh(session, 1).await;
        let (sessions, tokens) = (w.sessions(), if number % 2 == 0 { [0, 2] } else { [2, 0] });
        let sent = tokens.map(|generation| sessions.refresh(session, Generation(generation)));
        let answers: Vec<_> = join_all(sent).await.into_iter().map(Result::unwrap).collect();
        assert!(answers.contains(&Refreshed::Reused), "{answers:?}");
        assert!(!w.is_live(session).await);
    }
}

pub(super) async fn a_session_ends_a_month_after_it_was_last_refreshed(w: World) {
    let holder = begun(&w).await;
    w.advance_almost(IDLE.unsigned_abs()).await;
    assert_eq!(w.refresh(holder.session, 0).await, live(&holder, 1));
    w.advance_almost(IDLE.unsigned_abs()).await;
    assert!(w.is_live(holder.session).await);
    assert_eq!(w.live(holder.user).await, [holder.session]);
    w.advance(TICK).await;
    assert!(!w.is_live(holder.session).await);
    assert!(w.live(holder.user).await.is_empty());
    assert_eq!(w.refresh(holder.session, 1).await, Refreshed::Over);
    assert!(!w.sessions().revoke(holder.user, holder.session).await.unwrap());
}

pub(super) async fn a_session_ends_three_months_after_it_began_however_often_it_was_refreshed(w: World) {
    let holder = begun(&w).await;
    for generation in 0..3 {
        w.advance(29 * DAY).await;
        assert_eq!(w.refresh(holder.session, generation).await, live(&holder, generation + 1));
    }
    let told = w.sessions().list(holder.user).await.unwrap().remove(0);
    assert_eq!(told.expires_at.duration_since(told.began_at), LONGEST);
    w.advance_almost(3 * DAY).await;
    assert_eq!(w.refresh(holder.session, 3).await, live(&holder, 4));
    w.advance(TICK).await;
    assert_eq!(w.refresh(holder.session, 4).await, Refreshed::Over);
    assert!(!w.is_live(holder.session).await);
}

pub(super) async fn a_generation_above_the_latest_goes_on_from_there(w: World) {
    let holder = begun(&w).await;
    assert_eq!(w.refresh(holder.session, 7).await, live(&holder, 8));
    assert_eq!(w.refresh(holder.session, u32::MAX - 1).await, live(&holder, u32::MAX));
    assert_eq!(w.refresh(holder.session, u32::MAX).await, Refreshed::Over, "none follows the last");
    assert_eq!(w.refresh(holder.session, u32::MAX - 1).await, live(&holder, u32::MAX));
}

pub(super) async fn a_session_that_never_began_is_over(w: World) {
    assert_eq!(w.refresh(session(1), 0).await, Refreshed::Over);
    assert!(!w.is_live(session(1)).await);
}
