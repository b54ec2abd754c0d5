//! A Redis that forgets all that it was told.

use tests::Cluster;
use tokio::time::Duration;

use super::journal::Journal;
use super::{members, nothing_is_lost};
use crate::BUSY;
use crate::cluster::stop;
use crate::load::{Load, Rota};
use crate::redis::{is_ready, redis};
use crate::site::Site;

/// A sign-up whose hint is lost is kept from the others for a second, and found by a look that comes each second.
const TAKEN_OVER: Duration = Duration::from_secs(2);
/// So many hints are lost, at least.
const AT_LEAST_LOST: usize = 20;
/// What the claim and the commit take that follow, on a machine with other things to do.
const AND_DONE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn whenever_redis_forgets_everything_the_database_takes_over_within_2_seconds() {
    let _quiet = BUSY.write().await;
    let (site, mut redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let members = members(&cluster, 1, 2).await;
    let client = members[0].client().await.unwrap();
    is_ready(&client, "ready").await;
    let load = Load::begin(6, &Rota::to([client.clone()]));
    for round in 0..4 {
        load.goes_on(50).await;
        if round % 2 == 0 {
            // Nobody takes the hints of these before they are lost.
            for worker in &members[1..] {
                worker.pause().await.unwrap();
            }
            load.goes_on(AT_LEAST_LOST).await;
            redis.flush().unwrap();
            for worker in &members[1..] {
                worker.resume().await.unwrap();
            }
        } else {
            redis.kill().unwrap();
            tokio::task::block_in_place(|| redis.revive()).unwrap();
        }
        load.goes_on(100).await;
        is_ready(&client, "ready").await;
    }
    let story = load.end().await;
    assert!(story.iter().all(|sent| sent.id().is_some()), "{story:?}");
    nothing_is_lost(&site.url, &story).await;
    let hops = Journal::of(&site.url).await.hops().await;
    let (longest, late) = (hops[hops.len() - 1], hops.iter().filter(|hop| **hop > Duration::from_millis(900)).count());
    println!("{} sign-ups, of which {late} waited for the database; the longest {longest:?}", story.len());
    assert!(longest < TAKEN_OVER + AND_DONE, "{longest:?}");
    assert!(late >= AT_LEAST_LOST, "{late} waited for the database");
    stop(members).await;
}
