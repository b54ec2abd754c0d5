//! The port through which the rest of the process learns of a saga's advance.

use std::sync::Arc;
use std::time::Duration;

use crate::{SagaId, State, StepName};

/// A saga has advanced, and this has been committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The saga.
    pub saga: SagaId,
    /// Its state now.
    pub state: State,
    /// In how long its next step is due.
    pub due_in: Duration,
    /// Who takes it.
    pub taker: Taker,
}

/// Who takes a saga's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taker {
    /// Whoever looks first.
    Anyone,
    /// Whom a listener tells of it, as it said it would: see [`Listener::will_tell`].
    Told,
    /// The worker that advanced it: it has claimed the step too.
    Holder,
}

impl Advanced {
    /// It has come to this state, and its next step is anybody's at once.
    pub fn to(saga: SagaId, state: State) -> Self {
        Self { saga, state, due_in: Duration::ZERO, taker: Taker::Anyone }
    }
}

/// Wants to know when a saga advances: workers, to take the next step at once; callers who wait for an end.
///
/// It is told after the commit and never waited for. It may be told late, twice or never: it is a hint.
pub trait Listener: Send + Sync + 'static {
    /// A saga has advanced, or has just been accepted.
    fn advanced(&self, news: &Advanced);

    /// Whether it is going to tell workers of a saga that becomes due at this step. Those who look for due sagas by
    /// themselves then leave it alone for a second: what it says is written with the saga, before it is told.
    fn will_tell(&self, _step: &StepName) -> bool {
        false
    }
}

/// Tells every listener in turn.
impl Listener for Vec<Arc<dyn Listener>> {
    fn advanced(&self, news: &Advanced) {
        for listener in self {
            listener.advanced(news);
        }
    }

    fn will_tell(&self, step: &StepName) -> bool {
        self.iter().any(|listener| listener.will_tell(step))
    }
}

/// Nobody listens.
impl Listener for () {
    fn advanced(&self, _: &Advanced) {}
}
