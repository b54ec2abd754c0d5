//! Times as this API writes them.

use jiff::Timestamp;

/// A time in UTC, with milliseconds: `2026-01-02T03:04:05.250Z`. Every time has the same length.
pub(crate) fn shown(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_three_digits_of_a_second() {
        for (nanoseconds, text) in [
            (0, "2026-01-02T03:04:05.000Z"),
            (250_000_000, "2026-01-02T03:04:05.250Z"),
            (999_999_999, "2026-01-02T03:04:05.999Z"),
        ] {
            assert_eq!(shown(Timestamp::constant(1_767_323_045, nanoseconds)), text);
        }
    }
}
