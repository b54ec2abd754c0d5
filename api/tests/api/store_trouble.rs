//! A store that does not answer as hoped.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use saga::store::Error;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::stage::{Order, Stage, any_saga, eventually};

fn in_doubt() -> Error {
    Error::InDoubt("a secret of the store".into())
}

fn unavailable() -> Error {
    Error::Unavailable("a secret of the store".into())
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_sent_the_same_proposal_until_it_answers() {
    let stage = Stage::new();
    for error in [unavailable(), in_doubt(), unavailable()] {
        stage.store.order(Order::Fail(error));
    }
    assert_eq!(stage.sign_up(&[]).await.status, StatusCode::ACCEPTED);
    let proposals = stage.store.proposals.lock().unwrap();
    assert_eq!(proposals.len(), 4);
    assert!(proposals.iter().all(|p| p.saga == proposals[0].saga && p.sealed == proposals[0].sealed));
    assert_eq!(stage.heard.0.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_patience_with_a_failing_store_is_longer_where_it_may_have_accepted() {
    let (long, short) = (Duration::from_secs(4)..Duration::from_secs(5), Duration::ZERO..Duration::from_millis(500));
    for (first, name, patience, expected) in
        [(in_doubt(), "outcome_unknown", long, 10..=30), (unavailable(), "unavailable", short, 3..=8)]
    {
        let stage = Stage::new();
        stage.store.order(Order::Fail(first));
        (0..1000).for_each(|_| stage.store.order(Order::Fail(unavailable())));
        let begun = Instant::now();
        let answer = stage.sign_up(&[]).await;
        answer.assert_problem(503, name);
        assert_eq!(answer.header("retry-after"), Some("1"));
        let took = begun.elapsed();
        assert!(patience.contains(&took), "{took:?}");
        let tries = stage.store.tries();
        assert!(expected.contains(&tries), "{tries}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_in_time_may_still_accept() {
    let stage = Stage::new();
    let told = Arc::new(Notify::new());
    stage.store.order(Order::AcceptAfter(Arc::clone(&told)));
    stage.sign_up(&[]).await.assert_problem(503, "outcome_unknown");
    assert_eq!(stage.heard.0.lock().unwrap().len(), 0);
    told.notify_one();
    eventually(|| stage.heard.0.lock().unwrap().len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn only_a_request_with_a_key_is_advised_to_repeat_it_with_the_same_key() {
    for (headers, advised) in [(&[("idempotency-key", "k")][..], true), (&[], false)] {
        let stage = Stage::new();
        (0..1000).for_each(|_| stage.store.order(Order::Fail(in_doubt())));
        let problem = stage.sign_up(headers).await.assert_problem(503, "outcome_unknown");
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(detail.contains("the same Idempotency-Key"), advised, "{detail}");
        assert_eq!(detail.contains("signup_in_progress"), !advised, "{detail}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_fail_again_is_not_tried_again() {
    for error in [Error::Rejected("a secret".into()), Error::Unreadable("a secret".into())] {
        let stage = Stage::new();
        stage.store.order(Order::Fail(error.clone()));
        stage.sign_up(&[]).await.assert_problem(500, "internal");
        assert_eq!(stage.store.tries(), 1);
        *stage.store.load_error.lock().unwrap() = Some(error);
        let answer = stage.get(&format!("/v1/signups/{}", any_saga()), &[]).await;
        answer.assert_problem(500, "internal");
    }
}

#[tokio::test]
async fn a_status_that_cannot_be_read_now_is_unavailable() {
    for error in [unavailable(), in_doubt()] {
        let stage = Stage::new();
        *stage.store.load_error.lock().unwrap() = Some(error);
        let answer = stage.get(&format!("/v1/signups/{}", any_saga()), &[]).await;
        answer.assert_problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[tokio::test]
async fn no_error_or_panic_of_the_store_shows() {
    let stage = Stage::new();
    stage.store.order(Order::Panic);
    let answer = stage.sign_up(&[]).await;
    answer.assert_problem(500, "internal");
    assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
    *stage.store.load_error.lock().unwrap() = Some(in_doubt());
    let answer = stage.get(&format!("/v1/signups/{}", any_saga()), &[]).await;
    assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
}
