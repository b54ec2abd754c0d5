//! Sources of jobs as apalis backends.
//!
//! [`Source::fetch`] waits until there is something to do. So an apalis worker is always either running jobs or within
//! a fetch, and no wake-up falls between two polls; apalis needs no poll strategy, no heartbeat and no
//! acknowledgement, since all three would say what the saga's row says already. It never reports an error: apalis ends
//! a worker at its first one.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::{Backend, Task, WorkerContext};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::persistence::{Persisted, Persistence, TaskEvent};
use saga::Saga;
use tower::layer::util::Identity;

use crate::job::StepJob;

/// How often apalis would call for a heartbeat; there is none to give.
const HEARTBEAT: Duration = Duration::from_hours(1);
/// The longest pause before a crashed worker starts again.
const LONGEST_RESTART_PAUSE: Duration = Duration::from_secs(10);

/// Where the jobs of one step come from.
pub(crate) trait Source<S: Saga>: Clone + Unpin + Send + Sync + 'static {
    /// Waits for jobs. Once the process stops, none come any more.
    ///
    /// # Cancel safety
    /// No job is lost: one that is dropped is handed back.
    fn fetch(&self) -> impl Future<Output = Vec<StepJob<S>>> + Send;
}

/// A source as apalis keeps it.
pub(crate) struct Kept<S, Q>(Q, PhantomData<fn() -> S>);

/// A source as an apalis backend.
pub(crate) struct SourceBackend<S: Saga, Q: Source<S>>(Persisted<Kept<S, Q>>);

impl<S: Saga, Q: Source<S>> SourceBackend<S, Q> {
    pub(crate) fn new(source: Q) -> Self {
        Self(Persisted::new(Kept(source, PhantomData)))
    }
}

impl<S, Q: Clone> Clone for Kept<S, Q> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<S: Saga, Q: Source<S>> Persistence for Kept<S, Q> {
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
        Ok(self.0.fetch().await.into_iter().map(Task::new).collect())
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

impl<S: Saga, Q: Source<S>> Backend for SourceBackend<S, Q> {
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

impl<S: Saga, Q: Source<S>> BackendConfig for SourceBackend<S, Q> {
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
