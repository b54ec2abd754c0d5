//! Pauses that grow.

use std::time::Duration;

/// The pause after the how-manieth failure in a row, from 1: it doubles, up to the longest.
pub(super) fn pause(failures: u32, first: Duration, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).filter(|factor| *factor > 0).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_the_longest() {
        let pauses = [0, 1, 2, 3, 5, 31, 32, 33, u32::MAX];
        let pauses = pauses.map(|failures| pause(failures, Duration::from_millis(1), Duration::from_millis(10)));
        assert_eq!(pauses.map(|pause| pause.as_millis()), [1, 1, 2, 4, 10, 10, 10, 10, 10]);
    }
}
