//! `POST /api/auth/signup`.

use std::time::Duration;

use axum::http::StatusCode;
use saga::{Advanced, Listener};
use serde_json::json;
use signup::Conflict;
use tokio::time::{Instant, sleep};

use crate::stage::{Answer, Order, Stage, ada, any_saga, completed, post_to};

async fn sign_up(stage: &Stage, body: &str, headers: &[(&str, &str)]) -> Answer {
    stage.send(post_to("/api/auth/signup", body, headers)).await
}

#[tokio::test(start_paused = true)]
async fn what_completes_within_5_seconds_is_created() {
    let stage = Stage::new();
    let meanwhile = async {
        sleep(Duration::from_secs(4)).await;
        let saga = stage.store.proposals.lock().unwrap()[0].saga;
        stage.store.put(saga, completed());
        stage.waiters.advanced(&Advanced::to(saga, completed()));
        saga
    };
    let body = ada().to_string();
    let (answer, saga) = tokio::join!(sign_up(&stage, &body, &[("prefer", "wait=1")]), meanwhile);
    assert_eq!(answer.status, StatusCode::CREATED);
    let expected = json!({ "success": true, "message": "Your account is ready.", "workflow_id": saga.to_string() });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("location"), Some(&*format!("/v1/signups/{saga}")));
    assert_eq!(answer.header("preference-applied"), None);
    assert!(answer.header("ratelimit").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_is_accepted() {
    let stage = Stage::new();
    let begun = Instant::now();
    let answer = sign_up(&stage, &ada().to_string(), &[]).await;
    assert_eq!((answer.status, begun.elapsed()), (StatusCode::ACCEPTED, Duration::from_secs(5)));
    assert_eq!((&answer.json()["success"], answer.header("retry-after")), (&json!(true), Some("1")));
}

#[tokio::test(start_paused = true)]
async fn the_body_is_json_under_any_content_type() {
    let stage = Stage::new();
    for kind in ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "x"] {
        let request = axum::http::Request::post("/api/auth/signup").header("content-type", kind);
        let answer = stage.send(request.body(ada().to_string().into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{kind}");
    }
    let request = axum::http::Request::post("/api/auth/signup");
    assert_eq!(stage.send(request.body(ada().to_string().into()).unwrap()).await.status, StatusCode::ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_known_email_is_told_with_its_providers() {
    let stage = Stage::new();
    stage.store.order(Order::Refuse(Conflict::EmailTaken { providers: vec!["email".into(), "google".into()] }));
    let answer = sign_up(&stage, &ada().to_string(), &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::CONFLICT, Some("application/json")));
    let expected = json!({
        "error": "The e-mail belongs to a user", "code": "email_taken", "providers": ["email", "google"],
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test(start_paused = true)]
async fn too_many_are_put_off() {
    let stage = Stage::with(api::Quotas { address: 1, email: 10 });
    sign_up(&stage, &ada().to_string(), &[]).await;
    let answer = sign_up(
        &stage,
        &json!({ "email": "eve@example.com", "password": "correct horse battery staple" }).to_string(),
        &[],
    )
    .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.json(), json!({ "error": "Too many requests", "code": "rate_limited" }));
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test(start_paused = true)]
async fn every_other_error_has_these_words_too() {
    let stage = Stage::new();
    let long = format!(r#"{{"email":"{}"}}"#, "a".repeat(17_000));
    for (body, headers, status, code) in [
        ("{", &[][..], 400, "malformed_json"),
        (&long, &[], 413, "body_too_large"),
        ("{}", &[("content-encoding", "gzip")], 415, "unsupported_encoding"),
        ("{}", &[], 422, "invalid_fields"),
        (&ada().to_string(), &[("idempotency-key", "")], 400, "invalid_idempotency_key"),
    ] {
        let answer = sign_up(&stage, body, headers).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (status, &json!(code)));
        assert!(!answer.json()["error"].as_str().unwrap().is_empty());
    }
    let answer = sign_up(&stage, "{}", &[]).await;
    assert_eq!(answer.json()["error"], "email is required; password is required");
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_answered_with_the_same_sign_up() {
    let (stage, saga) = (Stage::new(), any_saga());
    stage.store.put(saga, completed());
    stage.store.order(Order::Replay(saga));
    let answer = sign_up(&stage, &ada().to_string(), &[("idempotency-key", "k")]).await;
    assert_eq!((answer.status, answer.header("idempotency-replayed")), (StatusCode::CREATED, Some("true")));
    assert_eq!(answer.json()["workflow_id"], saga.to_string());
}
