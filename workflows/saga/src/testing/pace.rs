//! Less time for everything, so that a test need not wait for a lease's end.

use std::time::Duration;

use crate::{Policy, Retry};

/// How much of its time everything has: 1 is all of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// In whose environment this is set, to a number from 0 to 1, a process is so much quicker to give up.
    pub const VARIABLE: &str = "TESTING_PACE";
    /// In whose environment this is set, so much less time have the clients of a process.
    pub const OF_CLIENTS: &str = "TESTING_PACE_OF_CLIENTS";
    /// All of its time.
    pub const STANDARD: Self = Self(1.0);

    /// This process'.
    ///
    /// # Panics
    /// Where the variable is no such number: no test means that.
    pub fn of_environment() -> Self {
        Self::of_variable(Self::VARIABLE)
    }

    /// This process' clients'.
    ///
    /// # Panics
    /// Where the variable is no such number.
    pub fn of_clients() -> Self {
        Self::of_variable(Self::OF_CLIENTS)
    }

    fn of_variable(name: &str) -> Self {
        let Ok(said) = std::env::var(name) else { return Self::STANDARD };
        #[expect(clippy::expect_used, reason = "a test that is written wrong")]
        let part: f64 = said.parse().expect("a pace is a number");
        assert!((0.001..=1.0).contains(&part), "{name} is {part}");
        Self(part)
    }

    /// A time at this pace.
    pub fn of(self, time: Duration) -> Duration {
        time.mul_f64(self.0)
    }

    /// The limits that the engine has for a claim and what follows it, at this pace. How old a sign-up may become, and a
    /// key, stays.
    #[must_use]
    pub fn hurry(self, policy: Policy) -> Policy {
        Policy {
            lease: self.of(policy.lease),
            margin: self.of(policy.margin),
            claim: self.of(policy.claim),
            wait: self.of(policy.wait),
            commit: self.of(policy.commit),
            hand_back_pause: self.of(policy.hand_back_pause),
            store_patience: self.of(policy.store_patience),
            undo: Retry { first: self.of(policy.undo.first), longest: self.of(policy.undo.longest), ..policy.undo },
            stuck_pause: self.of(policy.stuck_pause),
            silence: self.of(policy.silence),
            expiry: policy.expiry,
            idempotency: policy.idempotency,
        }
    }
}
