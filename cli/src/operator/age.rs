//! Times as people say them: `3m ago`, `in 20s`.

use jiff::Timestamp;

/// How long before `now` a time is, or after it.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let millis = now.duration_since(at).as_millis();
    match u64::try_from(millis) {
        Ok(millis) => format!("{} ago", span(millis)),
        Err(_) => format!("in {}", span(u64::try_from(-millis).unwrap_or(u64::MAX))),
    }
}

/// A span of time, in its largest unit.
pub(super) fn span(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (172_799, "47h"), (172_800, "2d")]
        {
            assert_eq!(span(seconds * 1000 + 999), text);
        }
    }

    #[test]
    fn a_time_is_before_now_or_after_it() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(ago(at(999_800), now), "3m ago");
        assert_eq!(ago(now, now), "0s ago");
        assert_eq!(ago(at(1_000_020), now), "in 20s");
    }
}
