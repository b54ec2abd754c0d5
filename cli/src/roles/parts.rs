//! What every process is made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::api::{Admission, Api, Health, Waiters};
use ::worker::Attendance;
use limits::{Limiter, Shared};
use saga::fleet::Process;
use saga::{Clock, Listener, OsRandom, Random, SteadyClock, Store, WorkerName};
use signup::{Duplicates, HashKey, Sealer, SignUp};
use tokio::time::timeout;
use tracing::warn;

use super::{Role, seams};
use crate::config::{Config, Secret, settings};
use crate::database::Database;

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

    /// What answers requests. `listener` is told of sagas that advance, `waiters` are among those who hear of it.
    pub(super) fn api(
        &self,
        (sealer, hash_key): (Sealer, HashKey),
        (admission, duplicates): (Admission, Duplicates),
        listener: Arc<dyn Listener>,
        waiters: Arc<Waiters>,
        health: Arc<Health>,
    ) -> Api {
        Api {
            store: Arc::clone(&self.store),
            replays: Arc::clone(&self.database.replays),
            operators: Arc::clone(&self.database.operators),
            fleet: Arc::clone(&self.database.fleet),
            listener,
            waiters,
            health,
            admission: Arc::new(admission),
            sealer,
            hash_key,
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            outline: seams::outline(),
            duplicates,
        }
    }
}

/// Who may ask how often: over all processes where there are several, which count in Redis.
pub(super) fn admission(config: &Config, redis: Option<&Secret>) -> anyhow::Result<Admission> {
    let shared = redis.map(|redis| Shared::open(redis.reveal())).transpose();
    let shared = shared.map_err(|error| config.error(&settings::REDIS_URL, &error.to_string()))?;
    Ok(Admission { limiter: Limiter::new(shared), quotas: config.quotas, proxies: config.trusted_proxies.clone() })
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
