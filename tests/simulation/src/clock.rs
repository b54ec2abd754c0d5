//! The database's clock: the runtime's paused time, and whatever it jumps ahead of it.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use saga::Clock;
use tokio::time::Instant;

use crate::lock;

/// Stands still while there is work, and passes while everything waits.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    begun: Instant,
    ahead: Mutex<Duration>,
}

/// When every history begins.
const BEGINNING: i64 = 1_700_000_000;

impl VirtualClock {
    /// A clock that starts now. Only within a runtime.
    pub(crate) fn start() -> Self {
        Self { begun: Instant::now(), ahead: Mutex::default() }
    }

    /// How much time has passed for everyone but the database.
    pub(crate) fn passed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Puts the database's clock forward.
    pub(crate) fn jump(&self, by: Duration) {
        *lock(&self.ahead) += by;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(BEGINNING).unwrap_or_default() + self.passed() + *lock(&self.ahead)
    }
}
