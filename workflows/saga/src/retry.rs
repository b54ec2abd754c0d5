//! How often, and after which delays, an attempt is repeated.
//!
//! This is the one module that names the `backoff` crate: it is unmaintained (RUSTSEC-2025-0012) and used here for
//! its arithmetic alone. Neither its clock nor its randomness is used: both would be ambient.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// A retry policy: exponential delays with jitter, and a number of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many attempts there are in all.
    pub attempts: u32,
    /// The delay after the first attempt; each further one is twice as long.
    pub first: Duration,
    /// The longest delay.
    pub longest: Duration,
}

impl Retry {
    /// 8 attempts, 100 ms doubling to at most 10 s.
    pub const STANDARD: Self =
        Self { attempts: 8, first: Duration::from_millis(100), longest: Duration::from_secs(10) };

    /// As many attempts as it takes.
    pub const fn unending(first: Duration, longest: Duration) -> Self {
        Self { attempts: u32::MAX, first, longest }
    }

    /// The delay after attempt `number` (from 1), spread evenly over its upper half.
    ///
    /// `jitter` is in `0.0..1.0`: 0 gives half the delay, and nearly 1 the whole of it.
    pub fn delay(&self, number: u32, jitter: f64) -> Duration {
        let mut steps = ExponentialBackoff {
            current_interval: self.first,
            initial_interval: self.first,
            multiplier: 2.0,
            max_interval: self.longest,
            randomization_factor: 0.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        // Past 32 doublings any delay is at its longest.
        let whole = (0..number.clamp(1, 32)).fold(self.first, |_, _| steps.next_backoff().unwrap_or(self.longest));
        whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let whole = |number| Retry::STANDARD.delay(number, 1.0).as_millis();
        assert_eq!((1..=9).map(whole).collect::<Vec<_>>(), [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(whole(u32::MAX), 10_000);
    }

    #[test]
    fn jitter_takes_away_half_at_most() {
        assert_eq!(Retry::STANDARD.delay(1, 0.0).as_millis(), 50);
        assert_eq!(Retry::STANDARD.delay(1, 0.5).as_millis(), 75);
    }
}
