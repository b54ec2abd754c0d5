//! How many hints there were, and what became of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// What this process has done with hints since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pushed to Redis.
    pub pushed: u64,
    /// Promised and not pushed, or pushed without an answer: the tick finds their sagas.
    pub dropped: u64,
    /// Taken from Redis.
    pub heard: u64,
    /// Of those that were heard, the ones that led to a claim.
    pub claimed: u64,
    /// Of those that were heard, the ones that no slot came free for in time.
    pub crowded: u64,
    /// Of those that were heard, the ones that make no sense.
    pub foreign: u64,
    /// Ends of apalis-redis workers that nobody had asked for.
    pub restarts: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) pushed: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) heard: AtomicU64,
    pub(super) claimed: AtomicU64,
    pub(super) crowded: AtomicU64,
    pub(super) foreign: AtomicU64,
    pub(super) restarts: AtomicU64,
}

impl Tally {
    pub(super) fn count(number: &AtomicU64, by: usize) {
        number.fetch_add(by as u64, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Counts {
            pushed: read(&self.pushed),
            dropped: read(&self.dropped),
            heard: read(&self.heard),
            claimed: read(&self.claimed),
            crowded: read(&self.crowded),
            foreign: read(&self.foreign),
            restarts: read(&self.restarts),
        }
    }
}
