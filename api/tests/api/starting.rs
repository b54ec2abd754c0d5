//! Starting a sign-up.

use std::sync::Arc;

use axum::http::StatusCode;
use saga::{Code, State};
use serde_json::json;
use signup::{Conflict, EMAIL_TAKEN, Unsealer};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::stage::{Order, PASSWORD, Stage, ada, any_saga, completed, eventually, failed, post, running};

#[tokio::test]
async fn an_accepted_signup_is_answered_with_where_to_follow_it() {
    let stage = Stage::new();
    let answer = stage.sign_up(&[]).await;
    let saga = stage.store.proposals.lock().unwrap()[0].saga;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.header("location"), Some(&*format!("/v1/signups/{saga}")));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("preference-applied"), None);
    assert_eq!(answer.header("idempotency-replayed"), None);
    let token = answer.json()["workflow_token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("wft_") && token.len() == 47, "{token}");
    let again = stage.get(&format!("/v1/signups/{saga}"), &[]).await.json();
    assert_eq!(again["workflow_token"], serde_json::Value::Null, "it is for the one who started it");
    assert_eq!(
        answer.json(),
        json!({
            "workflow_token": token,
            "workflow_id": saga.to_string(),
            "status": "pending",
            "steps_done": 0,
            "steps_total": 2,
            "accepted_at": "2026-01-02T03:04:05.000Z",
            "status_url": format!("/v1/signups/{saga}"),
        })
    );
}

#[tokio::test]
async fn the_store_gets_what_was_sent_with_the_password_sealed_for_this_saga() {
    let stage = Stage::new();
    stage.sign_up(&[]).await;
    let proposal = stage.store.proposals.lock().unwrap()[0].clone();
    assert_eq!(proposal.applicant.email.key(), "ada@example.com");
    assert_eq!(proposal.applicant.full_name.as_ref().unwrap().as_str(), "Ada Lovelace");
    assert_eq!(proposal.applicant.organization_name, None);
    assert_eq!(proposal.idempotency, None);
    let opened = Unsealer::new(&[7; 32]).unwrap().open(proposal.saga, &proposal.sealed).unwrap();
    assert_eq!(opened.expose(), PASSWORD);
}

#[tokio::test]
async fn a_field_that_may_be_left_out_may_be_null() {
    let stage = Stage::new();
    let mut body = ada();
    body["full_name"] = json!(null);
    body["organization_name"] = json!("Analytical Engines");
    assert_eq!(stage.send(post(&body.to_string(), &[])).await.status, StatusCode::ACCEPTED);
    let applicant = stage.store.proposals.lock().unwrap()[0].applicant.clone();
    assert_eq!(applicant.full_name, None);
    assert_eq!(applicant.organization_name.unwrap().as_str(), "Analytical Engines");
}

#[tokio::test]
async fn any_json_media_type_is_json() {
    for kind in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.example+json;v=1"] {
        let stage = Stage::new();
        let mut request = post(&ada().to_string(), &[]);
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        assert_eq!(stage.send(request).await.status, StatusCode::ACCEPTED, "{kind}");
    }
}

#[tokio::test]
async fn the_listener_is_told_of_a_new_saga_and_of_no_other() {
    let stage = Stage::new();
    stage.sign_up(&[]).await;
    let saga = stage.store.proposals.lock().unwrap()[0].saga;
    stage.store.order(Order::Replay(saga));
    stage.sign_up(&[("idempotency-key", "k")]).await;
    stage.store.order(Order::Refuse(Conflict::InProgress));
    stage.sign_up(&[]).await;
    let heard = stage.heard.0.lock().unwrap();
    assert_eq!(heard.len(), 1);
    assert_eq!((heard[0].saga, &heard[0].state, heard[0].due_in.is_zero()), (saga, &running(0), true));
}

#[tokio::test]
async fn what_stands_against_a_signup_is_told() {
    let stage = Stage::new();
    let taken = Conflict::EmailTaken { providers: vec!["email".into(), "google".into()] };
    stage.store.order(Order::Refuse(taken));
    let answer = stage.sign_up(&[]).await;
    assert_eq!(answer.assert_problem(409, "email_taken")["providers"], json!(["email", "google"]));

    stage.store.order(Order::Refuse(Conflict::OtherBody));
    stage.sign_up(&[("idempotency-key", "k")]).await.assert_problem(422, "idempotency_key_reused");

    let stage = Stage::new();
    stage.store.order(Order::Refuse(Conflict::InProgress));
    let answer = stage.sign_up(&[]).await;
    answer.assert_problem(409, "signup_in_progress");
    assert_eq!(answer.header("retry-after"), Some("5"));
}

