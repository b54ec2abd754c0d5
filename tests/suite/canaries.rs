//! Canaries: what nobody is to read is looked for wherever the service leaves anything.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use servers::{Durability, Postgres as Machine, Redis, RedisOptions};
use signup::OperatorToken;
use tests::chaos::files_with;
use tests::{Client, Cluster, PASSWORD, Server};
use tokio::task::spawn_blocking;

use crate::BUSY;
use crate::embedded::ended;
use crate::sessions::{JSON, Tokens, redeem, refresh, sign_in};

/// What every e-mail here begins with.
const EMAIL: &str = "canary-email";
const ADA: &str = "canary-email@example.com";
const NEW: &str = "canary-new-password-7";
const WRONG: &str = "canary-wrong-password";

/// Does all that users do with passwords and tokens, some of it wrongly. Returns what is secret of it.
async fn everything_once(client: &Client) -> Vec<String> {
    let started = client.sign_up(ADA, "Ada", 10).await.unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    let redeemed = Tokens::of(&redeem(client, &started).await);
    let signed_in = Tokens::of(&sign_in(client, ADA, PASSWORD).await);
    let refreshed = Tokens::of(&refresh(client, &signed_in.refresh).await);
    assert_eq!(sign_in(client, ADA, WRONG).await.status, 401);
    let change = json!({ "old_password": PASSWORD, "new_password": NEW }).to_string();
    let headers = [JSON, ("authorization", &*refreshed.bearer())];
    assert_eq!(client.post("/v1/me/password", &headers, change).await.unwrap().status, 204);
    let anew = Tokens::of(&sign_in(client, "Canary-Email@example.com", NEW).await);

    assert_eq!(client.sign_up(ADA, "Ada", 0).await.unwrap().status, 409);
    let undone = client.sign_up("canary-email-2@example.com", "sabotage create_profile:refuse", 0).await.unwrap();
    assert_eq!(ended(client, undone.text("workflow_id")).await.text("status"), "failed");
    let cut = format!(r#"{{ "email": "{ADA}", "password": "{WRONG}""#);
    let wrong = json!({ "email": "canary-email@", "password": WRONG, "canary-email": WRONG }).to_string();
    for (path, body, status) in
        [("/v1/signups", &cut, 400), ("/v1/signups", &wrong, 422), ("/v1/sessions", &wrong, 422)]
    {
        assert_eq!(client.post(path, &[JSON], body.clone()).await.unwrap().status, status, "{path}: {body}");
    }
    let unknown = client.get(&format!("/v1/signups/{ADA}?password={WRONG}")).await.unwrap();
    assert_eq!(unknown.status, 404);

    let tokens = [redeemed, signed_in, refreshed, anew].into_iter().flat_map(|tokens| {
        // The last part is the signature: with it anybody could put the token together.
        let signature = tokens.access.rsplit('.').next().unwrap_or_default().to_owned();
        [tokens.refresh, signature, tokens.access]
    });
    let others =
        [PASSWORD, NEW, WRONG, started.text("workflow_token"), undone.text("workflow_token")].map(str::to_owned);
    assert!(others.iter().all(|secret| !secret.is_empty()));
    others.into_iter().chain(tokens).collect()
}

/// The files in any of these folders that hold this.
async fn found(text: &str, folders: &[&Path]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders {
        found.extend(files_with(text, folder).await.unwrap());
    }
    found
}

/// Fails if any of this is in any file of these folders.
async fn assert_nowhere(texts: &[String], folders: &[&Path]) {
    for text in texts {
        assert_eq!(found(text, folders).await, Vec::<String>::new(), "{text}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[tokio::test]
async fn one_process_writes_no_secret_into_any_file_and_no_e_mail_into_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &["--log", "trace"]).await.unwrap();
    let secrets = everything_once(&server.client()).await;
    let log = server.log().unwrap();
    assert!(server.terminate().await.unwrap().success());
    assert!(log.contains("answered"), "{log}");
    for text in secrets.iter().map(String::as_str).chain([EMAIL, "Canary-Email"]) {
        assert!(!log.contains(text), "{text} is in the log");
    }
    assert_nowhere(&secrets, &[&data]).await;
    assert_ne!(found(EMAIL, &[&data]).await, Vec::<String>::new(), "what is in a file is found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_leaves_no_secret_anywhere_and_no_e_mail_outside_its_database() {
    let _busy = BUSY.read().await;
    let machine = spawn_blocking(|| Machine::start(Durability::None)).await.unwrap().unwrap();
    // All that it is ever told is in its file.
    let options = RedisOptions { append_only: true, keeps_all: true, ..RedisOptions::default() };
    let redis = spawn_blocking(move || Redis::start(&options)).await.unwrap().unwrap();
    let cluster = Cluster::with_redis(&machine.url("postgres"), &redis.url()).await.unwrap();
    let cluster = cluster.telling(&[("SIGNUP_LOG", "trace")]);
    cluster.migrate().await.unwrap();
    let (api, worker) = (cluster.start("api", "api").await.unwrap(), cluster.start("worker", "worker").await.unwrap());
    let client = api.client().await.unwrap();
    let mut secrets = everything_once(&client).await;

    // An operator looks for Ada, and keeps her out.
    let token = cluster.add_operator("ola").await.unwrap();
    let operator = ("authorization", &*format!("Bearer {token}"));
    let seen = client.get_with(&format!("/v1/admin/users?email={ADA}"), &[operator]).await.unwrap();
    let user = &seen.body["users"][0];
    let path = format!("/v1/admin/users/{}/disable", user["user_id"].as_str().unwrap());
    let order = json!({ "reason": "she asked for it", "seq": user["seq"] }).to_string();
    assert_eq!(client.post(&path, &[JSON, operator], order).await.unwrap().status, 200);
    let workflow = user["saga"]["workflow_id"].as_str().unwrap().to_owned();
    std::fs::write(cluster.folder().join("metrics"), client.text("/metrics").await.unwrap()).unwrap();
    crate::cluster::stop([api, worker]).await;

    machine.ask("postgres", "CHECKPOINT").unwrap();
    let dumps = tempfile::tempdir().unwrap();
    let dump = machine.dump().unwrap();
    std::fs::write(dumps.path().join("dump.sql"), &dump).unwrap();
    secrets.push(token.clone());
    let keys = cluster.told("serve").into_iter().filter(|(name, _)| name.ends_with("_KEY"));
    secrets.extend(keys.map(|(_, key)| key.to_owned()));
    assert_eq!(secrets.len(), 5 + 12 + 1 + 3);
    let (database, cache, logs) = (machine.folder(), redis.folder(), cluster.folder());
    assert_nowhere(&secrets, &[database, cache, logs, dumps.path()]).await;
    assert_nowhere(&[EMAIL.to_owned(), "Canary-Email".to_owned()], &[cache, logs]).await;
    assert!(!machine.log().unwrap().to_lowercase().contains(EMAIL), "an e-mail is in the database's log");
    // A token's random part would be bytes there.
    for secret in secrets.iter().filter(|secret| secret.len() > 43) {
        let random = secret.get(secret.len() - 43..).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        assert!(random.is_none_or(|bytes| !dump.contains(&hex(&bytes))), "{secret} is in the dump, as bytes");
    }

    // What is there is found.
    for (text, folder) in
        [(EMAIL, database), (EMAIL, dumps.path()), (&*workflow, logs), ("signup_waiters", logs), (&*workflow, cache)]
    {
        assert_ne!(found(text, &[folder]).await, Vec::<String>::new(), "{text} in {}", folder.display());
    }
    let known: OperatorToken = token.parse().unwrap();
    assert!(dump.contains(&hex(&known.hash().0)), "the operator's token is known by its hash");
}
