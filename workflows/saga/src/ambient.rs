//! Time and randomness, handed in so that a test decides them.

use std::time::Instant;

use jiff::Timestamp;

/// The wall clock. Deadlines inside the process use the runtime's monotonic clock instead.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A source of randomness for ids and jitter; not for keys.
pub trait Random: Send + Sync + 'static {
    /// 128 random bits.
    fn bits(&self) -> u128;

    /// A number in `0.0..1.0`, evenly spread.
    fn fraction(&self) -> f64 {
        let bits = u32::try_from(self.bits() >> 96).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that is set once, and then neither jumps nor goes back: what the machine's clock said at its start, and the
/// time that has passed since. Time that the machine sleeps through does not pass.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    set_to: Timestamp,
    at: Instant,
}

impl SteadyClock {
    /// A clock that is set by `clock`, now.
    pub fn set_by(clock: &dyn Clock) -> Self {
        Self { set_to: clock.now(), at: Instant::now() }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.set_to + self.at.elapsed()
    }
}

/// Randomness seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws ambient randomness")]
    fn bits(&self) -> u128 {
        rand::random()
    }
}
