//! Thousands of sign-ups that are due at once.

use tests::Cluster;
use tokio::time::{Duration, Instant, sleep};

use super::journal::Journal;
use super::members;
use crate::BUSY;
use crate::cluster::stop;
use crate::redis::{is_ready, redis, sign_ups};
use crate::site::Site;

const BACKLOG: usize = 2_000;
/// What two workers may have in hand: as many as they have slots for, those of `create_user` being eight for each core.
const CLAIMED: &str = "SELECT count(*) FROM sagas WHERE lease_until > now()";
const UNDER_WAY: &str = "SELECT count(*) FROM sagas WHERE ended_at IS NULL";

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_taken_by_as_many_as_there_are_slots_and_shrinks_second_by_second() {
    let _quiet = BUSY.write().await;
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let mut all = members(&cluster, 1, 0).await;
    let client = all[0].client().await.unwrap();
    is_ready(&client, "ready").await;
    sign_ups(std::slice::from_ref(&client), 0..BACKLOG).await;
    let cores = std::thread::available_parallelism().unwrap().get();
    let in_hand = i64::try_from(2 * (8 * cores + 3 * 32)).unwrap();
    let (mut journal, begun) = (Journal::of(&site.url).await, Instant::now());
    all.extend([cluster.start("worker", "one").await.unwrap(), cluster.start("worker", "other").await.unwrap()]);
    let (mut most, mut seen, mut last) = (0, vec![journal.count(UNDER_WAY).await], begun);
    while seen.last() != Some(&0) {
        sleep(Duration::from_millis(50)).await;
        most = most.max(journal.count(CLAIMED).await);
        if last.elapsed() > Duration::from_secs(1) {
            last = Instant::now();
            seen.push(journal.count(UNDER_WAY).await);
            assert!(seen.len() < 60, "{seen:?}");
        }
    }
    println!("{BACKLOG} in {:?}, {most} in hand at most; left after each second: {seen:?}", begun.elapsed());
    assert!((1..=in_hand).contains(&most), "{most} of {in_hand}");
    // Once the workers are at it.
    assert!(seen.windows(2).skip(2).all(|seconds| seconds[1] < seconds[0]), "{seen:?}");
    for worker in &all[1..] {
        let log = worker.log().unwrap();
        assert!(!log.contains("took over") && !log.contains("nothing claimed"), "{log}");
    }
    assert_eq!(site.check().await.users.len(), BACKLOG);
    stop(all).await;
}
