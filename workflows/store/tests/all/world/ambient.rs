//! Time and randomness that a test decides.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use saga::{Clock, Random};

/// A clock that stands still until it is moved.
pub(crate) struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Timestamp::from_millisecond(1_700_000_000_000).unwrap()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The same numbers in the same order, for each seed its own: `SplitMix64`, Steele and others, 2014.
pub(crate) struct Seeded(Mutex<u64>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub(crate) fn word(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&self, limit: usize) -> usize {
        usize::try_from(self.word() % u64::try_from(limit).unwrap()).unwrap()
    }
}

impl Random for Seeded {
    fn bits(&self) -> u128 {
        u128::from(self.word()) << 64 | u128::from(self.word())
    }
}
