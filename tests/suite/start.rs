//! Starting, stopping, and refusing to start.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::{Failure, Server, eventually, run};

/// The one line in which the binary refuses.
fn one_line(failure: &Failure) -> &str {
    let lines: Vec<_> = failure.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", failure.stderr);
    assert_eq!(failure.code, Some(1));
    lines[0]
}

#[tokio::test]
async fn the_banner_says_where_everything_is_and_how_to_try_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let said = &server.banner;
    for part in ["API    http://127.0.0.1:", "Docs   http://127.0.0.1:", "curl -i http://127.0.0.1:", "/v1/signups"] {
        assert!(said.contains(part), "{said}");
    }
    let curl = said.split("Sign someone up:").nth(1).unwrap().split("Ctrl-C").next().unwrap();
    let output =
        std::process::Command::new("sh").args(["-c", &format!("{curl} --silent --show-error")]).output().unwrap();
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer} {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn sigterm_stops_it_cleanly_and_ends_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let client = server.client();
    let waiting =
        tokio::spawn(async move { client.sign_up("ada@example.com", "sabotage create_profile:fail", 30).await });
    let log = || async { server.log().ok().filter(|log| log.contains("attempt failed")) };
    eventually("the step fails", log).await.unwrap();
    assert!(server.terminate().await.unwrap().success());
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    let log = fs::read_to_string(folder.path().join("data.log")).unwrap();
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _server = Server::start(&data).await.unwrap();
    let failure = Failure::of(&data).await.unwrap();
    assert!(one_line(&failure).contains("is in use by another `signup serve`"), "{failure:?}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let failure = Failure::of(&file.join("data")).await.unwrap();
    assert!(one_line(&failure).contains("cannot make the data folder"), "{failure:?}");
    // Nobody, root included, can write here.
    let failure = Failure::of(std::path::Path::new("/proc")).await.unwrap();
    assert!(one_line(&failure).contains("cannot write to the data folder /proc"), "{failure:?}");
}

#[tokio::test]
async fn a_broken_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = "this is not a database, it is a text of more than a hundred bytes, as long as SQLite's own header is\n";
    fs::write(folder.path().join("signup.db"), text.repeat(50)).unwrap();
    let failure = Failure::of(folder.path()).await.unwrap();
    assert!(one_line(&failure).contains("not an SQLite database, or is damaged"), "{failure:?}");
    assert_eq!(fs::read_to_string(folder.path().join("signup.db")).unwrap(), text.repeat(50));
}

#[tokio::test]
async fn a_damaged_secret_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("seal.key"), "garbage").unwrap();
    let failure = Failure::of(folder.path()).await.unwrap();
    assert!(one_line(&failure).contains("cannot use the secret"), "{failure:?}");
}

#[tokio::test]
async fn an_address_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = folder.path().join("data");
    let output = run(&["--listen", &address, "--data-dir", data.to_str().unwrap()]).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("cannot listen on {address}")) && said.lines().count() == 1, "{said}");
    assert_eq!(output.status.code(), Some(1));
    assert!(!data.exists(), "a start that fails leaves no folder behind");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("signup.db")).unwrap();
    let failure = Failure::of(&data).await.unwrap();
    assert!(one_line(&failure).contains("signup.db is a folder where the database should be; move it"), "{failure:?}");

    // What SQLite makes beside the database cannot be made: as in a folder that cannot be written.
    fs::remove_dir(data.join("signup.db")).unwrap();
    fs::create_dir_all(data.join("signup.db-wal")).unwrap();
    let failure = Failure::of(&data).await.unwrap();
    assert!(one_line(&failure).contains("let this user write to the folder and to the files in it"), "{failure:?}");
}

#[tokio::test]
async fn the_log_begins_with_what_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    let log = server.log().unwrap();
    let first = log.lines().next().unwrap();
    for part in ["started version=", "address=127.0.0.1:", "database=SQLite", data.to_str().unwrap()] {
        assert!(first.contains(part), "{part} is missing: {first}");
    }
}

#[tokio::test]
async fn a_log_for_programs_has_an_object_on_each_line() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start_with(&folder.path().join("data"), &["--log", "debug", "--log-format", "json"]).await.unwrap();
    assert_eq!(server.client().sign_up("ada@example.com", "Ada", 5).await.unwrap().status, 201);
    let log = server.log().unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended = lines.iter().find(|line| line["message"] == "saga ended").unwrap();
    assert_eq!((&ended["end"], &ended["level"]), (&"completed".into(), &"INFO".into()));
    assert!(ended["spans"][0]["saga.id"].is_string(), "{ended}");
    let step = lines.iter().find(|line| line["message"] == "executed").unwrap();
    assert_eq!(step["next"], "create_organization");
}

#[tokio::test]
async fn the_data_folder_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(server.terminate().await.unwrap().success());
}

#[tokio::test]
async fn the_database_is_its_owners_alone_also_in_a_folder_that_is_open_to_all() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let _server = Server::start(folder.path()).await.unwrap();
    for name in ["signup.db", "signup.db-wal", "signup.db-shm", "seal.key", "hash.key", "master.key", "lock"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_hash_that_takes_too_long_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let output = run(&["--data-dir", data, "--listen", "127.0.0.1:0", "--argon2", "m=131072,t=500,p=1"]).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("give a cheaper --argon2") && said.lines().count() == 1, "{said}");
}

#[tokio::test]
async fn a_lost_key_is_said_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Server::start(&data).await.unwrap().terminate().await.unwrap().success());
    assert!(!fs::read_to_string(folder.path().join("data.log")).unwrap().contains("missing"));
    for name in ["seal.key", "hash.key", "master.key"] {
        fs::remove_file(data.join(name)).unwrap();
    }
    let server = Server::start(&data).await.unwrap();
    let log = server.log().unwrap();
    for name in ["seal.key", "hash.key", "master.key"] {
        assert!(log.contains(&format!("{name} is missing, making another")), "{log}");
    }
}

#[tokio::test]
async fn a_lost_database_is_said_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Server::start(&data).await.unwrap().terminate().await.unwrap().success());
    fs::remove_file(data.join("signup.db")).unwrap();
    let server = Server::start(&data).await.unwrap();
    assert!(server.log().unwrap().contains("the folder has keys, but the database in it is new"));
}

#[tokio::test]
async fn a_key_that_others_may_read_is_said_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Server::start(&data).await.unwrap().terminate().await.unwrap().success());
    fs::set_permissions(data.join("seal.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let server = Server::start(&data).await.unwrap();
    let path = data.join("seal.key");
    assert!(server.log().unwrap().contains(&format!("run `chmod 600 {}`", path.display())));
}

#[tokio::test]
async fn help_names_every_command_and_setting() {
    let output = run(&["--help"]).await.unwrap();
    let help = String::from_utf8_lossy(&output.stdout);
    for part in [
        "serve",
        "config",
        "keys",
        "openapi",
        "--config",
        "--listen",
        "SIGNUP_LISTEN",
        "--origin",
        "--data-dir",
        "--log",
        "--argon2",
        "127.0.0.1:8080",
    ] {
        assert!(help.contains(part), "{part} is missing: {help}");
    }
    let output = run(&["server"]).await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("serve"));
}
