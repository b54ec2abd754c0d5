//! Signing up, from one process on SQLite.

use std::path::Path;
use std::process::Command;

use auditor::facts::{Facts, Snapshot};
use auditor::invariants;
use saga::{Policy, SystemClock};
use store::Sqlite;
use tests::{Answer, Client, PASSWORD, Server, eventually};

/// Everything in a folder whose server has stopped.
pub(crate) async fn facts(data: &Path) -> Facts {
    let database = Sqlite::open(&data.join("signup.db"), std::sync::Arc::new(SystemClock)).await.unwrap();
    let facts = database.facts().await.unwrap();
    database.close().await;
    facts
}

/// Polls a sign-up to its end.
pub(crate) async fn ended(client: &Client, id: &str) -> Answer {
    let poll = || async {
        let answer = client.get(&format!("/v1/signups/{id}")).await.ok()?;
        matches!(answer.text("status"), "completed" | "failed").then_some(answer)
    };
    eventually("the sign-up ends", poll).await.unwrap()
}

#[tokio::test]
async fn a_sign_up_goes_from_pending_to_completed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    let client = server.client();
    let answer = client.sign_up("ada@example.com", "Ada Lovelace", 0).await.unwrap();
    assert_eq!((answer.status, answer.text("status")), (202, "pending"), "{answer:?}");
    let id = answer.text("workflow_id").to_owned();
    assert_eq!(answer.header("location"), format!("/v1/signups/{id}"));
    assert_eq!(answer.body["steps_total"], 4);
    let answer = ended(&client, &id).await;
    assert_eq!((answer.text("status"), &answer.body["steps_done"]), ("completed", &4.into()));

    assert!(server.terminate().await.unwrap().success());
    let facts = facts(&data).await;
    assert_eq!(invariants::violations(&facts), Vec::<String>::new());
    assert_eq!((facts.users.len(), facts.claims.len(), facts.sealed.len()), (1, 1, 0));
}

#[tokio::test]
async fn waiting_answers_with_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let client = server.client();
    let answer = client.sign_up("ada@example.com", "Ada", 5).await.unwrap();
    assert_eq!((answer.status, answer.text("status")), (201, "completed"), "{answer:?}");
    let again = client.sign_up("ADA@example.com", "Ada", 5).await.unwrap();
    assert_eq!((again.status, again.text("type")), (409, "/problems/email_taken"), "{again:?}");
    assert_eq!(again.body["providers"], serde_json::json!(["email"]));
}

#[tokio::test]
async fn a_refused_step_undoes_the_earlier_ones_and_frees_the_email() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    let client = server.client();
    for step in ["create_user", "create_organization", "create_profile", "update_claims"] {
        let answer = client.sign_up("ada@example.com", &format!("sabotage {step}:refuse"), 0).await.unwrap();
        let answer = ended(&client, answer.text("workflow_id")).await;
        assert_eq!((answer.text("status"), answer.text("code")), ("failed", "sabotaged"), "{step}: {answer:?}");
    }
    let answer = client.sign_up("ada@example.com", "Ada", 5).await.unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(server.terminate().await.unwrap().success());
    let facts = facts(&data).await;
    assert_eq!(invariants::violations(&facts), Vec::<String>::new());
    assert_eq!((facts.users.len(), facts.sagas.len()), (1, 5));
}

#[tokio::test]
async fn a_panic_or_a_lost_result_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let client = server.client();
    for (number, fault) in ["panic2", "lose2", "fail2"].into_iter().enumerate() {
        let name = format!("sabotage create_user:{fault} update_claims:{fault}");
        let answer = client.sign_up(&format!("user{number}@example.com"), &name, 10).await.unwrap();
        assert_eq!(answer.status, 201, "{fault}: {answer:?}");
    }
}

#[tokio::test]
async fn a_step_that_keeps_failing_is_undone_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    let client = server.client();
    let answer = client.sign_up("ada@example.com", "sabotage create_profile:lose", 0).await.unwrap();
    let answer = ended(&client, answer.text("workflow_id")).await;
    assert_eq!((answer.text("status"), answer.text("code")), ("failed", "step_failed"));
    assert!(server.terminate().await.unwrap().success());
    let facts = facts(&data).await;
    assert_eq!(invariants::violations(&facts), Vec::<String>::new());
    assert_eq!((facts.users.len(), facts.organizations.len(), facts.profiles.len()), (0, 0, 0));
}

