//! The service under load, as real processes.

use anyhow::Context;
use servers::{Durability, Postgres, Redis, RedisOptions};
use tempfile::TempDir;
use tests::{Client, Cluster, Member, Server, eventually};
use tokio::task::block_in_place;

use crate::people::{ADA, sign_up};

/// What a password costs in production.
const COST: (&str, &str) = ("SIGNUP_ARGON2", "m=19456,t=2,p=1");

/// What the service consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One `signup api` and one `signup worker`, PostgreSQL with everything synced, and Redis.
    Cluster,
    /// `signup serve`, on SQLite.
    Embedded,
}

/// The service, which takes sign-ups.
pub(crate) struct Stage {
    /// A client of whoever takes requests.
    pub(crate) client: Client,
    /// Where that is: `127.0.0.1:12345`.
    pub(crate) address: String,
    /// Its process.
    pub(crate) pid: u32,
    service: Service,
}

enum Service {
    Cluster(Box<Processes>),
    Embedded { _server: Box<Server>, _folder: TempDir },
}

/// The processes end before what they are connected to.
struct Processes {
    _api: Member,
    worker: Option<Member>,
    _cluster: Cluster,
    _redis: Redis,
    postgres: Postgres,
}

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Cluster => "signup api, signup worker, PostgreSQL, Redis and the clients on these cores",
            Self::Embedded => "signup serve on SQLite, and the clients on these cores",
        }
    }
}

impl Stage {
    /// The service, ready and warm: somebody has signed up already.
    pub(crate) async fn start(kind: Kind) -> anyhow::Result<Self> {
        let stage = match kind {
            Kind::Cluster => Self::cluster(true).await?,
            Kind::Embedded => Self::embedded().await?,
        };
        sign_up(&stage.client, ADA).await.completed.context("the first sign-up does not complete")?;
        Ok(stage)
    }

    /// An API without a worker: what it accepts stays under way.
    pub(crate) async fn without_worker() -> anyhow::Result<Self> {
        Self::cluster(false).await
    }

    async fn cluster(with_worker: bool) -> anyhow::Result<Self> {
        let postgres = block_in_place(|| Postgres::start(Durability::Full))?;
        let redis = block_in_place(|| Redis::start(&RedisOptions::default()))?;
        let cluster = Cluster::with_redis(&postgres.url("postgres"), &redis.url()).await?.telling(&[COST]);
        cluster.migrate().await?;
        let api = cluster.start("api", "api").await?;
        let worker = if with_worker { Some(cluster.start("worker", "worker").await?) } else { None };
        let (url, client, pid) = (api.url().await?, api.client().await?, api.pid());
        let processes = Processes { _api: api, worker, _cluster: cluster, _redis: redis, postgres };
        Self::ready(client, &url, pid, Service::Cluster(Box::new(processes))).await
    }

    async fn embedded() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = Server::start_in(&folder.path().join("data"), &[], &[COST]).await?;
        let (client, url, pid) = (server.client(), server.url().to_owned(), server.pid());
        Self::ready(client, &url, pid, Service::Embedded { _server: Box::new(server), _folder: folder }).await
    }

    async fn ready(client: Client, url: &str, pid: Option<u32>, service: Service) -> anyhow::Result<Self> {
        let is_ready = async || client.get("/readyz").await.ok().filter(|answer| answer.text("status") == "ready");
        eventually("all is well", is_ready).await?;
        let address = url.strip_prefix("http://").context("no address")?.trim_end_matches('/').to_owned();
        Ok(Self { client, address, pid: pid.context("it has ended")?, service })
    }

    /// The database server, where there is one.
    pub(crate) fn postgres(&mut self) -> Option<&mut Postgres> {
        match &mut self.service {
            Service::Cluster(processes) => Some(&mut processes.postgres),
            Service::Embedded { .. } => None,
        }
    }

    /// The process that runs the steps, where it is another one than that which takes requests.
    pub(crate) fn worker(&self) -> Option<&Member> {
        match &self.service {
            Service::Cluster(processes) => processes.worker.as_ref(),
            Service::Embedded { .. } => None,
        }
    }
}
