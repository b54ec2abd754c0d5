//! `signup worker`: runs steps, and takes no requests.

use std::sync::Arc;

use ::api::Health;
use ::worker::{Wakes, Workers};
use anyhow::bail;
use saga::Listener;
use tracing::info;

use super::cluster::Cluster;
use super::hashing::Hashing;
use super::health_port::HealthPort;
use super::hints::Hints;
use super::parts::{Parts, clock, close, room};
use super::work::workers;
use super::{PATIENCE, Role, seams};
use crate::config::{Config, settings};
use crate::database::{Database, Shared};
use crate::metrics::Metrics;
use crate::signals;

/// Works until SIGTERM or Ctrl-C.
pub(super) async fn run(config: Config, metrics: Metrics) -> anyhow::Result<()> {
    let (cluster, unsealer) = Cluster::of_worker(&config)?;
    let stop = signals::stop_token()?;
    let hashing = Hashing::at(&config.argon2).await?;
    let health = Arc::new(Health::starting());
    let port = match config.health_listen {
        Some(address) => {
            Some(HealthPort::on(address, "health-listen", (&health, &metrics.page), &room(&config)).await?)
        }
        None => None,
    };
    let (version, address) = (env!("CARGO_PKG_VERSION"), port.as_ref().map(HealthPort::address));
    let health_at = address.map_or("nowhere".to_owned(), |address| address.to_string());
    info!(%version, %health_at, "starting: {}", Role::Worker);
    let joining = async {
        let database = Database::join(&config, &cluster.database_url).await?;
        let shared = [Shared::Seal(&settings::SEAL_PRIVATE_KEY, &unsealer.sealer())];
        database.agree_on(&config, &shared).await.map(|()| database)
    };
    let Some(database) = stop.run_until_cancelled(Box::pin(joining)).await.transpose()? else { return Ok(()) };

    let parts = Parts::new(Role::Worker, &database, clock());
    let wakes = Arc::new(Wakes::new(&seams::outline().steps));
    let hints = Hints::begin(&cluster, &parts.random)?;
    // All who are told of sagas that advance: here, and through Redis elsewhere. Whom that does not reach finds what is due
    // at the next tick.
    let listener = seams::listener(vec![Arc::clone(&wakes) as Arc<dyn Listener>, hints.redis.listener()]);
    let workers = workers(&parts, (unsealer, hashing), listener, wakes)?;
    let workers = Workers { redis: Some(Arc::clone(&hints.redis)), ..workers };
    let (_auditing, counting) = (parts.audit(), parts.count(metrics.tally));
    health.begin(vec![Arc::new(database.pulse()), hints.component()]);
    info!(%version, %health_at, database = %database.kind(), at = database.place, "started");
    let stopping = stop.clone();
    tokio::spawn(async move {
        stopping.cancelled().await;
        health.stop();
    });
    let asked = workers.run(stop, PATIENCE).await;
    hints.end().await;
    counting.end().await;
    close(database).await;
    if !asked {
        bail!("the workers ended by themselves; the log says why");
    }
    info!("stopped");
    Ok(())
}
