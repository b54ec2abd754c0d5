//! The port to how far the workers are behind.

use std::time::Duration;

use async_trait::async_trait;

use crate::Outline;
use crate::store::Error;

/// What waits for a worker.
#[async_trait]
pub trait Backlog: Send + Sync + 'static {
    /// How long the saga that has waited longest has been due with nobody working on it; zero if none waits. Sagas of
    /// versions after this outline's do not count: workers who know them may not be there yet.
    ///
    /// # Errors
    /// [`Error`], where it cannot be read.
    async fn longest_wait(&self, outline: &Outline) -> Result<Duration, Error>;
}
