//! `signup serve`: everything in one process, on the database that the settings name.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use ::api::Health;
use ::worker::Wakes;
use anyhow::{Context, bail};
use saga::Listener;
use tracing::{info, warn};

use super::banner::Banner;
use super::hashing::{self, Hashing};
use super::health_port::listen;
use super::http::{self, Farewell};
use super::parts::{ApiKeys, Door, Parts, clock, close, room};
use super::work::workers;
use super::{PATIENCE, Role, seams, with_stop};
use crate::config::{Config, OwnOrigin, settings};
use crate::data_dir::DataDir;
use crate::database::{Database, Shared};
use crate::metrics::Metrics;
use crate::operator;
use crate::secrets::Secrets;
use crate::signals;

/// Serves until SIGTERM or Ctrl-C.
pub(super) async fn run(config: Config, metrics: Metrics) -> anyhow::Result<()> {
    let stop = signals::stop_token()?;
    // What may well fail comes first: a start that fails leaves no folder behind. Nobody is let in before there is
    // somebody to answer.
    drop(listen(config.listen, "listen").await?);
    let hashing = Hashing::at(&config.argon2).await?;
    let folder = DataDir::take(&config.data_dir)?;
    let clock = clock();
    let opening = async {
        let database = Database::open(&config, &folder, Arc::clone(&clock)).await?;
        let secrets = Secrets::of(&config, &folder, &database)?;
        let sealer = secrets.unsealer.sealer();
        let shared = [Shared::Seal(&settings::SEAL_PRIVATE_KEY, &sealer), Shared::Hash(&secrets.hash_key)];
        database.agree_on(&config, &shared).await?;
        database.go_on().await?;
        let token = operator::first::ensure(folder.path(), &*database.operators).await?;
        anyhow::Ok((database, secrets, sealer, token))
    };
    let opened = stop.run_until_cancelled(Box::pin(opening)).await.transpose()?;
    let Some((database, secrets, sealer, token)) = opened else { return Ok(()) };

    let parts = Parts::new(Role::Serve, &database, clock);
    let (wakes, waiters) = (Arc::new(Wakes::new(&seams::outline().steps)), parts.waiters());
    // All who are told of sagas that advance.
    let listener = seams::listener(vec![Arc::clone(&wakes) as Arc<dyn Listener>, Arc::clone(&waiters) as _]);
    let workers = workers(&parts, (secrets.unsealer, hashing), Arc::clone(&listener), wakes)?;
    let health = Arc::new(Health::starting());
    let door = Door::of(&config, None, &parts.random, metrics.page)?;
    let (port, room) = (listen(config.listen, "listen").await?, room(&config));
    let address = port.local_addr().context("cannot tell where it listens")?;
    let keys = ApiKeys { sealer, hash_key: secrets.hash_key, master_key: secrets.master_key };
    let issuer = config.origin.clone().unwrap_or_else(|| OwnOrigin::at(address)).issuer();
    let sign_ins = hashing::of_sign_ins(&config.argon2);
    let api = parts.api(keys, (issuer, sign_ins), door, listener, Arc::clone(&waiters), Arc::clone(&health));
    let (_auditing, counting) = (parts.audit(), parts.count(metrics.tally));
    health.begin(vec![Arc::new(database.pulse())]);
    let (version, data) = (env!("CARGO_PKG_VERSION"), folder.path().display());
    info!(%version, %address, database = %database.kind(), at = database.place, %data, "started");
    if config.redis_url.is_some() {
        warn!("`{}` is set and {} does not use it", settings::REDIS_URL.variable, Role::Serve);
    }
    let token = token.filter(|_| std::io::stdout().is_terminal());
    let banner = Banner { address, database: &database, data_dir: folder.path(), token: token.as_ref() };
    // Nobody may be reading.
    let _ = write!(std::io::stdout(), "{banner}");

    // Neither goes on without the other: whichever ends first, also by a crash, stops both.
    let working = tokio::spawn(with_stop(workers.run(stop.clone(), PATIENCE), stop.clone()));
    // There is no other process to send requests to meanwhile.
    let farewell = Farewell { health, waiters, drain: Duration::ZERO };
    let serving = http::serve(port, ::api::router(api), &room, farewell, stop.clone());
    let served = with_stop(serving, stop).await;
    let asked = working.await.context("the workers crashed")?;
    counting.end().await;
    close(database).await;
    served.and_then(|()| if asked { Ok(()) } else { bail!("the workers ended by themselves; the log says why") })?;
    info!("stopped");
    Ok(())
}
