//! The front door of real processes: streams, known e-mails, too much to do.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Client, Cluster, PASSWORD, Server, eventually};
use tokio::time::timeout;

use crate::cluster::stop;
use crate::redis::{is_ready, keys, redis};
use crate::site::Site;

/// What a stream tells until it ends: the id of each event, and its data.
async fn told(client: &Client, path: &str) -> Vec<(String, Value)> {
    let text = timeout(Duration::from_secs(30), client.text(path)).await.unwrap().unwrap();
    let events = text.split("\n\n").filter(|block| block.contains("data: "));
    events
        .map(|block| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
            assert_eq!(field("event: "), "status");
            (field("id: "), serde_json::from_str(&field("data: ")).unwrap())
        })
        .collect()
}

/// How often this process has counted this.
async fn counted(client: &Client, metric: &str) -> u64 {
    let page = client.text("/metrics").await.unwrap();
    let value = page.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

fn answered_by(who: &str) -> String {
    format!("signup_duplicate_lookups_total{{answered_by=\"{who}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_with_a_sign_up_to_its_end_and_then_there_is_nothing_more_to_tell() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(&folder.path().join("data"), &[], &[]).await.unwrap();
    let client = server.client();
    let started = client.sign_up("ada@example.com", "sabotage create_organization:fail2", 0).await.unwrap();
    let events = format!("{}/events", started.text("status_url"));
    let course = told(&client, &events).await;
    let steps: Vec<_> = course.iter().map(|(_, seen)| seen["steps_done"].as_u64().unwrap()).collect();
    assert!(steps.is_sorted() && steps.len() > 1, "{course:?}");
    let (id, last) = course.last().unwrap();
    assert_eq!((last["status"].as_str(), &**id), (Some("completed"), "c4-4"));
    assert_eq!(last, &client.get(started.text("status_url")).await.unwrap().body);
    assert_eq!(client.get_with(&events, &[("last-event-id", id)]).await.unwrap().status, 204);
    let resumed = told(&client, &events).await;
    assert_eq!(resumed, [course.last().unwrap().clone()], "who comes late is told the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_resumed_at_another_process_when_its_own_is_killed() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let [one, other] = ["one", "other"].map(|name| cluster.start("api", name));
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    let (first, second) = (one.client().await.unwrap(), other.client().await.unwrap());
    is_ready(&first, "degraded").await;
    is_ready(&second, "degraded").await;
    let started = first.sign_up("ada@example.com", "Ada", 0).await.unwrap();
    let events = format!("{}/events", started.text("status_url"));
    let cut = {
        let (client, events) = (first.clone(), events.clone());
        tokio::spawn(async move { client.text(&events).await })
    };
    eventually("the stream is there", async || (counted(&first, "signup_waiters").await == 1).then_some(()))
        .await
        .unwrap();
    one.kill().await.unwrap();
    assert!(cut.await.unwrap().is_err(), "it was cut off");
    let worker = cluster.start("worker", "worker").await.unwrap();
    let course = told(&second, &events).await;
    assert_eq!(course.last().unwrap().1["status"], "completed");
    stop([other, worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_learned_of_an_email_the_others_know() {
    let (site, mut redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let worker = cluster.start("worker", "worker").await.unwrap();
    let apis = [cluster.start("api", "one").await.unwrap(), cluster.start("api", "other").await.unwrap()];
    let clients = [apis[0].client().await.unwrap(), apis[1].client().await.unwrap()];
    for client in &clients {
        is_ready(client, "ready").await;
    }
    assert_eq!(clients[0].sign_up("ada@example.com", "Ada", 20).await.unwrap().status, 201);
    for client in &clients {
        let answers = join_all((0..50).map(|_| client.sign_up("ADA@example.com", "Eve", 0))).await;
        for answer in answers.into_iter().map(Result::unwrap) {
            assert_eq!((answer.status, &answer.body["providers"]), (409, &json!(["email"])));
        }
    }
    let mut asked = [0; 3];
    for client in &clients {
        for (asked, who) in asked.iter_mut().zip(["database", "redis", "process"]) {
            *asked += counted(client, &answered_by(who)).await;
        }
    }
    assert_eq!(asked, [1, 1, 98], "one asks the database, one Redis, and nobody else anything");
    let keys = keys(&redis, "signup:taken:*");
    assert!(keys.len() == 1 && !keys[0].contains("example"), "{keys:?}");
    redis.kill().unwrap();
    let answer = clients[1].sign_up("ada@example.com", "Eve", 0).await.unwrap();
    assert_eq!(answer.text("type"), "/problems/email_taken");
    stop(apis.into_iter().chain([worker])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_workers_are_behind_new_sign_ups_are_refused_and_everything_else_goes_on() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let api = cluster.start("api", "api").await.unwrap();
    let client = api.client().await.unwrap();
    is_ready(&client, "degraded").await;
    let first = client.sign_up_with_key("ada@example.com", "Ada", "k").await.unwrap();
    assert_eq!(first.status, 202);
    // As if nobody had come for it for a while.
    site.execute("UPDATE sagas SET due_at = now() - interval '2 minutes', sweep_at = now() - interval '2 minutes'")
        .await;
    let refused = async || {
        let answer = client.sign_up("eve@example.com", "Eve", 0).await.unwrap();
        (answer.text("type") == "/problems/overloaded").then_some(answer)
    };
    let refused = eventually("new sign-ups are refused", refused).await.unwrap();
    let retry_after: u64 = refused.header("retry-after").parse().unwrap();
    assert!(refused.status == 503 && (15..30).contains(&retry_after), "{refused:?}");
    assert_eq!(client.get(first.text("status_url")).await.unwrap().text("status"), "pending");
    let again = client.sign_up_with_key("ada@example.com", "Ada", "k").await.unwrap();
    assert_eq!(again.text("workflow_id"), first.text("workflow_id"), "a repetition is no new one");
    assert_eq!(again.text("workflow_token"), first.text("workflow_token"));
    assert!(counted(&client, "signup_shed_total{reason=\"backlog\"}").await > 0);
    let worker = cluster.start("worker", "worker").await.unwrap();
    let taken = async || (client.sign_up("joe@example.com", "Joe", 0).await.unwrap().status == 202).then_some(());
    eventually("the workers have caught up", taken).await.unwrap();
    stop([api, worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frontends_that_expect_one_answer_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(&folder.path().join("data"), &[], &[]).await.unwrap();
    let client = server.client();
    let body = json!({"email": "ada@example.com", "password": PASSWORD}).to_string();
    let sign_up = || client.post("/api/auth/signup", &[("content-type", "text/plain")], body.clone());
    let made = sign_up().await.unwrap();
    assert_eq!((made.status, &made.body["success"]), (201, &json!(true)));
    let taken = sign_up().await.unwrap();
    assert_eq!((taken.status, &taken.body["providers"]), (409, &json!(["email"])));
}
