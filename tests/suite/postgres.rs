//! The product on PostgreSQL: a real server, with a database for each test.

use serde_json::Value;
use servers::Postgres as Machine;
use tests::{eventually, run_with};
use tokio::time::{Duration, Instant};

use crate::embedded::ended;
use crate::site::Site;

#[tokio::test]
async fn one_url_is_all_it_takes() {
    let site = Site::with_database().await;
    let server = site.serve("one").await;
    assert!(server.banner.contains("on PostgreSQL"), "{}", server.banner);
    let answer = server.client().sign_up("ada@example.com", "Ada", 5).await.unwrap();
    assert_eq!((answer.status, answer.text("status")), (201, "completed"), "{answer:?}");
    let again = server.client().sign_up("ada@example.com", "Ada", 5).await.unwrap();
    assert_eq!((again.status, again.body["providers"][0].as_str()), (409, Some("email")), "{again:?}");
    assert!(server.terminate().await.unwrap().success());
    let facts = site.check().await;
    assert_eq!((facts.users.len(), facts.sealed.len()), (1, 0));
}

#[tokio::test]
async fn migrate_says_what_it_has_done() {
    let site = Site::with_database().await;
    let environment = [("DATABASE_URL", &*site.url)];
    let said = async || {
        let output = run_with(&["migrate"], &environment).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let first = said().await;
    assert!(first.contains("applied migrations 0001 to "), "{first}");
    let second = said().await;
    assert!(second.contains("up to date"), "{second}");
}

#[tokio::test]
async fn a_database_that_is_not_there_yet_is_waited_for() {
    let site = Site::new();
    // The binary is built before the time is taken.
    run_with(&["--version"], &[]).await.unwrap();
    let log = || std::fs::read_to_string(site.folder.path().join("one.log")).unwrap_or_default();
    let make = async {
        let waits = || async { log().contains("waiting for the database").then_some(()) };
        eventually("it waits", waits).await.unwrap();
        site.make().await;
    };
    let (server, ()) = tokio::join!(site.serve("one"), make);
    assert!(log().contains("does not exist; create it with `createdb`"), "{}", log());
    let answer = server.client().sign_up("ada@example.com", "Ada", 5).await.unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_one_line_that_says_what_to_do() {
    let machine = Machine::shared();
    let stranger = machine.url("postgres").replace("postgres@", "stranger@");
    let no_tls = machine.url("postgres") + "?sslmode=require";
    for (url, part) in [
        ("mysql://localhost/signup", "PostgreSQL URL"),
        ("postgres://localhost:port/signup", "PostgreSQL URL"),
        ("postgres://localhost/signup,mysql://localhost/signup", "number 2 of 2"),
        (&*stranger, "check user and password"),
        (&*no_tls, "check sslmode"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
        let output = run_with(&arguments, &[("DATABASE_URL", url)]).await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("DATABASE_URL") && said.contains(part), "{said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("signup:")).count(), 1, "{said}");
    }
}

#[tokio::test]
async fn a_killed_process_is_taken_over_by_the_other_when_its_leases_end() {
    let site = Site::with_database().await;
    let keys = run_with(&["keys", "init"], &[]).await.unwrap();
    let keys = String::from_utf8(keys.stdout).unwrap();
    let keys: Vec<_> = keys.lines().filter_map(|line| line.split_once('=')).collect();
    let one = site.serve_with("one", &keys).await;
    let other = site.serve_with("other", &keys).await;
    let mut accepted = Vec::new();
    for number in 0..60 {
        let client = if number % 2 == 0 { one.client() } else { other.client() };
        let name = if number % 3 == 0 { "sabotage create_profile:hang1" } else { "Ada" };
        let answer = client.sign_up(&format!("user{number}@example.com"), name, 0).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        accepted.push(answer.text("workflow_id").to_owned());
    }
    let workers = site.signup(&other, "one", &["worker", "list"]).await;
    assert_eq!(workers.1.matches("alive").count(), 2, "{workers:?}");
    one.kill().await.unwrap();
    let begun = Instant::now();
    for id in &accepted {
        let answer = ended(&other.client(), id).await;
        assert_eq!(answer.text("status"), "completed", "{answer:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    assert_eq!(site.check().await.users.len(), accepted.len());
}

#[tokio::test]
async fn a_saga_stuck_for_real_is_listed_retried_and_ends() {
    let site = Site::with_database().await;
    let server = site.serve("one").await;
    site.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$;
         CREATE TRIGGER keep BEFORE DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION keep();",
    )
    .await;
    let answer = server.client().sign_up("ada@example.com", "sabotage create_profile:refuse", 0).await.unwrap();
    let id = answer.text("workflow_id");
    let listed = || async {
        let (code, said) = site.signup(&server, "one", &["saga", "list", "--stuck"]).await;
        assert_eq!(code, Some(0), "{said}");
        (said.contains(id) && said.contains("kept")).then_some(())
    };
    eventually("it is listed as stuck", listed).await.unwrap();
    let (code, left) = site.signup(&server, "one", &["saga", "resolve", id, "--reason", "enough"]).await;
    assert_eq!(code, Some(4), "{left}");
    assert!(left.contains("organization"), "{left}");
    site.execute("DROP TRIGGER keep ON organizations").await;
    let (code, said) = site.signup(&server, "one", &["saga", "retry", id, "--reason", "the trigger is gone"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ended(&server.client(), id).await.text("status"), "failed");
    let (_, shown) = site.signup(&server, "one", &["saga", "show", id, "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let retried = shown["events"].as_array().unwrap().iter().find(|event| event["event"] == "retried").unwrap();
    assert_eq!((&retried["operator"], &retried["reason"]), (&"admin".into(), &"the trigger is gone".into()));
    assert!(site.check().await.users.is_empty());
}

#[tokio::test]
async fn an_operator_is_added_to_the_database_that_the_settings_name() {
    let site = Site::with_database().await;
    let server = site.serve("one").await;
    let environment = [("DATABASE_URL", &*site.url)];
    let output = run_with(&["operator", "add", "grace", "--json"], &environment).await.unwrap();
    let added: Value = serde_json::from_slice(&output.stdout).unwrap();
    let bearer = format!("Bearer {}", added["token"].as_str().unwrap());
    let answer = server.client().get_with("/v1/admin/sagas", &[("authorization", &*bearer)]).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_process_with_other_keys_than_the_first_is_refused() {
    let site = Site::with_database().await;
    let _first = site.serve("first").await;
    let data = site.data("second");
    let arguments =
        ["serve", "--listen", "127.0.0.1:0", "--argon2", "m=8,t=1,p=1", "--data-dir", data.to_str().unwrap()];
    let environment = [("DATABASE_URL", &*site.url)];
    let output = run_with(&arguments, &environment).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("SIGNUP_SEAL_PRIVATE_KEY") && said.contains("copy seal.key"), "{said}");
}
