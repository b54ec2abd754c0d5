//! What every process is made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::api::{Admission, AllowedOrigins, Api, Health, Identity, IdentityParts, Overload, TakenEmails, Waiters};
use ::worker::Attendance;
use accounts::{Issuer, MasterKey};
use auditor::Auditor;
use limits::{Limiter, Server};
use metrics_exporter_prometheus::PrometheusHandle;
use saga::fleet::Process;
use saga::{Clock, Listener, OsRandom, Random, SteadyClock, Store, WorkerName};
use signup::{Duplicates, HashKey, Hasher, Sealer, SignUp};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use super::counting::Counting;
use super::http::Room;
use super::{Role, open_files, seams};
use crate::config::{Config, Secret, settings};
use crate::database::Database;
use crate::metrics::Tally;

/// How long closing the database may take.
const CLOSING: Duration = Duration::from_secs(3);

/// The time of this process: leases and due times must not jump with the machine's clock.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SteadyClock::set_by(&seams::machine_clock()))
}

/// What every process is made of, whatever it does.
pub(super) struct Parts<'d> {
    pub(super) database: &'d Database,
    pub(super) store: Arc<dyn Store<SignUp>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    /// What it tells of itself. Leases bear its name.
    pub(super) process: Process,
}

/// The keys of a process that answers requests.
pub(super) struct ApiKeys {
    /// Seals passwords.
    pub(super) sealer: Sealer,
    /// Keys the keyed hashes.
    pub(super) hash_key: HashKey,
    /// Seals signing keys.
    pub(super) master_key: MasterKey,
}

impl<'d> Parts<'d> {
    pub(super) fn new(role: Role, database: &'d Database, clock: Arc<dyn Clock>) -> Self {
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let process = process(role, WorkerName::unique(role.name(), &*random));
        let store = seams::store(Arc::clone(&database.store));
        Self { database, store, clock, random, process }
    }

    /// What it does besides, if it runs no workers.
    pub(super) fn attendance(&self) -> Attendance<SignUp> {
        Attendance {
            fleet: Arc::clone(&self.database.fleet),
            process: self.process.clone(),
            store: Arc::clone(&self.store),
            policy: seams::policy(),
            random: Arc::clone(&self.random),
        }
    }

    /// Hands on what this process counts, so that operators see what all of them do.
    pub(super) fn count(&self, tally: Arc<Tally>) -> Counting {
        Counting::begin(tally, Arc::clone(&self.database.statistics), Arc::clone(&self.random))
    }

    /// Audits in turn with the other processes, until it is dropped.
    pub(super) fn audit(&self) -> AbortOnDropHandle<()> {
        let evidence = Arc::clone(&self.database.evidence);
        let auditor =
            Auditor::new(evidence, self.process.name.clone(), Arc::clone(&self.clock), Arc::clone(&self.random));
        AbortOnDropHandle::new(tokio::spawn(auditor.run()))
    }

    /// Requests that wait for a sign-up to end.
    pub(super) fn waiters(&self) -> Arc<Waiters> {
        Arc::new(Waiters::begin(Arc::clone(&self.store)))
    }

    /// What answers requests, issues tokens as `issuer`, and verifies passwords with `hasher`. `listener` is told of sagas
    /// that advance, `waiters` are among those who hear of it.
    pub(super) fn api(
        &self,
        keys: ApiKeys,
        (issuer, hasher): (Issuer, Arc<Hasher>),
        door: Door,
        listener: Arc<dyn Listener>,
        waiters: Arc<Waiters>,
        health: Arc<Health>,
    ) -> Api {
        let backlog = Arc::clone(&self.database.backlog);
        let ApiKeys { sealer, hash_key, master_key } = keys;
        let identity = IdentityParts {
            sessions: Arc::clone(&self.database.sessions),
            accounts: Arc::clone(&self.database.accounts),
            users: Arc::clone(&self.database.users),
            signing_keys: Arc::clone(&self.database.signing_keys),
            master_key,
            issuer,
            hasher,
        };
        Api {
            store: Arc::clone(&self.store),
            replays: Arc::clone(&self.database.replays),
            operators: Arc::clone(&self.database.operators),
            identity: Arc::new(Identity::begin(identity, &self.clock, &self.random)),
            backlog: Arc::clone(&backlog),
            statistics: Arc::clone(&self.database.statistics),
            evidence: Arc::clone(&self.database.evidence),
            fleet: Arc::clone(&self.database.fleet),
            listener,
            waiters,
            health,
            admission: Arc::new(door.admission),
            taken: Arc::new(door.taken),
            origins: door.origins,
            overload: Arc::new(Overload::begin(backlog, seams::outline(), Arc::clone(&self.random))),
            metrics: door.metrics,
            sealer,
            hash_key,
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            outline: seams::outline(),
            duplicates: door.duplicates,
        }
    }
}

/// Who is let in.
pub(super) struct Door {
    admission: Admission,
    taken: TakenEmails,
    duplicates: Duplicates,
    origins: AllowedOrigins,
    /// What is counted there.
    metrics: PrometheusHandle,
}

impl Door {
    /// What is counted and known is so over all processes in Redis, where there are several.
    pub(super) fn of(
        config: &Config,
        redis: Option<&Secret>,
        random: &Arc<dyn Random>,
        counted: PrometheusHandle,
    ) -> anyhow::Result<Self> {
        let server = |without| {
            let server = redis.map(|redis| Server::open(redis.reveal(), without).map(Arc::new)).transpose();
            server.map_err(|error| config.error(&settings::REDIS_URL, &error.to_string()))
        };
        let limiter = Limiter::new(server("limits are counted by each process alone")?);
        let known = server("each process learns alone which e-mails are taken")?;
        let (quotas, proxies) = (config.quotas, config.trusted_proxies.clone());
        Ok(Self {
            admission: Admission { limiter, quotas, proxies },
            taken: TakenEmails::new(known, Arc::clone(random)),
            duplicates: config.duplicate_email,
            origins: config.allowed_origins.clone(),
            metrics: counted,
        })
    }
}

/// Where clients have their places: as many as are wanted, if so many files can be open.
pub(super) fn room(config: &Config) -> Arc<Room> {
    let connections = open_files::connections(config.connections, config.database_connections);
    Room::new(connections, config.trusted_proxies.clone())
}

/// Writes what is queued, and closes the database. One that does not answer any more is left.
pub(super) async fn close(database: Database) {
    if timeout(CLOSING, database.close()).await.is_err() {
        warn!("the database was not closed in time");
    }
}

fn process(role: Role, name: WorkerName) -> Process {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    Process {
        name,
        role: role.name().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host.map_or_else(|_| "unknown".to_owned(), |host| host.trim().to_owned()),
        pid: std::process::id(),
        busy: BTreeMap::new(),
    }
}
