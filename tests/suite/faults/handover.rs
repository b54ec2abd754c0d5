//! Workers that are restarted, one after the other, while others are there.

use tests::Cluster;
use tokio::time::Duration;

use super::journal::Journal;
use super::{members, nothing_is_lost};
use crate::BUSY;
use crate::cluster::stop;
use crate::load::{Load, Rota};
use crate::redis::{is_ready, redis};
use crate::site::Site;

/// Restarts workers under load: the longest that a sign-up waited for its next step.
async fn restarts(site: &Site, cluster: &Cluster, readiness: &str) -> Duration {
    cluster.migrate().await.unwrap();
    let mut members = members(cluster, 1, 2).await;
    for member in &members {
        is_ready(&member.client().await.unwrap(), readiness).await;
    }
    let client = members[0].client().await.unwrap();
    let load = Load::begin(6, &Rota::to([client]));
    for round in 0..4 {
        load.goes_on(50).await;
        stop([members.remove(1)]).await;
        members.push(cluster.start("worker", &format!("worker-after-{round}")).await.unwrap());
        is_ready(&members[2].client().await.unwrap(), readiness).await;
    }
    load.goes_on(50).await;
    let story = load.end().await;
    nothing_is_lost(&site.url, &story).await;
    for member in &members {
        let log = member.log().unwrap();
        assert!(!log.contains("took over"), "{log}");
    }
    stop(members).await;
    Journal::of(&site.url).await.longest_hop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_redis_what_a_worker_leaves_when_it_stops_goes_on_within_1_second() {
    let _quiet = BUSY.write().await;
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    let longest = restarts(&site, &cluster, "ready").await;
    println!("the longest that a sign-up waited for its next step: {longest:?}");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_what_a_worker_leaves_when_it_stops_goes_on_within_2_seconds() {
    let _quiet = BUSY.write().await;
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    let longest = restarts(&site, &cluster, "degraded").await;
    println!("the longest that a sign-up waited for its next step: {longest:?}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}
