//! Redis, and each way in which it can be of no use.

use servers::{Redis, RedisOptions};
use tests::{Client, Cluster, Member, eventually};
use tokio::task::block_in_place;

use crate::BUSY;
use crate::cluster::stop;
use crate::embedded::ended;
use crate::redis::{is_ready, sign_ups};
use crate::site::Site;

/// An API and a worker with a Redis.
struct Stage {
    redis: Redis,
    site: Site,
    _cluster: Cluster,
    members: Vec<Member>,
    clients: Vec<Client>,
    signed_up: usize,
}

impl Stage {
    async fn with(options: RedisOptions) -> Self {
        let redis = block_in_place(|| Redis::start(&options)).unwrap();
        let site = Site::with_database().await;
        let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
        cluster.migrate().await.unwrap();
        let members =
            vec![cluster.start("api", "api").await.unwrap(), cluster.start("worker", "worker").await.unwrap()];
        let clients = vec![members[0].client().await.unwrap(), members[1].client().await.unwrap()];
        let stage = Self { redis, site, _cluster: cluster, members, clients, signed_up: 0 };
        stage.is("ready").await;
        stage
    }

    async fn is(&self, status: &str) {
        for client in &self.clients {
            is_ready(client, status).await;
        }
    }

    fn tell(&self, words: &[&str]) {
        self.redis.command(words).unwrap();
    }

    /// All say so, each in a line of its own.
    async fn says(&self, what: &str) {
        for member in &self.members {
            member.says(what).await.unwrap();
        }
    }

    /// Sign-ups are accepted, and complete.
    async fn all_goes_on(&mut self) {
        let names = self.signed_up..self.signed_up + 20;
        self.signed_up = names.end;
        for id in sign_ups(&self.clients[..1], names).await {
            assert_eq!(ended(&self.clients[0], &id).await.text("status"), "completed");
        }
    }

    /// In trouble, all goes on, and it is said why; and is as before once that is over.
    async fn endures(&mut self, trouble: &[&str], signs: &[&str], relief: &[&str]) {
        self.tell(trouble);
        self.all_goes_on().await;
        self.is("degraded").await;
        for sign in signs {
            self.says(sign).await;
        }
        self.all_goes_on().await;
        if !relief.is_empty() {
            self.tell(relief);
        }
        self.is("ready").await;
        self.all_goes_on().await;
    }

    async fn end(self) {
        for member in &self.members {
            let log = member.log().unwrap();
            assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
        }
        assert_eq!(self.site.check().await.users.len(), self.signed_up);
        stop(self.members).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_of_no_use_is_told_with_what_to_do_and_sign_ups_complete() {
    let _busy = BUSY.read().await;
    let mut stage = Stage::with(RedisOptions::default()).await;
    stage.endures(&["CLIENT", "PAUSE", "4000", "ALL"], &["Redis is of no use now"], &[]).await;
    let replica = ["read only replica", "give the address of its primary"];
    stage.endures(&["REPLICAOF", "127.0.0.1", "1"], &replica, &["REPLICAOF", "NO", "ONE"]).await;
    let full = ["OOM", "Redis' memory is full", "give it more memory"];
    stage.endures(&["CONFIG", "SET", "maxmemory", "1"], &full, &["CONFIG", "SET", "maxmemory", "0"]).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgets_keys_is_named_and_sign_ups_complete_all_the_same() {
    let _busy = BUSY.read().await;
    let mut stage = Stage::with(RedisOptions { policy: "allkeys-random", ..RedisOptions::default() }).await;
    stage.says("maxmemory-policy is allkeys-random").await;
    stage.says("set it to noeviction").await;
    let evicted = || async {
        let evicted: u64 = stage.redis.info("stats").unwrap()["evicted_keys"].parse().unwrap();
        (evicted > 0).then_some(())
    };
    let used: u64 = stage.redis.info("memory").unwrap()["used_memory"].parse().unwrap();
    stage.tell(&["CONFIG", "SET", "maxmemory", &(used + 1_000_000).to_string()]);
    for number in 0..1_000 {
        let _ = stage.redis.command(&["SET", &format!("filling{number}"), &"x".repeat(2000)]);
    }
    eventually("keys are forgotten", evicted).await.unwrap();
    stage.all_goes_on().await;
    stage.all_goes_on().await;
    stage.end().await;
}
