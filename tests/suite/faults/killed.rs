//! `kill -9` of whichever process, again and again, under load.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tests::{Client, Cluster, Member};
use tokio::time::{Duration, Instant, sleep};

use super::journal::Journal;
use super::{PACE, all_are_there, lease, members};
use crate::cluster::{HANGS_ONCE, stop};
use crate::load::{Load, Rota, Sent};
use crate::redis::{is_ready, redis};
use crate::site::Site;
use crate::{BUSY, how_many};

/// Of the processes, these are APIs.
const APIS: usize = 2;
/// Before each kill so many begin a step that takes its time, so that whoever is killed was at something.
const AT_IT: usize = 12;

async fn clients(apis: &[Member]) -> Vec<Client> {
    let mut clients = Vec::new();
    for api in apis {
        clients.push(api.client().await.unwrap());
    }
    clients
}

/// Signs up some whose third step takes as long as it may.
async fn begin(client: &Client, kill: usize) -> Vec<Sent> {
    let mut sent = Vec::new();
    for number in 0..AT_IT {
        let (email, at) = (format!("at-it-{kill}-{number}@example.com"), Instant::now());
        let answer = client.sign_up(&email, HANGS_ONCE, 0).await;
        sent.push(Sent { email, at, took: at.elapsed(), answer });
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_under_load_no_sign_up_is_lost_or_waits_for_more_than_a_lease_and_2_seconds() {
    let _quiet = BUSY.write().await;
    // By hand: as many as are asked for, some seconds apart, with leases as long as they are. Some sign-ups meet more than
    // one kill then; otherwise none does.
    let (kills, by_hand) = (how_many("PROCESS_KILLS", 4), std::env::var("PROCESS_KILLS").is_ok());
    let (pace, pause) = if by_hand { ("1", 3_000..8_000) } else { ("0.2", 0..500) };
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap().telling(&[(PACE, pace)]);
    cluster.migrate().await.unwrap();
    let mut members = members(&cluster, APIS, 3).await;
    let mut open = clients(&members[..APIS]).await;
    is_ready(&open[0], "ready").await;
    let rota = Rota::to(open.clone());
    let (load, mut journal) = (Load::begin(3, &rota), Journal::of(&site.url).await);
    let (mut recoveries, mut at_it) = (Vec::new(), Vec::new());
    for kill in 0..kills {
        load.goes_on(20).await;
        at_it.extend(begin(&open[0], kill).await);
        sleep(Duration::from_millis(random.random_range(pause.clone()))).await;
        let who = random.random_range(0..members.len());
        members.remove(who).kill().await.unwrap();
        let (at, left) = (journal.now().await, journal.unfinished().await);
        recoveries.push((at, left));
        let role = if who < APIS { "api" } else { "worker" };
        members.insert(who, cluster.start(role, &format!("{role}-after-{kill}")).await.unwrap());
        open = clients(&members[..APIS]).await;
        rota.are(&open.iter().collect::<Vec<_>>());
        let (begun, (at, left)) = (Instant::now(), &recoveries[kill]);
        while !by_hand && journal.ended(left, *at).await.len() < left.len() {
            assert!(begun.elapsed() < Duration::from_mins(1), "seed {seed}: not all have ended");
            sleep(Duration::from_millis(10)).await;
        }
    }
    let mut story = load.end().await;
    story.extend(at_it);
    all_are_there(&site.url, &story).await;

    let mut took = Vec::new();
    for (at, left) in &recoveries {
        took.extend(journal.ended(left, *at).await);
    }
    took.sort();
    let most = took[(took.len() * 99).div_ceil(100) - 1];
    let (longest, hop) = (took[took.len() - 1], journal.longest_hop().await);
    println!(
        "{kills} kills, {} sign-ups; {} were under way at a kill, and ended after: median {:?}, 99 % {most:?}, all \
         {longest:?}; the longest that one waited for its next step: {hop:?}",
        story.len(),
        took.len(),
        took[took.len() / 2],
    );
    let bound = lease(pace) + Duration::from_secs(2);
    assert!(most <= bound && (by_hand || longest.max(hop) <= bound), "seed {seed}");
    stop(members).await;
}
