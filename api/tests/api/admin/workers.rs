//! The processes that work on sagas.

use std::collections::BTreeMap;

use saga::fleet::{Busy, Process};
use saga::{Fleet, StepName, WorkerName};
use serde_json::json;

use super::Office;

#[tokio::test]
async fn processes_are_alive_until_they_are_silent() {
    let office = Office::open().await;
    assert_eq!(office.get("/v1/admin/workers").await.json(), json!({ "workers": [] }));
    let process = Process {
        name: WorkerName::from_stored("embedded-1".into()),
        role: "serve".into(),
        version: "0.1.0".into(),
        host: "db1".into(),
        pid: 4711,
        busy: BTreeMap::from([(StepName::new("create_user"), Busy { running: 1, slots: 4 })]),
    };
    office.stage.store.memory.beat(&process).await.unwrap();
    office.stage.hands.go_on(15);
    let answer = office.get("/v1/admin/workers").await;
    let expected = json!({
        "name": "embedded-1", "role": "serve", "version": "0.1.0", "host": "db1", "pid": 4711, "state": "alive",
        "since": "2026-01-02T03:04:05.000Z", "seen_at": "2026-01-02T03:04:05.000Z", "seen_ago_ms": 15_000,
        "busy": { "create_user": { "running": 1, "slots": 4 } },
    });
    assert_eq!(answer.json(), json!({ "workers": [expected] }));
    office.stage.hands.go_on(1);
    assert_eq!(office.get("/v1/admin/workers").await.json()["workers"][0]["state"], "silent");
}
