//! A clock that is wrong.

use jiff::{SignedDuration, Timestamp};

use crate::Clock;

/// In whose environment this is set, to seconds, a process' clock is so far ahead.
pub const CLOCK_AHEAD: &str = "TESTING_CLOCK_AHEAD";

/// A clock that is so far ahead of another, or behind it.
#[derive(Debug, Clone, Copy)]
pub struct Skewed<C> {
    clock: C,
    ahead: SignedDuration,
}

impl<C: Clock> Skewed<C> {
    /// As far off as this process' environment says.
    ///
    /// # Panics
    /// Where the variable is no number: no test means that.
    pub fn by_environment(clock: C) -> Self {
        let said = std::env::var(CLOCK_AHEAD).unwrap_or_else(|_| "0".to_owned());
        #[expect(clippy::expect_used, reason = "a test that is written wrong")]
        let seconds = said.parse().expect("TESTING_CLOCK_AHEAD is a number of seconds");
        Self { clock, ahead: SignedDuration::from_secs(seconds) }
    }
}

impl<C: Clock> Clock for Skewed<C> {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.ahead
    }
}
