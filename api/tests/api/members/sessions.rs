//! Where one is signed in, and signing out.

use serde_json::json;

use super::{Member, Tokens, tokens};
use crate::stage::{PASSWORD, post_to};

async fn sign_in_from(member: &Member, address: &str, agent: &str) -> Tokens {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD }).to_string();
    let headers = [("x-forwarded-for", address), ("user-agent", agent)];
    tokens(&member.stage.send(post_to("/v1/sessions", &body, &headers)).await)
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in() {
    let member = Member::new().await;
    let phone = sign_in_from(&member, "198.51.100.77", "a phone").await;
    member.stage.hands.go_on(60);
    let laptop = sign_in_from(&member, "2001:db8:1:2::3", "a laptop").await;
    let listed = member.get("/v1/sessions", &phone).await.json();
    let told: Vec<_> = listed["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["session_id"].clone(), one["current"].clone(), one["device"].clone(), one["address_class"].clone())
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!(laptop.session), json!(false), json!("a laptop"), json!("2001:db8:1::/48")),
            (json!(phone.session), json!(true), json!("a phone"), json!("198.51.100.0/24")),
        ]
    );
    let first = &listed["sessions"][1];
    assert_eq!(first["began_at"], "2026-01-02T03:04:05.000Z");
    assert_eq!(first["used_at"], first["began_at"]);
    assert_eq!(first["expires_at"], "2026-02-01T03:04:05.000Z");
}

#[tokio::test]
async fn one_signs_out_here_or_there() {
    let member = Member::new().await;
    let (here, there) = (member.signed_in().await, member.signed_in().await);
    assert!(member.is_live(&there).await);
    let path = format!("/v1/sessions/{}", there.session);
    assert_eq!(member.delete(&path, &here).await.status, 204);
    assert!(!member.is_live(&there).await, "at once in this process");
    member.delete(&path, &here).await.assert_problem(404, "session_not_found");
    member.refresh(&there.refresh).await.assert_problem(401, "session_over");
    assert_eq!(member.delete(&format!("/v1/sessions/{}", here.session), &here).await.status, 204);
    assert!(!member.is_live(&here).await);
}

#[tokio::test]
async fn one_signs_out_everywhere() {
    let member = Member::new().await;
    let (here, there) = (member.signed_in().await, member.signed_in().await);
    assert!(member.is_live(&there).await && member.is_live(&here).await);
    assert_eq!(member.delete("/v1/sessions", &here).await.status, 204);
    assert!(!member.is_live(&here).await && !member.is_live(&there).await);
    for tokens in [here, there] {
        member.refresh(&tokens.refresh).await.assert_problem(401, "session_over");
    }
    member.signed_in().await;
}

#[tokio::test]
async fn what_is_no_session_is_not_found() {
    let member = Member::new().await;
    let here = member.signed_in().await;
    for id in ["x", "ses_00000000000000000000000000000000", "%FF", &here.session.to_uppercase()] {
        member.delete(&format!("/v1/sessions/{id}"), &here).await.assert_problem(404, "session_not_found");
    }
    assert!(member.is_live(&here).await);
}

#[tokio::test]
async fn a_session_that_another_process_has_ended_is_over_here_within_twenty_seconds() {
    use accounts::Sessions;
    let member = Member::new().await;
    let here = member.signed_in().await;
    assert!(member.is_live(&here).await);
    member.stage.store.memory.revoke_all(member.user).await.unwrap();
    member.stage.hands.go_on(20);
    assert!(!member.is_live(&here).await);
}
