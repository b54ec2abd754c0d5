//! The port to how far the workers are behind.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::store::Error;
use crate::{Outline, StepName};

/// What waits for a worker.
#[async_trait]
pub trait Backlog: Send + Sync + 'static {
    /// How long the saga that has waited longest has been due and unclaimed; zero if none waits. One that somebody has
    /// claimed does not count, though its lease be over, nor one that is stuck: those do not wait for more workers. Nor do
    /// sagas of versions after this outline's: workers who know them may not be there yet.
    ///
    /// # Errors
    /// [`Error`], where it cannot be read.
    async fn longest_wait(&self, outline: &Outline) -> Result<Duration, Error>;

    /// How many wait, and how many are stuck.
    ///
    /// # Errors
    /// [`Error`], where it cannot be read.
    async fn census(&self, outline: &Outline) -> Result<Census, Error>;
}

/// How many sagas wait, and how many are stuck. More than [`Census::MOST`] of a kind are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Of each step of the outline, those that are due and unclaimed.
    pub waiting: BTreeMap<StepName, u64>,
    /// Those that an operator should look at.
    pub stuck: u64,
}

impl Census {
    /// What is counted at most: so counting stays cheap however many there are.
    pub const MOST: u32 = 10_000;
}
