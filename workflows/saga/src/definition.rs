//! A saga as it is declared: its types, and its list of steps.

use std::fmt;
use std::sync::Arc;

use crate::erased::{AnyStep, Erased};
use crate::plan::{Leg, Route};
use crate::{Code, Policy, Step, StepName};

/// The types of one saga.
pub trait Saga: Sized + Send + Sync + fmt::Debug + Clone + 'static {
    /// The name under which its sagas are stored.
    const KIND: &'static str;
    /// The version of its list of steps; a worker takes only sagas of a version it knows.
    const VERSION: u32;
    /// What a saga is accepted with and its steps work on.
    type Data: Clone + fmt::Debug + Send + Sync + 'static;
    /// What its steps record.
    type Effect: Effect;
    /// What the store is asked to accept.
    type Proposal: Clone + fmt::Debug + Send + Sync + 'static;
    /// Why the store does not accept a proposal.
    type Conflict: Clone + fmt::Debug + PartialEq + Send + Sync + 'static;
}

/// A write to be committed together with the saga's advance.
pub trait Effect: Clone + fmt::Debug + Send + Sync + 'static {
    /// The code under which the step is refused if the store's own constraints say no to this effect.
    fn refusal(&self) -> Option<Code>;
}

/// A saga's list of steps.
pub struct Definition<S: Saga> {
    steps: Vec<Arc<dyn AnyStep<S>>>,
}

impl<S: Saga> Default for Definition<S> {
    fn default() -> Self {
        Self { steps: Vec::new() }
    }
}

impl<S: Saga> Definition<S> {
    /// A definition without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next step.
    #[must_use]
    pub fn step(mut self, step: impl Step<S>) -> Self {
        self.steps.push(Arc::new(Erased(step)));
        self
    }

    /// The names of the steps, in order.
    pub fn names(&self) -> Vec<StepName> {
        self.steps.iter().map(|step| step.name()).collect()
    }

    /// What [`crate::plan()`] needs to know of the steps.
    pub(crate) fn route(&self, policy: &Policy) -> Route {
        let legs = self.steps.iter().map(|step| Leg { name: step.name(), retry: step.retry() }).collect();
        Route { legs, undo: policy.undo, stuck_pause: policy.stuck_pause }
    }

    pub(crate) fn find(&self, name: &StepName) -> Option<&Arc<dyn AnyStep<S>>> {
        self.steps.iter().find(|step| step.name() == *name)
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &Arc<dyn AnyStep<S>>> {
        self.steps.iter()
    }

    /// Wraps every step, so that a test can make it refuse, fail or panic.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn sabotaged(self, sabotage: &Arc<dyn crate::testing::Sabotage<S>>) -> Self {
        let wrap = |step| Arc::new(crate::testing::Sabotaged::new(step, Arc::clone(sabotage))) as Arc<dyn AnyStep<S>>;
        Self { steps: self.steps.into_iter().map(wrap).collect() }
    }
}

impl<S: Saga> fmt::Debug for Definition<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition").field("kind", &S::KIND).field("steps", &self.names()).finish()
    }
}
