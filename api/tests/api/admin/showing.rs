//! Showing a saga.

use saga::OsRandom;
use saga::SagaId;
use serde_json::{Value, json};

use super::Office;

fn actions(saga: &Value) -> Vec<(&str, bool)> {
    let choices = saga["actions"].as_array().unwrap().iter();
    choices.map(|choice| (choice["action"].as_str().unwrap(), choice["possible"].as_bool().unwrap())).collect()
}

#[tokio::test]
async fn a_stuck_saga_is_shown_with_all_that_helps_to_decide() {
    let office = Office::open().await;
    let id = office.stuck().await;
    let saga = office.show(id).await;
    for (member, expected) in [
        ("workflow_id", json!(id.to_string())),
        ("status", json!("compensating")),
        ("reason", json!("no deletes here")),
        ("epoch", json!(3)),
        ("version", json!(1)),
        ("seq", json!(3)),
        ("step_claimed_at", json!("2026-01-02T03:04:06.000Z")),
        ("next_try", json!({ "what": "a worker tries to undo create_organization", "at": "2026-01-02T03:09:06.000Z" })),
    ] {
        assert_eq!(saga[member], expected, "{member}: {saga:#}");
    }
    assert_eq!(saga["exists"].as_array().unwrap().len(), 1);
    assert_eq!(saga["exists"][0]["what"], "organization");
    let events: Vec<&str> =
        saga["events"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["accepted", "done", "gave_up", "undo_failed"]);
    assert_eq!(
        saga["events"][3],
        json!({
            "seq": 3, "at": "2026-01-02T03:04:06.000Z", "event": "undo_failed", "step": "create_organization",
            "attempt": 1, "epoch": 3, "worker": "worker-1", "took_ms": 7, "error": "no deletes here",
        })
    );
    assert_eq!(actions(&saga), [("retry", true), ("rollback", false), ("resolve", false)]);
    assert_eq!(saga["actions"][0]["does"], "tries to undo create_organization again at once");
    assert_eq!(saga["actions"][1]["why_not"], "the saga is going back already");
    assert_eq!(saga["actions"][2]["why_not"], "something is left of the saga: organization");
    assert!(!saga.to_string().contains("example.com"), "{saga:#}");
}

#[tokio::test]
async fn a_decoy_is_told_to_operators_in_the_list_and_by_itself() {
    let office = Office::open().await;
    let real = office.accept().await;
    let decoy = office.decoy_of(real).await;
    let list = office.get("/v1/admin/sagas").await.json();
    for (saga, listed, told) in [(decoy, 0, json!(true)), (real, 1, Value::Null)] {
        assert_eq!(list["sagas"][listed]["workflow_id"], json!(saga.to_string()));
        assert_eq!(list["sagas"][listed]["decoy"], told);
        assert_eq!(office.show(saga).await["decoy"], told);
    }
    assert_eq!(office.show(decoy).await["exists"], json!([]));
}

#[tokio::test]
async fn what_happens_next_is_told_in_words() {
    let office = Office::open().await;
    let id = office.accept().await;
    let next = async || office.show(id).await["next_try"].clone();
    assert_eq!(next().await["what"], "a worker tries create_user, as soon as one is free");
    let claimed = office.claim(signup::FIRST_STEP).await;
    let held = next().await;
    assert!(held["what"].as_str().unwrap().starts_with("worker-1 tries create_user, and holds it"), "{held}");
    assert_eq!(held["at"], "2026-01-02T03:04:26.000Z");
    assert_eq!(office.show(id).await["lease"]["worker"], "worker-1");
    office.stage.hands.go_on(30);
    assert!(next().await["what"].as_str().unwrap().starts_with("worker-1 has lost its hold"));
    drop(claimed);
    let saga = office.show(id).await;
    assert_eq!(actions(&saga), [("retry", true), ("rollback", true), ("resolve", true)]);
    let body = json!({ "reason": "never begun", "seq": 0 });
    let saga = office.act(id, "resolve", &body).await.json();
    assert_eq!(saga["next_try"], json!({ "what": "nothing: it has ended" }));
    assert_eq!(actions(&saga), [("retry", false), ("rollback", false), ("resolve", false)]);
    assert_eq!(saga["actions"][0]["why_not"], "the saga has ended");
}

#[tokio::test]
async fn a_saga_that_is_stuck_without_an_error_is_said_to_be_silent() {
    let office = Office::open().await;
    let id = office.accept().await;
    office.claim(signup::FIRST_STEP).await;
    office.stage.hands.go_on(46);
    saga::Store::housekeep(&*office.stage.store.memory, &saga::Policy::STANDARD).await.unwrap();
    let saga = office.show(id).await;
    assert!(saga["reason"].as_str().unwrap().starts_with("its step has been under way for long"), "{saga}");
}

#[tokio::test]
async fn what_is_no_saga_is_not_found() {
    let office = Office::open().await;
    let unknown = SagaId::new(&*office.stage.hands, &OsRandom).to_string();
    for id in [&*unknown, "x", "wf_", "%FF", "019b7c8d5a2e7f3090b1c2d3e4f5a6b7"] {
        office.get(&format!("/v1/admin/sagas/{id}")).await.assert_problem(404, "signup_not_found");
    }
}
