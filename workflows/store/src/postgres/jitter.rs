//! Pauses that many processes do not make in step.

use std::sync::Arc;
use std::time::Duration;

use saga::Random;

/// Where chance comes from, for all that one store waits for.
#[derive(Clone)]
pub(super) struct Jitter(Arc<dyn Random>);

impl Jitter {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self(random)
    }

    /// From half of it to all of it: whoever failed at the same moment comes again at moments of their own.
    pub(super) fn of(&self, pause: Duration) -> Duration {
        self.0.upper_half(pause)
    }
}
