//! Changing one's password.

use super::{Member, tokens};
use crate::stage::PASSWORD;

const NEW: &str = "an entirely different phrase";

#[tokio::test]
async fn a_new_password_replaces_the_old_one_and_ends_all_other_sessions() {
    let member = Member::new().await;
    let (here, there) = (member.signed_in().await, member.signed_in().await);
    assert!(member.is_live(&there).await);
    assert_eq!(member.change_password(&here, PASSWORD, NEW).await.status, 204);
    assert!(member.is_live(&here).await);
    tokens(&member.refresh(&here.refresh).await);
    assert!(!member.is_live(&there).await);
    member.refresh(&there.refresh).await.assert_problem(401, "session_over");
    member.sign_in("ada@example.com", PASSWORD).await.assert_problem(401, "invalid_credentials");
    tokens(&member.sign_in("ada@example.com", NEW).await);
}

#[tokio::test]
async fn whoever_does_not_know_the_old_one_changes_nothing() {
    let member = Member::new().await;
    let here = member.signed_in().await;
    let problem = member.change_password(&here, "wrong wrong", NEW).await.assert_problem(422, "invalid_fields");
    assert_eq!(problem["errors"][0]["field"], "old_password");
    member.signed_in().await;
}

#[tokio::test]
async fn the_old_one_cannot_be_tried_for_ever() {
    let member = Member::new().await;
    let here = member.signed_in().await;
    for _ in 0..10 {
        member.change_password(&here, "wrong wrong", NEW).await.assert_problem(422, "invalid_fields");
    }
    member.change_password(&here, PASSWORD, NEW).await.assert_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_password_that_is_easily_guessed_is_refused() {
    let member = Member::new().await;
    let here = member.signed_in().await;
    for new in ["short", "password", "ada@example.com"] {
        let problem = member.change_password(&here, PASSWORD, new).await.assert_problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["field"], "new_password", "{new}");
    }
}

#[tokio::test]
async fn a_sign_up_is_not_redeemed_once_its_password_is_another() {
    let member = Member::new().await;
    let here = member.signed_in().await;
    assert_eq!(member.change_password(&here, PASSWORD, NEW).await.status, 204);
    member.redeem().await.assert_problem(409, "not_redeemable");
}
