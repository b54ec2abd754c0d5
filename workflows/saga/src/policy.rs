//! The engine's limits, in one place.

use std::time::Duration;

use crate::{Definition, Retry, Saga, StepName};

/// Limits on everything the engine waits for.
///
/// They hang together: a claim, the wait for a free hand, the step and its commit must fit into one lease, which is
/// never renewed. [`Policy::check`] holds that at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a claim holds a saga, by the database's clock.
    pub lease: Duration,
    /// What is kept back of the lease for the difference between two clocks' pace.
    pub margin: Duration,
    /// How long a claim statement may take.
    pub claim: Duration,
    /// How long a claimed job may wait for a free hand.
    pub wait: Duration,
    /// How long a commit may take, the wait for a connection included.
    pub commit: Duration,
    /// The longest pause before a job that was handed back for lack of time is due.
    pub hand_back_pause: Duration,
    /// How long an error of the store is retried.
    pub store_patience: Duration,
    /// How long a saga may take to get past its first step.
    pub expiry: Duration,
    /// The delays between attempts of a compensation; past its attempts the saga is stuck, and is tried on.
    pub undo: Retry,
    /// The delay between attempts of a stuck compensation.
    pub stuck_pause: Duration,
    /// How long a step may be silent, from its first claim, before the saga is marked stuck.
    pub silence: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency: Duration,
}

impl Policy {
    /// The service's policy.
    pub const STANDARD: Self = Self {
        lease: Duration::from_secs(20),
        margin: Duration::from_secs(1),
        claim: Duration::from_secs(4),
        wait: Duration::from_secs(2),
        commit: Duration::from_secs(6),
        hand_back_pause: Duration::from_millis(500),
        store_patience: Duration::from_secs(5),
        expiry: Duration::from_mins(15),
        undo: Retry { attempts: 5, ..Retry::STANDARD },
        stuck_pause: Duration::from_mins(5),
        silence: Duration::from_secs(45),
        idempotency: Duration::from_hours(24),
    };

    /// Holds that one claim with its wait, its step and its commit fits into a lease, for every step, that no two
    /// steps of a version share a name, and that versions follow each other.
    ///
    /// # Errors
    /// Names the first that is wrong.
    pub fn check<S: Saga>(&self, definition: &Definition<S>) -> Result<(), Misfit> {
        for (newer, older) in definition.known().zip(definition.known().skip(1)) {
            if older.version() + 1 != newer.version() {
                return Err(Misfit::Version { newer: newer.version(), older: older.version() });
            }
        }
        definition.known().try_for_each(|known| self.check_one(known))
    }

    fn check_one<S: Saga>(&self, definition: &Definition<S>) -> Result<(), Misfit> {
        let names = definition.names();
        for (index, step) in definition.steps().enumerate() {
            let needs = self.claim + self.wait + step.timeout() + self.commit + self.margin;
            if needs >= self.lease {
                return Err(Misfit::Lease { step: step.name(), needs, lease: self.lease });
            }
            if names[..index].contains(&step.name()) {
                return Err(Misfit::Name(step.name()));
            }
        }
        Ok(())
    }
}

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A step does not fit into a lease.
    #[error("step {step} needs {needs:?} from claim to commit, and a lease lasts {lease:?}")]
    Lease {
        /// The step.
        step: StepName,
        /// What it needs.
        needs: Duration,
        /// What there is.
        lease: Duration,
    },
    /// A version is not followed by the next.
    #[error("version {newer} is said to come after version {older}")]
    Version {
        /// The later one.
        newer: u32,
        /// What is said to come before it.
        older: u32,
    },
    /// Two steps have this name.
    #[error("two steps are called {0}")]
    Name(StepName),
}
