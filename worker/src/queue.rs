//! The database as a queue: fetching is claiming.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::counter;
use saga::{Random, Saga, StepName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Wakes;
use crate::backend::Source;
use crate::crew::Crew;
use crate::job::StepJob;
use crate::wakes::Because;

/// Sagas in one claim.
const BATCH: usize = 32;
/// Between two looks at the database without a wake: 0.7 to 1.0 s, so that workers do not look in step.
const TICK: (Duration, Duration) = (Duration::from_millis(700), Duration::from_millis(300));

/// The due sagas of one step.
pub(crate) struct Queue<S: Saga> {
    pub(crate) step: StepName,
    pub(crate) crew: Arc<Crew<S>>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) stop: CancellationToken,
    /// Whether the last claim left nothing behind.
    pub(crate) drained: Arc<AtomicBool>,
}

impl<S: Saga> Source<S> for Queue<S> {
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
        pending().await
    }
}

impl<S: Saga> Queue<S> {
    async fn wait(&self) {
        let tick = TICK.0 + TICK.1.mul_f64(self.random.fraction());
        let because = if let Some(wakes) = self.wakes.of(&self.step) {
            wakes.wait(tick).await
        } else {
            tokio::time::sleep(tick).await;
            Because::Tick
        };
        counter!("signup_worker_looks_total", "step" => self.step.to_string(), "because" => because.word())
            .increment(1);
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
        let (crew, step) = (Arc::clone(&self.crew), self.step.clone());
        let claim = self.crew.tasks.spawn(async move {
            let jobs = crew.engine.claim(&step, slots.len()).await.unwrap_or_else(|error| {
                warn!(%step, %error, "nothing claimed");
                Vec::new()
            });
            let pairs = jobs.into_iter().zip(slots);
            pairs.map(|(job, slot)| StepJob::new(job, slot, &crew)).collect()
        });
        claim.await.unwrap_or_default()
    }
}

impl<S: Saga> Clone for Queue<S> {
    fn clone(&self) -> Self {
        Self {
            step: self.step.clone(),
            crew: Arc::clone(&self.crew),
            slots: Arc::clone(&self.slots),
            wakes: Arc::clone(&self.wakes),
            random: Arc::clone(&self.random),
            stop: self.stop.clone(),
            drained: Arc::clone(&self.drained),
        }
    }
}
