//! When there is too much to do.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::stage::{Order, PASSWORD, Stage, any_saga, completed, post};

async fn sign_up(stage: &Stage, number: usize) -> crate::stage::Answer {
    let body = json!({ "email": format!("ada-{number}@example.com"), "password": PASSWORD }).to_string();
    stage.send(post(&body, &[])).await
}

#[tokio::test(start_paused = true)]
async fn new_sign_ups_are_refused_while_the_workers_are_more_than_a_minute_behind() {
    let stage = Stage::with(api::Quotas { address: 3, email: 3 });
    *stage.store.longest_wait.lock().unwrap() = Duration::from_secs(61);
    sleep(Duration::from_secs(4)).await;
    for number in 0..4 {
        let answer = sign_up(&stage, number).await;
        let retry_after = answer.assert_problem(503, "overloaded")["retry_after"].as_u64().unwrap();
        assert!((15..30).contains(&retry_after), "{retry_after}");
        assert_eq!(answer.header("retry-after"), Some(&*retry_after.to_string()));
    }
    assert_eq!(stage.store.tries(), 0, "the store is not asked");
    let saga = any_saga();
    stage.store.put(saga, completed());
    assert_eq!(stage.get(&format!("/v1/signups/{saga}"), &[]).await.status, StatusCode::OK);
    stage.store.order(Order::Replay(saga));
    assert_eq!(
        stage.sign_up(&[("idempotency-key", "k")]).await.status,
        StatusCode::CREATED,
        "a repetition is no new one"
    );
    *stage.store.longest_wait.lock().unwrap() = Duration::from_secs(30);
    sleep(Duration::from_secs(2)).await;
    sign_up(&stage, 0).await.assert_problem(503, "overloaded");
    *stage.store.longest_wait.lock().unwrap() = Duration::from_secs(29);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(sign_up(&stage, 0).await.status, StatusCode::ACCEPTED, "and none of them counted");
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_for_more_than_a_second_to_be_accepted_is_refused() {
    let (stage, told) = (Stage::new(), Arc::new(Notify::new()));
    for _ in 0..300 {
        stage.store.order(Order::AcceptAfter(Arc::clone(&told)));
    }
    let begun = Instant::now();
    let answers = join_all((0..300).map(|number| {
        let stage = &stage;
        async move {
            let answer = sign_up(stage, number).await;
            (answer, begun.elapsed())
        }
    }));
    let meanwhile = async {
        sleep(Duration::from_secs(2)).await;
        told.notify_waiters();
    };
    let (answers, ()) = tokio::join!(answers, meanwhile);
    let refused: Vec<_> = answers.iter().filter(|(answer, _)| answer.status == 503).collect();
    assert_eq!((refused.len(), stage.store.tries()), (300 - 256, 256));
    for (answer, took) in refused {
        answer.assert_problem(503, "overloaded");
        assert_eq!(*took, Duration::from_secs(1));
    }
    let accepted = answers.iter().filter(|(answer, _)| answer.status == StatusCode::ACCEPTED).count();
    assert_eq!(accepted, 256);
}
