//! Processes whose clocks are wrong.

use saga::testing::CLOCK_AHEAD;
use tests::{Cluster, Member};
use tokio::time::Duration;

use super::journal::Journal;
use crate::BUSY;
use crate::cluster::{HANGS_ONCE, stop};
use crate::embedded::ended;
use crate::redis::{is_ready, redis};
use crate::site::Site;

/// Seconds.
const HOUR: [&str; 2] = ["3600", "-3600"];

/// By the clock of the process that made the id, in milliseconds.
fn made_at(id: &str) -> i64 {
    i64::from_str_radix(&id["wf_".len()..][..12], 16).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_an_hour_off_either_way_break_no_lease_and_cost_a_step_2_seconds_at_most() {
    let _quiet = BUSY.write().await;
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let start = async |role: &str, ahead: &str| -> Member {
        let clock = [(CLOCK_AHEAD, ahead)];
        cluster.start_with(role, &format!("{role}{ahead}"), &clock).await.unwrap()
    };
    let apis = [start("api", HOUR[0]).await, start("api", HOUR[1]).await];
    let workers = [start("worker", HOUR[0]).await, start("worker", HOUR[1]).await];
    let clients = [apis[0].client().await.unwrap(), apis[1].client().await.unwrap()];
    for client in &clients {
        is_ready(client, "ready").await;
    }
    let mut accepted = Vec::new();
    for number in 0..100 {
        // Of some a lease is held for seconds, while others look for what is due.
        let name = if number % 10 == 0 { HANGS_ONCE } else { "Ada" };
        let answer = clients[number % 2].sign_up(&format!("user{number}@example.com"), name, 0).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        accepted.push(answer.text("workflow_id").to_owned());
    }
    // The clocks are off: ids are made by them.
    let apart = made_at(&accepted[0]) - made_at(&accepted[1]);
    assert!((7_190_000..7_210_000).contains(&apart), "{apart} ms");
    for id in &accepted {
        assert_eq!(ended(&clients[0], id).await.text("status"), "completed");
    }
    let longest = Journal::of(&site.url).await.longest_hop().await;
    println!("the longest that a sign-up waited for its next step: {longest:?}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    for worker in &workers {
        let log = worker.log().unwrap();
        assert!(!log.contains("took over"), "{log}");
    }
    assert_eq!(site.check().await.users.len(), accepted.len());
    stop(apis.into_iter().chain(workers)).await;
}