#[tokio::test]
async fn an_undo_that_keeps_failing_is_stuck_and_keeps_what_it_could_not_undo() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    let client = server.client();
    let name = "sabotage create_profile:refuse create_organization:fail5:undo";
    let id = client.sign_up("ada@example.com", name, 0).await.unwrap().text("workflow_id").to_owned();
    let delayed = || async {
        let answer = client.get(&format!("/v1/signups/{id}")).await.ok()?;
        (answer.text("status") == "delayed").then_some(())
    };
    eventually("the saga is stuck", delayed).await.unwrap();
    assert!(server.log().unwrap().contains("stuck: the compensation keeps failing"));
    // A live e-mail stays taken while its saga is stuck: nothing is orphaned.
    let again = client.sign_up("ada@example.com", "Ada", 0).await.unwrap();
    assert_eq!(again.text("type"), "/problems/signup_in_progress");
    server.kill().await.unwrap();
    let facts = facts(&data).await;
    assert_eq!(invariants::violations(&facts), Vec::<String>::new());
    let saga = &facts.sagas[0];
    let pause = saga.due_at.duration_since(facts.taken_at.unwrap()).unsigned_abs();
    assert!(saga.stuck_since.is_some() && pause <= Policy::STANDARD.stuck_pause, "{saga:?}");
}

#[tokio::test]
async fn no_password_and_no_personal_data_is_anywhere_it_should_not_be() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &["--log", "trace"]).await.unwrap();
    let client = server.client();
    let answer = client.sign_up("canary-email@example.com", "Canary Name", 5).await.unwrap();
    assert_eq!(answer.status, 201);
    client.sign_up("canary-email@example.com", "Canary Name", 5).await.unwrap();
    client.sign_up("canary-email", "Canary Name", 5).await.unwrap();
    client.sign_up("canary-failed@example.com", "sabotage create_profile:panic2 Canary Name", 5).await.unwrap();
    let id = answer.text("workflow_id").to_owned();
    let log = server.log().unwrap();
    assert!(log.contains(&id) && log.contains("request.id"), "the log names sagas and requests: {log}");
    for canary in ["canary-email", "canary-failed", "Canary Name", PASSWORD] {
        assert!(!log.contains(canary), "{canary} is in the log");
    }
    // The write-ahead log still stands: all that was ever written is there to be searched.
    server.kill().await.unwrap();
    let found =
        Command::new("grep").args(["--recursive", "--text", "--files-with-matches", PASSWORD]).arg(&data).output();
    assert_eq!(String::from_utf8_lossy(&found.unwrap().stdout), "");
    let found = Command::new("grep").args(["-r", "--text", "-l", "canary-email"]).arg(&data).output().unwrap();
    assert_ne!(String::from_utf8_lossy(&found.stdout), "", "the search finds what is there");
}

#[tokio::test]
async fn a_wiped_password_leaves_the_write_ahead_log_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    let answer = server.client().sign_up("ada@example.com", "Ada", 5).await.unwrap();
    assert_eq!(answer.status, 201);
    let size = || async { std::fs::metadata(data.join("signup.db-wal")).ok().map(|file| file.len()) };
    assert_ne!(size().await, Some(0), "the sealed password was written");
    let emptied = || async { size().await.filter(|size| *size == 0) };
    eventually("the write-ahead log is emptied", emptied).await.unwrap();
}

#[tokio::test]
async fn the_documentation_is_served_from_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let client = server.client();
    let document = client.get("/openapi.json").await.unwrap();
    assert!(document.body["paths"]["/v1/signups"]["post"].is_object());
    let page = client.text("/docs/").await.unwrap();
    assert!(page.contains("swagger-ui") && !page.contains("http://") && !page.contains("https://"), "{page}");
    assert_eq!(client.get("/healthz").await.unwrap().status, 200);
}

#[tokio::test]
async fn bad_input_is_a_problem_that_names_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let client = server.client();
    let json = [("content-type", "application/json")];
    for (body, status, field) in [
        ("{", 400, ""),
        (r#"{"email":"ada@example.com","password":"short"}"#, 422, "password"),
        (r#"{"email":"ada@example.com","password":"password1"}"#, 422, "password"),
        (r#"{"email":"ada","password":"correct horse battery staple"}"#, 422, "email"),
        (r#"{"email":"ada@example.com","password":"correct horse battery staple","role":"owner"}"#, 422, "role"),
        (r#"{"email":1,"password":"correct horse battery staple"}"#, 422, "email"),
    ] {
        let answer = client.post("/v1/signups", &json, body).await.unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{body}");
        let named = answer.body["errors"].as_array().is_some_and(|errors| errors.iter().any(|e| e["field"] == field));
        assert!(field.is_empty() || named, "{body}: {answer:?}");
    }
    let answer = client.post("/v1/signups", &json, "x".repeat(17 * 1024)).await.unwrap();
    assert_eq!(answer.status, 413);
    for id in ["nonsense", "wf_00000000000000000000000000000000"] {
        assert_eq!(client.get(&format!("/v1/signups/{id}")).await.unwrap().status, 404);
    }
}

#[tokio::test]
async fn a_process_that_is_alone_tells_that_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let answer = server.client().get("/readyz").await.unwrap();
    let expected = serde_json::json!({ "status": "ready", "components": [{ "name": "database" }] });
    assert_eq!((answer.status, answer.body), (200, expected));
    let output = tests::run(&["health", server.url()]).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ready\n");
    assert!(server.terminate().await.unwrap().success());
}
