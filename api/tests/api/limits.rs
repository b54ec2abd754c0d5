//! How often anybody may sign up.

use api::Quotas;
use axum::http::StatusCode;
use saga::store::Error;
use serde_json::json;
use signup::Conflict;

use crate::stage::{Answer, Order, PASSWORD, Stage, ada, any_saga, completed, post};

/// Asks for a sign-up with this e-mail, from this address.
async fn ask(stage: &Stage, email: &str, from: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    stage.send(post(&body, &[("x-forwarded-for", from)])).await
}

fn limited() -> Stage {
    Stage::with(Quotas::default())
}

#[tokio::test(start_paused = true)]
async fn the_sixth_in_a_minute_is_put_off_and_told_for_how_long() {
    let stage = limited();
    for left in (0..5).rev() {
        let answer = ask(&stage, &format!("ada-{left}@example.com"), "198.51.100.1").await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""address";q=5;w=60, "email";q=10;w=3600"#));
        assert_eq!(answer.header("ratelimit"), Some(&*format!(r#""address";r={left};t=60, "email";r=9;t=3600"#)));
        tokio::time::advance(std::time::Duration::ZERO).await;
    }
    let answer = ask(&stage, "eve@example.com", "198.51.100.1").await;
    let problem = answer.assert_problem(429, "rate_limited");
    assert_eq!((answer.header("retry-after"), &problem["retry_after"]), (Some("60"), &json!(60)));
    assert_eq!(answer.header("ratelimit"), Some(r#""address";r=0;t=60, "email";r=10;t=0"#));
    assert_eq!(stage.store.tries(), 5, "the store is not asked");
    assert_eq!(ask(&stage, "eve@example.com", "198.51.100.2").await.status, StatusCode::ACCEPTED);
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    assert_eq!(ask(&stage, "ada@example.com", "198.51.100.1").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn one_e_mail_is_asked_for_ten_times_an_hour_wherever_from() {
    let stage = limited();
    for from in 1..=10 {
        stage.store.order(Order::Refuse(Conflict::InProgress));
        let answer = ask(&stage, "ada@example.com", &format!("198.51.100.{from}")).await;
        answer.assert_problem(409, "signup_in_progress");
        assert!(answer.header("ratelimit").is_some());
    }
    ask(&stage, "Ada@Example.com", "198.51.100.11").await.assert_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_replay_counts_for_nothing_also_where_nothing_is_left() {
    let stage = limited();
    let known = any_saga();
    stage.store.put(known, completed());
    for number in 0..5 {
        ask(&stage, &format!("ada-{number}@example.com"), "198.51.100.1").await;
    }
    let marked = [("x-forwarded-for", "198.51.100.1"), ("idempotency-key", "k")];
    stage.send(post(&ada().to_string(), &marked)).await.assert_problem(429, "rate_limited");
    for _ in 0..3 {
        stage.store.order(Order::Replay(known));
        let answer = stage.send(post(&ada().to_string(), &marked)).await;
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (StatusCode::CREATED, Some("true")));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_put_off_for_want_of_a_store_has_not_asked() {
    let stage = limited();
    for _ in 0..12 {
        for _ in 0..40 {
            stage.store.order(Order::Fail(Error::Unavailable("away".into())));
        }
        ask(&stage, "ada@example.com", "198.51.100.1").await.assert_problem(503, "unavailable");
        stage.store.orders.lock().unwrap().clear();
    }
    assert_eq!(ask(&stage, "ada@example.com", "198.51.100.1").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_is_not_well_formed_does_not_count() {
    let stage = limited();
    for _ in 0..10 {
        ask(&stage, "nonsense", "198.51.100.1").await.assert_problem(422, "invalid_fields");
    }
    assert_eq!(ask(&stage, "ada@example.com", "198.51.100.1").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn nobody_changes_who_they_are_by_a_header() {
    let stage = limited();
    for number in 0..5 {
        let from = format!("6.6.6.{number}, 198.51.100.1");
        let body = json!({"email": format!("ada-{number}@example.com"), "password": PASSWORD}).to_string();
        let lies = [("x-forwarded-for", &*from), ("x-real-ip", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
        assert_eq!(stage.send(post(&body, &lies)).await.status, StatusCode::ACCEPTED);
    }
    ask(&stage, "eve@example.com", "6.6.6.7, 198.51.100.1").await.assert_problem(429, "rate_limited");
}
