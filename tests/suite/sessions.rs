//! Users who are signed in: real processes, real files, and verifiers that are not ours.

use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Answer, Client, Cluster, PASSWORD, Server, eventually, run_with};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::redis::redis;
use crate::site::Site;
use crate::{BUSY, python};

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// A session's tokens.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    session: String,
}

impl Tokens {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        let [access, refresh, session] = ["access_token", "refresh_token", "session_id"].map(|name| answer.text(name));
        Self { access: access.to_owned(), refresh: refresh.to_owned(), session: session.to_owned() }
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.access)
    }
}

pub(crate) async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password }).to_string();
    client.post("/v1/sessions", &[JSON], body).await.unwrap()
}

pub(crate) async fn refresh(client: &Client, token: &str) -> Answer {
    let body = json!({ "refresh_token": token }).to_string();
    client.post("/v1/sessions/refresh", &[JSON], body).await.unwrap()
}

pub(crate) async fn redeem(client: &Client, started: &Answer) -> Answer {
    let path = format!("/v1/signups/{}/session", started.text("workflow_id"));
    let body = json!({ "workflow_token": started.text("workflow_token") }).to_string();
    client.post(&path, &[JSON], body).await.unwrap()
}

pub(crate) async fn me(client: &Client, tokens: &Tokens) -> Answer {
    client.get_with("/v1/me", &[("authorization", &tokens.bearer())]).await.unwrap()
}

/// Has `PyJWT` verify a token with what the service at this URL publishes.
async fn verify(url: &str, issuer: &str, token: &str) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/verify.py");
    let mut command = tokio::process::Command::new(python::program("python").await);
    command.args([script, url, issuer]).env("NO_PROXY", "127.0.0.1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut verifier = command.spawn().unwrap();
    verifier.stdin.take().unwrap().write_all(token.as_bytes()).await.unwrap();
    verifier.wait_with_output().await.unwrap()
}

/// The token with its role changed, and nothing else.
fn tampered(token: &str) -> String {
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["role"] = "admin".into();
    format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn whoever_has_signed_up_is_signed_in_and_others_can_verify_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let (client, url) = (server.client(), server.url());
    let started = client.sign_up("ada@example.com", "Ada Lovelace", 5).await.unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    let tokens = Tokens::of(&redeem(&client, &started).await);
    let told = me(&client, &tokens).await;
    assert_eq!((told.status, told.text("email"), told.text("role")), (200, "ada@example.com", "owner"), "{told:?}");

    let verified = verify(url, url, &tokens.access).await;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let claims: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(claims["org_id"], told.body["organization"]["org_id"]);
    assert_eq!((&claims["sub"], &claims["sid"]), (&told.body["user_id"], &tokens.session.clone().into()));
    let refused = verify(url, url, &tampered(&tokens.access)).await;
    assert_eq!(String::from_utf8_lossy(&refused.stderr).trim(), "refused: InvalidSignatureError");
    let refused =
        client.get_with("/v1/me", &[("authorization", &format!("Bearer {}", tampered(&tokens.access)))]).await;
    assert_eq!(refused.unwrap().status, 401);
    assert!(server.terminate().await.unwrap().success());
}

#[tokio::test]
async fn a_crash_between_rotation_and_reply_locks_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data).await.unwrap();
    let client = server.client();
    assert_eq!(client.sign_up("ada@example.com", "Ada", 5).await.unwrap().status, 201);
    let tokens = Tokens::of(&sign_in(&client, "ada@example.com", PASSWORD).await);
    let seen = || async { used_at(&client, &tokens).await };
    let before = seen().await;

    // A request whose answer nobody reads; the process dies once it is written.
    let body = json!({ "refresh_token": tokens.refresh }).to_string();
    let mut socket = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "POST /v1/sessions/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    eventually("the refresh is written", || async { (seen().await != before).then_some(()) }).await.unwrap();
    server.kill().await.unwrap();
    drop(socket);

    let server = Server::start(&data).await.unwrap();
    let client = server.client();
    let next = Tokens::of(&refresh(&client, &tokens.refresh).await);
    assert_eq!(next.session, tokens.session);
    assert_eq!(me(&client, &next).await.status, 200);
    Tokens::of(&refresh(&client, &next.refresh).await);
    assert!(server.terminate().await.unwrap().success());
}

