//! What the jobs of a process have in common, and how they follow each other.
//!
//! A worker that commits a step goes on with the saga where the next step has a free slot: its commit claims that step
//! too, and the claim is handed to the step's own apalis worker. So a saga that nothing stands in the way of needs one
//! claim, and not one for each step.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use saga::{Engine, Next, Saga, StepName};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Source;
use crate::heartbeat::StepSlots;
use crate::job::StepJob;

/// Jobs handed to an apalis worker at a time.
const BATCH: usize = 32;

/// What the jobs of a process share.
pub(crate) struct Crew<S: Saga> {
    pub(crate) engine: Arc<Engine<S>>,
    /// What runs, and what is being handed back.
    pub(crate) tasks: TaskTracker,
    stop: CancellationToken,
    steps: BTreeMap<StepName, Way<S>>,
}

/// The way in to one step.
struct Way<S: Saga> {
    slots: Arc<Semaphore>,
    /// As many wait in it as there are slots at most: each has one.
    jobs: UnboundedSender<StepJob<S>>,
}

/// The jobs of one step that were claimed by the commits before them.
pub(crate) struct Handed<S: Saga>(Arc<Mutex<UnboundedReceiver<StepJob<S>>>>);

impl<S: Saga> Crew<S> {
    /// With the jobs that will be handed to each step.
    pub(crate) fn new(
        engine: Arc<Engine<S>>,
        slots: &BTreeMap<StepName, StepSlots>,
        stop: CancellationToken,
    ) -> (Arc<Self>, BTreeMap<StepName, Handed<S>>) {
        let (mut steps, mut handed) = (BTreeMap::new(), BTreeMap::new());
        for (step, slots) in slots {
            let (jobs, received) = mpsc::unbounded_channel();
            steps.insert(step.clone(), Way { slots: Arc::clone(&slots.free), jobs });
            handed.insert(step.clone(), Handed(Arc::new(Mutex::new(received))));
        }
        (Arc::new(Self { engine, tasks: TaskTracker::new(), stop, steps }), handed)
    }

    /// A free slot for a step, unless the process is about to stop.
    pub(crate) fn room(&self, step: &StepName) -> Option<OwnedSemaphorePermit> {
        let way = self.steps.get(step).filter(|_| !self.stop.is_cancelled())?;
        Arc::clone(&way.slots).try_acquire_owned().ok()
    }

    /// Hands a job to the worker of its step.
    pub(crate) fn go_on(self: &Arc<Self>, next: Next<S, OwnedSemaphorePermit>) {
        if let Some(way) = self.steps.get(next.job.step()) {
            // A worker that has ended takes no more: the job is dropped, and by that handed back.
            let _ = way.jobs.send(StepJob::new(next.job, next.slot, self));
        }
    }
}

impl<S: Saga> Source<S> for Handed<S> {
    async fn fetch(&self) -> Vec<StepJob<S>> {
        let mut jobs = Vec::new();
        if self.0.lock().await.recv_many(&mut jobs, BATCH).await == 0 {
            pending::<()>().await;
        }
        jobs
    }
}

impl<S: Saga> Handed<S> {
    /// Hands back what nobody fetches any more.
    pub(crate) async fn close(self) {
        let mut jobs = self.0.lock().await;
        jobs.close();
        while jobs.try_recv().is_ok() {}
    }
}

impl<S: Saga> Clone for Handed<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
