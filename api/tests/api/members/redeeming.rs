//! A completed sign-up is redeemed for a session, once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use saga::Code;
use serde_json::{Value, json};

use super::{Member, tokens};
use crate::stage::{any_saga, completed, failed, running};

#[tokio::test]
async fn the_first_token_says_who_somebody_is_and_of_which_organization() {
    let member = Member::new().await;
    let answer = member.redeem().await;
    assert_eq!(answer.status, 201);
    let tokens = tokens(&answer);
    let claims = tokens.access.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let me = member.get("/v1/me", &tokens).await.json();
    assert_eq!(claims["sub"], member.user.to_string());
    assert_eq!(claims["sub"], me["user_id"]);
    assert_eq!(claims["org_id"], me["organization"]["org_id"]);
    assert_eq!(claims["role"], "owner");
    assert_eq!(claims["email"], "ada@example.com");
    assert_eq!(claims["sid"], tokens.session);
    assert_eq!(claims["iss"], "https://signup.test");
    assert_eq!(claims["aud"], "https://signup.test");
}

#[tokio::test]
async fn a_sign_up_is_redeemed_once_and_a_lost_answer_can_be_asked_for_again() {
    let member = Member::new().await;
    let first = tokens(&member.redeem().await);
    member.stage.hands.go_on(9);
    let again = tokens(&member.redeem().await);
    assert_eq!((&first.session, &first.refresh), (&again.session, &again.refresh));
    member.stage.hands.go_on(1);
    member.redeem().await.assert_problem(409, "not_redeemable");
    assert!(member.is_live(&first).await, "nothing happens to the session");
}

#[tokio::test]
async fn it_is_not_redeemed_again_once_the_session_goes_on() {
    let member = Member::new().await;
    let first = tokens(&member.redeem().await);
    member.refresh(&first.refresh).await;
    member.redeem().await.assert_problem(409, "not_redeemable");
}

#[tokio::test]
async fn only_a_completed_sign_up_can_be_redeemed() {
    let member = Member::new().await;
    member.stage.store.put(member.workflow, running(0));
    let pending = member.redeem().await;
    pending.assert_problem(409, "signup_not_completed");
    assert_eq!(pending.header("retry-after"), Some("1"));
    member.stage.store.put(member.workflow, completed());
    assert_eq!(member.redeem().await.status, 201);
}

#[tokio::test]
async fn a_failed_sign_up_says_so() {
    let member = Member::new().await;
    member.stage.store.put(member.workflow, failed(Code::STEP_FAILED));
    let problem = member.redeem().await.assert_problem(409, "signup_failed");
    assert_eq!(problem["code"], "step_failed");
}

#[tokio::test]
async fn a_completed_sign_up_that_made_nobody_cannot_be_redeemed() {
    // A decoy.
    let member = Member::new().await;
    let started = member.stage.sign_up(&[]).await.json();
    let decoy = member.stage.store.proposals.lock().unwrap()[1].saga;
    member.stage.store.put(decoy, completed());
    let path = format!("/v1/signups/{decoy}/session");
    let body = json!({ "workflow_token": started["workflow_token"] });
    member.post(&path, &body).await.assert_problem(409, "not_redeemable");
}

#[tokio::test]
async fn nobody_redeems_it_without_its_own_token() {
    let member = Member::new().await;
    let other = member.stage.sign_up(&[]).await.json();
    let cut = &member.workflow_token[..46];
    for token in ["x", "wft_", cut, other["workflow_token"].as_str().unwrap(), &format!("{}A", member.workflow_token)] {
        member.redeem_with(token).await.assert_problem(403, "wrong_workflow_token");
    }
    let unknown = format!("/v1/signups/{}/session", any_saga());
    let body = json!({ "workflow_token": member.workflow_token });
    member.post(&unknown, &body).await.assert_problem(404, "signup_not_found");
    for body in [json!({}), json!({ "workflow_token": 7 }), json!({ "workflow_token": "x", "more": 1 })] {
        let path = format!("/v1/signups/{}/session", member.workflow);
        member.post(&path, &body).await.assert_problem(422, "invalid_fields");
    }
}
