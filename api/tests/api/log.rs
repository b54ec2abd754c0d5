//! What the log tells of a request, and what it must not.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::stage::{Order, Stage, post};

thread_local! {
    /// What this thread has logged, and so this test: each runs in a thread of its own.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the log of the thread.
struct Logged;

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs everything there is. One subscriber for the whole process: with one for each test, a test that ends while
/// another begins can leave that one without its lines.
pub(crate) fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        all.with_writer(|| Logged).init();
    });
}

/// The lines since the last time.
fn logged() -> Vec<String> {
    let bytes = LOGGED.take();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_request_is_one_line_with_its_span() {
    let stage = Stage::new();
    stage.sign_up(&[("x-request-id", "r-1")]).await;
    let saga = stage.store.proposals.lock().unwrap()[0].saga;
    let lines: Vec<String> = logged().into_iter().filter(|line| line.contains("answered")).collect();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in ["INFO", "request.id=r-1", r#"method="POST""#, r#"route="/v1/signups""#, "status=202", "milliseconds="]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(line.contains("http.request{") && line.contains(&format!("saga.id={saga}")), "{line}");

    stage.get(&format!("/v1/signups/{saga}?query"), &[]).await;
    let lines = logged();
    let line = lines.iter().find(|line| line.contains("answered")).unwrap();
    assert!(line.contains("DEBUG") && line.contains(r#"route="/v1/signups/{id}""#), "{line}");
}

#[tokio::test]
async fn an_accepted_sign_up_is_a_line_and_a_replayed_one_another() {
    let stage = Stage::new();
    stage.sign_up(&[]).await;
    let saga = stage.store.proposals.lock().unwrap()[0].saga;
    stage.store.order(Order::Replay(saga));
    stage.sign_up(&[("idempotency-key", "k")]).await;
    let lines = logged();
    for part in ["sign-up accepted", "sign-up replayed"] {
        let found: Vec<_> = lines.iter().filter(|line| line.contains(part)).collect();
        let [line] = found[..] else { panic!("{part}: {lines:?}") };
        assert!(line.contains("INFO") && line.contains(&format!("saga.id={saga}")), "{line}");
    }
}

#[tokio::test]
async fn the_line_of_an_error_names_its_problem() {
    let stage = Stage::new();
    stage.send(post("{", &[])).await;
    stage.sign_up(&[]).await;
    let lines: Vec<String> = logged().into_iter().filter(|line| line.contains("answered")).collect();
    assert!(lines[0].contains(r#"status=400 problem="malformed_json""#), "{lines:?}");
    assert!(!lines[1].contains("problem"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_is_a_line_too() {
    let stage = Stage::new();
    let answer =
        tokio::time::timeout(std::time::Duration::from_millis(50), stage.sign_up(&[("prefer", "wait=9")])).await;
    assert!(answer.is_err());
    let saga = stage.store.proposals.lock().unwrap()[0].saga;
    let lines = logged();
    let line = lines.iter().find(|line| line.contains("hung up")).unwrap();
    assert!(line.contains(&format!("saga.id={saga}")), "{line}");
}

#[tokio::test]
async fn no_personal_data_and_no_secret_is_logged() {
    let stage = Stage::new();
    let canaries = ["canary1", "canary2", "canary3", "canary4", "canary5", "canary6", "canary7"];
    let good = json!({
        "email": "canary1@example.com",
        "password": "canary2 correct horse",
        "full_name": "canary3",
        "organization_name": "canary4"
    });
    let mut bad = good.clone();
    bad["email"] = json!("canary1");
    bad["canary5"] = json!("canary5");
    let headers = [("idempotency-key", "canary6"), ("user-agent", "canary7"), ("x-request-id", "canary7 canary7")];
    for body in [good.to_string(), bad.to_string(), format!("{good}canary1")] {
        stage.send(post(&body, &headers)).await;
    }
    for path in ["/canary5", "/v1/signups/canary5?canary6=canary6", "/docs/canary5"] {
        stage.get(path, &headers).await;
    }
    stage.send(Request::builder().method("CANARY1").uri("/v1/signups").body(Body::empty()).unwrap()).await;
    let lines = logged();
    assert!(lines.len() >= 7, "{lines:?}");
    for line in &lines {
        let lower = line.to_lowercase();
        assert!(canaries.iter().all(|canary| !lower.contains(canary)), "{line}");
    }
}

#[tokio::test]
async fn no_password_no_token_and_no_e_mail_of_a_member_is_logged() {
    let (_, secrets) = crate::members::everything_once().await;
    let log = logged().join("\n");
    for line in ["answered", "a signing key is made", "a refresh token was used again"] {
        assert!(log.contains(line), "{line}");
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in {log}");
    }
}
