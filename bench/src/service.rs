//! The service as `signup serve` composes it, without HTTP: a store, an engine, workers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use figures::cores;
use saga::fleet::Process;
use saga::store::Accepted;
use saga::{
    Advanced, End, Engine, Fleet, Listener, OsRandom, Policy, SagaId, State, SteadyClock, Store, SystemClock,
    WorkerName,
};
use signup::{Hasher, Proposal, SignUp};
use store::Sqlite;
use store::postgres::Database;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use worker::{Slots, Wakes, Workers};

use crate::people::unsealer;
use crate::timed::Timed;

/// What `signup serve` takes by default.
const SLOTS: usize = 32;
/// The same.
const CONNECTIONS: u32 = 20;
/// How long one sign-up may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many jobs of the first step run at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum First {
    /// As many as `signup serve` takes: its hash keeps the cores busy.
    Hashes,
    /// As many as of any other step: its hash is next to nothing.
    IsCheap,
}

/// A running service.
pub(crate) struct Service {
    store: Arc<Timed>,
    listener: Arc<dyn Listener>,
    ends: Arc<Ends>,
    stop: CancellationToken,
    running: Mutex<Option<JoinHandle<bool>>>,
}

impl First {
    fn slots(self) -> usize {
        match self {
            Self::Hashes => 8 * cores(),
            Self::IsCheap => SLOTS,
        }
    }
}

impl Service {
    /// On a file in this folder.
    pub(crate) async fn sqlite(folder: &Path, hasher: &Arc<Hasher>, first: First) -> anyhow::Result<Self> {
        let clock = Arc::new(SteadyClock::set_by(&SystemClock));
        let database = Sqlite::open(&folder.join("signup.db"), clock).await?;
        Self::start(Arc::new(database.clone()), Arc::new(database), hasher, first)
    }

    /// On a new database of this server.
    pub(crate) async fn postgres(url: &str, hasher: &Arc<Hasher>, first: First) -> anyhow::Result<Self> {
        let database = Database::new(url, CONNECTIONS)?;
        database.migrate().await?;
        let database = database.open().await?;
        Self::start(Arc::new(database.clone()), Arc::new(database), hasher, first)
    }

    fn start(
        database: Arc<dyn Store<SignUp>>,
        fleet: Arc<dyn Fleet>,
        hasher: &Arc<Hasher>,
        first: First,
    ) -> anyhow::Result<Self> {
        let (timed, random, policy) = (Arc::new(Timed::new(database)), Arc::new(OsRandom), Policy::STANDARD);
        let store: Arc<dyn Store<SignUp>> = Arc::clone(&timed) as _;
        let definition = signup::definition(unsealer()?, Arc::clone(hasher));
        policy.check(&definition)?;
        let (wakes, ends) = (Arc::new(Wakes::new(&definition.all_names())), Arc::new(Ends::default()));
        let listener: Arc<dyn Listener> =
            Arc::new(vec![Arc::clone(&wakes) as Arc<dyn Listener>, Arc::clone(&ends) as Arc<dyn Listener>]);
        let name = WorkerName::unique("bench", &*random);
        let engine = Engine::new(
            definition,
            Arc::clone(&store),
            Arc::clone(&listener),
            Arc::clone(&random) as _,
            policy,
            name.clone(),
        );
        let workers = Workers {
            engine: Arc::new(engine),
            store: Arc::clone(&store),
            wakes,
            redis: None,
            random,
            policy,
            slots: Slots { first: first.slots(), each: SLOTS },
            fleet,
            process: this_process(name),
        };
        let stop = CancellationToken::new();
        let running = Mutex::new(Some(tokio::spawn(workers.run(stop.clone(), PATIENCE))));
        Ok(Self { store: timed, listener, ends, stop, running })
    }

    /// What its store is asked, if somebody wants to know.
    pub(crate) fn timed(&self) -> &Timed {
        &self.store
    }

    /// Signs someone up as the API does, and waits until it has completed: how long that took.
    pub(crate) async fn sign_up(&self, proposal: &Proposal) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let ended = self.ends.of(proposal.saga);
        match self.store.accept(proposal).await? {
            Accepted::New(view) => {
                let news = Advanced::to(view.saga, view.state);
                self.listener.advanced(&news);
            }
            other @ (Accepted::Replay(_) | Accepted::Conflict(_)) => bail!("not accepted: {other:?}"),
        }
        match timeout(PATIENCE, ended).await.context("a sign-up does not end")?? {
            State::Ended(End::Completed) => Ok(begun.elapsed()),
            other => Err(anyhow!("a sign-up ended as {other:?}")),
        }
    }

    /// Ends its workers.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.stop.cancel();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.await?;
        }
        Ok(())
    }
}

fn this_process(name: WorkerName) -> Process {
    Process {
        name,
        role: "bench".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: "localhost".to_owned(),
        pid: std::process::id(),
        busy: BTreeMap::new(),
    }
}

/// Who waits for which saga's end.
#[derive(Default)]
struct Ends(Mutex<HashMap<SagaId, oneshot::Sender<State>>>);

impl Ends {
    fn of(&self, saga: SagaId) -> oneshot::Receiver<State> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(saga, sender);
        receiver
    }
}

impl Listener for Ends {
    fn advanced(&self, news: &Advanced) {
        if let State::Ended(_) = news.state {
            let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&news.saga);
            if let Some(sender) = waiting {
                // Whoever waited may have given up.
                let _ = sender.send(news.state.clone());
            }
        }
    }
}
