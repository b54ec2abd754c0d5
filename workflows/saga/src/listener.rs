//! The port through which the rest of the process learns of a saga's advance.

use std::sync::Arc;
use std::time::Duration;

use crate::{SagaId, State};

/// A saga has advanced, and this has been committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The saga.
    pub saga: SagaId,
    /// Its state now.
    pub state: State,
    /// In how long its next step is due.
    pub due_in: Duration,
    /// Whether the worker that advanced it has claimed its next step too: nobody else need look for it.
    pub held: bool,
}

impl Advanced {
    /// It has come to this state, and its next step is anybody's at once.
    pub fn to(saga: SagaId, state: State) -> Self {
        Self { saga, state, due_in: Duration::ZERO, held: false }
    }
}

/// Wants to know when a saga advances: workers, to take the next step at once; callers who wait for an end.
///
/// It is told after the commit and never waited for. It may be told late, twice or never: it is a hint.
pub trait Listener: Send + Sync + 'static {
    /// A saga has advanced, or has just been accepted.
    fn advanced(&self, news: &Advanced);
}

/// Tells every listener in turn.
impl Listener for Vec<Arc<dyn Listener>> {
    fn advanced(&self, news: &Advanced) {
        for listener in self {
            listener.advanced(news);
        }
    }
}

/// Nobody listens.
impl Listener for () {
    fn advanced(&self, _: &Advanced) {}
}
