//! Redis away, or of no use.

use std::time::Duration;

use saga::SagaId;
use servers::{Mode, Proxy, Redis, RedisOptions};

use crate::log::Log;
use crate::process::Process;
use crate::wait::until;
use crate::world::World;

const LOST: &str = "Redis is of no use now";
const BACK: &str = "Redis is in use";

/// Two processes and their Redis.
struct Stage {
    server: Redis,
    world: World,
    api: Process,
    worker: Process,
    log: Log,
}

impl Stage {
    fn on(server: Redis) -> Self {
        let (world, log) = (World::with_ticks(), Log::here());
        let (api, worker) = (Process::api(&server.url()), Process::worker(&world, &server.url()));
        Self { server, world, api, worker, log }
    }

    async fn well() -> Self {
        let stage = Self::on(Redis::start(&RedisOptions::default()).unwrap());
        stage.is_well().await;
        stage
    }

    async fn is_well(&self) {
        let took = until("both are in touch with Redis", || self.api.is_well() && self.worker.is_well()).await;
        println!("in touch after {took:?}");
    }

    async fn is_lost(&self) {
        until("both miss Redis", || !self.api.is_well() && !self.worker.is_well()).await;
    }

    fn says_why(&self, word: &str) {
        let trouble = self.api.redis.health().trouble().unwrap();
        assert!(trouble.why.contains(word), "{trouble:?}");
    }

    async fn sign_up(&self, how_many: usize) -> Vec<SagaId> {
        let mut sagas = Vec::new();
        for _ in 0..how_many {
            sagas.push(self.world.sign_up(&*self.api.listener).await);
        }
        sagas
    }

    async fn all_goes_on(&self) {
        let sagas = self.sign_up(20).await;
        self.world.completed(&sagas).await;
        self.world.went_straight(&sagas).await;
    }

    /// Hints alone are enough again, and each process has said once that Redis was lost, and once more that it is back.
    async fn end_as_before(self, outages: usize) {
        self.is_well().await;
        self.world.sweep(false);
        self.all_goes_on().await;
        println!("{:?}, {:?}", self.api.redis.counts(), self.worker.redis.counts());
        let said = (self.log.count(LOST), self.log.count(BACK));
        assert_eq!(said, (2 * outages, 2 + 2 * outages), "{}", self.log.text());
        self.worker.stop().await;
        self.api.stop().await;
    }
}

#[tokio::test]
async fn absent_at_the_start_it_is_used_when_it_comes() {
    let mut server = Redis::start(&RedisOptions::default()).unwrap();
    server.kill().unwrap();
    let mut stage = Stage::on(server);
    until("both have said so", || stage.log.count(LOST) == 2).await;
    stage.all_goes_on().await;
    stage.server.revive().unwrap();
    stage.is_well().await;
    assert_eq!((stage.log.count(LOST), stage.log.count(BACK)), (2, 2), "{}", stage.log.text());
    stage.world.sweep(false);
    stage.all_goes_on().await;
}

#[tokio::test]
async fn killed_it_is_missed_by_nobody_and_used_again_when_it_is_back() {
    let mut stage = Stage::well().await;
    let under_way = stage.sign_up(50).await;
    stage.server.kill().unwrap();
    let meanwhile = stage.sign_up(20).await;
    stage.is_lost().await;
    stage.all_goes_on().await;
    stage.server.revive().unwrap();
    stage.world.completed(&under_way).await;
    stage.world.completed(&meanwhile).await;
    let workers = stage.worker.redis.counts().restarts;
    assert!((1..=8).contains(&workers), "{workers} restarts");
    stage.end_as_before(1).await;
}

#[tokio::test]
async fn emptied_it_is_used_again_by_workers_with_other_names() {
    let stage = Stage::well().await;
    let names = || stage.server.command(&["ZRANGE", "signup-1-create_user:workers", "0", "-1"]).unwrap();
    until("the worker is known", || names() != servers::Reply::List(Vec::new())).await;
    let before = names();
    let under_way = stage.sign_up(50).await;
    stage.server.flush().unwrap();
    stage.world.completed(&under_way).await;
    let back = || names() != servers::Reply::List(Vec::new()) && names() != before;
    until("another worker is known", back).await;
    stage.is_well().await;
    stage.world.sweep(false);
    stage.all_goes_on().await;
    let restarts = stage.worker.redis.counts().restarts;
    assert!((1..=8).contains(&restarts), "{restarts} restarts");
    // Each worker finds out by itself, and may be back before the next one does.
    assert!(stage.log.count(LOST) as u64 <= restarts, "{}", stage.log.text());
}

