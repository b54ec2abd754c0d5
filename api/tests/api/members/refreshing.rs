//! Staying signed in.

use futures_util::future::join_all;
use signup::HashKey;

use super::{Member, tokens};

#[tokio::test]
async fn a_session_goes_on_with_each_refresh() {
    let member = Member::new().await;
    let mut latest = member.signed_in().await;
    for _ in 0..3 {
        member.stage.hands.go_on(600);
        let next = tokens(&member.refresh(&latest.refresh).await);
        assert_eq!(next.session, latest.session);
        assert_ne!(next.refresh, latest.refresh);
        latest = next;
        assert!(member.is_live(&latest).await);
    }
}

#[tokio::test]
async fn fifty_tabs_that_refresh_at_once_stay_one_session() {
    let member = Member::new().await;
    let first = member.signed_in().await;
    let answers = join_all((0..50).map(|_| member.refresh(&first.refresh))).await;
    let refreshed: Vec<_> = answers.iter().map(tokens).collect();
    assert!(refreshed.iter().all(|one| one.session == first.session && one.refresh == refreshed[0].refresh));
    tokens(&member.refresh(&refreshed[0].refresh).await);
}

#[tokio::test]
async fn a_token_that_is_used_again_ends_the_session_for_whoever_has_it() {
    let member = Member::new().await;
    let stolen = member.signed_in().await;
    let owners = tokens(&member.refresh(&stolen.refresh).await);
    member.stage.hands.go_on(10);
    member.refresh(&stolen.refresh).await.assert_problem(401, "session_over");
    member.refresh(&owners.refresh).await.assert_problem(401, "session_over");
    assert!(!member.is_live(&owners).await, "at once in this process");
}

#[tokio::test]
async fn a_session_that_is_not_used_for_a_month_is_over() {
    let member = Member::new().await;
    let first = member.signed_in().await;
    member.stage.hands.go_on(30 * 24 * 3600);
    member.refresh(&first.refresh).await.assert_problem(401, "session_over");
}

#[tokio::test]
async fn what_was_never_issued_ends_nothing() {
    let member = Member::new().await;
    let first = member.signed_in().await;
    let (session, generation) = accounts::RefreshToken::verify(&HashKey::new([1; 32]), &first.refresh).unwrap();
    let forged = accounts::RefreshToken::issue(&HashKey::new([2; 32]), session, generation);
    let changed = format!("{}{}", &first.refresh[..73], if first.refresh.ends_with('A') { 'B' } else { 'A' });
    for token in ["x", "rft_", &first.access, forged.reveal(), &changed] {
        member.refresh(token).await.assert_problem(401, "session_over");
    }
    assert!(member.is_live(&first).await);
    tokens(&member.refresh(&first.refresh).await);
}
