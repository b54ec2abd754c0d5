//! A cluster with Redis, and with all that can become of it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use servers::{Redis, RedisOptions, Reply};
use tests::{Answer, Client, Cluster, Member, eventually};
use tokio::task::spawn_blocking;

use crate::BUSY;
use crate::embedded::ended;
use crate::site::Site;

/// Sign-ups, a few of them at a time: their ids.
pub(crate) async fn sign_ups(clients: &[Client], names: impl Iterator<Item = usize>) -> Vec<String> {
    let mut accepted = Vec::new();
    let names: Vec<_> = names.collect();
    for some in names.chunks(20) {
        let answers = some.iter().map(|name| {
            let (client, email) = (&clients[name % clients.len()], format!("user{name}@example.com"));
            async move { client.sign_up(&email, "Ada", 0).await.unwrap() }
        });
        for answer in join_all(answers).await {
            assert_eq!(answer.status, 202, "{answer:?}");
            accepted.push(answer.text("workflow_id").to_owned());
        }
    }
    accepted
}

pub(crate) async fn redis() -> Redis {
    spawn_blocking(|| Redis::start(&RedisOptions::default())).await.unwrap().unwrap()
}

/// The names of the keys that look like this.
pub(crate) fn keys(redis: &Redis, pattern: &str) -> Vec<String> {
    let Reply::List(keys) = redis.command(&["KEYS", pattern]).unwrap() else {
        unreachable!("KEYS answers with a list")
    };
    keys.iter().map(|key| key.text().unwrap().to_owned()).collect()
}

/// What the process says of its readiness, with what is wrong with Redis.
async fn readiness(client: &Client) -> (u16, String, bool) {
    let answer = client.get("/readyz").await.unwrap();
    let parts = answer.body["components"].as_array().cloned().unwrap_or_default();
    let troubled = parts.iter().any(|part| part["name"] == "redis" && part["trouble"].is_string());
    (answer.status, answer.text("status").to_owned(), troubled)
}

pub(crate) async fn is_ready(client: &Client, status: &str) {
    let expected = (200, status.to_owned(), status == "degraded");
    let so = || async { (readiness(client).await == expected).then_some(()) };
    eventually(status, so).await.unwrap();
}

#[tokio::test]
async fn whatever_becomes_of_a_worker_and_of_redis_every_sign_up_completes() {
    let _busy = BUSY.read().await;
    let (site, mut redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let apis = [cluster.start("api", "api-1").await.unwrap(), cluster.start("api", "api-2").await.unwrap()];
    let mut workers = Vec::new();
    for name in ["worker-1", "worker-2", "worker-3"] {
        workers.push(cluster.start("worker", name).await.unwrap());
    }
    let clients = [apis[0].client().await.unwrap(), apis[1].client().await.unwrap()];
    for client in &clients {
        is_ready(client, "ready").await;
    }
    let mut accepted = sign_ups(&clients, 0..100).await;
    workers.remove(0).kill().await.unwrap();
    redis.flush().unwrap();
    accepted.extend(sign_ups(&clients, 100..200).await);
    redis.kill().unwrap();
    accepted.extend(sign_ups(&clients, 200..300).await);
    for id in &accepted {
        assert_eq!(ended(&clients[0], id).await.text("status"), "completed");
    }
    is_ready(&clients[0], "degraded").await;
    assert_eq!(site.check().await.users.len(), 300);
    for worker in &workers {
        assert!(!worker.log().unwrap().contains("panicked"), "{}", worker.log().unwrap());
    }
}

#[tokio::test]
async fn redis_may_come_later_and_is_used_then() {
    let (site, mut redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    redis.kill().unwrap();
    let (api, worker) = (cluster.start("api", "api").await.unwrap(), cluster.start("worker", "worker").await.unwrap());
    let clients = [api.client().await.unwrap(), worker.client().await.unwrap()];
    for client in &clients {
        is_ready(client, "degraded").await;
    }
    let waited = clients[0].sign_up("ada@example.com", "Ada", 20).await.unwrap();
    assert_eq!(waited.status, 201, "{waited:?}");
    redis.revive().unwrap();
    for client in &clients {
        is_ready(client, "ready").await;
    }
    let waited = clients[0].sign_up("grace@example.com", "Grace", 20).await.unwrap();
    assert_eq!(waited.status, 201, "{waited:?}");
    assert!(redis.keys().unwrap() > 0, "nothing was told through it");
}

/// Signs her up, and comes again where it is told to: so many at once may be too many for a machine.
async fn sign_up_ada(client: &Client) -> Answer {
    let answered = || async {
        let answer = client.sign_up("ada@example.com", "Ada", 0).await.unwrap();
        (answer.header("retry-after").is_empty() || answer.status != 503).then_some(answer)
    };
    eventually("an answer", answered).await.unwrap()
}

#[tokio::test]
async fn of_2000_sign_ups_of_one_email_at_once_one_completes() {
    let _busy = BUSY.read().await;
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let apis = [cluster.start("api", "api-1").await.unwrap(), cluster.start("api", "api-2").await.unwrap()];
    let _workers: [Member; 2] =
        [cluster.start("worker", "one").await.unwrap(), cluster.start("worker", "other").await.unwrap()];
    let clients = [apis[0].client().await.unwrap(), apis[1].client().await.unwrap()];
    let asked = (0..2000).map(|number| sign_up_ada(&clients[number % 2]));
    let mut answers = BTreeMap::<(u16, String), usize>::new();
    let mut accepted = Vec::new();
    for answer in join_all(asked).await {
        if answer.status == 202 {
            accepted.push(answer.text("workflow_id").to_owned());
        }
        *answers.entry((answer.status, answer.text("code").to_owned())).or_default() += 1;
    }
    assert_eq!(accepted.len(), 1, "{answers:?}");
    assert!(answers.keys().all(|(status, _)| matches!(status, 202 | 409)), "{answers:?}");
    assert_eq!(ended(&clients[0], &accepted[0]).await.text("status"), "completed");
    assert_eq!(site.check().await.users.len(), 1);
}