/// When the session was last refreshed.
async fn used_at(client: &Client, tokens: &Tokens) -> String {
    let listed = client.get_with("/v1/sessions", &[("authorization", &tokens.bearer())]).await.unwrap();
    listed.body["sessions"][0]["used_at"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_begins_every_process_goes_on_with_and_ends() {
    let _busy = BUSY.read().await;
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let apis = [cluster.start("api", "one").await.unwrap(), cluster.start("api", "other").await.unwrap()];
    let worker = cluster.start("worker", "worker").await.unwrap();
    let [one, other] = [apis[0].client().await.unwrap(), apis[1].client().await.unwrap()];
    let started = one.sign_up("ada@example.com", "Ada", 10).await.unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    let first = Tokens::of(&redeem(&one, &started).await);
    assert_eq!(me(&other, &first).await.status, 200);

    // Both processes have the same keys, and each verifies what the other has signed.
    let url = apis[1].url().await.unwrap();
    let verified = verify(&url, "https://signup.example.com", &first.access).await;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));

    // Fifty tabs at once, in both.
    let tabs = (0..50).map(|tab| refresh(if tab % 2 == 0 { &one } else { &other }, &first.refresh));
    let refreshed: Vec<_> = join_all(tabs).await.iter().map(Tokens::of).collect();
    assert!(refreshed.iter().all(|tokens| tokens.refresh == refreshed[0].refresh), "one family");
    let latest = Tokens::of(&refresh(&other, &refreshed[0].refresh).await);
    assert_eq!(latest.session, first.session);

    // Keys rotate while they are used.
    let rotated = run_with(&["keys", "rotate"], &cluster.told("api")).await.unwrap();
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    for client in [&one, &other] {
        assert_eq!(me(client, &latest).await.status, 200);
        Tokens::of(&sign_in(client, "ada@example.com", PASSWORD).await);
    }

    // Ended in one, it is over in the other before long.
    let out = one.delete(&format!("/v1/sessions/{}", latest.session), &[("authorization", &latest.bearer())]).await;
    assert_eq!(out.unwrap().status, 204);
    assert_eq!(me(&one, &latest).await.status, 401);
    assert_eq!(refresh(&other, &latest.refresh).await.status, 401);
    let over = || async { (me(&other, &latest).await.status == 401).then_some(()) };
    eventually("the other process knows", over).await.unwrap();

    // So is everything of a user whom an operator disables.
    let [here, there] =
        [&one, &other].map(async |client| Tokens::of(&sign_in(client, "ada@example.com", PASSWORD).await));
    let (here, there) = (here.await, there.await);
    assert_eq!(me(&other, &there).await.status, 200);
    let operator = format!("Bearer {}", cluster.add_operator("ola").await.unwrap());
    let operator = ("authorization", &*operator);
    let found = one.get_with("/v1/admin/users?email=Ada%40example.com", &[operator]).await.unwrap();
    let user = &found.body["users"][0];
    assert_eq!((&user["status"], user["seq"].as_u64()), (&json!("active"), Some(0)), "{found:?}");
    let path = format!("/v1/admin/users/{}/disable", user["user_id"].as_str().unwrap());
    let order = json!({ "reason": "she asked for it", "seq": 0 }).to_string();
    assert_eq!(one.post(&path, &[JSON, operator], order).await.unwrap().status, 200);
    assert_eq!(me(&one, &here).await.status, 401);
    for client in [&one, &other] {
        assert_eq!(sign_in(client, "ada@example.com", PASSWORD).await.status, 401);
        assert_eq!(refresh(client, &there.refresh).await.status, 401);
    }
    let sessions = async || other.get_with("/v1/sessions", &[("authorization", &there.bearer())]).await.unwrap().status;
    eventually("the other process knows", || async { (sessions().await == 401).then_some(()) }).await.unwrap();
    for member in apis.into_iter().chain([worker]) {
        crate::cluster::stop([member]).await;
    }
}
