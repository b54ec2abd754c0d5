//! Settings: where they are given, how they are shown, and what a wrong one leads to.

use std::fs;
use std::process::Output;

use serde_json::Value;
use tests::{Server, eventually, run, run_with};

use crate::embedded::ended;

/// Flags, variables, and a part of the line that they lead to.
type Case<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)], &'c str);

/// The one line in which the binary refuses its configuration.
fn refusal(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    said.trim_end().to_owned()
}

#[tokio::test]
async fn config_shows_what_holds_and_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signup.toml");
    fs::write(&file, "log = 'warn'\ndatabase_connections = 7\ndatabase_url = 'postgres://canary@host/x'\n").unwrap();
    let file = file.to_str().unwrap();
    let environment = [("SIGNUP_CONFIG", file), ("SIGNUP_LOG", "debug"), ("SIGNUP_DATA_DIR", "/x")];
    let output = run_with(&["config", "--json", "--listen", "127.0.0.1:1"], &environment).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (key, value, from, name) in [
        ("listen", "127.0.0.1:1", "flag", "--listen"),
        ("log", "debug", "environment", "SIGNUP_LOG"),
        ("data_dir", "/x", "environment", "SIGNUP_DATA_DIR"),
        ("database_connections", "7", "file", file),
    ] {
        let found = &shown[key];
        assert_eq!((&found["value"], &found["from"], &found["name"]), (&value.into(), &from.into(), &name.into()));
    }
    assert_eq!((&shown["database_url"]["value"], &shown["database_url"]["set"]), (&Value::Null, &true.into()));

    let output = run_with(&["config"], &environment).await.unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let row = table.lines().find(|line| line.starts_with("database_url ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["database_url", "[set]", file]);
    assert!(!table.contains("canary") && table.contains("[not set]"), "{table}");
}

#[tokio::test]
async fn a_wrong_configuration_is_one_line_and_the_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, "lisen = '127.0.0.1:1'").unwrap();
    let file = file.to_str().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let cases: [Case<'_>; 9] = [
        (&["--listen", "nonsense"], &[], "signup: `--listen`: `nonsense` is no address"),
        (&[], &[("SIGNUP_LISTEN", "nonsense")], "signup: `SIGNUP_LISTEN`: `nonsense` is no address"),
        (&["--origin", "https://x/"], &[], "signup: `--origin`: \"https://x/\" goes on after the host; give scheme"),
        (&[], &[("SIGNUP_LISEN", "x")], "did you mean `SIGNUP_LISTEN`?"),
        (&["--config", file], &[], "x.toml; did you mean `listen`?"),
        (&["--config", "/nowhere"], &[], "signup: `--config`: cannot read /nowhere: "),
        (&["--log", "nonsense"], &[], "signup: `--log`: `nonsense` is no level of a log; give off, error, warn"),
        (
            &[],
            &[("DATABASE_URL", "mysql://canary")],
            "signup: `DATABASE_URL`: it is no PostgreSQL URL; give postgres://",
        ),
        (&[], &[("DATABASE_URL", "x"), ("DATABASE_URL_FILE", "x")], "`DATABASE_URL` and `DATABASE_URL_FILE`"),
    ];
    for (flags, environment, expected) in cases {
        for command in ["serve", "config"] {
            let arguments = [&[command, "--data-dir", data], flags].concat();
            let said = refusal(&run_with(&arguments, environment).await.unwrap());
            assert!(said.contains(expected) && !said.contains("canary"), "{command}: {said}");
        }
    }
    assert!(!std::path::Path::new(data).exists(), "nothing was begun");
}

#[tokio::test]
async fn fresh_keys_are_all_that_a_server_needs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = run(&["keys", "init"]).await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    // A shell reads it as it is.
    let env = folder.path().join(".env");
    fs::write(&env, &printed).unwrap();
    let script = format!("set -a; . {}; env -0", env.display());
    let read = std::process::Command::new("env").args(["-i", "/bin/sh", "-c", &script]).output().unwrap();
    let read = String::from_utf8(read.stdout).unwrap();
    let keys: Vec<(&str, &str)> = read.split('\0').filter_map(|line| line.split_once('=')).collect();
    let keys: Vec<(&str, &str)> = keys.into_iter().filter(|(name, _)| name.starts_with("SIGNUP_")).collect();
    assert_eq!(keys.len(), 4, "{printed}");

    let server = Server::start_in(&data, &[], &keys).await.unwrap();
    assert_eq!(server.client().sign_up("ada@example.com", "Ada", 5).await.unwrap().status, 201);
    for name in ["seal.key", "hash.key", "master.key"] {
        assert!(!data.join(name).exists(), "configured keys are not made: {name}");
    }
    let log = server.log().unwrap();
    assert!(keys.iter().all(|(_, key)| !log.contains(key)), "{log}");
    assert!(server.terminate().await.unwrap().success());
}

#[tokio::test]
async fn a_sign_up_that_is_under_way_goes_on_under_the_same_configured_keys() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let keys = [("SIGNUP_SEAL_PRIVATE_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")];
    let server = Server::start_in(&data, &[], &keys).await.unwrap();
    let answer = server.client().sign_up("ada@example.com", "sabotage create_user:fail4", 0).await.unwrap();
    let failed = || async { server.log().ok().filter(|log| log.contains("attempt failed")) };
    eventually("the first step fails", failed).await.unwrap();
    server.kill().await.unwrap();
    let server = Server::start_in(&data, &[], &keys).await.unwrap();
    let answer = ended(&server.client(), answer.text("workflow_id")).await;
    assert_eq!(answer.text("status"), "completed", "{answer:?}");
}

#[tokio::test]
async fn halves_of_different_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let keys = [("SIGNUP_SEAL_PUBLIC_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")];
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let said = refusal(&run_with(&arguments, &keys).await.unwrap());
    assert!(
        said.starts_with("signup: `SIGNUP_SEAL_PUBLIC_KEY`: it is not the public half of the private key"),
        "{said}"
    );
}

#[tokio::test]
async fn pages_of_the_origins_that_are_named_may_ask_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let page = "https://app.example.com";
    let server = Server::start_with(&folder.path().join("data"), &["--allowed-origins", page]).await.unwrap();
    for (origin, allowed) in [(page, page), ("https://evil.example", "")] {
        let answer = server.client().get_with("/v1/signups/nobody", &[("origin", origin)]).await.unwrap();
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (404, allowed));
    }
}
