//! Running a step: in a task of its own, within its time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::erased::AnyStep;
use crate::plan::{Attempted, Verdict};
use crate::store::Claimed;
use crate::{Active, Attempt, Compensated, Executed, Saga};

/// How an attempt went: for the plan, for the store, for the journal.
pub(crate) struct Outcome<E> {
    pub(crate) attempted: Attempted,
    pub(crate) effect: Option<E>,
    pub(crate) error: Option<String>,
    pub(crate) took: Duration,
}

/// Runs the step in a task of its own, within its time: a panic ends the attempt and nothing else.
pub(crate) async fn perform<S: Saga>(step: &Arc<dyn AnyStep<S>>, claimed: &Claimed<S>) -> Outcome<S::Effect> {
    let attempt =
        Attempt { saga: claimed.fence.saga, step: step.name(), number: claimed.attempt, data: claimed.data.clone() };
    let (task, limit, begun) = (Arc::clone(step), step.timeout(), Instant::now());
    let number = claimed.attempt;
    let (attempted, effect, error) = match &claimed.state {
        Active::Running(name) => {
            let executed = within(limit, async move { task.execute(&attempt).await }).await;
            let (verdict, effect, error) = match executed {
                Err(error) | Ok(Executed::Unknown(error)) => (Verdict::Unknown, None, Some(error)),
                Ok(Executed::Refused(code)) => (Verdict::Refused(code), None, None),
                Ok(Executed::Done(effect)) => (Verdict::Done, Some(effect), None),
            };
            (Attempted::Executed { step: name.clone(), number, verdict }, effect, error)
        }
        Active::Compensating(name, code) => {
            let compensated = within(limit, async move { task.compensate(&attempt).await }).await;
            let (effect, error) = match compensated {
                Err(error) | Ok(Compensated::Unknown(error)) => (None, Some(error)),
                Ok(Compensated::Done(effect)) => (Some(effect), None),
            };
            let undone = error.is_none();
            (Attempted::Compensated { step: name.clone(), code: code.clone(), number, undone }, effect, error)
        }
    };
    Outcome { attempted, effect, error, took: begun.elapsed() }
}

/// The future's output, or why there is none.
async fn within<T: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    let mut task = tokio::spawn(work.in_current_span());
    match timeout(limit, &mut task).await {
        Ok(Ok(output)) => Ok(output),
        // What a panic says may hold anything; where it was is in the log.
        Ok(Err(crash)) => Err(if crash.is_panic() { "panicked" } else { "cancelled" }.into()),
        Err(_) => {
            task.abort();
            Err(format!("timed out after {limit:?}"))
        }
    }
}
