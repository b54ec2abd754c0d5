//! What things are called in Redis.

use std::collections::BTreeMap;

use saga::{Outline, Saga, StepName};

/// The names of all queues, and of what lies beside them. They hold the saga's kind and newest version: a process takes no
/// hint from a queue whose sagas it could not claim.
#[derive(Debug)]
pub(super) struct Queues {
    steps: BTreeMap<StepName, Queue>,
    /// Where it is told that hints have been pushed: a message is a step's name.
    pub(super) wakes: String,
    /// What is written to see whether anything can be.
    pub(super) probe: String,
}

/// The queue of a step, and what apalis-redis calls its parts.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) step: StepName,
    /// Without a colon, which apalis-redis takes for the end of a queue's name.
    pub(super) name: String,
}

impl Queues {
    pub(super) fn new<S: Saga>(outline: &Outline) -> Self {
        let prefix = format!("{}-{}", S::KIND, outline.version);
        let queue = |step: &StepName| Queue { step: step.clone(), name: format!("{prefix}-{step}") };
        Self {
            steps: outline.steps.iter().map(|step| (step.clone(), queue(step))).collect(),
            wakes: format!("{prefix}-wakes"),
            probe: format!("{prefix}-probe"),
        }
    }

    pub(super) fn of(&self, step: &StepName) -> Option<&Queue> {
        self.steps.get(step)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Queue> {
        self.steps.values()
    }
}

impl Queue {
    /// A list: ids of hints that wait.
    pub(super) fn active(&self) -> String {
        format!("{}:active", self.name)
    }

    /// A sorted set: ids of hints that wait, and that nobody has looked for yet.
    pub(super) fn scheduled(&self) -> String {
        format!("{}:scheduled", self.name)
    }

    /// A hash: the hints' payloads.
    pub(super) fn data(&self) -> String {
        format!("{}:data", self.name)
    }

    /// A hash: what apalis-redis knows of a hint beside its payload.
    pub(super) fn meta(&self, id: &[u8]) -> Vec<u8> {
        [self.name.as_bytes(), b":meta:", id].concat()
    }

    /// Sets: ids of hints that are over.
    pub(super) fn over(&self) -> [String; 2] {
        [format!("{}:done", self.name), format!("{}:dead", self.name)]
    }

    /// A hash: what apalis-redis notes of a worker.
    pub(super) fn worker(&self, name: &str) -> String {
        format!("{}:workers:metadata:{name}", self.name)
    }
}
