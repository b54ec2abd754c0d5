//! A job: a claim, with the slot that it occupies.

use std::sync::Arc;
use std::time::Duration;

use saga::{Job, Saga};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::crew::Crew;

/// A claimed saga on its way through apalis. Wherever it is dropped before its step has begun, the claim is handed
/// back, so that another worker can take it at once. Once the step has begun, only its commit or the lease's end frees
/// the saga: the attempt counts.
pub(crate) struct StepJob<S: Saga> {
    /// Gone once the step has begun. Boxed, since apalis moves jobs about and wants them `Unpin`.
    job: Option<Box<Job<S>>>,
    crew: Arc<Crew<S>>,
    _slot: OwnedSemaphorePermit,
}

impl<S: Saga> StepJob<S> {
    pub(crate) fn new(job: Job<S>, slot: OwnedSemaphorePermit, crew: &Arc<Crew<S>>) -> Self {
        Self { job: Some(Box::new(job)), crew: Arc::clone(crew), _slot: slot }
    }

    /// Runs the step in a task of its own, so that the end of an apalis worker does not cut it short; `abort` does.
    pub(crate) async fn run(self, abort: CancellationToken) {
        let tasks = self.crew.tasks.clone();
        let ran = tasks.spawn(abort.run_until_cancelled_owned(self.run_to_its_end()));
        if let Err(crash) = ran.await {
            error!(error = %crash, "a job crashed, its lease will run out");
        }
    }

    async fn run_to_its_end(mut self) {
        let Some(job) = self.job.take() else { return };
        let (_, next) = self.crew.engine.run_on(&job, |step| self.crew.room(step)).await;
        if let Some(next) = next {
            self.crew.go_on(next);
        }
    }
}

impl<S: Saga> Drop for StepJob<S> {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            let crew = Arc::clone(&self.crew);
            // Without a runtime, as when it ends, only the lease's end frees it.
            let Ok(runtime) = Handle::try_current() else { return };
            self.crew.tasks.spawn_on(async move { crew.engine.hand_back(&job, Duration::ZERO).await }, &runtime);
        }
    }
}

impl<S: Saga> std::fmt::Debug for StepJob<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepJob").field("job", &self.job).finish_non_exhaustive()
    }
}
