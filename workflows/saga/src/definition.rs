//! A saga as it is declared: its types, and its list of steps.

use std::fmt;
use std::iter::successors;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::erased::{AnyStep, Erased};
use crate::plan::{Leg, Route};
use crate::{Code, Policy, Step, StepName};

/// The types of one saga.
pub trait Saga: Sized + Send + Sync + fmt::Debug + Clone + 'static {
    /// The name under which its sagas are stored.
    const KIND: &'static str;
    /// What a saga is accepted with and its steps work on.
    type Data: Clone + fmt::Debug + Send + Sync + 'static;
    /// What its steps record.
    type Effect: Effect;
    /// What the store is asked to accept.
    type Proposal: Clone + fmt::Debug + Send + Sync + 'static;
    /// Why the store does not accept a proposal.
    type Conflict: Clone + fmt::Debug + PartialEq + Send + Sync + 'static;

    /// What its ended sagas are told apart by where they are counted: one of a few words, and never personal data.
    fn class(data: &Self::Data) -> &'static str;
}

/// A write to be committed together with the saga's advance.
pub trait Effect: Clone + fmt::Debug + Send + Sync + 'static {
    /// The code under which the step is refused if the store's own constraints say no to this effect.
    fn refusal(&self) -> Option<Code>;
}

/// A saga's list of steps, in its newest version, and in those before it that may still have sagas under way.
pub struct Definition<S: Saga> {
    version: u32,
    steps: Vec<Arc<dyn AnyStep<S>>>,
    before: Option<Box<Self>>,
}

/// A saga's newest version, for whoever tells of it without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The version that sagas are accepted with.
    pub version: u32,
    /// The names of its steps, in order.
    pub steps: Vec<StepName>,
}

impl<S: Saga> Definition<S> {
    /// A version without steps.
    pub fn new(version: u32) -> Self {
        Self { version, steps: Vec::new(), before: None }
    }

    /// What sagas of the version before go on with, to their ends. Its steps keep their names and what they mean.
    #[must_use]
    pub fn after(mut self, before: Self) -> Self {
        self.before = Some(Box::new(before));
        self
    }

    /// Adds the next step.
    #[must_use]
    pub fn step(mut self, step: impl Step<S>) -> Self {
        self.steps.push(Arc::new(Erased(step)));
        self
    }

    /// Its newest version.
    pub fn outline(&self) -> Outline {
        Outline { version: self.version, steps: self.names() }
    }

    /// The versions that it knows.
    pub fn versions(&self) -> RangeInclusive<u32> {
        let oldest = self.known().last().map_or(self.version, |oldest| oldest.version);
        oldest..=self.version
    }

    /// The names of all steps: the newest version's in order, then those that only the ones before it have.
    pub fn all_names(&self) -> Vec<StepName> {
        let mut names = Vec::new();
        for name in self.known().flat_map(Self::names) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The names of the newest version's steps, in order.
    pub(crate) fn names(&self) -> Vec<StepName> {
        self.steps.iter().map(|step| step.name()).collect()
    }

    /// Each version, the newest first.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |newer| newer.before.as_deref())
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// What [`crate::plan()`] needs to know of the newest version's steps.
    pub(crate) fn route(&self, policy: &Policy) -> Route {
        let legs = self.steps.iter().map(|step| Leg { name: step.name(), retry: step.retry() }).collect();
        Route { legs, undo: policy.undo, stuck_pause: policy.stuck_pause }
    }

    pub(crate) fn find(&self, version: u32, name: &StepName) -> Option<&Arc<dyn AnyStep<S>>> {
        let steps = &self.known().find(|known| known.version == version)?.steps;
        steps.iter().find(|step| step.name() == *name)
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &Arc<dyn AnyStep<S>>> {
        self.steps.iter()
    }

    /// Wraps every step, so that a test can make it refuse, fail or panic, and give it less time.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn sabotaged(self, sabotage: &Arc<dyn crate::testing::Sabotage<S>>, pace: crate::testing::Pace) -> Self {
        let wrapped = |step| crate::testing::Sabotaged::new(step, Arc::clone(sabotage), pace);
        let wrap = |step| Arc::new(wrapped(step)) as Arc<dyn AnyStep<S>>;
        let before = self.before.map(|before| Box::new(before.sabotaged(sabotage, pace)));
        Self { version: self.version, steps: self.steps.into_iter().map(wrap).collect(), before }
    }
}

impl<S: Saga> fmt::Debug for Definition<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("kind", &S::KIND)
            .field("version", &self.version)
            .field("steps", &self.names())
            .field("before", &self.before)
            .finish()
    }
}