#[tokio::test]
async fn a_problem_document_has_its_members_beside_the_standard_ones() {
    let stage = Stage::new();
    stage.store.order(Order::Refuse(Conflict::InProgress));
    assert_eq!(
        stage.sign_up(&[]).await.json(),
        json!({
            "type": "/problems/signup_in_progress",
            "title": "A sign-up with this e-mail is under way",
            "status": 409,
            "detail": "Wait for it to end; if it is your own, repeat your request with its Idempotency-Key to follow it.",
        })
    );
}

#[tokio::test]
async fn a_replay_is_answered_as_the_saga_is_now() {
    let saga = any_saga();
    let replay = async |state: State| {
        let stage = Stage::new();
        stage.store.put(saga, state);
        stage.store.order(Order::Replay(saga));
        let answer = stage.sign_up(&[("idempotency-key", "k")]).await;
        assert_eq!(answer.header("idempotency-replayed"), Some("true"));
        assert_eq!(answer.header("location"), Some(&*format!("/v1/signups/{saga}")));
        assert_eq!(answer.json()["workflow_id"], saga.to_string());
        answer
    };
    let pending = replay(running(1)).await;
    assert_eq!((pending.status, pending.header("retry-after")), (StatusCode::ACCEPTED, Some("1")));
    let done = replay(completed()).await;
    assert_eq!((done.status, done.header("retry-after")), (StatusCode::CREATED, None));
    let problem = replay(failed(Code::STEP_FAILED)).await.assert_problem(409, "signup_failed");
    assert_eq!(problem["code"], "step_failed");
    let problem = replay(failed(EMAIL_TAKEN)).await.assert_problem(409, "email_taken");
    assert_eq!((&problem["code"], problem.get("providers")), (&json!("email_taken"), None));
}

#[tokio::test]
async fn the_same_request_has_the_same_marks_and_any_other_has_others() {
    let marks = async |key: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let stage = Stage::new();
        let mut body = ada();
        change(&mut body);
        let answer = stage.send(post(&body.to_string(), &[("idempotency-key", key)])).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        stage.store.proposals.lock().unwrap()[0].idempotency.clone().unwrap()
    };
    let first = marks("k", &|_| ()).await;
    assert_eq!(marks("k", &|_| ()).await, first);
    // The same address, written otherwise.
    assert_eq!(marks("k", &|body| body["email"] = json!("ADA@Example.com")).await, first);
    assert_eq!(marks("k", &|body| body["organization_name"] = json!(null)).await, first);
    let other_key = marks("l", &|_| ()).await;
    assert!(other_key.key != first.key && other_key.body == first.body);
    let changes: [&dyn Fn(&mut serde_json::Value); 4] = [
        &|body| body["email"] = json!("eve@example.com"),
        &|body| body["password"] = json!("Correct horse battery staple"),
        &|body| body["full_name"] = json!("Eve"),
        &|body| body["organization_name"] = json!("Ada Lovelace"),
    ];
    for change in changes {
        let other = marks("k", change).await;
        assert!(other.key == first.key && other.body != first.body);
    }
    // A name moved from one field to another is another body.
    let moved = marks("k", &|body| {
        body["organization_name"] = body["full_name"].take();
    });
    assert_ne!(moved.await.body, first.body);
}

#[tokio::test]
async fn an_idempotency_key_is_1_to_255_visible_characters_once() {
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    for key in ["k", "~!\"", &longest] {
        assert_eq!(Stage::new().sign_up(&[("idempotency-key", key)]).await.status, StatusCode::ACCEPTED, "{key}");
    }
    for keys in [&[""][..], &["a b"], &["a\tb"], &["k\u{e9}"], &[&*too_long], &["k", "k"]] {
        let stage = Stage::new();
        let headers: Vec<_> = keys.iter().map(|key| ("idempotency-key", *key)).collect();
        stage.sign_up(&headers).await.assert_problem(400, "invalid_idempotency_key");
        assert_eq!(stage.store.tries(), 0);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_loses_neither_the_saga_nor_the_wake_up() {
    let stage = Stage::new();
    let told = Arc::new(Notify::new());
    stage.store.order(Order::AcceptAfter(Arc::clone(&told)));
    let request = tokio::spawn(stage.router.clone().oneshot(post(&ada().to_string(), &[("prefer", "wait=5")])));
    eventually(|| stage.store.tries() == 1).await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    told.notify_one();
    eventually(|| stage.heard.0.lock().unwrap().len() == 1).await;
    assert_eq!(stage.store.sagas.lock().unwrap().len(), 1);
    assert_eq!(stage.waiters.waiting(), 0);
}
