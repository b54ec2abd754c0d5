//! Pauses that many processes do not make in step.

use std::sync::Arc;
use std::time::Duration;

use saga::Random;

/// Where chance comes from, for all that one store waits for.
#[derive(Clone)]
pub(super) struct Jitter(Arc<dyn Random>);

impl Jitter {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self(random)
    }

    /// From half of it to all of it: whoever failed at the same moment comes again at moments of their own.
    pub(super) fn of(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + 0.5 * self.0.fraction())
    }
}

#[cfg(test)]
mod tests {
    use saga::OsRandom;

    use super::*;

    #[test]
    fn a_pause_is_half_as_long_at_least_and_never_longer() {
        let (jitter, whole) = (Jitter::new(Arc::new(OsRandom)), Duration::from_secs(1));
        let drawn: Vec<_> = (0..100).map(|_| jitter.of(whole)).collect();
        assert!(drawn.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{drawn:?}");
        assert!(drawn.iter().max().unwrap().abs_diff(*drawn.iter().min().unwrap()) > whole / 5, "{drawn:?}");
    }
}
