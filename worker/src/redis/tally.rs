//! How many hints there were, and what became of them.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::counter;

/// What this process has done with hints since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pushed to Redis.
    pub pushed: u64,
    /// Promised and not pushed, or pushed without an answer: the tick finds their sagas.
    pub dropped: u64,
    /// Not promised, for Redis was away or too many were waiting.
    pub refused: u64,
    /// Taken from Redis.
    pub heard: u64,
    /// Of those that were heard, the ones that led to a claim.
    pub claimed: u64,
    /// Of those that were heard, the ones whose saga was not to be had: somebody else has it, or it is not due.
    pub absorbed: u64,
    /// Of those that were heard, the ones that no slot came free for in time.
    pub crowded: u64,
    /// Of those that were heard, the ones that make no sense.
    pub foreign: u64,
    /// Ends of apalis-redis workers that nobody had asked for.
    pub restarts: u64,
}

/// What became of a hint: a field of [`Counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Pushed,
    Dropped,
    Refused,
    Heard,
    Claimed,
    Absorbed,
    Crowded,
    Foreign,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    hints: [AtomicU64; 8],
    restarts: AtomicU64,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Dropped => "dropped",
            Self::Refused => "refused",
            Self::Heard => "heard",
            Self::Claimed => "claimed",
            Self::Absorbed => "absorbed",
            Self::Crowded => "crowded",
            Self::Foreign => "foreign",
        }
    }
}

impl Tally {
    pub(super) fn count(&self, fate: Fate, by: usize) {
        self.hints[fate as usize].fetch_add(by as u64, Ordering::Relaxed);
        counter!("signup_hints_total", "outcome" => fate.word()).increment(by as u64);
    }

    pub(super) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        counter!("signup_worker_restarts_total", "queue" => "redis").increment(1);
    }

    pub(super) fn counts(&self) -> Counts {
        let read = |fate: Fate| self.hints[fate as usize].load(Ordering::Relaxed);
        Counts {
            pushed: read(Fate::Pushed),
            dropped: read(Fate::Dropped),
            refused: read(Fate::Refused),
            heard: read(Fate::Heard),
            claimed: read(Fate::Claimed),
            absorbed: read(Fate::Absorbed),
            crowded: read(Fate::Crowded),
            foreign: read(Fate::Foreign),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }
}
