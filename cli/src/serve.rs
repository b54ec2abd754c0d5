//! Everything in one process: API and workers, on the database that the settings name.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use api::{Api, Waiters};
use saga::fleet::Process;
use saga::{Clock, Engine, Listener, OsRandom, Policy, Random, SteadyClock, SystemClock, WorkerName};
use signup::{Cost, Hasher, SignUp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use worker::{Slots, Wakes, Workers};

use crate::banner::Banner;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::operator;
use crate::secrets::Secrets;
use crate::signals;

/// How long requests and jobs in hand may take to finish when the process stops.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one hash may take: half of a step's time, since two may share a core.
const SLOWEST_HASH: Duration = Duration::from_millis(2500);
/// How many jobs of a step that only waits for the database run at a time.
const SLOTS: usize = 32;

/// Serves until SIGTERM or Ctrl-C.
pub(crate) async fn serve(config: Config) -> anyhow::Result<()> {
    let stop = signals::stop_token()?;
    // What may well fail comes first: a start that fails leaves no folder behind. Nobody is let in before there is
    // somebody to answer.
    drop(listen(&config).await?);
    let hasher = hasher(&config.argon2).await?;
    let folder = DataDir::take(&config.data_dir)?;
    // Leases and due times must not jump with the machine's clock.
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::set_by(&SystemClock));
    let opening = Database::open(&config, &folder, Arc::clone(&clock));
    let Some(database) = stop.run_until_cancelled(opening).await.transpose()? else { return Ok(()) };
    let secrets = Secrets::of(&config, &folder, &database)?;
    database.agree_on(&config, &secrets).await?;

    let (api, workers) = compose(secrets, &database, clock, hasher)?;
    database.go_on().await?;
    let token = operator::first::ensure(folder.path(), &*database.operators).await?;
    let listener = listen(&config).await?;
    let address = listener.local_addr().context("cannot tell where it listens")?;
    let (version, data) = (env!("CARGO_PKG_VERSION"), folder.path().display());
    info!(%version, %address, database = %database.kind(), at = database.place, %data, "started");
    let token = token.filter(|_| std::io::stdout().is_terminal());
    let banner = Banner { address, database: &database, data_dir: folder.path(), token: token.as_ref() };
    // Nobody may be reading.
    let _ = write!(std::io::stdout(), "{banner}");

    let waiters = Arc::clone(&api.waiters);
    // Neither goes on without the other: whichever ends first, also by a crash, stops both.
    let working = tokio::spawn(with_stop(workers.run(stop.clone(), PATIENCE), stop.clone()));
    let served = with_stop(serve_http(listener, api, &waiters, stop.clone()), stop).await;
    let asked = working.await.context("the workers crashed")?;
    database.close().await;
    served.and_then(|()| if asked { Ok(()) } else { bail!("the workers ended by themselves; the log says why") })?;
    info!("stopped");
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(config.listen).await;
    listener.with_context(|| format!("cannot listen on {}; give another --listen", config.listen))
}

/// Stops everything when this ends or crashes.
async fn with_stop<T>(work: impl Future<Output = T>, stop: CancellationToken) -> T {
    let _stop = stop.drop_guard();
    work.await
}

/// A hasher whose hashes leave a step time enough.
async fn hasher(cost: &Cost) -> anyhow::Result<Arc<Hasher>> {
    let hasher = Hasher::new(cost.clone(), cores());
    let took = tokio::time::timeout(SLOWEST_HASH, hasher.trial()).await;
    match took {
        Ok(took) => debug!(hash = ?took.map_err(anyhow::Error::msg)?, "one password hash"),
        Err(_) => {
            bail!("one hash of {cost} takes longer than {SLOWEST_HASH:?} here; give a cheaper --argon2")
        }
    }
    Ok(Arc::new(hasher))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn compose(
    secrets: Secrets,
    database: &Database,
    clock: Arc<dyn Clock>,
    hasher: Arc<Hasher>,
) -> anyhow::Result<(Api, Workers<SignUp>)> {
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let store = Arc::clone(&database.store);
    let (sealer, policy) = (secrets.unsealer.sealer(), Policy::STANDARD);
    let definition = signup::definition(secrets.unsealer, hasher);
    #[cfg(feature = "testing")]
    let definition = definition.sabotaged(&(Arc::new(signup::testing::ByName) as Arc<_>));
    policy.check(&definition)?;

    let steps = definition.names();
    let (wakes, waiters) = (Arc::new(Wakes::new(&steps)), Arc::new(Waiters::new()));
    let listener: Arc<dyn Listener> =
        Arc::new(vec![Arc::clone(&wakes) as Arc<dyn Listener>, Arc::clone(&waiters) as Arc<dyn Listener>]);
    let name = WorkerName::unique("serve", &*random);
    let engine =
        Engine::new(definition, Arc::clone(&store), Arc::clone(&listener), Arc::clone(&random), policy, name.clone());
    let workers = Workers {
        engine: Arc::new(engine),
        store: Arc::clone(&store),
        wakes,
        redis: None,
        random: Arc::clone(&random),
        policy,
        slots: Slots { first: 2 * cores(), each: SLOTS },
        fleet: Arc::clone(&database.fleet),
        process: this_process(name),
    };
    let (operators, fleet) = (Arc::clone(&database.operators), Arc::clone(&database.fleet));
    let hash_key = secrets.hash_key;
    let api = Api { store, operators, fleet, listener, waiters, sealer, hash_key, clock, random, steps };
    Ok((api, workers))
}

/// What this process tells of itself.
fn this_process(name: WorkerName) -> Process {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    Process {
        name,
        role: "serve".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host.map_or_else(|_| "unknown".to_owned(), |host| host.trim().to_owned()),
        pid: std::process::id(),
        busy: BTreeMap::new(),
    }
}

/// Serves until `stop`; then takes no more requests and lets those in hand finish.
async fn serve_http(listener: TcpListener, api: Api, waiters: &Waiters, stop: CancellationToken) -> anyhow::Result<()> {
    let server = axum::serve(listener, api::router(api)).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return ended.context("the API crashed")?.context("the API failed"),
        () = stop.cancelled() => waiters.close(),
    }
    if let Ok(ended) = tokio::time::timeout(PATIENCE, &mut server).await {
        return ended.context("the API crashed")?.context("the API failed");
    }
    warn!("requests were cut off that did not finish in time");
    server.abort();
    Ok(())
}
