//! The port to how far the workers are behind.

use std::time::Duration;

use async_trait::async_trait;

use crate::Outline;
use crate::store::Error;

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
}
