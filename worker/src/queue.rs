//! The database as an apalis backend: fetching is claiming.
//!
//! [`Queue::fetch`] waits until there is something to do. So an apalis worker is always either running jobs or within
//! a fetch, and no wake-up falls between two polls; apalis needs no poll strategy, no heartbeat and no
//! acknowledgement, since all three would say what the saga's row says already. It never reports an error: apalis ends
//! a worker at its first one.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::{Backend, Task, WorkerContext};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::persistence::{Persisted, Persistence, TaskEvent};
use saga::{Engine, Random, Saga, StepName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::layer::util::Identity;
use tracing::warn;

use crate::Wakes;
use crate::job::StepJob;

/// Sagas in one claim.
const BATCH: usize = 32;
/// Between two looks at the database without a wake: 0.7 to 1.0 s, so that workers do not look in step.
const TICK: (Duration, Duration) = (Duration::from_millis(700), Duration::from_millis(300));
/// How often apalis would call for a heartbeat; there is none to give.
const HEARTBEAT: Duration = Duration::from_hours(1);
/// The longest pause before a crashed worker starts again.
const LONGEST_RESTART_PAUSE: Duration = Duration::from_secs(10);

/// The due sagas of one step.
pub(crate) struct Queue<S: Saga> {
    pub(crate) step: StepName,
    pub(crate) engine: Arc<Engine<S>>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Whether the last claim left nothing behind.
    pub(crate) drained: Arc<AtomicBool>,
}

impl<S: Saga> Queue<S> {
    /// Waits for due sagas and free slots, and claims as many as there are of both.
    ///
    /// # Cancel safety
    /// A claim that has been sent goes on, and what it gets is handed back.
    async fn fetch(&self) -> Vec<StepJob<S>> {
        while !self.stop.is_cancelled() {
            // A wake that came since the last claim was sent is remembered, so this waits for nothing that is due.
            if self.drained.load(Ordering::Acquire) {
                self.wait().await;
                // Whatever else has just become due goes into the same claim.
                tokio::task::yield_now().await;
            }
            let slots = self.free_slots().await;
            let free = slots.len();
            let jobs = self.claim(slots).await;
            self.drained.store(jobs.len() < free, Ordering::Release);
            if !jobs.is_empty() {
                return jobs;
            }
        }
        // Stopping: apalis drops this future.
        std::future::pending().await
    }

    async fn wait(&self) {
        let tick = TICK.0 + TICK.1.mul_f64(self.random.fraction());
        match self.wakes.of(&self.step) {
            Some(wakes) => wakes.wait(tick).await,
            None => tokio::time::sleep(tick).await,
        }
    }

    /// Every free slot up to a batch; waits for the first.
    async fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        let mut slots = Vec::new();
        slots.extend(Arc::clone(&self.slots).acquire_owned().await);
        while slots.len() < BATCH {
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { break };
            slots.push(slot);
        }
        slots
    }

    /// Claims in a task of its own: a claim that is dropped half-way would hold sagas until their leases run out.
    async fn claim(&self, slots: Vec<OwnedSemaphorePermit>) -> Vec<StepJob<S>> {
        let (engine, step, tasks) = (Arc::clone(&self.engine), self.step.clone(), self.tasks.clone());
        let claim = self.tasks.spawn(async move {
            let jobs = engine.claim(&step, slots.len()).await.unwrap_or_else(|error| {
                warn!(%step, %error, "nothing claimed");
                Vec::new()
            });
            let pairs = jobs.into_iter().zip(slots);
            pairs.map(|(job, slot)| StepJob::new(job, &engine, &tasks, slot)).collect()
        });
        claim.await.unwrap_or_default()
    }
}

impl<S: Saga> Clone for Queue<S> {
    fn clone(&self) -> Self {
        Self {
            step: self.step.clone(),
            engine: Arc::clone(&self.engine),
            slots: Arc::clone(&self.slots),
            wakes: Arc::clone(&self.wakes),
            random: Arc::clone(&self.random),
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
            drained: Arc::clone(&self.drained),
        }
    }
}

impl<S: Saga> Persistence for Queue<S> {
    type Compact = StepJob<S>;
    type Response = ();
    type Error = Infallible;

    /// Pauses before a worker that has crashed starts again: apalis' monitor would restart it at once.
    async fn register(&mut self, worker: &WorkerContext) -> Result<(), Infallible> {
        let restarts = u32::try_from(worker.restarts()).unwrap_or(u32::MAX);
        if restarts > 0 {
            let pause = Duration::from_millis(100).saturating_mul(1_u32.checked_shl(restarts).unwrap_or(u32::MAX));
            tokio::time::sleep(pause.min(LONGEST_RESTART_PAUSE)).await;
        }
        Ok(())
    }

    async fn heartbeat(&mut self, _: &WorkerContext) -> Result<(), Infallible> {
        Ok(())
    }

    async fn fetch_next(&mut self, _: &WorkerContext) -> Result<Vec<Task<StepJob<S>>>, Infallible> {
        Ok(self.fetch().await.into_iter().map(Task::new).collect())
    }

    /// Dropping them hands them back.
    async fn reenqueue_abandoned(&mut self, jobs: Vec<Task<StepJob<S>>>, _: &WorkerContext) -> Result<u64, Infallible> {
        Ok(jobs.len() as u64)
    }

    async fn handle_events(&mut self, _: Vec<TaskEvent<()>>, _: &WorkerContext) -> Result<(), Infallible> {
        Ok(())
    }

    /// Nothing is ever pushed: a saga that is due is in the database.
    async fn push_tasks(&mut self, _: Vec<Task<StepJob<S>>>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The queue as an apalis backend.
pub(crate) struct DatabaseBackend<S: Saga>(pub(crate) Persisted<Queue<S>>);

impl<S: Saga> Backend for DatabaseBackend<S> {
    type Task = Task<StepJob<S>>;
    type Error = Infallible;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx, worker, HEARTBEAT)
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.0.poll_next(cx, worker)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        self.0.poll_close(cx, worker)
    }
}

impl<S: Saga> BackendConfig for DatabaseBackend<S> {
    type Args = StepJob<S>;
    type Id = ();
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
