//! Time and randomness, handed in so that a test decides them.

use std::time::{Duration, Instant};

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

    /// From half of a pause to all of it: those that began it at the same moment end it at moments of their own.
    fn upper_half(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + 0.5 * self.fraction())
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Jumping(Mutex<Timestamp>);

    impl Clock for Jumping {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_steady_clock_does_not_jump_with_the_clock_that_set_it() {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let machine = Jumping(Mutex::new(start));
        let steady = SteadyClock::set_by(&machine);
        for jump in [-3600, 3600] {
            *machine.0.lock().unwrap() = Timestamp::from_second(1_700_000_000 + jump).unwrap();
            let passed = steady.now().duration_since(start);
            assert!((0..600).contains(&passed.as_secs()), "{passed:?}");
        }
    }

    struct Bits(u128);

    impl Random for Bits {
        fn bits(&self) -> u128 {
            self.0
        }
    }

    #[test]
    fn a_fraction_is_from_0_to_below_1() {
        assert!(Bits(0).fraction().abs() < f64::EPSILON);
        assert!((0.999..1.0).contains(&Bits(u128::MAX).fraction()));
    }

    #[test]
    fn a_pause_is_half_as_long_at_least_and_never_longer() {
        let drawn = [0, 1 << 127, u128::MAX].map(|bits| Bits(bits).upper_half(Duration::from_secs(1)));
        assert_eq!(drawn.map(|pause| pause.as_millis()), [500, 750, 1000]);
    }
}
