//! A job: a claim, with the slot that it occupies.

use std::sync::Arc;
use std::time::Duration;

use saga::{Engine, Job, Saga};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// A claimed saga on its way through apalis. Wherever it is dropped before its step has begun, the claim is handed
/// back, so that another worker can take it at once. Once the step has begun, only its commit or the lease's end frees
/// the saga: the attempt counts.
#[derive(Debug)]
pub(crate) struct StepJob<S: Saga> {
    /// Gone once the step has begun. Boxed, since apalis moves jobs about and wants them `Unpin`.
    job: Option<Box<Job<S>>>,
    engine: Arc<Engine<S>>,
    tasks: TaskTracker,
    _slot: OwnedSemaphorePermit,
}

impl<S: Saga> StepJob<S> {
    pub(crate) fn new(job: Job<S>, engine: &Arc<Engine<S>>, tasks: &TaskTracker, slot: OwnedSemaphorePermit) -> Self {
        Self { job: Some(Box::new(job)), engine: Arc::clone(engine), tasks: tasks.clone(), _slot: slot }
    }

    /// Runs the step in a task of its own, so that the end of an apalis worker does not cut it short; `abort` does.
    pub(crate) async fn run(self, abort: CancellationToken) {
        let ran = self.tasks.clone().spawn(abort.run_until_cancelled_owned(self.run_to_its_end()));
        if let Err(crash) = ran.await {
            error!(error = %crash, "a job crashed, its lease will run out");
        }
    }

    async fn run_to_its_end(mut self) {
        if let Some(job) = self.job.take() {
            self.engine.run(&job).await;
        }
    }
}

impl<S: Saga> Drop for StepJob<S> {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            let engine = Arc::clone(&self.engine);
            // Without a runtime, as when it ends, only the lease's end frees it.
            let Ok(runtime) = Handle::try_current() else { return };
            self.tasks.spawn_on(async move { engine.hand_back(&job, Duration::ZERO).await }, &runtime);
        }
    }
}
