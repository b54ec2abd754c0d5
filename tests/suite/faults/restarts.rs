//! A database whose processes end: one by one, all together, in peace and in none.

use servers::{Durability, Postgres as Machine, Redis, RedisOptions};
use tests::{Cluster, Member};
use tokio::task::block_in_place;
use tokio::time::{Duration, Instant};

use super::{members, nothing_is_lost};
use crate::cluster::stop;
use crate::load::{Doors, Load, accepted};
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
        let load = Load::begin(6, &Doors::to(clients));
        Self { machine, cluster, members, load, _redis: redis }
    }

    /// Until sign-ups are accepted again, from now on.
    async fn goes_on(&self, what: &str) -> Duration {
        let took = self.load.goes_on(1).await;
        println!("{what}: sign-ups are accepted again after {took:?}");
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        took
    }

    /// Nothing is lost: the longest that anybody waited for an answer, whatever they were told.
    async fn ends(self) -> Duration {
        let story = self.load.end().await;
        let slowest = story.iter().map(|sent| sent.took).max().unwrap();
        let put_off = story.iter().filter(|sent| sent.is_put_off()).count();
        println!("{} answers, {put_off} of them 503, the slowest after {slowest:?}", story.len());
        nothing_is_lost(&self.cluster.url, &story).await;
        println!("nothing is lost: all {} sign-ups that were accepted are there", accepted(&story).len());
        stop(self.members).await;
        slowest
    }
}

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'signup'";

#[tokio::test(flavor = "multi_thread")]
async fn whichever_way_the_database_ends_all_are_put_off_within_2_seconds_and_go_on_within_5() {
    let _quiet = BUSY.write().await;
    let mut stage = Stage::set().await;
    stage.load.goes_on(50).await;
    block_in_place(|| stage.machine.ask("postgres", TERMINATE)).unwrap();
    stage.goes_on("all connections ended").await;
    stage.load.goes_on(50).await;
    block_in_place(|| stage.machine.end().and_then(|()| stage.machine.revive())).unwrap();
    stage.goes_on("restarted in peace").await;
    stage.load.goes_on(50).await;
    block_in_place(|| stage.machine.kill().and_then(|()| stage.machine.revive())).unwrap();
    stage.goes_on("killed").await;
    stage.load.goes_on(50).await;
    let slowest = stage.ends().await;
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
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
    stage.ends().await;
}
