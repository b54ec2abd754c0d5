//! Running the workers of a process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{Monitor, WorkerBuilder};
use metrics::counter;
use saga::fleet::Process;
use saga::{Engine, Fleet, Policy, Random, Saga, StepName, Store};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};

use crate::backend::{Source, SourceBackend};
use crate::crew::Crew;
use crate::heartbeat::{Heartbeat, StepSlots};
use crate::housekeeper::housekeep;
use crate::job::StepJob;
use crate::queue::Queue;
use crate::{Redis, Wakes};

/// How long handing back, and then taking leave, may take longer once the jobs in hand have had their time.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How many jobs of each step run at a time in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// For steps that mostly wait for the database.
    pub each: usize,
    /// For the first step, which hashes.
    pub first: usize,
}

/// The workers of a process: one for each step.
pub struct Workers<S: Saga> {
    /// What claims and runs.
    pub engine: Arc<Engine<S>>,
    /// For housekeeping.
    pub store: Arc<dyn Store<S>>,
    /// What tells them that something is due.
    pub wakes: Arc<Wakes>,
    /// Where hints come from, if from anywhere.
    pub redis: Option<Arc<Redis>>,
    /// For jitter.
    pub random: Arc<dyn Random>,
    /// The engine's limits.
    pub policy: Policy,
    /// How many jobs run at a time.
    pub slots: Slots,
    /// Whom this process tells that it lives.
    pub fleet: Arc<dyn Fleet>,
    /// What it tells of itself, how busy it is aside. Leases bear its name.
    pub process: Process,
}

impl<S: Saga> Workers<S> {
    /// Runs until `stop`; then takes no more jobs, hands back those that have not begun, and lets those in hand finish
    /// for `patience`. It ends earlier only where something is wrong.
    ///
    /// True if it was asked to stop.
    pub async fn run(self, stop: CancellationToken, patience: Duration) -> bool {
        let (slots, abort) = (self.slots(), CancellationToken::new());
        let (crew, handed) = Crew::new(Arc::clone(&self.engine), &slots, stop.clone());
        let tasks = crew.tasks.clone();
        let ended = CancellationToken::new();
        let heartbeat = tokio::spawn(self.heartbeat(&slots).run(ended.clone()));
        let mut monitor = Monitor::new().should_restart(|worker, error| {
            error!(worker = worker.name(), %error, "a worker crashed, restarting it");
            counter!("signup_worker_restarts_total", "queue" => "database").increment(1);
            true
        });
        for (step, slots) in &slots {
            let queue = self.queue(step, slots, &crew, &stop);
            monitor = register(monitor, format!("{step}-{}", self.process.name), queue, &abort);
        }
        for (step, handed) in &handed {
            monitor = register(monitor, format!("{step}-next-{}", self.process.name), handed.clone(), &abort);
        }
        let consuming = self.consume(&crew, &slots, &stop);
        drop(crew);
        let housekeeping = housekeep(Arc::clone(&self.store), self.policy, Arc::clone(&self.random));
        let housekeeping = tokio::spawn(stop.clone().run_until_cancelled_owned(housekeeping));

        let signal = stop.clone();
        let mut running = tokio::spawn(monitor.run_with_signal(async move {
            signal.cancelled_owned().await;
            Ok(())
        }));
        // The workers also end when they are asked to: that is looked at first.
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            _ = &mut running => {
                error!("the workers ended by themselves");
                // It does not take leave: operators see that it has gone silent.
                heartbeat.abort();
                return false;
            }
        }
        debug!(jobs = tasks.len(), "finishing the jobs in hand");
        for (_, handed) in handed {
            tokio::spawn(handed.close());
        }
        let ending = async {
            consuming.wait().await;
            (&mut running).await
        };
        match timeout(patience, ending).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => error!(%error, "the workers' monitor failed"),
            Ok(Err(error)) => error!(%error, "the workers' monitor crashed"),
            Err(_) => warn!(jobs = tasks.len(), "leaving the jobs that did not finish to their leases' end"),
        }
        abort.cancel();
        tasks.close();
        if timeout(LAST_WORDS, tasks.wait()).await.is_err() {
            warn!(jobs = tasks.len(), "not handed back in time, their leases will run out");
        }
        housekeeping.abort();
        ended.cancel();
        if timeout(LAST_WORDS, heartbeat).await.is_err() {
            warn!("operators may see this process for a while yet");
        }
        true
    }

    /// The slots of each step.
    fn slots(&self) -> BTreeMap<StepName, StepSlots> {
        let many = |index| if index == 0 { self.slots.first } else { self.slots.each };
        let steps = self.engine.steps().into_iter().enumerate();
        steps.map(|(index, step)| (step, StepSlots::new(many(index)))).collect()
    }

    fn heartbeat(&self, slots: &BTreeMap<StepName, StepSlots>) -> Heartbeat {
        Heartbeat::new(Arc::clone(&self.fleet), self.process.clone(), slots.clone())
    }

    /// Starts to take hints, if there is somewhere to take them from.
    fn consume(
        &self,
        crew: &Arc<Crew<S>>,
        slots: &BTreeMap<StepName, StepSlots>,
        stop: &CancellationToken,
    ) -> TaskTracker {
        let tasks = TaskTracker::new();
        if let Some(redis) = &self.redis {
            redis.consume(crew, slots, self.process.name.as_str(), stop, &tasks);
        }
        tasks.close();
        tasks
    }

    fn queue(&self, step: &StepName, slots: &StepSlots, crew: &Arc<Crew<S>>, end: &CancellationToken) -> Queue<S> {
        Queue {
            step: step.clone(),
            crew: Arc::clone(crew),
            slots: Arc::clone(&slots.free),
            wakes: Arc::clone(&self.wakes),
            random: Arc::clone(&self.random),
            stop: end.clone(),
            drained: Arc::default(),
        }
    }
}

/// Adds an apalis worker for the jobs of this source.
fn register<S: Saga>(monitor: Monitor, name: String, source: impl Source<S>, abort: &CancellationToken) -> Monitor {
    let abort = abort.clone();
    monitor.register(move |restarts| {
        let abort = abort.clone();
        WorkerBuilder::new(format!("{name}-{restarts}"))
            .backend(SourceBackend::new(source.clone()))
            .build(move |job: StepJob<S>| job.run(abort.clone()))
    })
}

impl<S: Saga> std::fmt::Debug for Workers<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("process", &self.process).field("slots", &self.slots).finish_non_exhaustive()
    }
}
