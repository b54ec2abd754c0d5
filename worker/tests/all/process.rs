//! Processes, in the test's own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use saga::fleet::Process as Told;
use saga::testing::{Pace, Sabotage};
use saga::{Engine, Listener, OsRandom, Policy, Random, StepName, WorkerName};
use signup::testing::ByName;
use signup::{Hasher, SignUp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::{Redis, Slots, Wakes, Workers};

use crate::world::World;

/// A process that takes sign-ups, or works on them, or both.
pub(crate) struct Process {
    pub(crate) redis: Arc<Redis>,
    pub(crate) listener: Arc<dyn Listener>,
    stop: CancellationToken,
    end: CancellationToken,
    workers: Option<JoinHandle<bool>>,
    pushing: JoinHandle<()>,
}

pub(crate) fn definition() -> saga::Definition<SignUp> {
    let hasher = Hasher::new("m=8,t=1,p=1".parse().unwrap(), 2);
    let sabotage: Arc<dyn Sabotage<SignUp>> = Arc::new(ByName);
    signup::definition(World::unsealer(), Arc::new(hasher)).sabotaged(&sabotage, Pace::STANDARD)
}

pub(crate) fn steps() -> Vec<StepName> {
    definition().all_names()
}

impl Process {
    /// One that takes sign-ups, and works on none.
    pub(crate) fn api(url: &str) -> Self {
        let redis = open(url);
        let listener = redis.listener();
        Self::start(redis, listener, None)
    }

    /// One that works on sign-ups.
    pub(crate) fn worker(world: &World, url: &str) -> Self {
        Self::worker_with(world, url, Slots { first: 4, each: 8 })
    }

    pub(crate) fn worker_with(world: &World, url: &str, slots: Slots) -> Self {
        let redis = open(url);
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let name = WorkerName::unique("test", &*random);
        let wakes = Arc::new(Wakes::new(&steps()));
        let heard: Vec<Arc<dyn Listener>> = vec![Arc::clone(&wakes) as _, redis.listener(), world.ended()];
        let (listener, store): (Arc<dyn Listener>, _) = (Arc::new(heard), Arc::clone(&world.store));
        let policy = Policy::STANDARD;
        let engine = Engine::new(
            definition(),
            Arc::clone(&store) as _,
            Arc::clone(&listener),
            Arc::clone(&random),
            policy,
            name.clone(),
        );
        let process = Told {
            name,
            role: "worker".to_owned(),
            version: "1".to_owned(),
            host: "here".to_owned(),
            pid: 1,
            busy: BTreeMap::new(),
        };
        let workers = Workers {
            engine: Arc::new(engine),
            store,
            wakes,
            redis: Some(Arc::clone(&redis)),
            random,
            policy,
            slots,
            fleet: Arc::clone(&world.fleet) as _,
            process,
        };
        Self::start(redis, listener, Some(workers))
    }

    fn start(redis: Arc<Redis>, listener: Arc<dyn Listener>, workers: Option<Workers<SignUp>>) -> Self {
        let (stop, end) = (CancellationToken::new(), CancellationToken::new());
        let pushing = tokio::spawn({
            let (redis, end) = (Arc::clone(&redis), end.clone());
            async move { redis.run(end).await }
        });
        let workers = workers.map(|workers| tokio::spawn(workers.run(stop.clone(), Duration::from_secs(10))));
        Self { redis, listener, stop, end, workers, pushing }
    }

    /// Whether it pushes hints.
    pub(crate) fn is_well(&self) -> bool {
        self.redis.health().trouble().is_none()
    }

    /// Stops as a process does that is asked to.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Some(workers) = self.workers {
            assert!(workers.await.unwrap());
        }
        self.end.cancel();
        self.pushing.await.unwrap();
    }
}

fn open(url: &str) -> Arc<Redis> {
    Redis::open::<SignUp>(url, &definition().outline(), Arc::new(OsRandom)).unwrap()
}
