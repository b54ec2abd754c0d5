//! What many sign-ups leave in Redis.

use servers::Redis;
use tests::{Client, Cluster, eventually};
use tokio::time::Instant;

use crate::cluster::stop;
use crate::redis::{is_ready, redis, sign_ups};
use crate::site::Site;
use crate::{BUSY, how_many};

/// How many hints are there, those that are over among them.
const LEFT: &str = "local left = 0
    for _, key in ipairs(redis.call('KEYS', '*:data')) do left = left + redis.call('HLEN', key) end
    return left";

/// Forgets who has asked how often, which is forgotten by itself: how many there were of it that would not be.
const FORGET: &str = "local lasting = 0
    for _, key in ipairs(redis.call('KEYS', 'signup:limit:*')) do
        if redis.call('PTTL', key) < 0 then lasting = lasting + 1 end
        redis.call('DEL', key)
    end
    return lasting";

/// How much there is: keys, and bytes.
#[derive(Debug, Clone, Copy)]
struct Weight {
    keys: u64,
    bytes: u64,
}

impl Weight {
    fn of(redis: &Redis) -> Self {
        let bytes = redis.info("memory").unwrap()["used_memory"].parse().unwrap();
        Self { keys: redis.keys().unwrap(), bytes }
    }
}

/// Once all of them are done with.
async fn settled(client: &Client, site: &Site, redis: &Redis) -> Weight {
    let done = || async { (site.unfinished().await == 0).then_some(()) };
    eventually("all have ended", done).await.unwrap();
    is_ready(client, "ready").await;
    // A round of the cleaner comes each second or so.
    let cleaned = || async {
        let data = redis.command(&["EVAL", LEFT, "0"]).unwrap().number();
        (data == Some(0)).then_some(())
    };
    eventually("what hints leave is deleted", cleaned).await.unwrap();
    assert_eq!(redis.command(&["EVAL", FORGET, "0"]).unwrap().number(), Some(0), "a limit that is never forgotten");
    Weight::of(redis)
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_does_not_grow_with_sign_ups() {
    let _busy = BUSY.read().await;
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let members = [cluster.start("api", "api").await.unwrap(), cluster.start("worker", "worker").await.unwrap()];
    let clients = [members[0].client().await.unwrap()];
    is_ready(&clients[0], "ready").await;
    let tenth = how_many("SIGN_UPS", 2_000) / 10;
    let (begun, mut weights) = (Instant::now(), Vec::new());
    for number in 0..10 {
        sign_ups(&clients, number * tenth..(number + 1) * tenth).await;
        let under_load = Weight::of(&redis);
        weights.push(settled(&clients[0], &site, &redis).await);
        let all = (number + 1) * tenth;
        println!("{all} in {:?}: {under_load:?}, then {:?}", begun.elapsed(), weights[number]);
    }
    let (first, last) = (weights[0], weights[9]);
    // A worker that Redis has ended has left its name for a while.
    assert!(last.keys < first.keys + 10, "{weights:?}");
    assert!(last.bytes < first.bytes + 500_000, "{weights:?}");
    stop(members).await;
}
