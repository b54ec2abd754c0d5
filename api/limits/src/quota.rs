//! What is counted, and what comes of it.

use std::time::Duration;

/// So many in any span of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What clients read: `address`.
    pub name: &'static str,
    /// How many, at least one.
    pub limit: u32,
    /// In how long.
    pub window: Duration,
}

/// What is counted against a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The quota.
    pub quota: Quota,
    /// Whose: a keyed hash, which says nothing of them.
    pub whose: u128,
}

/// How it stands with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The bucket's quota.
    pub quota: Quota,
    /// How many more are allowed now.
    pub left: u32,
    /// After how long there is one more than now; zero where all are there.
    pub more_in: Duration,
}

/// Whether something may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// How it stands with each bucket after that, in their order.
    pub standings: Vec<Standing>,
}

impl Decision {
    /// After how long it would be allowed: the longest wait of the buckets that are empty.
    pub fn retry_after(&self) -> Duration {
        let empty = self.standings.iter().filter(|standing| standing.left == 0);
        empty.map(|standing| standing.more_in).max().unwrap_or_default()
    }
}
