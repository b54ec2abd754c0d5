//! What the log tells of a request, and what it must not.

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::stage::{Stage, post};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Captured {
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        tracing::subscriber::set_default(all.with_writer(writer).finish())
    }

    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_its_span() {
    let (log, stage) = (Captured::default(), Stage::new());
    let _guard = log.begin();
    stage.sign_up(&[("x-request-id", "r-1")]).await;
    let saga = stage.store.proposals.lock().unwrap()[0].saga;
    let lines: Vec<String> = log.take().into_iter().filter(|line| line.contains("answered")).collect();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in ["INFO", "request.id=r-1", r#"method="POST""#, r#"route="/v1/signups""#, "status=202", "milliseconds="]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(line.contains("http.request{") && line.contains(&format!("saga.id={saga}")), "{line}");

    stage.get(&format!("/v1/signups/{saga}?query"), &[]).await;
    let lines = log.take();
    let line = lines.iter().find(|line| line.contains("answered")).unwrap();
    assert!(line.contains("DEBUG") && line.contains(r#"route="/v1/signups/{id}""#), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_is_a_line_too() {
    let (log, stage) = (Captured::default(), Stage::new());
    let _guard = log.begin();
    let answer =
        tokio::time::timeout(std::time::Duration::from_millis(50), stage.sign_up(&[("prefer", "wait=9")])).await;
    assert!(answer.is_err());
    let saga = stage.store.proposals.lock().unwrap()[0].saga;
    let lines = log.take();
    let line = lines.iter().find(|line| line.contains("hung up")).unwrap();
    assert!(line.contains(&format!("saga.id={saga}")), "{line}");
}

#[tokio::test]
async fn no_personal_data_and_no_secret_is_logged() {
    let (log, stage) = (Captured::default(), Stage::new());
    let _guard = log.begin();
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
    let lines = log.take();
    assert!(lines.len() >= 7, "{lines:?}");
    for line in &lines {
        let lower = line.to_lowercase();
        assert!(canaries.iter().all(|canary| !lower.contains(canary)), "{line}");
    }
}
