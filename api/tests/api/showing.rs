//! Asking how a sign-up goes.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use saga::{Active, Code, State};
use serde_json::json;
use signup::EMAIL_TAKEN;

use crate::stage::{STEPS, Stage, any_saga, completed, failed, running};

#[tokio::test]
async fn a_status_tells_how_far_it_is_and_nothing_of_who_and_how() {
    let saga = any_saga();
    let base = |status: &str, steps_done: u32| {
        json!({
            "workflow_id": saga.to_string(),
            "status": status,
            "steps_done": steps_done,
            "steps_total": 2,
            "accepted_at": "2026-01-02T03:04:05.000Z",
            "status_url": format!("/v1/signups/{saga}"),
        })
    };
    let mut done = base("completed", 2);
    done["ended_at"] = json!("2026-01-02T03:04:05.000Z");
    let mut gone = base("failed", 0);
    gone["ended_at"] = json!("2026-01-02T03:04:05.000Z");
    gone["code"] = json!("email_taken");
    let undoing = State::Active(Active::Compensating(STEPS[1].clone(), Code::STEP_FAILED));
    for (state, expected, retry_after) in [
        (running(1), base("pending", 1), Some("1")),
        (undoing, base("pending", 2), Some("1")),
        (completed(), done, None),
        (failed(EMAIL_TAKEN), gone, None),
    ] {
        let stage = Stage::new();
        stage.store.put(saga, state);
        let answer = stage.get(&format!("/v1/signups/{saga}"), &[]).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected));
        assert_eq!(answer.header("retry-after"), retry_after);
    }
}

#[tokio::test]
async fn an_unknown_id_and_no_id_are_not_told_apart() {
    let stage = Stage::new();
    let bodies = [
        any_saga().to_string(),
        "wf_1".into(),
        "x".into(),
        "%FF".into(),
        "%00".into(),
        "..%2F..".into(),
        "x".repeat(5000),
        any_saga().uuid().to_string(),
    ];
    let mut answers = Vec::new();
    for id in bodies {
        let answer = stage.get(&format!("/v1/signups/{id}"), &[]).await;
        answer.assert_problem(404, "signup_not_found");
        answers.push(answer.body);
    }
    assert!(answers.iter().all(|body| *body == answers[0]));
}

#[tokio::test]
async fn a_client_that_has_the_state_is_not_sent_it_again() {
    let stage = Stage::new();
    let saga = any_saga();
    let path = format!("/v1/signups/{saga}");
    stage.store.put(saga, running(0));
    let etag = stage.get(&path, &[]).await.header("etag").unwrap().to_owned();
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
        let answer = stage.get(&path, &[("if-none-match", &tags)]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{tags}");
        assert_eq!((answer.header("etag"), answer.header("retry-after")), (Some(&*etag), Some("1")));
    }
    assert_eq!(stage.get(&path, &[("if-none-match", "\"x\"")]).await.status, StatusCode::OK);
    stage.store.put(saga, running(1));
    let answer = stage.get(&path, &[("if-none-match", &etag)]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn every_state_that_looks_different_has_another_etag() {
    let saga = any_saga();
    let mut seen = Vec::new();
    for state in [running(0), running(1), completed(), failed(EMAIL_TAKEN)] {
        let stage = Stage::new();
        stage.store.put(saga, state);
        seen.push(stage.get(&format!("/v1/signups/{saga}"), &[]).await.header("etag").unwrap().to_owned());
    }
    let stage = Stage::new();
    stage.store.put(saga, running(0));
    stage.store.sagas.lock().unwrap().get_mut(&saga).unwrap().age = std::time::Duration::from_secs(31);
    let answer = stage.get(&format!("/v1/signups/{saga}"), &[]).await;
    assert_eq!(answer.json()["status"], "delayed");
    seen.push(answer.header("etag").unwrap().to_owned());
    let before = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), before);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let stage = Stage::new();
    let saga = any_saga();
    stage.store.put(saga, running(0));
    let path = format!("/v1/signups/{saga}");
    let get = stage.get(&path, &[]).await;
    let head = stage.send(Request::head(&path).body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("content-length"), Some(&*get.body.len().to_string()));
    assert_eq!(head.header("etag"), get.header("etag"));
}
