//! E-mails that are known to belong to users.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::json;
use signup::{Conflict, Known};

use crate::stage::{Answer, Order, PASSWORD, Stage, any_saga, completed, post};

async fn sign_up(stage: &Stage, email: &str) -> Answer {
    stage.send(post(&json!({ "email": email, "password": PASSWORD }).to_string(), &[])).await
}

fn taken() -> Order {
    Order::Refuse(Conflict::EmailTaken { providers: vec!["email".into(), "google".into()] })
}

#[tokio::test(start_paused = true)]
async fn an_email_that_is_known_to_be_taken_is_not_asked_for_again() {
    let stage = Stage::new();
    stage.store.order(taken());
    let first = sign_up(&stage, "ada@example.com").await;
    let problem = first.assert_problem(409, "email_taken");
    assert_eq!(problem["providers"], json!(["email", "google"]));
    for email in ["ada@example.com", "ADA@Example.COM"] {
        assert_eq!(sign_up(&stage, email).await.body, first.body);
    }
    assert_eq!(stage.store.tries(), 1);
    assert_eq!(sign_up(&stage, "eve@example.com").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn of_many_at_once_one_asks() {
    let stage = Stage::new();
    stage.store.order(taken());
    let answers = join_all((0..50).map(|_| sign_up(&stage, "ada@example.com"))).await;
    for answer in answers {
        answer.assert_problem(409, "email_taken");
    }
    assert_eq!(stage.store.tries(), 1);
}

#[tokio::test]
async fn what_became_of_one_that_is_not_taken_is_told_to_that_one_alone() {
    let stage = Stage::new();
    stage.store.order(Order::Accept);
    for _ in 0..9 {
        stage.store.order(Order::Refuse(Conflict::InProgress));
    }
    let answers = join_all((0..10).map(|_| sign_up(&stage, "ada@example.com"))).await;
    let accepted = answers.iter().filter(|answer| answer.status == StatusCode::ACCEPTED).count();
    let in_progress = answers.iter().filter(|answer| answer.problem().as_deref() == Some("signup_in_progress")).count();
    assert_eq!((accepted, in_progress, stage.store.tries()), (1, 9, 10));
}

#[tokio::test]
async fn a_request_that_took_the_email_itself_meanwhile_finds_its_sign_up() {
    let stage = Stage::new();
    stage.store.order(taken());
    sign_up(&stage, "ada@example.com").await.assert_problem(409, "email_taken");
    let saga = any_saga();
    stage.store.put(saga, completed());
    stage.store.order(Order::Replay(saga));
    // Its first sending was accepted just after the key was looked up.
    stage.store.known.lock().unwrap().push_back(Known::Nothing);
    let answer = stage.sign_up(&[("idempotency-key", "k")]).await;
    assert_eq!((answer.status, answer.header("idempotency-replayed")), (StatusCode::CREATED, Some("true")));
}

#[tokio::test]
async fn who_asked_for_all_may_hang_up() {
    let stage = Stage::new();
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    stage.store.order(Order::AcceptAfter(told));
    stage.store.order(taken());
    let first = tokio::time::timeout(Duration::from_millis(50), sign_up(&stage, "ada@example.com")).await;
    assert!(first.is_err());
    sign_up(&stage, "ada@example.com").await.assert_problem(409, "email_taken");
}

#[tokio::test(start_paused = true)]
async fn where_the_one_who_asks_gets_no_answer_nobody_waits_for_the_same_again() {
    let stage = Stage::new();
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    stage.store.order(Order::AcceptAfter(told));
    let begun = tokio::time::Instant::now();
    let answers = join_all((0..10).map(|_| sign_up(&stage, "ada@example.com"))).await;
    let mut problems: Vec<_> = answers.iter().map(|answer| answer.problem().unwrap()).collect();
    problems.sort();
    assert_eq!(problems, [vec!["outcome_unknown"], vec!["unavailable"; 9]].concat());
    assert_eq!((begun.elapsed(), stage.store.tries()), (Duration::from_secs(5), 1));
}
