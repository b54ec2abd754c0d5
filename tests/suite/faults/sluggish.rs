//! A Redis that is there and of no use, each for some seconds: nobody who signs up waits for it.

use std::sync::Arc;

use servers::Redis;
use tests::Cluster;
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::{Duration, Instant, sleep};

use super::{members, nothing_is_lost};
use crate::BUSY;
use crate::cluster::stop;
use crate::load::{Load, Rota};
use crate::redis::{is_ready, redis};
use crate::site::Site;

/// How long each trouble lasts.
const LASTS: Duration = Duration::from_secs(2);
/// Nothing is ever blocked for longer.
const LONGEST: Duration = Duration::from_secs(1);
/// Until it has been told to stop. Others are told that it is busy, once that has taken too long.
const ENDLESS: &str = "while true do end";

/// What it is, how it begins, and how it ends where it does not end by itself.
type Trouble = (&'static str, fn(&Arc<Redis>), fn(&Redis));

/// One after the other.
const TROUBLES: [Trouble; 5] = [
    ("read only", |redis| redis.read_only().unwrap(), |redis| redis.writable().unwrap()),
    ("paused", |redis| drop(redis.command(&["CLIENT", "PAUSE", "2000", "ALL"]).unwrap()), |_| {}),
    ("busy with a command", |redis| redis.stall(LASTS).unwrap(), |_| {}),
    (
        "busy with a script",
        |redis| {
            redis.command(&["CONFIG", "SET", "busy-reply-threshold", "500"]).unwrap();
            // Its answer comes when it is stopped, and is of no interest.
            let redis = Arc::clone(redis);
            drop(spawn_blocking(move || drop(redis.command(&["EVAL", ENDLESS, "0"]))));
        },
        |redis| drop(redis.command(&["SCRIPT", "KILL"]).unwrap()),
    ),
    (
        "loading",
        |redis| {
            redis.load_slowly(LASTS).unwrap();
        },
        |_| {},
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_keeps_redis_from_answering_no_request_fails_or_takes_longer_than_a_second() {
    let _quiet = BUSY.write().await;
    let (site, redis) = (Site::with_database().await, Arc::new(redis().await));
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let members = members(&cluster, 1, 2).await;
    let client = members[0].client().await.unwrap();
    is_ready(&client, "ready").await;
    let load = Load::begin(4, &Rota::to([client.clone()]));
    for (name, begins, ends) in TROUBLES {
        load.goes_on(50).await;
        let begun = Instant::now();
        block_in_place(|| begins(&redis));
        is_ready(&client, "degraded").await;
        let noticed = begun.elapsed();
        // It is not waited for: this is how long the fault lasts.
        sleep(LASTS.saturating_sub(begun.elapsed())).await;
        block_in_place(|| ends(&redis));
        is_ready(&client, "ready").await;
        println!("{name}: noticed after {noticed:?}, in use again after {:?}", begun.elapsed());
    }
    let story = load.end().await;
    let slowest = story.iter().map(|sent| sent.took).max().unwrap();
    println!("{} sign-ups, the slowest answer {slowest:?}", story.len());
    assert!(story.iter().all(|sent| sent.id().is_some()), "{story:?}");
    assert!(slowest < LONGEST, "{slowest:?}");
    nothing_is_lost(&site.url, &story).await;
    stop(members).await;
}
