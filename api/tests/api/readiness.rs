//! Whether the process can do its work.

use std::sync::Arc;
use std::time::Duration;

use api::{Condition, Health, health_router};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tokio::time::{Instant, advance};
use tower::ServiceExt;

use crate::stage::{Stage, trouble};

/// Longer than a component is taken at its word.
const LATER: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_process_is_ready_while_its_components_are_well() {
    let stage = Stage::new();
    let answer = stage.get("/readyz", &[]).await;
    let components = json!([{ "name": "database" }, { "name": "redis" }]);
    assert_eq!(answer.json(), json!({ "status": "ready", "components": components }));
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    stage.parts[0].becomes(Some(Condition::Down(trouble("it does not answer"))));
    advance(LATER).await;
    let answer = stage.get("/readyz", &[]).await;
    let problem = answer.assert_problem(503, "not_ready");
    assert_eq!((&problem["component"], &problem["why"]), (&"database".into(), &"it does not answer".into()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!problem.to_string().contains("secret"), "{problem}");

    stage.parts[0].becomes(Some(Condition::Well));
    advance(LATER).await;
    assert_eq!(stage.get("/readyz", &[]).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_component_that_can_be_done_without_is_told_and_leaves_the_process_ready() {
    let stage = Stage::new();
    stage.parts[1].becomes(Some(Condition::Degraded(trouble("it is away"))));
    let answer = stage.get("/readyz", &[]).await;
    let components = json!([{ "name": "database" }, { "name": "redis", "trouble": "it is away" }]);
    assert_eq!((answer.status.as_u16(), answer.json()["components"].clone()), (200, components));
    assert_eq!(answer.json()["status"], "degraded");
}

#[tokio::test(start_paused = true)]
async fn a_component_that_never_answers_is_down_within_2_seconds() {
    let stage = Stage::new();
    stage.parts[0].becomes(None);
    let begun = Instant::now();
    let problem = stage.get("/readyz", &[]).await.assert_problem(503, "not_ready");
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(problem["component"], "database");
}

#[tokio::test(start_paused = true)]
async fn however_many_ask_a_component_is_asked_twice_a_second_at_most() {
    let stage = Stage::new();
    for _ in 0..100 {
        assert_eq!(stage.get("/readyz", &[]).await.status, 200);
        advance(Duration::from_millis(10)).await;
    }
    let asked = *stage.parts[0].asked.lock().unwrap();
    assert!((2..=3).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_process_that_is_about_to_stop_is_not_ready_and_takes_leave_of_its_clients() {
    let stage = Stage::new();
    assert_eq!(stage.get("/healthz", &[]).await.header("connection"), None);
    stage.health.stop();
    let answer = stage.get("/readyz", &[]).await;
    assert_eq!(answer.assert_problem(503, "not_ready")["component"], "process");
    for path in ["/readyz", "/healthz", "/v1/nothing"] {
        assert_eq!(stage.get(path, &[]).await.header("connection"), Some("close"), "{path}");
    }
    assert_eq!(stage.sign_up(&[]).await.status, 202, "requests are still taken");
    stage.health.begin(Vec::new());
    stage.get("/readyz", &[]).await.assert_problem(503, "not_ready");
}

/// The status, and the problem's type if it is one.
async fn get(router: &Router, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body(), 10_000).await.unwrap()).unwrap();
    (status, body["type"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_process_that_starts_lives_is_not_ready_and_asks_to_be_asked_again() {
    let health = Arc::new(Health::starting());
    let router = health_router(Arc::clone(&health), PrometheusBuilder::new().build_recorder().handle());
    assert_eq!(get(&router, "/healthz").await, (200, String::new()));
    assert_eq!(get(&router, "/readyz").await, (503, "/problems/not_ready".to_owned()));
    assert_eq!(get(&router, "/v1/signups/x").await, (503, "/problems/unavailable".to_owned()));
    health.begin(Vec::new());
    assert_eq!(get(&router, "/readyz").await, (200, String::new()));
    assert_eq!(get(&router, "/v1/signups/x").await, (404, "/problems/not_found".to_owned()));
}
