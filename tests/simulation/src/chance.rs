//! Everything that is decided by chance, from one seed.

use std::sync::Mutex;
use std::time::Duration;

use saga::Random;

use crate::lock;

/// The same numbers in the same order, for each seed its own: `SplitMix64`, Steele and others, 2014.
#[derive(Debug)]
pub(crate) struct Chance(Mutex<u64>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let chance = Self(Mutex::new(seed));
        // The first numbers of neighbouring seeds have little to do with each other only from here on.
        chance.word();
        chance
    }

    fn word(&self) -> u64 {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, or 0.
    pub(crate) fn below(&self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.word() % limit).unwrap_or_default()
    }

    /// Once in so many times; never once in 0 times.
    pub(crate) fn one_in(&self, times: usize) -> bool {
        times > 0 && self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn pick<'t, T>(&self, these: &'t [T]) -> Option<&'t T> {
        these.get(self.below(these.len()))
    }

    /// A time from `least` to `most`.
    pub(crate) fn time(&self, least: Duration, most: Duration) -> Duration {
        least + most.saturating_sub(least).mul_f64(self.fraction())
    }

    /// A number of milliseconds from `least` to `most`.
    pub(crate) fn millis(&self, least: u64, most: u64) -> Duration {
        self.time(Duration::from_millis(least), Duration::from_millis(most))
    }
}

impl Random for Chance {
    fn bits(&self) -> u128 {
        u128::from(self.word()) << 64 | u128::from(self.word())
    }
}
