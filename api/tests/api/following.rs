//! Streams of a sign-up's course.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt;
use saga::store::Error;
use saga::{Advanced, Code, Listener, SagaId};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use crate::stage::{Stage, any_saga, completed, failed, running};

/// A stream, read event by event.
struct Course {
    body: BodyDataStream,
    text: String,
}

/// An event: its id and its data.
type Told = (String, Value);

impl Course {
    async fn begin(stage: &Stage, saga: SagaId, seen: Option<&str>) -> Self {
        let request = Request::get(format!("/v1/signups/{saga}/events"));
        let request = seen.into_iter().fold(request, |request, id| request.header("last-event-id", id));
        let response = stage.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next block of lines; none where the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            self.text += std::str::from_utf8(&self.body.next().await?.unwrap()).unwrap();
        }
    }

    /// The next event, signs of life aside.
    async fn next(&mut self) -> Option<Told> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let Some(data) = field("data: ") {
                assert_eq!(field("event: ").as_deref(), Some("status"));
                return Some((field("id: ").unwrap(), serde_json::from_str(&data).unwrap()));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_of_every_change_until_the_end() {
    let (stage, saga) = (Stage::new(), any_saga());
    stage.store.put(saga, running(0));
    let mut course = Course::begin(&stage, saga, None).await;
    let retry: u64 = course.block().await.unwrap().strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((1000..2000).contains(&retry), "{retry}");
    let (id, first) = course.next().await.unwrap();
    assert_eq!((&*id, &first["status"], &first["steps_done"]), ("p0-2", &"pending".into(), &0.into()));
    stage.store.put(saga, running(1));
    let (id, second) = course.next().await.unwrap();
    assert_eq!((&*id, &second["steps_done"]), ("p1-2", &1.into()));
    stage.store.put(saga, completed());
    let begun = Instant::now();
    stage.waiters.advanced(&Advanced::to(saga, completed()));
    let (id, last) = course.next().await.unwrap();
    assert_eq!((&*id, &last["status"], begun.elapsed()), ("c2-2", &"completed".into(), Duration::ZERO));
    let body = stage.get(&format!("/v1/signups/{saga}"), &[]).await.json();
    assert_eq!(last, body, "what is told is what asking would tell");
    assert_eq!(course.next().await, None);
    assert_eq!(stage.waiters.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_resumed_stream_tells_what_was_not_seen_and_nothing_else() {
    let (stage, saga) = (Stage::new(), any_saga());
    stage.store.put(saga, running(1));
    let mut course = Course::begin(&stage, saga, Some("p0-2")).await;
    assert_eq!(course.next().await.unwrap().0, "p1-2");
    let mut course = Course::begin(&stage, saga, Some("p1-2")).await;
    assert!(timeout(Duration::from_mins(1), course.next()).await.is_err(), "it has seen that");
    stage.store.put(saga, failed(Code::STEP_FAILED));
    assert_eq!(course.next().await.unwrap().1["code"], "step_failed");
    let (path, header) = (format!("/v1/signups/{saga}/events"), [("last-event-id", "f0-2")]);
    assert_eq!(stage.get(&path, &header).await.status, StatusCode::NO_CONTENT, "there will be nothing more");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_news_shows_that_it_lives_and_ends_after_10_minutes() {
    let (stage, saga) = (Stage::new(), any_saga());
    stage.store.put(saga, running(0));
    let begun = Instant::now();
    let mut course = Course::begin(&stage, saga, Some("p0-2")).await;
    let mut blocks = 0;
    while course.block().await.is_some() {
        blocks += 1;
    }
    assert_eq!(begun.elapsed(), Duration::from_mins(10));
    assert_eq!(blocks, 1 + 39, "when to come back, then one each 15 seconds");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_a_while_does_not_end_a_stream() {
    let (stage, saga) = (Stage::new(), any_saga());
    stage.store.put(saga, running(0));
    let mut course = Course::begin(&stage, saga, Some("p0-2")).await;
    *stage.store.load_error.lock().unwrap() = Some(Error::Unavailable("away".into()));
    assert!(timeout(Duration::from_secs(30), course.next()).await.is_err());
    stage.store.put(saga, completed());
    *stage.store.load_error.lock().unwrap() = None;
    assert_eq!(course.next().await.unwrap().0, "c2-2");
}

#[tokio::test(start_paused = true)]
async fn a_process_about_to_stop_ends_its_streams() {
    let (stage, saga) = (Stage::new(), any_saga());
    stage.store.put(saga, running(0));
    let mut course = Course::begin(&stage, saga, Some("p0-2")).await;
    stage.waiters.close();
    let begun = Instant::now();
    assert_eq!((course.next().await, begun.elapsed()), (None, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_stream_whose_client_hung_up() {
    let (stage, saga) = (Stage::new(), any_saga());
    stage.store.put(saga, running(0));
    let course = Course::begin(&stage, saga, None).await;
    assert_eq!(stage.waiters.waiting(), 1);
    drop(course);
    assert_eq!(stage.waiters.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_or_cannot_be_read_is_a_problem() {
    let stage = Stage::new();
    for id in [any_saga().to_string(), "x".to_owned()] {
        stage.get(&format!("/v1/signups/{id}/events"), &[]).await.assert_problem(404, "signup_not_found");
    }
    *stage.store.load_error.lock().unwrap() = Some(Error::Unavailable("away".into()));
    stage.get(&format!("/v1/signups/{}/events", any_saga()), &[]).await.assert_problem(503, "unavailable");
}
