//! A database and a Redis of its own, on which one schedule is run after the other.

use std::ops::AddAssign;
use std::sync::Arc;

use anyhow::{Context, ensure};
use auditor::facts::{Facts, Snapshot};
use auditor::invariants;
use servers::{Postgres, Proxy, Redis, RedisOptions};
use sqlx::{Connection, PgConnection};
use store::postgres::Database;

use super::lock::is_of_redis;
use super::schedule::Schedule;
use super::stage::Stage;
use crate::{Client, Cluster, Member, eventually};

/// A lease of 3 s, and as much less time for everything else.
const PACE: (&str, &str) = (saga::testing::Pace::VARIABLE, "0.15");
/// What is told of each step, and not of much else.
const LOG: (&str, &str) = ("SIGNUP_LOG", "info,saga=debug");

/// Statements of the processes that are being carried out.
const ACTIVE: &str = "
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'active' AND backend_type = 'client backend'
   AND application_name = 'signup'";

/// Where schedules are run.
#[derive(Debug)]
pub struct Track {
    /// Of the database, past the proxy.
    pub(super) database: String,
    /// The way to it of whoever is to meet a fault; the others have one where nothing happens.
    pub(super) database_way: Proxy,
    pub(super) redis: Redis,
    /// The way to it of all.
    pub(super) redis_way: Proxy,
    pub(super) cluster: Cluster,
    /// An API that meets no crash point.
    pub(super) client: Client,
    pub(super) token: String,
    api: Member,
    number: usize,
    /// How many sign-ups there are.
    people: usize,
    _machine: Arc<Postgres>,
}

/// What came of a schedule besides its end: how often each was told of in the processes' logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Met {
    /// A lease that had run out was taken over.
    pub taken_over: usize,
    /// A write was sent again, as its answer was missing.
    pub sent_again: usize,
}

impl Track {
    /// A track of this name on a PostgreSQL server.
    ///
    /// # Errors
    /// If its servers or its API do not start.
    pub async fn start(machine: &Arc<Postgres>, name: &str) -> anyhow::Result<Self> {
        let (server, database) = (Arc::clone(machine), name.to_owned());
        let made = tokio::task::spawn_blocking(move || {
            server.ask("postgres", &format!("CREATE DATABASE {database}"))?;
            let redis = Redis::start(&RedisOptions::default())?;
            let ways = (Proxy::to(server.port())?, Proxy::to(redis.port())?);
            anyhow::Ok((redis, ways))
        });
        let (redis, (database_way, redis_way)) = made.await??;
        let database = machine.url(name);
        let cluster = Cluster::with_redis(&database, &redis_way.url(&redis.url())).await?;
        let cluster = cluster.telling(&[PACE, LOG, ("SIGNUP_DATABASE_CONNECTIONS", "4"), ("SIGNUP_DRAIN", "0")]);
        cluster.migrate().await?;
        let api = cluster.start("api", "api").await?;
        let (client, token) = (api.client().await?, cluster.add_operator("ada").await?);
        Ok(Self {
            database,
            database_way,
            redis,
            redis_way,
            cluster,
            client,
            token,
            api,
            number: 0,
            people: 0,
            _machine: Arc::clone(machine),
        })
    }

    /// Runs a schedule: the sign-up ends as it would have without the fault, once, and every invariant holds.
    ///
    /// # Errors
    /// What does not hold.
    pub async fn run(&mut self, schedule: &Schedule) -> anyhow::Result<Met> {
        self.number += 1;
        if is_of_redis(&schedule.point.act) {
            self.is_well().await?;
        }
        let stage = Stage::new(self, schedule, self.number);
        let logs = stage.logs();
        let ran = async {
            let people = if schedule.is_reachable() { stage.play().await? } else { stage.play_past().await? };
            self.check(self.people + people).await.map(|()| people)
        };
        let ran = ran.await;
        let said: String = logs.iter().filter_map(|log| std::fs::read_to_string(log).ok()).collect();
        self.people += ran.map_err(|error| error.context(format!("{schedule}\n{said}")))?;
        let count = |text: &str| said.matches(text).count();
        Ok(Met { taken_over: count("took over from a worker"), sent_again: count("sending it again") })
    }

    /// Waits until the API has got over whatever the last schedule did to Redis: without it there would be no hints. A
    /// connection that was reset is noticed when it is used, which the API does by itself, to see whether it may.
    async fn is_well(&self) -> anyhow::Result<()> {
        let before = self.probes()?;
        let well = || async {
            let answer = self.client.get("/readyz").await.ok()?;
            (answer.text("status") == "ready" && self.probes().ok()? > before).then_some(())
        };
        eventually("the API is ready", well).await
    }

    /// How often Redis has been probed.
    fn probes(&self) -> anyhow::Result<u64> {
        let stats = self.redis.info("commandstats")?;
        let calls =
            stats.get("cmdstat_set").and_then(|stats| stats.split_once("calls=")?.1.split(',').next()?.parse().ok());
        Ok(calls.unwrap_or_default())
    }

    /// Each of so many people has one sign-up, which has ended, and every invariant holds.
    async fn check(&self, people: usize) -> anyhow::Result<()> {
        let none_is_active = || async {
            let mut database = PgConnection::connect(&self.database).await.ok()?;
            let active: i64 = sqlx::query_scalar(ACTIVE).fetch_one(&mut database).await.ok()?;
            (active == 0).then_some(())
        };
        eventually("whatever arrived late has been carried out too", none_is_active).await?;
        let facts = self.facts().await?;
        let violations = invariants::violations(&facts);
        ensure!(violations.is_empty(), "{violations:?}");
        let unfinished = invariants::unfinished(&facts);
        ensure!(unfinished.is_empty(), "not ended: {unfinished:?}");
        ensure!(facts.sagas.len() == people, "{} sagas of {people} people", facts.sagas.len());
        Ok(())
    }

    async fn facts(&self) -> anyhow::Result<Facts> {
        let read = || async {
            let store = Database::new(&self.database, 3).ok()?.open().await.ok()?;
            let facts = store.facts().await.ok();
            store.close().await;
            facts
        };
        eventually("the database is read", read).await
    }

    /// Stops what is left.
    ///
    /// # Errors
    /// If the API does not end well.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.api.ask_to_stop().await?;
        let status = self.api.ended().await?;
        ensure!(status.success(), "{status}: {}", self.api.log().context("no log")?);
        Ok(())
    }
}

impl AddAssign for Met {
    fn add_assign(&mut self, other: Self) {
        self.taken_over += other.taken_over;
        self.sent_again += other.sent_again;
    }
}
