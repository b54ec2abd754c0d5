//! A database whose processes end: one by one, all together, in peace and in none.

use std::fmt;

use servers::{Durability, Postgres as Machine, Redis, RedisOptions};
use tests::{Cluster, Member};
use tokio::task::block_in_place;
use tokio::time::{Duration, Instant};

use super::{members, nothing_is_lost};
use crate::cluster::stop;
use crate::load::{Load, Rota, accepted};
use crate::{BUSY, how_many};

/// A server that syncs what it commits, and a cluster on it.
struct Stage {
    machine: Machine,
    cluster: Cluster,
    members: Vec<Member>,
    load: Load,
    _redis: Redis,
}

impl Stage {
    async fn set() -> Self {
        let redis = block_in_place(|| Redis::start(&RedisOptions::default())).unwrap();
        let machine = block_in_place(|| Machine::start(Durability::Full)).unwrap();
        let cluster = Cluster::with_redis(&machine.url("postgres"), &redis.url()).await.unwrap();
        cluster.migrate().await.unwrap();
        let members = members(&cluster, 2, 2).await;
        let clients = [members[0].client().await.unwrap(), members[1].client().await.unwrap()];
        let load = Load::begin(6, &Rota::to(clients));
        Self { machine, cluster, members, load, _redis: redis }
    }

    /// Until sign-ups are accepted again, from now on.
    async fn goes_on(&self, what: &str) -> Duration {
        let took = self.load.goes_on(1).await;
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        took
    }

    /// Nothing is lost: what everybody was told.
    async fn ends(self) -> Told {
        let story = self.load.end().await;
        nothing_is_lost(&self.cluster.url, &story).await;
        stop(self.members).await;
        let put_off = story.iter().filter(|sent| sent.is_put_off()).count();
        let slowest = story.iter().map(|sent| sent.took).max().unwrap();
        Told { accepted: accepted(&story).len(), put_off, slowest }
    }
}

/// How many requests were answered so or so, and the longest that one took.
struct Told {
    accepted: usize,
    put_off: usize,
    slowest: Duration,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, put_off, slowest } = self;
        write!(f, "{accepted} accepted, {put_off} answered with 503, the slowest answer after {slowest:?}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_way_the_database_ends_all_are_put_off_within_2_seconds_and_go_on_within_5() {
    let _quiet = BUSY.write().await;
    let mut stage = Stage::set().await;
    for fault in ["all connections end", "it is restarted in peace", "it is killed"] {
        stage.load.goes_on(50).await;
        block_in_place(|| match fault {
            "all connections end" => stage.machine.ask("postgres", Machine::TURN_OUT).map(drop),
            "it is killed" => stage.machine.kill().and_then(|()| stage.machine.revive()),
            _ => stage.machine.end().and_then(|()| stage.machine.revive()),
        })
        .unwrap();
        println!("{fault}: sign-ups are accepted again after {:?}", stage.goes_on(fault).await);
    }
    stage.load.goes_on(50).await;
    let told = stage.ends().await;
    println!("nothing is lost: {told}");
    assert!(told.slowest < Duration::from_secs(2), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_often_the_database_is_killed_no_sign_up_that_it_accepted_is_lost() {
    let _quiet = BUSY.write().await;
    let mut stage = Stage::set().await;
    let (kills, mut back, begun) = (how_many("DATABASE_KILLS", 4), Vec::new(), Instant::now());
    for kill in 1..=kills {
        stage.load.goes_on(20).await;
        block_in_place(|| stage.machine.kill().and_then(|()| stage.machine.revive())).unwrap();
        back.push(stage.goes_on(&format!("kill {kill}")).await);
    }
    back.sort();
    println!(
        "{kills} kills in {:?}; back after: median {:?}, all {:?}",
        begun.elapsed(),
        back[kills / 2],
        back[kills - 1]
    );
    println!("nothing is lost: {}", stage.ends().await);
}
