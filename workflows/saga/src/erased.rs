//! A step behind a pointer, so that a definition can list steps of different types.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Attempt, Compensated, Executed, Retry, Saga, Step, StepName};

#[async_trait]
pub(crate) trait AnyStep<S: Saga>: Send + Sync {
    fn name(&self) -> StepName;
    fn timeout(&self) -> Duration;
    fn retry(&self) -> Retry;
    async fn execute(&self, attempt: &Attempt<S>) -> Executed<S::Effect>;
    async fn compensate(&self, attempt: &Attempt<S>) -> Compensated<S::Effect>;
}

/// A step of any one type.
pub(crate) struct Erased<T>(pub(crate) T);

#[async_trait]
impl<S: Saga, T: Step<S>> AnyStep<S> for Erased<T> {
    fn name(&self) -> StepName {
        T::NAME
    }

    fn timeout(&self) -> Duration {
        T::TIMEOUT
    }

    fn retry(&self) -> Retry {
        T::RETRY
    }

    async fn execute(&self, attempt: &Attempt<S>) -> Executed<S::Effect> {
        self.0.execute(attempt).await
    }

    async fn compensate(&self, attempt: &Attempt<S>) -> Compensated<S::Effect> {
        self.0.compensate(attempt).await
    }
}
