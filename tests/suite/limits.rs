//! How often anybody may sign up, in real processes.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;
use tests::{Answer, Client, Cluster, FORWARDED_FOR, PASSWORD, Server, eventually};
use tokio::time::Duration;

use crate::redis::{is_ready, keys, redis};
use crate::site::Site;

/// Somebody at this address asks for a sign-up.
async fn ask(client: &Client, email: &str, from: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    client.post("/v1/signups", &[("content-type", "application/json"), (FORWARDED_FOR, from)], body).await.unwrap()
}

/// So many at once from this address, each with an e-mail of their own, through all of these.
async fn crowd(clients: &[Client], size: usize, from: &str) -> Vec<Answer> {
    let asking = (0..size).map(|number| {
        let (client, from) = (clients[number % clients.len()].clone(), from.to_owned());
        tokio::spawn(async move { ask(&client, &format!("ada-{from}-{number}@example.com"), &from).await })
    });
    join_all(asking).await.into_iter().map(Result::unwrap).collect()
}

fn of(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_at_once_from_one_address_over_two_processes_exactly_5_are_accepted() {
    let (site, mut redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let apis = [cluster.start("api", "one").await.unwrap(), cluster.start("api", "other").await.unwrap()];
    let clients = [apis[0].client().await.unwrap(), apis[1].client().await.unwrap()];
    for client in &clients {
        is_ready(client, "ready").await;
    }
    let answers = crowd(&clients, 64, "198.51.100.1").await;
    assert_eq!((of(&answers, 202), of(&answers, 429)), (5, 59), "{answers:?}");
    let wait = |answer: &Answer| answer.header("retry-after").parse::<u64>().unwrap();
    assert!(answers.iter().filter(|answer| answer.status == 429).all(|answer| (55..=60).contains(&wait(answer))));

    // Others are not meant, and a header that anybody can write makes nobody another.
    for last in 2..12 {
        assert_eq!(of(&crowd(&clients, 10, &format!("198.51.100.{last}")).await, 202), 5);
    }
    let lie = ask(&clients[0], "eve@example.com", "6.6.6.6, 198.51.100.1").await;
    assert_eq!((lie.status, lie.text("type")), (429, "/problems/rate_limited"));

    // Nobody's address and nobody's e-mail is in Redis.
    let keys = keys(&redis, "*");
    assert!(keys.iter().any(|key| key.starts_with("signup:limit:")), "{keys:?}");
    assert!(!keys.iter().any(|key| key.contains("198.51.100") || key.contains("example.com")), "{keys:?}");

    // While it is gone each process counts by itself, and neither is open.
    redis.kill().unwrap();
    let begun = Instant::now();
    let answers = crowd(&clients, 64, "198.51.100.200").await;
    assert_eq!((of(&answers, 202), of(&answers, 429)), (10, 54), "{answers:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    redis.revive().unwrap();
    let (last, clients) = (AtomicU8::new(1), &clients);
    let count_together = async || {
        let last = last.fetch_add(1, Ordering::Relaxed);
        (of(&crowd(clients, 20, &format!("203.0.113.{last}")).await, 202) == 5).then_some(())
    };
    eventually("both count together again", count_together).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_has_the_same_limits_and_believes_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let alone = [("SIGNUP_TRUSTED_PROXIES", "")];
    let server = Server::start_in(&folder.path().join("data"), &[], &alone).await.unwrap();
    let client = server.client();
    for number in 0..6 {
        let answer = ask(&client, &format!("ada-{number}@example.com"), &format!("198.51.100.{number}")).await;
        assert_eq!(answer.status, if number < 5 { 202 } else { 429 });
    }
    assert_eq!(client.get("/healthz").await.unwrap().status, 200, "and only sign-ups are limited");
}
