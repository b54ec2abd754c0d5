//! Hints that are not what they should be, in the queues of real workers.

use std::collections::BTreeMap;

use saga::SagaId;
use servers::Redis;
use signup::STEPS;
use tests::{Client, Cluster, eventually, plant};

use crate::cluster::stop;
use crate::embedded::ended;
use crate::redis::{is_ready, redis};
use crate::site::Site;

/// Ten times the same for each, in an order of their own: of the step, whether it is at it or not.
fn ten_times(sagas: &[String], step: &str, when: &str) -> Vec<(String, String)> {
    let hint = |saga: &String| format!(r#"'{{"saga":"{saga}","step":"{step}"}}'"#);
    let copies = |copy| sagas.iter().rev().map(move |saga| (format!("'{when}-{saga}-{copy}'"), hint(saga)));
    (0..10).flat_map(copies).collect()
}

pub(crate) fn foreign() -> Vec<(String, String)> {
    let payloads = [
        "'not json'",
        "string.char(255, 0, 254, 10)",
        r#"'{"job":"of another program"}'"#,
        "''",
        r#"'{"saga":"wf_00000000000000000000000000000000","step":"create_user"}'"#,
        r#"'{"saga":"wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7","step":"create_user"}'"#,
        r#"'{"saga":"wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7","step":"dance"}'"#,
    ];
    payloads.iter().enumerate().map(|(number, payload)| (format!("'foreign{number}'"), (*payload).to_owned())).collect()
}

/// All queues have been emptied, and what was in them is deleted.
async fn nothing_is_left(redis: &Redis) {
    let left = |step: &str, what: &str| {
        let command = if what == "data" { "HLEN" } else { "LLEN" };
        redis.command(&[command, &format!("signup-1-{step}:{what}")]).unwrap().number()
    };
    let empty = || async {
        let all = STEPS.into_iter().flat_map(|step| ["active", "data"].map(|what| left(step.as_str(), what)));
        all.into_iter().all(|left| left == Some(0)).then_some(())
    };
    eventually("nothing is left of the hints", empty).await.unwrap();
}

async fn accept(client: &Client, who: std::ops::Range<usize>) -> Vec<String> {
    let mut accepted = Vec::new();
    for number in who {
        let answer = client.sign_up(&format!("user{number}@example.com"), "Ada", 0).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        accepted.push(answer.text("workflow_id").to_owned());
    }
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_lies_in_the_queues_each_sign_up_is_done_once() {
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let api = cluster.start("api", "api").await.unwrap();
    let client = api.client().await.unwrap();
    is_ready(&client, "ready").await;
    // Hints of every step for sign-ups that are at none yet, in the order of nothing.
    let mut accepted = accept(&client, 0..40).await;
    let told = |sagas: &[String], when: &str| {
        for step in STEPS.iter().rev() {
            plant(&redis, step.as_str(), &ten_times(sagas, step.as_str(), when)).unwrap();
        }
    };
    told(&accepted, "early");
    for step in &STEPS {
        plant(&redis, step.as_str(), &foreign()).unwrap();
    }
    let workers = [cluster.start("worker", "one").await.unwrap(), cluster.start("worker", "other").await.unwrap()];
    for worker in &workers {
        is_ready(&worker.client().await.unwrap(), "ready").await;
    }
    for some in 4..8 {
        let more = accept(&client, 10 * some..10 * (some + 1)).await;
        told(&more, "meanwhile");
        accepted.extend(more);
    }
    for id in &accepted {
        assert_eq!(ended(&client, id).await.text("status"), "completed");
    }
    told(&accepted, "late");
    nothing_is_left(&redis).await;

    let facts = site.check().await;
    let mut events = BTreeMap::<SagaId, usize>::new();
    for event in &facts.events {
        *events.entry(event.saga).or_default() += 1;
    }
    // Accepted, and each step done.
    assert!(events.len() == 80 && events.values().all(|count| *count == 5), "{events:?}");
    assert_eq!((facts.users.len(), facts.organizations.len(), facts.profiles.len()), (80, 80, 80));
    for worker in &workers {
        is_ready(&worker.client().await.unwrap(), "ready").await;
        let log = worker.log().unwrap();
        assert!(!log.contains("Redis is of no use") && !log.contains("panicked"), "{log}");
    }
    stop(workers.into_iter().chain([api])).await;
}