#[tokio::test]
async fn read_only_it_is_as_good_as_gone() {
    let stage = Stage::well().await;
    stage.server.read_only().unwrap();
    stage.is_lost().await;
    stage.says_why("read only replica");
    stage.all_goes_on().await;
    until("it is said what to do", || stage.log.count("give the address of its primary") == 2).await;
    stage.server.writable().unwrap();
    stage.end_as_before(1).await;
}

#[tokio::test]
async fn full_it_is_as_good_as_gone() {
    let stage = Stage::well().await;
    stage.server.command(&["CONFIG", "SET", "maxmemory", "1000000"]).unwrap();
    let _ = stage.server.command(&["SET", "filling", &"x".repeat(1_000_000)]);
    stage.is_lost().await;
    stage.says_why("OOM");
    stage.all_goes_on().await;
    stage.server.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    stage.end_as_before(1).await;
}

#[tokio::test]
async fn stalled_for_seconds_it_holds_nobody_up_and_ends_no_worker() {
    let stage = Stage::well().await;
    stage.server.stall(Duration::from_secs(3)).unwrap();
    let meanwhile = stage.sign_up(20).await;
    stage.is_lost().await;
    stage.all_goes_on().await;
    stage.world.completed(&meanwhile).await;
    assert_eq!(stage.worker.redis.counts().restarts, 0);
    stage.end_as_before(1).await;
}

#[tokio::test]
async fn a_server_that_would_forget_keys_is_named() {
    let options = RedisOptions { policy: "allkeys-lru", ..RedisOptions::default() };
    let stage = Stage::on(Redis::start(&options).unwrap());
    stage.is_well().await;
    until("both have said so", || stage.log.count("maxmemory-policy is allkeys-lru") == 2).await;
    stage.all_goes_on().await;
}

#[tokio::test]
async fn a_lost_subscription_is_renewed_and_missed_by_nobody() {
    let stage = Stage::well().await;
    let listening = || {
        let reply = stage.server.command(&["PUBSUB", "NUMSUB", "signup-1-wakes"]).unwrap();
        matches!(reply, servers::Reply::List(words) if words[1].number() == Some(1))
    };
    until("it is listened", listening).await;
    for _ in 0..3 {
        stage.server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).unwrap();
        stage.world.sweep(false);
        stage.all_goes_on().await;
        until("it is listened again", listening).await;
    }
    assert_eq!(stage.worker.redis.counts().restarts, 0);
}

#[tokio::test]
async fn connections_that_are_cut_again_and_again_make_no_storm() {
    let stage = Stage::well().await;
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        stage.server.command(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
        stage.all_goes_on().await;
    }
    let restarts = stage.worker.redis.counts().restarts;
    println!("{restarts} restarts of 4 workers");
    let names = stage.server.command(&["ZCARD", "signup-1-create_user:workers"]).unwrap().number().unwrap();
    assert!(names > 1, "each has a name of its own");
    assert!((4..=60).contains(&restarts), "{restarts}");
    stage.is_well().await;
    stage.world.sweep(false);
    stage.all_goes_on().await;
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_found_out_and_done_with() {
    let server = Redis::start(&RedisOptions::default()).unwrap();
    let (proxy, world, log) = (Proxy::to(server.port()).unwrap(), World::with_ticks(), Log::here());
    let url = proxy.url(&server.url());
    let (api, worker) = (Process::api(&url), Process::worker(&world, &url));
    let stage = Stage { server, world, api, worker, log };
    stage.is_well().await;
    proxy.set(Mode::BlackHole).unwrap();
    stage.is_lost().await;
    stage.all_goes_on().await;
    proxy.set(Mode::Pass).unwrap();
    stage.is_well().await;
    stage.world.sweep(false);
    until("hints are promised", || stage.api.listener.will_tell(&signup::FIRST_STEP)).await;
    let sagas = stage.sign_up(5).await;
    stage.world.completed(&sagas).await;
}
