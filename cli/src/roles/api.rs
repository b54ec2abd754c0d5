//! `signup api`: takes requests, and runs no steps.

use std::sync::Arc;

use ::api::Health;
use anyhow::Context;
use saga::Listener;
use signup::EnlistedOperator;
use tracing::info;

use super::Role;
use super::cluster::Cluster;
use super::hashing::Hashing;
use super::health_port::HealthPort;
use super::hints::Hints;
use super::http::{self, Farewell};
use super::parts::{Door, Parts, clock, close, room};
use super::presence::Presence;
use super::seams;
use crate::config::{Config, settings};
use crate::database::{Database, Shared};
use crate::metrics::Metrics;
use crate::patience::outlast;
use crate::signals;

/// Serves until SIGTERM or Ctrl-C.
pub(super) async fn run(config: Config, metrics: Metrics) -> anyhow::Result<()> {
    let (cluster, keys, issuer) = Cluster::of_api(&config)?;
    let stop = signals::stop_token()?;
    let hasher = Hashing::at(&config.argon2).await?.hasher;
    let health = Arc::new(Health::starting());
    let room = room(&config);
    let port = HealthPort::on(config.listen, "listen", (&health, &metrics.page), &room).await?;
    let (version, address) = (env!("CARGO_PKG_VERSION"), port.address());
    info!(%version, %address, "starting: {}", Role::Api);
    let shared = [Shared::Seal(&settings::SEAL_PUBLIC_KEY, &keys.sealer), Shared::Hash(&keys.hash_key)];
    let joining = async {
        let database = Database::join(&config, &cluster.database_url).await?;
        database.agree_on(&config, &shared).await?;
        let operators = outlast(async || database.operators.operators().await).await;
        anyhow::Ok((operators.context("cannot read the operators")?, database))
    };
    let joined = stop.run_until_cancelled(Box::pin(joining)).await.transpose()?;
    let Some((operators, database)) = joined else { return Ok(()) };
    let may_act = |enlisted: &EnlistedOperator| enlisted.revoked_at.is_none() && enlisted.operator.role.may_act();
    if !operators.iter().any(may_act) {
        info!("nobody can operate the service yet: `signup operator add NAME` makes an operator");
    }

    let parts = Parts::new(Role::Api, &database, clock());
    let waiters = parts.waiters();
    let hints = Hints::begin(&cluster, &parts.random)?;
    // All who are told of sagas that advance. The workers are other processes: they are told through Redis, and find what
    // is due at their next tick.
    let listener = seams::listener(vec![Arc::clone(&waiters) as Arc<dyn Listener>, hints.redis.listener()]);
    let door = Door::of(&config, Some(&cluster.redis_url), &parts.random, metrics.page)?;
    let api = parts.api(keys, (issuer, hasher), door, listener, Arc::clone(&waiters), Arc::clone(&health));
    let presence = Presence::begin(parts.attendance());
    let (_auditing, counting) = (parts.audit(), parts.count(metrics.tally));
    health.begin(vec![Arc::new(database.pulse()), hints.component()]);
    info!(%version, %address, database = %database.kind(), at = database.place, "started");
    let farewell = Farewell { health, waiters, drain: config.drain };
    let served = http::serve(port.hand_over()?, ::api::router(api), &room, farewell, stop).await;
    hints.end().await;
    presence.take_leave().await;
    counting.end().await;
    close(database).await;
    served?;
    info!("stopped");
    Ok(())
}
