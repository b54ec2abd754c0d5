//! The servers and processes of a run, and the ways between them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use saga::testing::Pace;
use servers::{Durability, Mode, Postgres, Proxy, Redis, RedisOptions};
use tokio::task::spawn_blocking;

use super::fault::{APIS, WORKERS};
use super::person::Doors;
use super::seat::{Seat, blame};
use crate::{Cluster, audit};

/// Which part of their time the processes have for everything: a lease lasts 4 s.
const PACE: &str = "0.2";
/// What the processes tell of.
const LOG: &str = "info,saga=debug,store=debug,worker=debug";

/// The servers and processes of a run, and the ways between them.
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) doors: Arc<Doors>,
    pub(super) database: Server<Postgres>,
    pub(super) redis: Server<Redis>,
    pub(super) to_database: Proxy,
    pub(super) to_redis: Proxy,
    pub(super) apis: Vec<tokio::sync::Mutex<Seat>>,
    pub(super) workers: Vec<tokio::sync::Mutex<Seat>>,
    /// Of the database, past the proxy.
    pub(super) url: String,
    /// An operator's token.
    pub(super) operator: String,
}

/// A server, whose methods block.
#[derive(Debug)]
pub(super) struct Server<S>(Arc<Mutex<S>>);

impl<S: Send + 'static> Server<S> {
    pub(super) async fn tell<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut S) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let server = Arc::clone(&self.0);
        spawn_blocking(move || what(&mut server.lock().unwrap_or_else(PoisonError::into_inner))).await?
    }
}

impl World {
    /// Everything runs, and the database is watched.
    pub(super) async fn start(durability: Durability) -> anyhow::Result<Self> {
        // All that it is ever told stays in its files.
        let redis = RedisOptions { append_only: true, keeps_all: true, ..RedisOptions::default() };
        let servers = spawn_blocking(move || {
            let (database, redis) = (Postgres::start(durability)?, Redis::start(&redis)?);
            let ways = (Proxy::to(database.port())?, Proxy::to(redis.port())?);
            anyhow::Ok((database, redis, ways))
        });
        let (database, redis, (to_database, to_redis)) = servers.await??;
        let url = database.url("postgres");
        let told = [(Pace::VARIABLE, PACE), ("SIGNUP_LOG", LOG), ("SIGNUP_DRAIN", "0")];
        let cluster = Cluster::with_redis(&to_database.url(&url), &to_redis.url(&redis.url())).await?.telling(&told);
        cluster.migrate().await?;
        audit::watch(&url).await?;
        let operator = cluster.add_operator("olga").await?;
        let doors = Arc::new(Doors::default());
        let seat = |role, number| tokio::sync::Mutex::new(Seat::new(role, number, &doors));
        let (apis, workers) =
            ((0..APIS).map(|number| seat("api", number)), (0..WORKERS).map(|number| seat("worker", number)));
        let world = Self {
            apis: apis.collect(),
            workers: workers.collect(),
            database: Server(Arc::new(Mutex::new(database))),
            redis: Server(Arc::new(Mutex::new(redis))),
            cluster,
            doors,
            to_database,
            to_redis,
            url,
            operator,
        };
        for seat in world.seats() {
            seat.lock().await.start(&world.cluster, 0).await?;
        }
        Ok(world)
    }

    /// Every process' place.
    pub(super) fn seats(&self) -> impl Iterator<Item = &tokio::sync::Mutex<Seat>> {
        self.apis.iter().chain(&self.workers)
    }

    /// Everything works again, whatever was not undone: what cannot be mended.
    pub(super) async fn mend(&self) -> Vec<String> {
        let database = self.database.tell(|database| {
            database.resume()?;
            if database.ask("postgres", "SELECT 1").is_err() {
                database.kill()?;
                database.revive()?;
            }
            Ok(())
        });
        let redis = self.redis.tell(|redis| {
            redis.resume()?;
            if redis.command(&["PING"]).is_err() {
                redis.kill()?;
                redis.revive()?;
            }
            Ok(())
        });
        let mended = [self.open_ways(), database.await, redis.await];
        mended.into_iter().filter_map(Result::err).map(|error| blame(&error)).collect()
    }

    /// Nothing stands between the processes and their servers.
    fn open_ways(&self) -> anyhow::Result<()> {
        for way in [&self.to_database, &self.to_redis] {
            way.disarm();
            way.set(Mode::Pass)?;
        }
        Ok(())
    }
}

/// How long a lease lasts at the run's pace.
pub(super) const LEASE: Duration = Duration::from_secs(4);
