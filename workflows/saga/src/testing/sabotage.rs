//! Steps that refuse, fail or panic on demand.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Pace;
use crate::erased::AnyStep;
use crate::{Attempt, Code, Compensated, Direction, Executed, Retry, Saga, StepName};

/// What to do to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Refuse with this code instead of executing. A compensation fails instead.
    Refuse(Code),
    /// Fail before the step does anything.
    Fail,
    /// Let the step do its work, then lose the result.
    Lose,
    /// Panic.
    Panic,
    /// Hang until the step times out.
    Hang,
}

/// Decides which attempts go wrong.
pub trait Sabotage<S: Saga>: Send + Sync + 'static {
    /// The fault for this attempt, if any.
    fn fault(&self, attempt: &Attempt<S>, direction: Direction) -> Option<Fault>;
}

impl<S: Saga, F> Sabotage<S> for F
where
    F: Fn(&Attempt<S>, Direction) -> Option<Fault> + Send + Sync + 'static,
{
    fn fault(&self, attempt: &Attempt<S>, direction: Direction) -> Option<Fault> {
        self(attempt, direction)
    }
}

pub(crate) struct Sabotaged<S: Saga> {
    step: Arc<dyn AnyStep<S>>,
    sabotage: Arc<dyn Sabotage<S>>,
    pace: Pace,
}

impl<S: Saga> Sabotaged<S> {
    pub(crate) fn new(step: Arc<dyn AnyStep<S>>, sabotage: Arc<dyn Sabotage<S>>, pace: Pace) -> Self {
        Self { step, sabotage, pace }
    }
}

#[async_trait]
impl<S: Saga> AnyStep<S> for Sabotaged<S> {
    fn name(&self) -> StepName {
        self.step.name()
    }

    fn timeout(&self) -> Duration {
        self.pace.of(self.step.timeout())
    }

    fn retry(&self) -> Retry {
        self.step.retry()
    }

    async fn execute(&self, attempt: &Attempt<S>) -> Executed<S::Effect> {
        match self.sabotage.fault(attempt, Direction::Forward) {
            None => self.step.execute(attempt).await,
            Some(Fault::Refuse(code)) => Executed::Refused(code),
            Some(Fault::Fail) => Executed::Unknown("made to fail".into()),
            Some(Fault::Lose) => {
                self.step.execute(attempt).await;
                Executed::Unknown("made to lose its result".into())
            }
            Some(Fault::Panic) => burst(),
            Some(Fault::Hang) => std::future::pending().await,
        }
    }

    async fn compensate(&self, attempt: &Attempt<S>) -> Compensated<S::Effect> {
        match self.sabotage.fault(attempt, Direction::Backward) {
            None => self.step.compensate(attempt).await,
            Some(Fault::Refuse(_) | Fault::Fail) => Compensated::Unknown("made to fail".into()),
            Some(Fault::Lose) => {
                self.step.compensate(attempt).await;
                Compensated::Unknown("made to lose its result".into())
            }
            Some(Fault::Panic) => burst(),
            Some(Fault::Hang) => std::future::pending().await,
        }
    }
}

#[expect(clippy::panic, reason = "a panic is what is asked for")]
fn burst() -> ! {
    panic!("made to panic")
}
