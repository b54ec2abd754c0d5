//! `Prefer: wait`.

use std::time::Duration;

use axum::http::StatusCode;
use saga::store::Error;
use saga::{Advanced, Code, Listener, SagaId, State};
use signup::EMAIL_TAKEN;
use tokio::time::{Instant, sleep};

use crate::stage::{Answer, Stage, any_saga, completed, failed, running};

/// A sign-up that waits 5 seconds, while after one second the saga gets into this state; with news of it, or without.
async fn sign_up_while(then: State, news: bool) -> (Answer, Duration) {
    let stage = Stage::new();
    let begun = Instant::now();
    let meanwhile = async {
        sleep(Duration::from_millis(1001)).await;
        let saga = stage.store.proposals.lock().unwrap()[0].saga;
        stage.store.put(saga, then.clone());
        if news {
            stage.waiters.advanced(&Advanced::to(saga, then));
        }
    };
    let (answer, ()) = tokio::join!(
        async {
            let answer = stage.sign_up(&[("prefer", "wait=5")]).await;
            (answer, begun.elapsed())
        },
        meanwhile
    );
    assert_eq!(stage.waiters.waiting(), 0);
    assert_eq!(answer.0.header("preference-applied"), Some("wait"));
    answer
}

#[tokio::test(start_paused = true)]
async fn a_signup_that_completes_within_the_wait_is_created() {
    let (answer, took) = sign_up_while(completed(), true).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(took, Duration::from_millis(1001), "the news wakes it at once");
    assert_eq!((&answer.json()["status"], answer.header("retry-after")), (&"completed".into(), None));
    assert!(answer.header("location").is_some());
}

#[tokio::test(start_paused = true)]
async fn lost_news_cost_a_sixteenth_of_the_time_that_was_waited() {
    let (answer, took) = sign_up_while(completed(), false).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(took <= Duration::from_millis(1070), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_signup_that_fails_within_the_wait_is_a_problem() {
    let (answer, _) = sign_up_while(failed(Code::STEP_FAILED), true).await;
    let problem = answer.assert_problem(409, "signup_failed");
    assert_eq!(problem["code"], "step_failed");
    assert!(problem["workflow_id"].as_str().unwrap().parse::<SagaId>().is_ok());
    let (answer, _) = sign_up_while(failed(EMAIL_TAKEN), true).await;
    let problem = answer.assert_problem(409, "email_taken");
    assert!(problem["workflow_id"].is_string());
}

#[tokio::test(start_paused = true)]
async fn a_signup_that_does_not_end_within_the_wait_is_accepted() {
    let (answer, took) = sign_up_while(running(1), true).await;
    assert_eq!((answer.status, took), (StatusCode::ACCEPTED, Duration::from_secs(5)));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json()["steps_done"], 1, "what is told is how it was seen last");
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_is_30_seconds() {
    let stage = Stage::new();
    let saga = any_saga();
    stage.store.put(saga, running(0));
    let begun = Instant::now();
    let answer = stage.get(&format!("/v1/signups/{saga}"), &[("prefer", "wait=3600")]).await;
    assert_eq!((answer.status, begun.elapsed()), (StatusCode::OK, Duration::from_secs(30)));
    let loads = *stage.store.loads.lock().unwrap();
    assert!((60..=120).contains(&loads), "{loads}");
}

#[tokio::test(start_paused = true)]
async fn no_wait_and_a_wait_of_nothing_are_answered_at_once() {
    let stage = Stage::new();
    let begun = Instant::now();
    assert_eq!(stage.sign_up(&[]).await.header("preference-applied"), None);
    let answer = stage.sign_up(&[("prefer", "wait=0")]).await;
    assert_eq!((answer.status, answer.header("preference-applied")), (StatusCode::ACCEPTED, Some("wait")));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_ended_saga_is_not_waited_for() {
    let stage = Stage::new();
    let saga = any_saga();
    stage.store.put(saga, completed());
    let begun = Instant::now();
    stage.get(&format!("/v1/signups/{saga}"), &[("prefer", "wait=30")]).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(*stage.store.loads.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_meanwhile_does_not_take_back_the_acceptance() {
    let stage = Stage::new();
    *stage.store.load_error.lock().unwrap() = Some(Error::Unavailable("away".into()));
    let answer = stage.sign_up(&[("prefer", "wait=2")]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_wait_whose_client_hung_up() {
    let stage = Stage::new();
    let saga = any_saga();
    stage.store.put(saga, running(0));
    let path = format!("/v1/signups/{saga}");
    {
        let waiting = stage.get(&path, &[("prefer", "wait=30")]);
        tokio::pin!(waiting);
        let soon = tokio::time::timeout(Duration::from_secs(1), &mut waiting).await;
        assert!(soon.is_err());
        assert_eq!(stage.waiters.waiting(), 1);
    }
    assert_eq!(stage.waiters.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_about_to_stop_lets_everybody_go() {
    let stage = Stage::new();
    let saga = any_saga();
    stage.store.put(saga, running(0));
    let path = format!("/v1/signups/{saga}");
    let begun = Instant::now();
    let meanwhile = async {
        sleep(Duration::from_secs(1)).await;
        stage.waiters.close();
    };
    let (answer, ()) = tokio::join!(stage.get(&path, &[("prefer", "wait=30")]), meanwhile);
    assert_eq!((answer.status, begun.elapsed()), (StatusCode::OK, Duration::from_secs(1)));
    stage.get(&path, &[("prefer", "wait=30")]).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1), "nobody waits any more");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_wait_cost_a_reading_a_tick() {
    let stage = Stage::new();
    let sagas: Vec<_> = (0..1000).map(|_| any_saga()).collect();
    for saga in &sagas {
        stage.store.put(*saga, running(0));
    }
    let paths: Vec<_> = sagas.iter().map(|saga| format!("/v1/signups/{saga}")).collect();
    let waits = paths.iter().map(|path| stage.get(path, &[("prefer", "wait=2")]));
    let meanwhile = async {
        sleep(Duration::from_millis(1001)).await;
        for saga in &sagas {
            stage.store.put(*saga, completed());
        }
    };
    let begun = Instant::now();
    let (answers, ()) = tokio::join!(futures_util::future::join_all(waits), meanwhile);
    assert!(answers.iter().all(|answer| answer.json()["status"] == "completed"));
    let (readings, ticks) = (u128::from(*stage.store.loads.lock().unwrap()), begun.elapsed().as_millis() / 25);
    assert!(readings <= ticks + 1, "{readings} readings in {ticks} ticks");
}

#[tokio::test(start_paused = true)]
async fn an_ended_sign_up_is_remembered() {
    let stage = Stage::new();
    let saga = any_saga();
    stage.store.put(saga, completed());
    let path = format!("/v1/signups/{saga}");
    let first = stage.get(&path, &[]).await;
    *stage.store.load_error.lock().unwrap() = Some(Error::Unavailable("away".into()));
    assert_eq!(stage.get(&path, &[]).await.body, first.body);
    assert_eq!(*stage.store.loads.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_read_keeps_no_other_from_being_seen() {
    let stage = Stage::new();
    let (well, broken) = (any_saga(), any_saga());
    stage.store.put(well, running(0));
    *stage.store.unreadable.lock().unwrap() = Some(broken);
    let [well, broken] = [well, broken].map(|saga| format!("/v1/signups/{saga}"));
    let (well, broken) = tokio::join!(stage.get(&well, &[]), stage.get(&broken, &[]));
    assert_eq!(well.status, StatusCode::OK);
    broken.assert_problem(500, "internal");
}
